"""stdout and stderr of an init script, which must never be what makes it fail.

At boot and under Heartbeat they may be closed, a pipe that nobody reads or a file on a full disk. Python then prints a
traceback, or turns an exit code of 0 into 120 when it flushes at the end; status and start would lie.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn, TextIO


def hold_standard_descriptors() -> None:
    """Open /dev/null for each of the descriptors 0, 1, 2 that is closed, so that no other file gets its number.

    To be called first of all: a mutex that became descriptor 1 would be lost to commands, whose stdout that is.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is taken, which is this one, because those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def out(text: str) -> None:
    """One line, or several, on stdout. Never raises; a line end is added."""
    _write(sys.stdout, text)


def err(text: str) -> None:
    """One line, or several, on stderr. Never raises; a line end is added."""
    _write(sys.stderr, text)


def finish(code: int) -> NoReturn:
    """Flush what can be flushed and leave with exactly this code, past anything that could change it on the way."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    # Whatever a configuration or a tool's message brought along, the console of a machine that boots reads ASCII.
    text = text.encode("ascii", "backslashreplace").decode("ascii")
    # ValueError: closed by somebody in this process. Flushed at once, so that the lines keep their order in a log
    # that both streams go to.
    with contextlib.suppress(OSError, ValueError):
        stream.write(text + "\n")
        stream.flush()
