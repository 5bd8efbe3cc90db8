"""The keeper: the one process that finishes what is timed. It is gone when nothing is.

Whatever it does, it does by ``Engine.carry_out("tend")``, under the mutex like everybody else. Being killed costs
nothing: what it has to do stands in the records and the wills, and the next writing verb starts another.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

import lvs_init
from lvs_init.commands.proc_ip_vs import ProcTable
from lvs_init.engine import memory, trial
from lvs_init.engine.moment import boottime, connections, proc_table, weights
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Outcome, Target
from lvs_init.errors import Busy, Interrupted, LvsError
from lvs_init.model.record import Record
from lvs_init.model.will import Will
from lvs_init.plan.drain import Moment
from lvs_init.plan.tend import next_due
from lvs_init.system.detach import detach
from lvs_init.system.mutex import Mutex

NAME = "keeper.lock"
#: Seconds between two looks at drains: nobody tells when a connection ends.
POLL = 1.0
#: Where looking takes longer, in a large table, so many times that long passes between two looks.
LEISURE = 20
#: Seconds until what has failed is tried again.
RETRY = 10.0
#: Of the environment nothing else reaches it: how the table is written must be the same.
_PASSED_ON = ("LVS_CHANNEL",)


@dataclass
class Keeper:
    """``due``: when there is something to do next, in seconds of ``now``; None: never. ``tend``: does it.

    ``tell`` gets a sentence and whether it is an error.
    """

    paths: Paths
    due: Callable[[], float | None]
    tend: Callable[[], list[Outcome]]
    tell: Callable[[str, bool], None]
    now: Callable[[], float] = boottime
    sleep: Callable[[float], None] = time.sleep

    def run(self) -> None:
        """Until nothing is timed, or a signal came while something was being done, or another keeper is at work."""
        lock = Mutex(self.paths.run, NAME)
        while True:
            try:
                lock.acquire(0)
            except Busy:
                return
            try:
                if not self._work():
                    return
            finally:
                lock.release(remove=True)
            # Who added something before the lock was free started nobody.
            if self.due() is None:
                return

    def _work(self) -> bool:
        """False where a signal ended it."""
        said: list[str] = []
        while True:
            begun = self.now()
            try:
                due = self.due()
                if due is None:
                    return True
                took = self.now() - begun
                if due > self.now():
                    self.sleep(max(0.0, min(due - self.now(), max(POLL, took * LEISURE))))
                    continue
                outcomes = self.tend()
                errors = [outcome.error for outcome in outcomes if outcome.error is not None]
            except LvsError as error:
                outcomes, errors = [], [error]
            if any(isinstance(error, Interrupted) for error in errors):
                return False
            for outcome in outcomes:
                for note in outcome.notes:
                    self.tell(f"{outcome.target.instance}: {note}", False)
            complaints = [f"{each.target.instance}: {warning}" for each in outcomes for warning in each.warnings]
            complaints += [f"{error.message}; trying again every {RETRY:g} s" for error in errors]
            for complaint in complaints:
                if complaint not in said:
                    self.tell(complaint, True)
            said = complaints
            # However it went: what is due again at once is what the kernel refuses.
            self.sleep(RETRY if errors else POLL)


def due(paths: Paths) -> float | None:
    """When something timed is due next on this machine, in seconds of CLOCK_BOOTTIME; None where nothing is."""
    times = [trial.next_due(paths)]
    known = [memory.recall(paths, Target(DIRECTOR, instance, "")) for instance in memory.started(paths, DIRECTOR)]
    timed = [each for each in known if not each.interrupted and each.mine and _timed(each.mine, each.my_wills)]
    table = proc_table() if timed else ProcTable({})
    moment = Moment(boottime(), time.time(), connections(table))
    there = weights(table)
    times += [next_due(each.mine, each.my_wills, moment, there) for each in timed if each.mine]
    return min((time for time in times if time is not None), default=None)


def _timed(record: Record, wills: Sequence[Will]) -> bool:
    return bool(record.drains or wills or record.announcing.left)


def holder(paths: Paths) -> int:
    """The keeper's process id; 0 where none is at work."""
    return Mutex(paths.run, NAME).holder()


def ensure(paths: Paths, environment: Mapping[str, str]) -> None:
    """Start a keeper unless one is at work. Raises SystemFailure."""
    if holder(paths):
        return
    package = os.path.dirname(os.path.abspath(lvs_init.__file__))
    passed_on = {name: environment[name] for name in _PASSED_ON if name in environment}
    detach((sys.executable, "-Es", package, "keeper"), passed_on)
