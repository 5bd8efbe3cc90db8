"""Going on with what is timed: drains, wills. Works from the record alone, as the file may be half-edited by now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lvs_init.engine.apply import Apparatus, carry_out, taken_back
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import boottime, counted, moment
from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.script import script_of
from lvs_init.errors import LvsError
from lvs_init.model.ipvs import RealServer, RealServerKey
from lvs_init.model.record import Record, merge
from lvs_init.plan.drain import SETTINGS
from lvs_init.plan.intent import Plan
from lvs_init.plan.tend import plan_tend
from lvs_init.plan.will import refusals
from lvs_init.system import arp, netinfo


@dataclass
class Tending:
    """One run for one director, while the mutex is held."""

    target: Target
    memory: Memory
    apparatus: Apparatus
    options: Options

    def run(self) -> Outcome:
        """Plan, apply, verify, remember. Raises LvsError with everything undone, NotUndone with what is left.

        Needs no journal: what it works towards becomes the record before the first effect, and says of everything that
        is timed that it still is.
        """
        outcome = Outcome(self.target, Result.NOTHING, warnings=list(self.memory.problems))
        record = self.memory.mine
        if record is None or self.memory.interrupted:
            return outcome  # a run that was cut short must be completed first
        live = self.apparatus.observe({*record.entries, *SETTINGS}).live
        plan = plan_tend(record, live, self.memory.others, moment(), self.memory.my_wills)
        outcome.steps = len(plan.steps)
        if self.options.dry_run:
            outcome.result, outcome.script = Result.SHOWN, script_of(plan, self.apparatus.tools)
            return outcome
        outcome.warnings += refusals(live, plan.wanted, plan.overruled)
        after = tended(record, plan)
        if plan.steps:
            self.memory.commit(merge(record, after) or after)
            try:
                applied = carry_out(plan, self.apparatus, strict=False)
            except Exception as error:  # noqa: BLE001 - a bug is no reason to leave it half-way either
                failed = taken_back(error, plan, live, self.apparatus, lambda: self.memory.commit(record))
                raise failed from None if failed is error else error
            outcome.warnings += [f"{key}: left out, {reason}" for key, reason in applied.left_out.items()]
            there = {key: entry for key, entry in after.entries.items() if key not in applied.left_out}
            after = replace(after, entries=there)
            outcome.result = Result.DONE
            outcome.notes += happened(plan)
        after = self._announced(after, outcome)
        try:
            self.memory.commit(after)
        except LvsError as error:
            if not plan.steps:
                raise
            # The table is as it should be, and the record from before the first effect says enough.
            outcome.warnings.append(f"this is done, but not all of it is remembered: {error.message}")
        return outcome

    def _announced(self, record: Record, outcome: Outcome) -> Record:
        """With one more of the rounds in which neighbours are told who has the VIPs now, if it is time for one."""
        due = record.announcing
        if not due.left or due.due > boottime():
            return record
        there = netinfo.addresses()
        outcome.warnings += arp.announce([(key.interface, key.address) for key in due.addresses if key in there])
        return replace(record, announcing=replace(due, left=due.left - 1, due=boottime() + due.interval))


def tended(record: Record, plan: Plan) -> Record:
    """The record after a plan that was made from it."""
    return replace(record, entries=plan.entries, drains=plan.drains, overruled=plan.overruled, policy=plan.policy)


def draining(plan: Plan) -> Iterator[str]:
    """The real servers whose drain begins with this plan, a sentence each."""
    for key, _, before in _servers(plan):
        if key in plan.drains and before.weight and plan.wanted.get(key) is not None and _connections(plan, key):
            left, seconds = counted(_connections(plan, key)), plan.drains[key] - plan.moment.now
            yield f"{key}: gets no new connections and goes with its last one ({left} now), in {seconds:.0f} s at most"


def happened(plan: Plan) -> Iterator[str]:
    """What a plan makes of real servers that are timed, a sentence each: for the log."""
    yield from draining(plan)
    for key, after, before in _servers(plan):
        if after is None and key in plan.drains:
            yield f"{key}: removed, {counted(_connections(plan, key))} cut off"
        elif after is None:
            yield f"{key}: removed, drained"
        elif key in plan.overruled and after.weight != before.weight:
            yield f"{key}: weight {before.weight} becomes {after.weight}, by hand"


def _servers(plan: Plan) -> Iterator[tuple[RealServerKey, RealServer | None, RealServer]]:
    """The real servers that are changed or taken away: key, value after and value before."""
    for change in (change for step in plan.steps for change in step.changes):
        if isinstance(change.key, RealServerKey) and isinstance(change.before, RealServer):
            yield change.key, change.after if isinstance(change.after, RealServer) else None, change.before


def _connections(plan: Plan, key: RealServerKey) -> int:
    return plan.moment.connections.get(key, 0)
