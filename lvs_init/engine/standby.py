"""stand-by: give the VIPs up and stay ready. Works from the record alone, and like a stop goes on to its end."""

from __future__ import annotations

from dataclasses import replace

from lvs_init.engine.apply import Apparatus, differences, retreat
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import moment
from lvs_init.engine.recorded import still_there
from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.script import script_of
from lvs_init.errors import NotSettled
from lvs_init.model.network import AddressKey
from lvs_init.model.record import STANDBY
from lvs_init.plan.intent import plan_up
from lvs_init.plan.order import steps
from lvs_init.plan.stance import at_rest, undrained, withhold


def stand_by(target: Target, memory: Memory, apparatus: Apparatus, options: Options) -> Outcome:
    """For one of a pair that has been started, while the mutex is held.

    Raises NotSettled where a VIP is left over; whatever else cannot be had is left out, with its reason.
    """
    outcome = Outcome(target, Result.NOTHING, warnings=list(memory.problems), stance=STANDBY)
    record = memory.mine
    if record is None:
        return outcome
    wanted, withheld = withhold(still_there(record.serving), record.warm)
    live = apparatus.observe({*record.entries, *wanted}).live
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
        entries=plan.entries,
        drains={},
        overruled=plan.overruled,
        stance=STANDBY,
        withheld=withheld,
        announcing=replace(record.announcing, left=0, addresses=()),
        degraded=(),
    )
    if plan.steps:
        apparatus.listen("journal")
        memory.begin(after)
        after_all, said = retreat(plan, apparatus)
        left = steps(plan.wanted, after_all, leaving=plan.leaving)
        changes = [change for step in left for change in step.changes]
        vips = [change.key for change in changes if isinstance(change.key, AddressKey) and change.after is None]
        if vips:
            raise NotSettled(
                f"{' and '.join(map(str, vips))} cannot be taken away",
                said,
                hint="no other director may have them meanwhile; 'stop' again once the reason is gone",
            )
        outcome.degraded = differences(left)
        outcome.result = Result.DONE
    apparatus.listen("record")
    memory.commit(replace(after, degraded=tuple(outcome.degraded)))
    return outcome
