"""A Debian with sysvinit in a directory: what runs in it has file system, network and processes of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYSV, SYSTEMD = ROOT / "build/sysv", ROOT / "build/systemd"
# A chroot in namespaces: nothing that a package's scripts do there reaches this machine's network or processes.
_SHELL = "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C sh -ec"
_ENTER = f"""
mount -t proc proc "$0/proc"
exec chroot "$0" {_SHELL} "$1"
"""
_AROUND = f"""
mount -t proc proc "$0/proc"
cd "$0/tmp"
exec {_SHELL} "$1" "$0"
"""
_NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
# What is dpkg's own, and stays when a package is purged.
_NOT_OURS = ("var/lib/dpkg", "var/log", "var/cache")


class Machine:
    """A copy of build/sysv below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run(["cp", "--archive", "--reflink=auto", SYSV, root], check=True)

    def run(self, script: str, code: int = 0) -> str:
        """stdout and stderr of a shell script; one network lasts as long as one script."""
        return self._shell(_ENTER, script, code)

    def around(self, script: str) -> str:
        """The same in its namespaces but with this machine's files and tools; $0 is its root directory."""
        return self._shell(_AROUND, script, 0)

    def _shell(self, enter: str, script: str, code: int) -> str:
        ended = subprocess.run(["unshare", *_NAMESPACES, "sh", "-ec", enter, self.root, script], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        assert ended.returncode == code, ended.stdout
        return ended.stdout

    def install(self, deb: Path) -> str:
        """Install or upgrade from a file, as apt would."""
        return self.run(f"dpkg --install {self.bring(deb)}")

    def bring(self, file: Path) -> str:
        """Copy a file into /tmp; returns its path there."""
        subprocess.run(["cp", file, self.root / "tmp"], check=True)
        return f"/tmp/{file.name}"

    def bring_checkout(self, path: str) -> None:
        """Copy what make install needs, as git has it and as it is being edited."""
        target = self.root / path.lstrip("/")
        target.mkdir()
        parts = [part for part in ROOT.iterdir() if part.name not in ("build", "tests") and part.name[0] != "."]
        subprocess.run(["cp", "--archive", *parts, target], check=True)

    def write(self, path: str, text: str) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def files(self) -> set[str]:
        """Everything but what dpkg keeps for itself."""
        found = set()
        for directory, names, files in os.walk(self.root):
            relative = os.path.relpath(directory, self.root)
            names[:] = [name for name in names if not os.path.normpath(f"{relative}/{name}").startswith(_NOT_OURS)]
            found |= {os.path.normpath(f"{relative}/{name}") for name in [*names, *files]}
        return {name for name in found if not name.startswith(("tmp/", "proc/"))}

    def links(self, name: str) -> dict[str, str]:
        """Runlevel -> S or K, of one script."""
        return {link.parent.name[2]: link.name[0] for link in self.root.glob(f"etc/rc?.d/[SK][0-9][0-9]{name}")}

    def place(self, level: str, name: str) -> int:
        """The number of a script's link in a runlevel; those of one number run side by side."""
        (link,) = self.root.glob(f"etc/rc{level}.d/[SK][0-9][0-9]{name}")
        return int(link.name[1:3])
