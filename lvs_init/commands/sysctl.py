"""sysctl(8): kernel settings."""

from __future__ import annotations

from collections.abc import Sequence

from lvs_init.commands.command import Command
from lvs_init.model.network import SysctlKey, dotted


def write(pairs: Sequence[tuple[str, str]]) -> Command:
    """Sets every (path, value) in order. Paths have slashes, as in SysctlKey.

    sysctl(8) goes on after one that fails and then ends with a status other than 0.
    """
    return Command(("sysctl", "-w", *(f"{dotted(path)}={value}" for path, value in pairs)))


def proc_path(key: SysctlKey) -> str:
    """The file that holds the setting."""
    return f"/proc/sys/{key.path}"


def normalise(text: str) -> str:
    """A setting as it is read -> the value that a State holds: blanks folded (``3\\t50\\n`` -> ``3 50``)."""
    return " ".join(text.split())
