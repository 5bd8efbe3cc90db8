"""The writing verbs from the outside: which targets are meant, the mutex, the lock file, signals."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lvs_init.commands.render import Tools
from lvs_init.engine import configuration, memory, trial
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.channel import Table
from lvs_init.engine.down import descend
from lvs_init.engine.paths import Paths
from lvs_init.engine.recorded import from_record
from lvs_init.engine.request import DIRECTOR, Listener, Options, Outcome, Result, Target, nobody_listens
from lvs_init.engine.standby import stand_by
from lvs_init.engine.tend import Tending
from lvs_init.engine.up import Ascent
from lvs_init.errors import (
    Busy,
    ConfigurationError,
    LvsError,
    NotConfigured,
    NotInstalled,
    NotPrivileged,
    Refused,
    SystemFailure,
    UnsafeFile,
)
from lvs_init.model.record import ACTIVE, STANDBY
from lvs_init.plan.stance import stance_for
from lvs_init.system import files, identity
from lvs_init.system.mutex import Mutex
from lvs_init.system.runner import Runner
from lvs_init.system.signals import Stop

#: Verbs that converge a role to its configuration.
_UP = ("start", "activate", "restart", "try-restart", "condrestart", "reload", "force-reload")
_ONLY_RUNNING = ("try-restart", "condrestart", "reload", "force-reload")
#: What a file can be the reason of: mistakes, other wishes than before, something that this machine does not have.
_OF_THE_FILE = (ConfigurationError, NotConfigured, NotInstalled, Refused, SystemFailure, UnsafeFile)


@dataclass
class Engine:
    """One call of an init script. ``names``: the clusters or files named before the verb."""

    role: str
    names: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    environment: Mapping[str, str] = field(default_factory=dict)
    paths: Paths = field(default_factory=Paths)
    listen: Listener = nobody_listens

    @property
    def lock(self) -> str:
        """The role's lock file, whose name Red Hat's rc expects to be the init script's."""
        return f"{self.paths.subsys}/lvs-{self.role}"

    def named(self) -> list[Target]:
        """The targets named on the command line, or the one of no name."""
        names = self.names or ("",)
        return [configuration.target(self.paths, self.role, name, self.environment) for name in names]

    def running(self) -> list[Target]:
        """What was started: the named ones among it, or all of it."""
        found = memory.started(self.paths, self.role)
        if self.names:
            return [target for target in self.named() if target.instance in found]
        return [Target(self.role, instance, "") for instance in found]

    def carry_out(self, verb: str) -> list[Outcome]:
        """Run a writing verb for each of its targets. Raises LvsError where it cannot even begin.

        Of a pair of directors "start" makes a standby; "activate" and "stand-by" are a cluster manager's, and without
        ``[ha]`` start and stop. "tend" is the keeper's: it goes on with what is timed. All others leave that to a
        keeper.
        """
        with self.at_work(verb) as apparatus:
            if verb == "tend":
                return self._tend(apparatus)
            unkept: list[str] = []
            try:
                outcomes = self._up(verb, apparatus) if verb in _UP else self._stop(verb, apparatus)
            finally:
                unkept += self.hand_over()
            for outcome in outcomes[-1:]:
                outcome.warnings += unkept
            return outcomes

    @contextlib.contextmanager
    def at_work(self, verb: str) -> Iterator[Apparatus]:
        """As root and alone, with what looking and writing need. Raises LvsError where that cannot be had."""
        if not identity.is_root():
            raise NotPrivileged(f"{verb} needs root", hint="run it as root")
        mutex = Mutex(self.paths.run)
        with Stop() as stop, _uncollected():
            self._acquire(mutex, verb, stop)
            try:
                runner = Runner(keep_open=(mutex.fd,))
                tools = Tools(net_tools=bool(runner.find("ifconfig") and runner.find("route")))
                settings = configuration.surroundings(self.paths, self.role, self.environment)
                with Table(runner, settings) as table:
                    yield Apparatus(runner, table, tools, stop, self.listen)
            finally:
                mutex.release()

    def hand_over(self) -> list[str]:
        """See to it that a keeper is at work where something is timed, whatever became of the verb.

        A sentence where that fails, which fails nothing else.
        """
        if self.options.dry_run:
            return []
        from lvs_init.engine import keeper

        try:
            if keeper.due(self.paths) is not None:
                keeper.ensure(self.paths, self.environment)
        except LvsError as error:
            return [f"nobody finishes what is timed: {error.message}; try 'lvsctl keeper'"]
        return []

    def _tend(self, apparatus: Apparatus) -> list[Outcome]:
        from lvs_init.engine import trying

        outcomes = trying.go_back_where_due(self, apparatus)
        for target in self.running():
            with self._one(target, outcomes):
                known = memory.recall(self.paths, target)
                outcomes.append(Tending(target, known, apparatus, self.options).run())
        return outcomes

    def _acquire(self, mutex: Mutex, verb: str, stop: Stop) -> None:
        try:
            mutex.acquire(on_wait=lambda holder: self.listen(f"wait for process {holder}"), check=stop.check)
        except Busy:
            if verb not in ("stop", "activate", "stand-by"):
                raise
            self.listen("terminate the holder")
            mutex.terminate_holder()

    def _up(self, verb: str, apparatus: Apparatus) -> list[Outcome]:
        targets = self.running()
        outcomes: list[Outcome] = []
        if verb in _ONLY_RUNNING:
            outcomes = self._idle(verb, targets)
        elif verb in ("start", "activate") or self.names or not targets:
            targets = self.named()
        for target in targets:
            taken_back: list[Outcome] = []
            with self._one(target, outcomes):
                apparatus.stop.check()
                if self.role == DIRECTOR and not self.options.dry_run:
                    taken_back = self._end_trial(target, verb, apparatus)
                outcome = self._ascend(target, verb, apparatus)
                outcomes.append(outcome)
                if not self.options.dry_run:
                    outcome.warnings += self._lock()
            for earlier in taken_back:
                outcomes[-1].warnings[:0] = earlier.warnings
                outcomes[-1].notes[:0] = earlier.notes
        return outcomes

    def _idle(self, verb: str, running: list[Target]) -> list[Outcome]:
        """What there is to say of those that are not running."""
        result = Result.NOTHING if verb in ("try-restart", "condrestart") else Result.NOT_RUNNING
        found = {target.instance for target in running}
        meant = self._meant() if self.names or not running else []
        return [Outcome(target, result) for target in meant if target.instance not in found]

    def _ascend(self, target: Target, verb: str, apparatus: Apparatus) -> Outcome:
        known = memory.recall(self.paths, target)
        bringing = verb in ("start", "activate")
        if bringing and self.role == DIRECTOR and known.mine and trial.goes_on(self.paths, target.instance):
            from lvs_init.engine import trying

            stance = stance_for(verb, bool(known.mine.stance), known.mine)
            return trying.repair(known.mine, known, self, apparatus, stance)
        if verb == "activate" and known.mine is not None and known.mine.stance:
            return self._activate(target, known, apparatus)
        ascent = self.ascent(target, known, apparatus, verb)
        ascent.brakes = verb in ("reload", "force-reload")
        if verb == "restart" and self.options.full and ascent.memory.mine is not None:
            return self._rebuild(ascent)
        outcome = ascent.run()
        if bringing and not self.options.dry_run and ascent.memory.mine is not None:
            from lvs_init.engine.forewarn import forewarned

            outcome.warnings += forewarned(ascent.cluster, (ascent.memory.mine, *ascent.memory.others))
        return outcome

    def _end_trial(self, target: Target, verb: str, apparatus: Apparatus) -> list[Outcome]:
        """One whose time is over is taken back first, whatever became of the keeper."""
        if not trial.pending(self.paths, target.instance):
            return []
        from lvs_init.engine import trying

        outcomes = trying.go_back_where_due(self, apparatus, target.instance)
        for outcome in outcomes:
            if outcome.error is not None:
                if verb != "activate":
                    raise outcome.error
                outcome.warnings.append(f"what was on trial is not taken back: {outcome.error.message}")
        if verb not in ("start", "activate"):  # which repairs what is on trial
            trial.refuse_while_pending(self.paths, target.instance)
        return outcomes

    def _activate(self, target: Target, known: memory.Memory, apparatus: Apparatus) -> Outcome:
        """A file that is wrong by now must not keep a standby from taking over: it does as it was told before."""
        try:
            return self.ascent(target, known, apparatus, "activate").run()
        except _OF_THE_FILE as error:
            if known.mine is None:
                raise
            outcome = from_record(known.mine, target, known, apparatus, self.options, ACTIVE).run()
            outcome.warnings.append(f"{error.message}; what was applied last is active")
            return outcome

    def ascent(self, target: Target, remembered: memory.Memory, apparatus: Apparatus, verb: str = "reload") -> Ascent:
        """A run to the target's file, all read and nothing done yet. Raises LvsError where that cannot begin."""
        if not target.file:
            target = self._with_file(target, remembered)
        cluster, fingerprint = configuration.read(target)
        if self.role == DIRECTOR and apparatus.runner.find("ipvsadm") is None:
            raise NotInstalled("there is no program ipvsadm", hint="apt-get install ipvsadm, or yum install ipvsadm")
        stance = stance_for(verb, self.role == DIRECTOR and cluster.ha is not None, remembered.mine)
        if not stance and remembered.mine is not None and remembered.mine.stance == STANDBY:
            raise Refused(
                f"{cluster.file} has no [ha] any more, and this standby would become active",
                hint=f"if that is meant: lvs-director {target.instance} stop, then start",
            )
        options = replace(self.options, takeover=self.options.takeover or verb == "activate")
        return Ascent(target, cluster, fingerprint, remembered, apparatus, options, stance=stance)

    def _rebuild(self, ascent: Ascent) -> Outcome:
        """restart --full: with a gap, in which the role is stopped."""
        outcome = descend(ascent.target, ascent.memory, ascent.apparatus, self.options)
        if self.options.dry_run:
            outcome.script += "# and then all that --dry-run start shows once it is stopped\n"
            return outcome
        try:
            built = replace(ascent, memory=memory.recall(self.paths, ascent.target)).run()
        except LvsError as error:
            error.undone = False
            error.message += "; --full had torn everything down, so it is stopped now"
            if not memory.started(self.paths, self.role):
                self._unlock(outcome)
            raise
        built.notes[:0] = outcome.notes
        return built

    @contextlib.contextmanager
    def _one(self, target: Target, outcomes: list[Outcome]) -> Iterator[None]:
        """One cluster's failure is no reason to leave the others as they are."""
        try:
            yield
        except LvsError as error:
            outcomes.append(Outcome(target, Result.FAILED, error=error))

    def _with_file(self, target: Target, remembered: memory.Memory) -> Target:
        """The file that a started target was started from; where that is unknown, the one of its name."""
        file = remembered.mine.file if remembered.mine is not None else ""
        return replace(target, file=file or f"{self.paths.configuration}/{target.instance}.toml")

    def _lock(self) -> list[str]:
        """A missing lock file is worth a warning, no failed start: only Red Hat's rc reads it."""
        try:
            files.touch_lock(self.lock)
        except SystemFailure as error:
            return [error.message]
        return []

    def _stop(self, verb: str, apparatus: Apparatus) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for target in self.running():
            with self._one(target, outcomes):
                known = memory.recall(self.paths, target)
                go = stand_by if verb == "stand-by" and known.mine is not None and known.mine.stance else descend
                outcomes.append(go(target, known, apparatus, self.options))
                if outcomes[-1].stance and not self.options.dry_run:
                    outcomes[-1].warnings += self._lock()
        damaged = memory.damaged(self.paths, self.role)
        meant = {target.instance for target in self.named()} if self.names else set(damaged)
        outcomes += [self._lost(instance, damaged[instance]) for instance in sorted(meant.intersection(damaged))]
        outcomes = outcomes or [Outcome(target, Result.NOTHING) for target in self._meant()]
        if not self.options.dry_run and not damaged and not memory.started(self.paths, self.role):
            self._unlock(outcomes[-1])
        return outcomes

    def _lost(self, instance: str, problem: str) -> Outcome:
        """Of a start whose record cannot be read nobody knows what it did, so nobody may say that it is undone."""
        error = SystemFailure(
            problem,
            hint="what was started may still be here: look at 'ip address' and 'ipvsadm -Ln', take it away by hand, "
            "and then this file",
        )
        return Outcome(Target(self.role, instance, ""), Result.FAILED, error=error)

    def _unlock(self, outcome: Outcome) -> None:
        """Nor is a lock file that cannot be removed worth a failed stop."""
        if outcome.result is Result.NOTHING and os.path.lexists(self.lock):
            outcome.notes.append(
                f"{self.lock} was there without a record of what was started: if 'ip address' or 'ipvsadm -Ln' still "
                "shows it, take it away by hand"
            )
        try:
            files.remove(self.lock)
        except SystemFailure as error:
            outcome.warnings.append(error.message)

    def _meant(self) -> list[Target]:
        """What was asked for, without a look at any file: a broken configuration must not get in the way."""
        return self.named() if self.names else [Target(self.role, "", "")]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for garbage in cycles: a run leaves next to none, and with tens of thousands of real
    servers the search takes a quarter of the time, and more with each of them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
