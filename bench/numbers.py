"""From what was measured to the table's rows. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.cluster import GROWING, HUGE, MANY, MIDDLE, SMALL, WIDE, Cluster

OURS, BASH, PYTHON, FLOOR = "lvs-init", "bash", "python3 -c pass", "send+ack loop"
KEEPALIVED, LDIRECTORD, RESTORE = "keepalived", "ldirectord", "ipvsadm -R"
EMPTY = "an interpreter"  # the work that PYTHON does
THOUSAND_BY_FOUR = GROWING[1]
#: What the plot shows, by the number of real servers; 50 x 20 stands for 1000.
SIZES = (SMALL, MIDDLE, MANY, *GROWING[1:], HUGE)


@dataclass
class Samples:
    """What one contender took for one work: seconds of each run; programs run, itself included; KiB at the peak.

    ``over``: the last run was ended before it was done, so that its seconds are a lower limit.
    """

    seconds: list[float] = field(default_factory=list)
    programs: int = 0
    peak: int = 0
    over: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


#: (work, contender) -> what was measured: ("start, 1 x 2", "bash").
Measured = dict[tuple[str, str], Samples]


@dataclass(frozen=True)
class Row:
    """A comparison of our time with theirs. ``aim``: the ratio not to be exceeded; None for one just shown.

    ``star``: the interpreter's own start is taken off our time.
    """

    work: str
    against: str
    aim: float | None = None
    star: bool = False


@dataclass(frozen=True)
class Result:
    """A row of the table: seconds, and what becomes of them (a ratio, an exponent, MB)."""

    work: str
    against: str
    value: float
    aim: float | None
    ours: Samples | None = None
    theirs: Samples | None = None
    interpreter: float | None = None

    @property
    def met(self) -> bool | None:
        """None where there is no aim."""
        return None if self.aim is None else self.value <= self.aim


def start(cluster: Cluster) -> str:
    return f"start, {cluster}"


def stop(cluster: Cluster) -> str:
    return f"stop, {cluster}"


def reload(cluster: Cluster) -> str:
    return f"reload a weight, {cluster}"


def status(cluster: Cluster) -> str:
    return f"status, {cluster}"


def again(cluster: Cluster) -> str:
    return f"start again, {cluster}"


ROWS = (
    Row(start(SMALL), BASH, 4, star=True),
    Row(start(WIDE), BASH, 0.1, star=True),
    Row(start(MIDDLE), BASH, 0.5),
    Row(start(MANY), KEEPALIVED, 0.9, star=True),
    Row(start(THOUSAND_BY_FOUR), KEEPALIVED, 0.9, star=True),
    Row(start(MANY), LDIRECTORD, 0.02, star=True),
    Row(start(HUGE), FLOOR, 3, star=True),
    Row(reload(THOUSAND_BY_FOUR), KEEPALIVED, 1, star=True),
    Row(status(SMALL), PYTHON, 2.5),
    Row(status(SMALL), LDIRECTORD, 0.25),
    Row(start(HUGE), KEEPALIVED, star=True),
    Row(start(MANY), RESTORE, star=True),
    Row(again(SMALL), PYTHON),
    Row(stop(SMALL), BASH, star=True),
    Row(stop(MIDDLE), BASH),
)
GROWTH_AIM, MEMORY_AIM = 1.1, 150.0


def results(measured: Measured) -> list[Result]:
    """Every row for which there is enough."""
    found = []
    python = measured.get((EMPTY, PYTHON))
    for row in ROWS:
        ours = measured.get((row.work, OURS))
        theirs = python if row.against == PYTHON else measured.get((row.work, row.against))
        if ours and theirs and python:
            interpreter = python.median if row.star else None
            ratio = (ours.median - (interpreter or 0)) / theirs.median
            found.append(Result(row.work, row.against, ratio, row.aim, ours, theirs, interpreter))
    for name, work in (("start", start), ("reload", reload)):
        points = {cluster.realservers: measured.get((work(cluster), OURS)) for cluster in GROWING}
        if python and all(points.values()):
            times = {size: samples.median - python.median for size, samples in points.items() if samples}
            sizes = f"{name}, {min(times)} to {max(times)}"
            found.append(Result(sizes, "linear", exponent(times), GROWTH_AIM, interpreter=python.median))
    huge = measured.get((start(HUGE), OURS))
    if huge and huge.peak:
        found.append(Result(f"memory, {HUGE.realservers}", "MB", huge.peak * 1024 / 1e6, MEMORY_AIM))
    return found


def exponent(times: Mapping[int, float]) -> float:
    """k of time = c * size ** k: the slope of the straight line through the points on logarithmic scales."""
    return _slope([math.log(size) for size in times], [math.log(time) for time in times.values()])


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    middle_x, middle_y = statistics.fmean(xs), statistics.fmean(ys)
    above = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys))
    return above / sum((x - middle_x) ** 2 for x in xs)
