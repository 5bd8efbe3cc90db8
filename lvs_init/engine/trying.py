"""try: apply a configuration for a while. Beginning, confirming and going back; who waits meanwhile is the keeper."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

from lvs_init.engine import configuration, keeper, memory, trial
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import boottime
from lvs_init.engine.recorded import FromRecord, from_record
from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.run import Engine
from lvs_init.engine.trial import Trial
from lvs_init.errors import LvsError, NotUndone, Refused, SystemFailure
from lvs_init.model.record import STANDBY, Record
from lvs_init.system import files


def begin(engine: Engine, target: Target, seconds: float) -> tuple[Trial, Outcome]:
    """Apply the target's file to its running cluster for so many seconds.

    Raises Refused where there is nothing to go back to or a trial is pending, and whatever a reload raises; then all is
    as it was before.
    """
    with engine.at_work("try") as apparatus:
        for other in trial.pending(engine.paths):
            raise Refused(
                f"{other.file} is on trial until {other.until}",
                hint="one at a time: first lvsctl try --confirm, or --revert",
            )
        known = memory.recall(engine.paths, target)
        if known.mine is None:
            raise Refused(
                f"lvs-director {target.instance} is stopped, so there is nothing to go back to",
                hint=f"lvs-director {target.instance} start",
            )
        if known.interrupted:
            raise Refused(
                "an earlier run was cut short", hint=f"complete it first: lvs-director {target.instance} start"
            )
        place = known.mine.file or f"{engine.paths.configuration}/{target.instance}.toml"
        if os.path.exists(place) and os.path.samefile(target.file, place):
            raise Refused(
                f"{target.file} is the configuration itself, so what was in it before could not come back",
                hint="leave it as it was; copy it elsewhere, edit the copy and try that",
            )
        ascent = engine.ascent(target, known, apparatus)
        ascent.brakes = True
        data = files.read_trusted(target.file)
        if configuration.fingerprint(data) != ascent.fingerprint:
            raise Refused(f"{target.file} changes while it is read", hint="try again once it is written")
        text = data.decode("utf-8", "surrogateescape")
        begun = Trial(target.instance, target.file, text, place, boottime() + seconds, known.mine)
        trial.keep(engine.paths, begun)
        try:
            # Before the first effect: whatever becomes of us and our terminal, somebody takes it back.
            keeper.ensure(engine.paths, engine.environment)
            outcome = ascent.run()
        except NotUndone:
            trial.keep(engine.paths, replace(begun, deadline=boottime()))
            raise
        except BaseException:
            trial.forget(engine.paths, target.instance)
            raise
        with contextlib.suppress(SystemFailure):  # on a full disk the time counts from before
            trial.keep(engine.paths, in_effect := replace(begun, deadline=boottime() + seconds))
            begun = in_effect
        return begun, outcome


def repair(record: Record, known: Memory, engine: Engine, apparatus: Apparatus, stance: str) -> Outcome:
    """Start during a trial: bring back what is missing of what the record wants; the trial goes on. Raises LvsError.

    ``stance``: what one of a pair shall come to. One that was cut short while it was applied is taken back.
    """
    if known.interrupted:
        return go_back(_only(engine, known.target.instance), engine, apparatus, stance)
    outcome = from_record(record, known.target, known, apparatus, engine.options, stance).run()
    outcome.notes += trial.told(engine.paths, known.target.instance)
    return outcome


def confirm(engine: Engine, instance: str) -> tuple[Trial, str]:
    """Keep what is on trial: it becomes the configuration. Returns the trial and where the former file is, or "".

    Raises Refused where nothing is on trial, or something else is in effect by now.
    """
    with engine.at_work("try --confirm"):
        kept = _only(engine, instance)
        known = memory.recall(engine.paths, kept.target)
        data = kept.text.encode("utf-8", "surrogateescape")
        if not kept.left:
            raise Refused(f"the time of {kept.file} is over, it is being taken back", hint="try it again")
        if known.mine is None or known.interrupted or known.mine.fingerprint != configuration.fingerprint(data):
            raise Refused(f"{kept.file} is not what runs any more", hint="take it back: lvsctl try --revert")
        former = files.install(kept.place, data)
        known.commit(replace(known.mine, file=kept.place))
        trial.forget(engine.paths, kept.instance)
        return kept, former


def revert(engine: Engine, instance: str) -> Outcome:
    """Take back at once what is on trial. Raises Refused where nothing is, LvsError where it cannot be taken back."""
    with engine.at_work("try --revert") as apparatus:
        unkept: list[str] = []
        try:
            outcome = go_back(_only(engine, instance), engine, apparatus)
        finally:
            unkept += engine.hand_over()
        outcome.warnings += unkept
        return outcome


def go_back(over: Trial, engine: Engine, apparatus: Apparatus, stance: str = "") -> Outcome:
    """Converge to what the record from before the trial wanted; then the trial is over. Raises LvsError.

    ``stance``: what one of a pair shall come to; "": what it has.
    """
    known = memory.recall(engine.paths, over.target)
    outcome = Outcome(over.target, Result.NOTHING)
    if known.mine is not None:
        outcome = _return(over.before, over.target, known, apparatus, engine.options, stance).run()
        outcome.notes.append(f"{over.file} was not confirmed, so it is taken back")
    trial.forget(engine.paths, over.instance)
    return outcome


def go_back_where_due(engine: Engine, apparatus: Apparatus, instance: str = "") -> list[Outcome]:
    """Take back every trial whose time is over; ``instance``: of this one alone. A failure is in its outcome."""
    outcomes = []
    for over in trial.pending(engine.paths, instance):
        if not over.left:
            try:
                outcomes.append(go_back(over, engine, apparatus))
            except LvsError as error:
                outcomes.append(Outcome(over.target, Result.FAILED, error=error))
    return outcomes


def _return(
    before: Record, target: Target, known: Memory, apparatus: Apparatus, options: Options, stance: str
) -> FromRecord:
    """Whoever of a pair has come to stand by meanwhile, or to be active, stays so where no ``stance`` is asked for."""
    now = stance or (known.mine.stance if known.mine is not None else "")
    stance = now if before.stance or now == STANDBY else ""
    return from_record(before, target, known, apparatus, options, stance)


def _only(engine: Engine, instance: str) -> Trial:
    found = trial.pending(engine.paths, instance)
    if not found:
        of = f" of {instance}" if instance else ""
        raise Refused(f"nothing{of} is on trial", hint="'lvsctl try FILE' begins a trial")
    return found[0]
