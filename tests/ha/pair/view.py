"""What is seen of a pair while something happens to it: by both nodes, by ARP, and by clients.

with View(pair) as view:
    pair.kill("node1")
    pair.await_holders("node2")
    seen = view.finish()
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from lvs_init.lab.steady import Became, SteadyLoad
from pair.control import VIP
from pair.lab import SERVERS, Pair

#: A client that waits for an answer for one second, and then asks anew.
_PATIENCE = 1.0
_LONG = 60.0
#: Both nodes, all that they start and all who look share one processor. A download takes two minutes unless its reader
#: hurries, which it does at the end.
_PAUSE, _SIZE = 0.1, 5 << 19  # seconds, bytes
_ARP_LOG = "/run/arp"


@dataclass(frozen=True)
class Seen:
    """holders: when, by the lab's clock, and which nodes had the VIP from then on. answers: the same of who answered
    each ARP probe. announcements: who told its neighbours unasked. requests, downloads: what became of them."""

    holders: Sequence[tuple[float, tuple[str, ...]]]
    answers: Sequence[tuple[float, tuple[str, ...]]]
    announcements: Sequence[tuple[float, str]]
    requests: Became
    downloads: Became

    @property
    def at_once(self) -> int:
        """How many had the VIP at the worst moment, by their own tables or by ARP."""
        return max(len(names) for _, names in (*self.holders, *self.answers))

    @property
    def gap(self) -> float:
        """The longest time in seconds in which no client was answered."""
        return self.requests.gap

    def __str__(self) -> str:
        return (
            f"{self.requests.losses} of {self.requests.asked} requests lost, longest gap {self.gap:.1f} s, "
            f"{sum(self.downloads.done['download'].values())} downloads done, {self.downloads.losses} broken"
        )


class View:
    """A context manager; all that looks or asks is gone after it."""

    def __init__(self, pair: Pair, downloads: Sequence[str] = tuple(SERVERS)) -> None:
        """downloads: the real servers of which a long download is under way."""
        self._pair = pair
        self._servers = downloads

    def __enter__(self) -> View:
        with contextlib.ExitStack() as stack:
            pair = self._pair
            self._log = f"{pair.home}.seen"
            watch = pair.place.switch.serve("pair.eyes:watch", home=pair.home, address=VIP, log=self._log)
            stack.callback(watch.kill)
            listen = pair.client.serve("pair.eyes:listen", interface="eth0", address=VIP, log=_ARP_LOG)
            stack.callback(listen.kill)
            self._downloads = stack.enter_context(
                SteadyLoad(pair.client, VIP, new=0, kept=0, downloads=self._servers, timeout=_LONG, size=_SIZE)
            )
            self._requests = stack.enter_context(
                SteadyLoad(pair.client, VIP, new=2, kept=0, timeout=_PATIENCE, pause=_PAUSE)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def advance(self, requests: int = 6) -> Became:
        """Wait until so many more requests have had their end, and downloads, where any go on, have got more."""
        self._downloads.advance(sips=1)
        return self._requests.advance(requests=requests)

    def look(self) -> Became:
        """What became of the requests until now."""
        return self._requests.look()

    def finish(self) -> Seen:
        """Wait for all that is under way, and tell."""
        requests, downloads = self._requests.finish(), self._downloads.finish()
        holders = [_moment(line) for line in self._pair.place.switch.read(self._log).splitlines()]
        heard = [line.split() for line in self._pair.client.read(_ARP_LOG).splitlines()]
        return Seen(
            holders,
            list(self._answers(heard)),
            [(float(when), self._pair.owner(mac)) for when, mac, kind in heard if kind == "announcement"],
            requests,
            downloads,
        )

    def _answers(self, heard: Sequence[Sequence[str]]) -> list[tuple[float, tuple[str, ...]]]:
        found: list[tuple[float, set[str]]] = []
        for when, mac, kind in heard:
            if kind == "probe":
                found.append((float(when), set()))
            elif kind == "answer":
                found[-1][1].add(self._pair.owner(mac))
        told = [(when, tuple(sorted(names))) for when, names in found]
        return [told[0], *(later for earlier, later in itertools.pairwise(told) if earlier[1] != later[1])]


def _moment(line: str) -> tuple[float, tuple[str, ...]]:
    when, *names = line.split()
    return float(when), tuple(names)
