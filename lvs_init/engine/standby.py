"""stand-by: give the VIPs up and stay ready. Works from the record alone, and like a stop goes on to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from lvs_init.engine.apply import Apparatus, addresses_away, differences, retreat
from lvs_init.engine.down import descend
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import moment
from lvs_init.engine.observe import look
from lvs_init.engine.recorded import still_there
from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.script import script_of
from lvs_init.errors import LvsError, NotSettled, SystemFailure
from lvs_init.model.network import AddressKey
from lvs_init.model.record import STANDBY, Record
from lvs_init.model.state import Key, State, Wanted
from lvs_init.plan.intent import Plan, plan_up
from lvs_init.plan.order import steps
from lvs_init.plan.stance import at_rest, in_stance, unclaimed, undrained
from lvs_init.plan.step import Step


def stand_by(target: Target, memory: Memory, apparatus: Apparatus, options: Options) -> Outcome:
    """For one of a pair that has been started, while the mutex is held.

    Raises NotSettled where a VIP is left over; whatever else cannot be had is left out, with its reason.
    """
    outcome = Outcome(target, Result.NOTHING, warnings=list(memory.problems), stance=STANDBY)
    record = memory.mine
    if record is None:
        return outcome
    wanted, withheld = in_stance(STANDBY, still_there(record.serving), record.warm)
    seen = True
    try:
        live: State = apparatus.observe({*record.entries, *wanted}).live
    except LvsError as error:
        live, seen = look().live, False
        outcome.degraded.append(f"{error.message}; so its addresses are taken away and nothing else is touched")
    plan = plan_up(
        wanted,
        live,
        at_rest(record),
        memory.others,
        policy=undrained(record.policy),
        moment=moment(counted=False),
        wills=memory.my_wills,
    )
    outcome.steps = len(plan.steps)
    outcome.notes += plan.left_alone
    if options.dry_run:
        outcome.result, outcome.script = Result.SHOWN, script_of(plan, apparatus.tools)
        return outcome
    after = replace(
        record,
        entries=unclaimed(plan.entries, {**wanted, **withheld}),
        drains={},
        overruled=plan.overruled,
        stance=STANDBY,
        withheld=withheld,
        announcing=replace(record.announcing, left=0, addresses=()),
        degraded=(),
    )
    if plan.steps:
        apparatus.listen("journal")
        try:
            memory.begin(after)
        except SystemFailure as error:
            stopped = descend(target, memory, apparatus, options)
            stopped.warnings.append(f"{error.message}: a standby that is not remembered is none, so all is stopped")
            return stopped
        outcome.result = Result.DONE
        try:
            if not seen:
                _addresses_alone(plan, apparatus)
                return outcome  # the journal stays: whoever comes next sees what else there is to do
            left, stuck = _carry_out(plan, apparatus)
        except VipsLeft as error:
            with contextlib.suppress(SystemFailure):
                memory.begin_without(error.vips, after)
            raise
        outcome.degraded += left
        if stuck is None:
            return outcome
        after = replace(
            after, entries={**{key: record.entries[key] for key in stuck if key in record.entries}, **after.entries}
        )
    apparatus.listen("record")
    _remember(replace(after, degraded=tuple(outcome.degraded)), memory, outcome)
    return outcome


class VipsLeft(NotSettled):
    """The one failure of a stand-by."""

    def __init__(self, vips: Sequence[AddressKey], said: list[str]) -> None:
        super().__init__(
            f"{' and '.join(map(str, vips))} cannot be taken away",
            said,
            hint="no other director may have them meanwhile; 'stop' again once the reason is gone",
        )
        self.vips = vips


def _carry_out(plan: Plan, apparatus: Apparatus) -> tuple[list[str], list[Key] | None]:
    """What is left out, a line each, and what of ours would not go; None for that where it could not be seen.

    Raises VipsLeft.
    """
    try:
        live, said = retreat(plan, apparatus)
    except LvsError as error:
        _addresses_alone(plan, apparatus)
        return [f"what was done cannot be seen: {error.message}"], None
    left = steps(plan.wanted, live, leaving=plan.leaving)
    _refuse_to_keep_vips(left, said)
    stuck = [change.key for step in left for change in step.changes if change.after is None]
    return differences(left) + said, stuck


def _addresses_alone(plan: Plan, apparatus: Apparatus) -> None:
    """What clients notice, on a machine that cannot be read as a whole. Raises VipsLeft."""
    said = addresses_away(plan, apparatus)
    vips: Wanted = {key: value for key, value in plan.wanted.items() if isinstance(key, AddressKey)}
    _refuse_to_keep_vips(steps(vips, look().live), said)


def _refuse_to_keep_vips(left: Sequence[Step], said: list[str]) -> None:
    changes = [change for step in left for change in step.changes]
    vips = [change.key for change in changes if isinstance(change.key, AddressKey) and change.after is None]
    if vips:
        raise VipsLeft(vips, said)


def _remember(record: Record, memory: Memory, outcome: Outcome) -> None:
    """The journal says that it stands by, where the record cannot."""
    try:
        memory.commit(record)
    except SystemFailure as error:
        outcome.warnings.append(f"this is done, but not all of it is remembered: {error.message}")
