"""stop: take away what the record says we added, put back what was there before. Works without any configuration."""

from __future__ import annotations

import contextlib

from lvs_init.engine.apply import Apparatus, addresses_away, retreat
from lvs_init.engine.memory import Memory
from lvs_init.engine.observe import look
from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.script import script_of
from lvs_init.errors import LvsError, NotSettled, SystemFailure
from lvs_init.model.network import AddressKey
from lvs_init.model.state import State
from lvs_init.plan.intent import Plan, plan_down


def descend(target: Target, memory: Memory, apparatus: Apparatus, options: Options) -> Outcome:
    """Stop one target while the mutex is held. Raises NotSettled with all that is left over; the record then stays.

    A signal does not end it: a stop that was left half-way would have to be started again anyway. Where the machine
    cannot be read as a whole, the addresses go before the error is raised: another director may be about to have them.
    """
    outcome = Outcome(target, Result.NOTHING, warnings=list(memory.problems))
    if memory.mine is None:
        return outcome
    try:
        live = apparatus.observe(memory.mine.entries).live
    except LvsError as error:
        if not options.dry_run:
            plan = plan_down(memory.mine, look().live, memory.others)
            if not addresses_away(plan, apparatus):
                error.message += "; its addresses are taken away all the same"
            _note_vips_left(plan, look().live, memory)
        raise
    plan = plan_down(memory.mine, live, memory.others)
    outcome.steps = len(plan.steps)
    outcome.notes = [*plan.left_alone, *memory.mine.lost]
    if options.dry_run:
        outcome.result = Result.SHOWN
        outcome.script = script_of(plan, apparatus.tools)
        return outcome
    reached, left = retreat(plan, apparatus)
    if left:
        _note_vips_left(plan, reached, memory)
        raise NotSettled(
            f"{len(left)} thing{'s are' if len(left) > 1 else ' is'} left over",
            left,
            hint="the record stays: 'stop' again once the reason is gone",
        )
    apparatus.listen("record")
    memory.forget()
    outcome.result = Result.DONE
    return outcome


def _note_vips_left(plan: Plan, live: State, memory: Memory) -> None:
    """For status: of a director that still has a VIP nobody may believe that it is stopped."""
    left = [key for key, value in plan.wanted.items() if isinstance(key, AddressKey) and value is None and key in live]
    if left and memory.mine is not None:
        with contextlib.suppress(SystemFailure):
            memory.begin_without(left, memory.mine)
