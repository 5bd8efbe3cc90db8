"""Carrying a plan out: step by step, verified by reading again, undone when it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Callable

from lvs_init.commands.render import Tools, render
from lvs_init.engine.channel import Table
from lvs_init.engine.observe import Observation, observe
from lvs_init.engine.request import Listener
from lvs_init.errors import Interrupted, LvsError, NotSettled, NotUndone, SystemFailure
from lvs_init.model.ipvs import RealServerKey, SyncDaemon, SyncDaemonKey
from lvs_init.model.state import Key, State, Value, same
from lvs_init.plan.intent import Plan, plan_back, shown
from lvs_init.plan.order import steps
from lvs_init.plan.step import Phase, Step
from lvs_init.system.runner import Runner, failure
from lvs_init.system.signals import Stop

#: Steps that go on after a change that the kernel refuses: one bad real server must not take the others down.
_TABLE = (
    Phase.CLEAR,
    Phase.TIMEOUTS,
    Phase.TABLE,
    Phase.TO_MASTER,
    Phase.TO_BACKUP,
    Phase.TABLE_AWAY,
    Phase.TIMEOUTS_BACK,
)
#: What a director serves without, if need be: a real server, and word from and to the other director.
_SPARED = (RealServerKey, SyncDaemonKey)


@dataclass
class Apparatus:
    """What carrying out needs: how to run commands and reach the table, which tools there are, whether to stop, who
    listens."""

    runner: Runner
    table: Table
    tools: Tools
    stop: Stop
    listen: Listener

    def observe(self, interest: Iterable[Key]) -> Observation:
        """The machine as it is now."""
        return observe(self.runner, self.table, interest)


@dataclass
class Applied:
    """A plan that holds. ``left_out``: real servers and sync daemons that the kernel refused, with its reason."""

    left_out: dict[Key, str] = field(default_factory=dict)
    live: State = field(default_factory=dict)


def carry_out(plan: Plan, apparatus: Apparatus, *, strict: bool) -> Applied:
    """Do every step, read again, and once more what does not hold yet. Raises LvsError; undoes nothing itself."""
    applied = Applied()
    for number, step in enumerate(plan.steps, 1):
        if apparatus.stop.requested:
            raise Interrupted(apparatus.stop.requested)
        apparatus.listen(f"step {number} of {len(plan.steps)}: {step.subject}")
        _do(step, apparatus, applied, strict)
    for _ in range(2):
        remaining = _remaining(plan, apparatus, applied)
        if not remaining:
            return applied
        for step in remaining:
            apparatus.listen(f"again: {step.subject}")
            _do(step, apparatus, applied, strict)
    remaining = _remaining(plan, apparatus, applied)
    if remaining:
        raise NotSettled(
            "everything was applied, but reading again shows something else",
            differences(remaining),
            hint="another program may be changing the same things",
        )
    return applied


def _remaining(plan: Plan, apparatus: Apparatus, applied: Applied) -> tuple[Step, ...]:
    applied.live = apparatus.observe(plan.wanted).live
    wanted = {key: value for key, value in plan.wanted.items() if key not in applied.left_out}
    return steps(wanted, applied.live, leaving=plan.leaving)


def _do(step: Step, apparatus: Apparatus, applied: Applied, strict: bool) -> None:
    changes = [change for change in step.changes if change.key not in applied.left_out]
    if step.phase in _TABLE:
        for key, reason in apparatus.table.write(changes).items():
            if strict or not isinstance(key, _SPARED):
                raise SystemFailure(_refusal(key, reason))
            applied.left_out[key] = _explained(reason, next(change.after for change in changes if change.key == key))
        return
    for command in render(changes, apparatus.tools):
        completed = apparatus.runner.run(command)
        if completed.code != 0:
            raise failure(completed, command)


def _explained(reason: str, wanted: Value | None) -> str:
    """What the kernel says of a sync daemon leaves out what there is to do."""
    if not isinstance(wanted, SyncDaemon):
        return reason
    if reason == "Network is unreachable":
        return f"{reason}: {wanted.interface} is down, or no route leads to {wanted.group} over it"
    return f"{reason} ({wanted.told})"


def _refusal(key: Key, reason: str) -> str:
    return f"the kernel refuses {key}: {reason}"


def undo(plan: Plan, before: State, apparatus: Apparatus) -> list[str]:
    """Bring back what was there before the plan; a line for everything that could not be brought back.

    Goes on after a failure: half an undo is better than none, and what is left is told.
    """
    said: list[str] = []
    for attempt in range(2):
        try:
            back = plan_back(plan, before, apparatus.observe([*plan.wanted, *before]).live)
        except LvsError as error:
            return [f"the machine cannot be read: {error.message}"]
        if not back.steps:
            return []
        if attempt:
            said = []
        said += _do_all(back.steps, apparatus)
    try:
        left = plan_back(plan, before, apparatus.observe([*plan.wanted, *before]).live).steps
    except LvsError as error:
        return [f"the machine cannot be read: {error.message}"]
    return differences(left) + said if left else []


def taken_back(
    error: Exception, plan: Plan, before: State, apparatus: Apparatus, restore: Callable[[], None]
) -> LvsError:
    """Undo a plan that failed with this error; what to raise then. ``restore``: brings back what is remembered."""
    failed = error if isinstance(error, LvsError) else LvsError(f"internal error, please report it: {error!r}")
    left = undo(plan, before, apparatus)
    if left:
        return NotUndone(failed, left)
    restore()
    failed.undone = True
    return failed


def _do_all(todo: Iterable[Step], apparatus: Apparatus) -> list[str]:
    """Every step, whatever becomes of the others; what was said of those that failed."""
    said = []
    for step in todo:
        apparatus.listen(f"step: {step.subject}")
        try:
            if step.phase in _TABLE:
                said += [_refusal(key, reason) for key, reason in apparatus.table.write(step.changes).items()]
                continue
            for command in render(step.changes, apparatus.tools):
                completed = apparatus.runner.run(command)
                if completed.code != 0 or completed.stderr.strip():
                    said.append(failure(completed, command).message)
        except LvsError as error:
            said.append(error.message)
    return said


def retreat(plan: Plan, apparatus: Apparatus) -> tuple[State, list[str]]:
    """Carry out a plan of going away: never stops half-way, tries twice, tells what is left over.

    Returns the live state afterwards and a line for everything left over.
    """
    said = _do_all(plan.steps, apparatus) if plan.steps else []
    live = apparatus.observe(plan.wanted).live
    left = steps(plan.wanted, live, leaving=plan.leaving)
    if left:
        said = _do_all(left, apparatus)
        live = apparatus.observe(plan.wanted).live
        left = steps(plan.wanted, live, leaving=plan.leaving)
    return live, differences(left) + said if left else []


def addresses_away(plan: Plan, apparatus: Apparatus) -> list[str]:
    """Of a plan of going away, only what clients would notice: for a machine that cannot be read as a whole."""
    return _do_all((step for step in plan.steps if step.phase in (Phase.ROUTES_AWAY, Phase.ADDRESSES_AWAY)), apparatus)


def differences(remaining: Iterable[Step]) -> list[str]:
    """Each change that would still be needed, as a line."""
    return [
        f"{change.key}: is {shown(change.before)}, should be {shown(change.after)}"
        for step in remaining
        for change in step.changes
        if not same(change.key, change.before, change.after)
    ]
