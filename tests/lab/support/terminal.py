"""A person at a terminal: a script runs in a session of its own, and something happens once it has asked."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import time
from typing import Callable

from lvs_init.lab import children, isolation
from lvs_init.lab.place import ROOT
from lvs_init.system.mutex import Mutex
from support import hooks

KEEPER = "keeper.lock"
PATIENCE = 30.0


def at(script: str, arguments: list[str], question: str, then: str) -> tuple[int, str]:
    """``then``: what is typed once the question stands there, "hang up" or "kill"; returns the exit code, minus a
    signal's number, and all that was on the screen."""
    _terminals()
    pid, terminal = pty.fork()
    if pid == 0:
        hooks.hurried()
        try:
            code = children.run_script([f"{ROOT}/bin/{script}", *arguments], children.ENVIRONMENT, None, {})
        finally:
            os._exit(code)
    seen = ""
    while question not in seen:
        seen += _read(terminal)
    if then == "hang up":
        os.close(terminal)
    elif then == "kill":
        os.kill(pid, signal.SIGKILL)
    else:
        os.write(terminal, then.encode())
    _, status = os.waitpid(pid, 0)
    if then != "hang up":
        while piece := _read(terminal):
            seen += piece
        os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


def _terminals() -> None:
    """Hosts have none until somebody needs one."""
    if not os.path.exists("/dev/pts/ptmx"):
        os.mkdir("/dev/pts")
        isolation.mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666")
        os.symlink("pts/ptmx", "/dev/ptmx")


def _read(terminal: int) -> str:
    if not select.select([terminal], [], [], PATIENCE)[0]:
        raise TimeoutError("nothing on the screen")
    try:
        return os.read(terminal, 4096).decode("utf-8", "replace")
    except OSError:  # what Linux answers when nobody has the other end open
        return ""


def gone(path: str) -> None:
    """Wait for a file to go."""
    _awaited(lambda: not os.path.lexists(path))


def keeper_gone() -> None:
    """Wait until no keeper is at work, and remove what a killed one has left."""
    _awaited(lambda: not Mutex("/run/lvs", KEEPER).holder())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/run/lvs/{KEEPER}")


def kill_keeper() -> None:
    """SIGKILL to the keeper, as soon as it is at work."""
    mutex = Mutex("/run/lvs", KEEPER)
    _awaited(mutex.holder)
    os.kill(mutex.holder(), signal.SIGKILL)


def _awaited(come: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not come():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not after {PATIENCE} s")
        time.sleep(0.02)
