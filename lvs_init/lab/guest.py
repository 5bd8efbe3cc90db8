"""Starting the inside of the lab: a User-Mode Linux guest (user-mode-linux(1)) or a process in this kernel.

Both are given the window's directory and one end of the doorbell, and both end when the other end is closed: by us,
or by the kernel when we die.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from lvs_init.errors import LvsError
from lvs_init.lab.boot import UML_MODULES

_KERNEL = "linux.uml"
_ENDING = 5.0  # seconds for an orderly end


class LabError(LvsError):
    """The lab itself failed, not what is tried in it."""


@dataclass
class Inside:
    """The process that carries the inside."""

    process: subprocess.Popen[bytes]
    doorbell: socket.socket
    directory: str
    log: str

    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """End it and everything in it. The guest's kernel runs its processes as traced children in the session that
        we made for it; nothing in there is worth an orderly power-off."""
        self.doorbell.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_ENDING)
        shutil.rmtree(self.directory, ignore_errors=True)


def why_not_here() -> str | None:
    """Why this kernel cannot be the lab; None when it can."""
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/proc/net/ip_vs"):
        return "ip_vs is not loaded (modprobe ip_vs)"
    return None


def why_no_guest() -> str | None:
    """Why no guest can be started; None when one can."""
    if not shutil.which(_KERNEL):
        return f"{_KERNEL} is not installed (apt-get install user-mode-linux)"
    if not os.path.isdir(UML_MODULES):
        return f"{UML_MODULES} is missing (apt-get install --reinstall user-mode-linux)"
    return None


def start_guest(directory: str, program: Sequence[str], megabytes: int, log: str) -> Inside:
    """Start a guest whose first process is `program`. directory: what it may leave files in; log: its console."""
    ours, theirs = socket.socketpair()
    if any(" " in word for word in (directory, *program)):
        raise LabError(f"no blanks can be on a kernel's command line: {directory} {program}")
    init, *arguments = program
    command = [
        _KERNEL,
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        f"mem={megabytes}M",
        "quiet",
        "panic=-1",
        f"uml_dir={directory}",
        "con=null",
        "con0=null,fd:1",
        f"con1=fd:{theirs.fileno()},fd:{theirs.fileno()}",
        f"init={init}",
        "--",
        *arguments,
    ]
    inside = _start(command, ours, theirs, directory, log)
    # A guest has one processor. Its kernel and its programs are processes here that wait for each other at every system
    # call: on one processor that takes half as long as on several. What they start stays there (sched_setaffinity(2)).
    with contextlib.suppress(OSError):
        os.sched_setaffinity(inside.process.pid, {random.choice(sorted(os.sched_getaffinity(0)))})
    return inside


def start_here(directory: str, program: Sequence[str], log: str) -> Inside:
    ours, theirs = socket.socketpair()
    return _start([*program, str(theirs.fileno())], ours, theirs, directory, log)


def _start(command: Sequence[str], ours: socket.socket, theirs: socket.socket, directory: str, log: str) -> Inside:
    with theirs, open(log, "ab") as console:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return Inside(process, ours, directory, log)
