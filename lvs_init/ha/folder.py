"""What was found on a machine: a directory with Heartbeat's files, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Found:
    """A file. ``text`` None: it is absent or, where ``why`` says so, cannot be read. ``owner``: a user id."""

    text: str | None = field(repr=False, default=None)
    mode: int = 0
    owner: int = 0
    why: str = ""


@dataclass(frozen=True)
class Folder:
    """A directory such as /etc/ha.d. ``files``: by name."""

    path: str
    files: Mapping[str, Found]

    def text(self, name: str) -> str | None:
        """None where it is absent or cannot be read."""
        return self.files.get(name, Found()).text


@dataclass(frozen=True)
class Host:
    """The machine that the files are for, as far as it could be asked.

    ``node``: ``uname -n``. ``scripts``: names of resource scripts; None: not looked at. ``at_boot``: init scripts that
    are started at boot. ``parameters``: STONITH plugin -> its parameters' names, None where it is not known.
    ``not_executable``: programs that ha.cf names and that cannot be run.
    """

    node: str = ""
    scripts: frozenset[str] | None = None
    at_boot: frozenset[str] | None = None
    parameters: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    not_executable: frozenset[str] = frozenset()
