"""What the hosts of a rehearsal are doing, to be looked at again and again while something else is waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.server import LOG

_STATISTICS = "/proc/net/ip_vs_stats"


@dataclass(frozen=True)
class Doing:
    """``count``: of what a real server was asked, or of what connections a director has forwarded; None: it does not
    say. ``rate``: how many more a second since the last look. ``state``: what its script has said."""

    host: str
    directs: bool
    count: int | None
    rate: float
    state: str


class Watch:
    """Directors and real servers. Reads what was written since the last look alone."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._counts: dict[str, int] = {}
        self._sizes: dict[str, int] = {}  # bytes of each log that were read
        self._when = time.monotonic()

    def look(self) -> list[Doing]:
        """Every director and real server, in the order of the topology."""
        now = time.monotonic()
        seconds, self._when = now - self._when, now
        found = []
        for host in self._rehearsal.topology.hosts:
            if host.directs or host.rips:
                before = self._counts.get(host.name, 0)
                count = self._count(host.name, host.directs)
                rate = (count - before) / seconds if count is not None and seconds else 0.0
                found.append(Doing(host.name, host.directs, count, rate, self._rehearsal.states.get(host.name, "")))
        return found

    def _count(self, name: str, directs: bool) -> int | None:
        node = self._rehearsal.nodes[name]
        try:
            self._counts[name] = _forwarded(node) if directs else self._counts.get(name, 0) + self._news(name, node)
        except LabError:  # it is dead, or has no table yet
            return None
        return self._counts[name]

    def _news(self, name: str, node: Node) -> int:
        text = node.read(LOG, self._sizes.get(name, 0))
        self._sizes[name] = self._sizes.get(name, 0) + len(text)
        return text.count("\n")


def _forwarded(node: Node) -> int:
    """Connections since it has a table: the first hexadecimal number (Linux net/netfilter/ipvs/ip_vs_ctl.c)."""
    return int(node.read(_STATISTICS).splitlines()[2].split()[0], 16)
