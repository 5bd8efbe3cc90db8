"""When the keeper looks, tends, tries again and goes; by a clock that stands still until it sleeps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest

from lvs_init.engine.keeper import NAME, POLL, RETRY, Keeper, holder
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Outcome, Result, Target
from lvs_init.errors import Busy, Interrupted, LvsError, SystemFailure
from lvs_init.system.mutex import Mutex

TARGET = Target(DIRECTOR, "web", "")


class World:
    """``dues``: what is due when, as the keeper is told at its looks, the last for ever. ``tend`` does it."""

    def __init__(self, path: Path, dues: list[float | None], tend: Callable[[], list[Outcome]] | None = None) -> None:
        self.paths = Paths(run=str(path / "run"))
        self.time, self.slept, self.tended, self.said = 100.0, list[float](), list[float](), list[tuple[str, bool]]()
        self._dues, self._tend, self.cost = dues, tend, 0.0
        self.keeper = Keeper(self.paths, self.due, self.tend, self.tell, lambda: self.time, self.sleep)

    def due(self) -> float | None:
        self.time += self.cost
        return self._dues.pop(0) if len(self._dues) > 1 else self._dues[0]

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.time += seconds

    def tend(self) -> list[Outcome]:
        self.tended.append(self.time)
        return self._tend() if self._tend is not None else [Outcome(TARGET, Result.DONE, notes=["weight 2"])]

    def tell(self, text: str, bad: bool) -> None:
        self.said.append((text, bad))


def failing(*errors: LvsError | None) -> Callable[[], list[Outcome]]:
    """Ends with these errors, one after the other."""
    left = list(errors)

    def tend() -> list[Outcome]:
        error = left.pop(0)
        if isinstance(error, Busy):
            raise error
        return [Outcome(TARGET, Result.FAILED if error else Result.DONE, error=error)]

    return tend


def test_nothing_is_timed(tmp_path: Path) -> None:
    world = World(tmp_path, [None])
    world.keeper.run()
    assert (world.slept, world.tended) == ([], [])
    assert list((tmp_path / "run").iterdir()) == []


def test_it_looks_every_second_and_tends_in_time(tmp_path: Path) -> None:
    world = World(tmp_path, [102.5, 102.5, 102.5, 102.5, None])
    world.keeper.run()
    assert (world.slept, world.tended) == ([POLL, POLL, 0.5, POLL], [102.5])
    assert world.said == [("web: weight 2", False)]


def test_what_comes_earlier_meanwhile_is_seen(tmp_path: Path) -> None:
    world = World(tmp_path, [500.0, 500.0, 101.0, None])
    world.keeper.run()
    assert world.tended == [102.0]


def test_a_large_table_is_looked_at_at_leisure(tmp_path: Path) -> None:
    world = World(tmp_path, [200.0, 100.0, None])
    world.cost = 0.5
    world.keeper.run()
    assert world.slept == [10.0, POLL]


def test_what_fails_is_tried_again_and_told_of_once(tmp_path: Path) -> None:
    error = SystemFailure("no such thing")
    world = World(
        tmp_path, [100.0, 100.0, 100.0, 100.0, None], failing(error, error, Busy("somebody is at work"), None)
    )
    world.keeper.run()
    assert world.slept == [RETRY, RETRY, RETRY, POLL]
    assert len(world.tended) == 4
    assert [text.partition(";")[0] for text, bad in world.said if bad] == ["no such thing", "somebody is at work"]


@pytest.mark.parametrize("result", [Result.NOTHING, Result.DONE])
def test_what_is_always_due_is_no_reason_to_be_busy(tmp_path: Path, result: Result) -> None:
    """A weight on its way that the kernel refuses: every attempt does something, and it is due again at once."""
    warning = "10.0.0.11:80: left out, no memory"
    world = World(tmp_path, [100.0, 100.0, None], lambda: [Outcome(TARGET, result, warnings=[warning])])
    world.keeper.run()
    assert world.slept == [POLL, POLL]
    assert world.said == [(f"web: {warning}", True)]


def test_that_it_cannot_look_does_not_end_it(tmp_path: Path) -> None:
    """Nobody else takes a trial back."""
    world = World(tmp_path, [100.0, None])
    look, failures = world.due, [SystemFailure("too many open files")]

    def due() -> float | None:
        if failures:
            raise failures.pop()
        return look()

    world.keeper.due = due
    world.keeper.run()
    assert (world.slept, len(world.tended)) == ([RETRY, POLL], 1)
    assert [text.partition(";")[0] for text, bad in world.said if bad] == ["too many open files"]


def test_a_signal_ends_it(tmp_path: Path) -> None:
    world = World(tmp_path, [100.0], failing(Interrupted(15)))
    world.keeper.run()
    assert (len(world.tended), world.slept) == (1, [])
    assert holder(world.paths) == 0


def test_only_one_is_at_work(tmp_path: Path) -> None:
    world = World(tmp_path, [100.0])
    lock = Mutex(world.paths.run, NAME)
    lock.acquire()
    assert holder(world.paths) > 0
    world.keeper.run()
    assert (world.tended, world.slept) == ([], [])
    lock.release(remove=True)


def test_what_is_added_while_it_goes_is_not_lost(tmp_path: Path) -> None:
    world = World(tmp_path, [None, 100.0, 100.0, None, None])
    world.keeper.run()
    assert len(world.tended) == 1


def test_it_holds_its_lock_while_it_tends(tmp_path: Path) -> None:
    held: list[int] = []

    def tend() -> list[Outcome]:
        held.append(holder(world.paths))
        return [Outcome(TARGET, Result.DONE)]

    world = World(tmp_path, [100.0, None], tend)
    world.keeper.run()
    assert held == [os.getpid()]
    assert holder(world.paths) == 0
