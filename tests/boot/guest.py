"""A whole machine in User-Mode Linux, with an init system: power, a disk that outlives it, and a root shell.

What is in it: tests/boot/disk.py.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
from pathlib import Path

from disk import Image

_BOOT = 300.0  # seconds, many times what it takes on an idle core
_JOB = 300.0
_READY = "ready"


class Guest:
    """One machine. What it writes to its disk goes into a layer above an image, which may be a copy of another's."""

    def __init__(self, image: Image, name: str, disk: Path | None = None) -> None:
        """A directory ``name`` is made in what the machine sees as /outside."""
        self._image = image
        self._home = image.outside / name
        self._home.mkdir()
        self.disk = self._home / "disk"
        if disk:
            subprocess.run(["cp", "--sparse=always", disk, self.disk], check=True)
        self._jobs = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_on(self) -> bool:
        return self._process is not None

    def boot(self) -> str:
        """Switch it on; returns the console's text once it is up."""
        ours, theirs = socket.socketpair()
        serial = f"fd:{theirs.fileno()},fd:{theirs.fileno()}"
        command = ["linux.uml", f"ubd0={self.disk},{self._image.path}", "root=/dev/ubda", "mem=256M", "quiet",
                   f"uml_dir={self._home}", "con=null", "con0=null,fd:1", f"con1={serial}",
                   *self._image.kernel]  # fmt: skip
        with theirs, (self._home / "console").open("wb") as console:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console,
                                             stderr=subprocess.STDOUT, pass_fds=[theirs.fileno()],
                                             start_new_session=True)  # fmt: skip
        self._channel = ours
        self._lines = ours.makefile("r")
        return self._until_ready()

    def run(self, script: str, code: int = 0) -> str:
        """stdout and stderr of a shell script, run by root in /root; it ends at the first command that fails."""
        name = self._send(script)
        ended = self._line(_JOB)
        said = (self._home.parent / f"{name}.said").read_text()
        assert ended == str(code), said
        return said

    def write(self, path: str, text: str) -> None:
        (self._home / "file").write_text(text)
        self.run(f"cp /outside/{self._home.name}/file {path}")

    def reboot(self) -> str:
        """As an admin does it; returns what the console shows on the way down. The machine is up again afterwards."""
        before = len(self.console())
        self._send("reboot")
        self._until_ready()
        return self.console()[before:].partition("reboot: Restarting system")[0]

    def power_off(self) -> str:
        """As an admin does it; returns what the console shows meanwhile."""
        assert self._process
        before = len(self.console())
        self._send("poweroff")
        self._process.wait(_BOOT)
        self.cut_power()
        return self.console()[before:]

    def cut_power(self) -> None:
        """Whatever it was doing; what it had not yet written to its disk is lost."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._channel.close()

    def console(self) -> str:
        return (self._home / "console").read_text(errors="replace").replace("\r", "")

    def _send(self, script: str) -> str:
        name = f"{self._home.name}/job{next(self._jobs)}"
        (self._home.parent / name).write_text(script)
        self._channel.sendall(f"{name}\n".encode())
        return name

    def _until_ready(self) -> str:
        while self._line(_BOOT) != _READY:  # the exit code of what has called for the reboot, if it lived to see it
            pass
        return self.console()

    def _line(self, seconds: float) -> str:
        self._channel.settimeout(seconds)
        try:
            line = self._lines.readline()
        except socket.timeout:
            line = ""
        if not line:
            self.cut_power()
        assert line, f"the machine has stopped answering; its console:\n{self.console()}"
        return line.strip()
