"""A process that outlives its caller and has nothing of its caller's."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from lvs_init.errors import SystemFailure

_LOST = 255  # exit status of the process between, where there is no errno to tell


def detach(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start a program in a session of its own, whose parent is init. Raises SystemFailure where it cannot be started.

    It has /dev/null for stdin, stdout and stderr and no other descriptor: the mutex must not live on in it, nor a pipe
    that our caller waits to see closed. Signals that our caller ignores or blocks reach it. Who kills our caller with
    all its children does not kill it.
    """
    try:
        between = os.fork()
    except OSError as error:
        raise SystemFailure(f"cannot start {argv[0]}: {error.strerror}") from error
    if between == 0:
        os._exit(_start(argv, environment))
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])
    except ChildProcessError:  # our caller ignores SIGCHLD, so its end is told to nobody
        code = 0
    if code:
        reason = os.strerror(code) if 0 < code < _LOST else "the process between ended badly"
        raise SystemFailure(f"cannot start {argv[0]}: {reason}")


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """In the process between: 0, or the errno that says why not. Never raises: its caller's code is not its to run."""
    try:
        files: list[tuple[int, ...] | tuple[int, int, str, int, int]] = []
        files += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        files += [(os.POSIX_SPAWN_CLOSE, number) for number in _inherited()]
        os.posix_spawn(
            argv[0],
            tuple(argv),
            environment,
            file_actions=files,
            setsid=True,
            setsigmask=(),
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )
    except OSError as error:
        return error.errno or _LOST
    except BaseException:  # noqa: BLE001 - whatever it is, it ends here
        return _LOST
    return 0


def _inherited() -> list[int]:
    """Descriptors above stderr that a program would get; Python opens its own so that none of them is."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found
