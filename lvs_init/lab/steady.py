"""A steady load seen from outside: begun on a host, asked what became of it, finished.

with SteadyLoad(client, "192.168.0.219", downloads=["rs1", "rs2"]) as load:
    ...
    load.advance(requests=5)
    ...
    print(load.finish())  # "0 lost; 512 requests, 2 downloads done, 0 go on"
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from lvs_init.lab.load import Told
from lvs_init.lab.node import Node, Serving

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Loss:
    """Requests that were lost in the same way. kind, how: words of lab/load.py. error: as traffic.name_of() has it.
    server: who had answered on the connection before, "" for nobody. first: in seconds since the load began."""

    kind: str
    how: str
    error: str
    server: str
    times: int
    first: float

    def __str__(self) -> str:
        by = f" by {self.server}" if self.server else ""
        return f"{self.times} x {self.kind}{by} {self.how} ({self.error}), first {self.first:.3f} s after the beginning"


@dataclass(frozen=True)
class Became:
    """What became of a load until now. done: {kind: {host: times}}. asked: requests but downloads that had their end,
    good or bad. kept: the host at the other end of each kept connection. downloads: {host: bytes so far} of those that
    go on. slowest: the longest request, in seconds. gap: the longest time in which no request had the right answer, in
    seconds."""

    done: Mapping[str, Mapping[str, int]]
    lost: tuple[Loss, ...]
    asked: int
    kept: Sequence[str]
    downloads: Mapping[str, int]
    slowest: float
    gap: float = 0.0

    @property
    def losses(self) -> int:
        """How many requests and downloads were lost."""
        return sum(loss.times for loss in self.lost)

    @property
    def answered(self) -> dict[str, int]:
        """Who answered how many requests; without downloads."""
        return dict(Counter(self.done["new"]) + Counter(self.done["kept"]))

    def __str__(self) -> str:
        done = sum(self.done["download"].values())
        first = f"{self.losses} lost; {self.asked} requests, {done} downloads done, {len(self.downloads)} go on"
        return "\n".join([first, *map(str, self.lost)])


@dataclass(frozen=True)
class Course:
    """When what became of it. Times are seconds since the load began. answers: for each ``step``, who answered how
    many requests. losses, marks: when, and what was lost or happened."""

    step: float = 0.25
    answers: Sequence[Mapping[str, int]] = ()
    losses: Sequence[tuple[float, str]] = ()
    marks: Sequence[tuple[float, str]] = ()


class SteadyLoad:
    """A context manager; the load is gone after it, finished or not."""

    def __init__(
        self,
        client: Node,
        address: str,
        port: int = 80,
        *,
        new: int = 2,
        kept: int = 2,
        downloads: Sequence[str] = (),
        servers: Sequence[str] = (),
        timeout: float = 30.0,
        download_timeout: float | None = None,
        **more: float,
    ) -> None:
        """As lab/load.py's steady() has it; it runs on ``client``, and all of it is on its way."""
        self._client = client
        self._name = f"{next(_numbers)}"
        self._serving: Serving = client.serve(
            "lvs_init.lab.load:steady",
            name=self._name,
            address=address,
            port=port,
            new=new,
            kept=kept,
            downloads=list(downloads),
            servers=list(servers),
            request_timeout=timeout,
            download_timeout=download_timeout,
            **more,
        )
        self.first = _became(self._serving.ready)

    def __enter__(self) -> SteadyLoad:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.kill()

    def look(self) -> Became:
        return self._order("look")

    def advance(self, requests: int = 0, sips: int = 0, within: float | None = None) -> Became:
        """Wait until so many more requests have had their end, good or bad, and each open download has got so many more
        pieces of 2 KiB. within: for so many seconds at most; None: for a minute, then it is an error."""
        return self._order("advance", requests=requests, sips=sips, within=within)

    def mark(self, text: str) -> None:
        """Note in the course that this happens now."""
        self._order("mark", text=text)

    def course(self) -> Course:
        told = self._tell("course")
        moments = {name: tuple((at, what) for at, what in told[name]) for name in ("losses", "marks")}
        return Course(told["step"], told["answers"], **moments)

    def finish(self) -> Became:
        """Begin nothing more, read each download to its end, wait for every answer."""
        return self._order("finish")

    def _order(self, what: str, **more: Any) -> Became:
        return _became(self._tell(what, **more))

    def _tell(self, what: str, **more: Any) -> Told:
        told: Told = self._client.call("lvs_init.lab.load:order", name=self._name, what=what, **more)
        return told


def _became(told: Told) -> Became:
    lost = tuple(Loss(**loss) for loss in told["lost"])
    return Became(**{**told, "lost": lost})
