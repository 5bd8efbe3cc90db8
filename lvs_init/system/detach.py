"""A process that outlives its caller and has nothing of its caller's."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from lvs_init.errors import SystemFailure


def detach(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a program in a session of its own; its process id.

    It has /dev/null for stdin, stdout and stderr and no other descriptor: the mutex must not live on in it, nor a pipe
    that our caller waits to see closed. Signals that our caller ignores or blocks reach it. Raises SystemFailure.
    """
    actions = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    try:
        return os.posix_spawn(
            argv[0],
            tuple(argv),
            environment,
            file_actions=[*actions, *((os.POSIX_SPAWN_CLOSE, number) for number in _inherited())],
            setsid=True,
            setsigmask=(),
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )
    except (OSError, NotImplementedError) as error:
        raise SystemFailure(f"cannot start {argv[0]}: {error}") from error


def _inherited() -> list[int]:
    """Descriptors above stderr that a program would get; Python opens its own so that none of them is."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found
