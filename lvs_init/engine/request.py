"""What is asked of the engine and what it answers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from lvs_init.errors import LvsError

DIRECTOR = "director"
REALSERVER = "realserver"


@dataclass(frozen=True)
class Options:
    """How a verb is to be carried out.

    ``dry_run``: say what would be done, do nothing. ``strict``: nothing may be left out. ``full``: restart tears down
    first. ``force``: do what is refused for safety. ``prune``: a real server's reload removes stale VIPs too.
    ``takeover``: a cluster manager calls, and a VIP that its former owner still has must not keep the service down.
    """

    dry_run: bool = False
    strict: bool = False
    full: bool = False
    force: bool = False
    prune: bool = False
    takeover: bool = False


@dataclass(frozen=True)
class Target:
    """One role of one cluster: ``instance`` is the configuration file's stem, ``file`` its path."""

    role: str
    instance: str
    file: str


class Result(enum.Enum):
    """How a verb ended."""

    DONE = "done"  # it took steps, and they hold
    NOTHING = "nothing"  # there was nothing to do
    SHOWN = "shown"  # dry run
    NOT_RUNNING = "not running"  # reload of a stopped one
    FAILED = "failed"  # the outcome's error says why


@dataclass
class Outcome:
    """What happened to one target. ``warnings`` are left-outs and risks, ``notes`` what was left alone and why.

    ``error``: why it failed. ``script``: the commands of a dry run as sh text. ``degraded``: what was left out, a
    sentence each.
    """

    target: Target
    result: Result
    steps: int = 0
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    script: str = ""
    error: LvsError | None = None
    stance: str = ""  # of one of a pair of directors: what it has come to
    facts: str = ""  # for the success line: "2 services, 3 VIPs, 8 real servers"


#: Called with the name of what happens next ("journal", "step 3", ...): progress for people, kill points for tests.
Listener = Callable[[str], None]


def nobody_listens(_event: str) -> None:
    """The listener of those who want to hear nothing."""
