"""stand-by: give the VIPs up and stay ready. Works from the record alone, and like a stop goes on to its end."""

from __future__ import annotations

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
from lvs_init.model.state import State
from lvs_init.plan.intent import Plan, plan_up
from lvs_init.plan.order import steps
from lvs_init.plan.stance import at_rest, in_stance, unclaimed, undrained


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
        outcome.degraded += _carry_out(plan, apparatus, seen)
        outcome.result = Result.DONE
    apparatus.listen("record")
    _remember(replace(after, degraded=tuple(outcome.degraded)), memory, outcome)
    return outcome


def _carry_out(plan: Plan, apparatus: Apparatus, seen: bool) -> list[str]:
    """What is left out, a line each. Raises NotSettled where a VIP is."""
    if seen:
        live, said = retreat(plan, apparatus)
        left = steps(plan.wanted, live, leaving=plan.leaving)
    else:
        said = addresses_away(plan, apparatus)
        live = look().live
        left = steps({key: value for key, value in plan.wanted.items() if isinstance(key, AddressKey)}, live)
    changes = [change for step in left for change in step.changes]
    vips = [change.key for change in changes if isinstance(change.key, AddressKey) and change.after is None]
    if vips:
        raise NotSettled(
            f"{' and '.join(map(str, vips))} cannot be taken away",
            said,
            hint="no other director may have them meanwhile; 'stop' again once the reason is gone",
        )
    return differences(left) + said


def _remember(record: Record, memory: Memory, outcome: Outcome) -> None:
    """The journal says that it stands by, where the record cannot."""
    try:
        memory.commit(record)
    except SystemFailure as error:
        outcome.warnings.append(f"this is done, but not all of it is remembered: {error.message}")
