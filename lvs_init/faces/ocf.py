"""The resource agents' face: actions, OCF's exit codes, an ocf-exit-reason for each thing that is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NoReturn

from lvs_init.commands.pacemaker import promotion_score
from lvs_init.engine import configuration, memory
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, REALSERVER, Options, Result, Target
from lvs_init.errors import ConfigurationError, LvsError, NotConfigured, NotPrivileged
from lvs_init.faces import ocf_codes as codes
from lvs_init.faces import ocf_metadata, ocf_monitor, ocf_parameters
from lvs_init.faces.telling import lines_of, tell_note, tell_warning
from lvs_init.system import identity, streams, syslog
from lvs_init.system.runner import Runner

if TYPE_CHECKING:  # a monitor does not pay for the reader
    from lvs_init.config.cluster import Cluster

#: Pacemaker promotes where the score is highest: an active director stays where it is.
_SCORE_ACTIVE, _SCORE_STANDBY = 100, 50


@dataclass(frozen=True)
class Call:
    """One action of one resource."""

    role: str
    action: str
    parameters: ocf_parameters.Parameters
    environment: Mapping[str, str]
    paths: Paths

    @property
    def name(self) -> str:
        return f"lvs-{self.role}"

    @property
    def target(self) -> Target:
        return configuration.target(self.paths, self.role, self.parameters.name, self.environment)


def run(role: str, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run a resource agent and leave with its exit code."""
    streams.hold_standard_descriptors()
    streams.finish(main(role, argv, environment))


def main(role: str, argv: Sequence[str], environment: Mapping[str, str], paths: Paths | None = None) -> int:
    """The same, up to the exit code. Never raises: whatever happens becomes lines on stderr and a code."""
    os.umask(0o022)
    action = argv[0] if argv else ""
    if action == "meta-data":
        streams.out(ocf_metadata.text(role))
        return codes.SUCCESS
    if action in ("usage", "help"):
        streams.out(ocf_metadata.usage(role))
        return codes.SUCCESS
    if action not in _ACTIONS[role]:
        streams.err(ocf_metadata.usage(role))
        _reason(f"there is no action '{action}'" if action else "an action is missing")
        return codes.UNIMPLEMENTED
    call = Call(role, action, ocf_parameters.read(environment), environment, paths or Paths())
    try:
        return _ACTIONS[role][action](call)
    except LvsError as error:
        return _failed(call, error)
    except Exception as error:  # noqa: BLE001 - the last line: a bug must not become a traceback in the cluster's log
        return _bug(call, error)


def _start(call: Call) -> int:
    """The director of a promotable clone stands by until it is promoted; everybody else serves."""
    if call.parameters.wrong:
        return _wrong(call)
    if call.parameters.promotable or call.parameters.cluster:
        _cluster(call)
    code = _carry_out(call, "start" if call.parameters.promotable else "activate")
    if code == codes.SUCCESS and call.parameters.promotable:
        _score(call, _SCORE_STANDBY)
    return code


def _stop(call: Call) -> int:
    """Whatever the parameters and the file say by now: what was started is remembered elsewhere."""
    _score(call, None)
    return _carry_out(call, "stop") if call.parameters.name else codes.SUCCESS


def _monitor(call: Call) -> int:
    parameters = call.parameters
    if parameters.wrong:
        return _wrong(call)
    if not identity.is_root():
        raise NotPrivileged("only root can tell whether it runs", hint="run it as root")
    code, wrong = ocf_monitor.look(call.paths, call.target, promotable=parameters.promotable, level=parameters.level)
    for sentence in reversed(wrong):  # the last one is what Pacemaker shows
        _reason(sentence)
    if parameters.probe and code in (codes.SUCCESS, codes.PROMOTED):
        _score(call, _SCORE_ACTIVE if code == codes.PROMOTED else _SCORE_STANDBY)
    return code


def _promote(call: Call) -> int:
    """A file that is broken by now must not keep a standby from taking over."""
    if not call.parameters.promotable:
        return _not_promotable(call)
    if call.parameters.wrong:
        return _wrong(call)
    record = memory.recall(call.paths, call.target).mine
    if record is None or not record.stance:
        _cluster(call)
    code = _carry_out(call, "activate")
    if code == codes.SUCCESS:
        _score(call, _SCORE_ACTIVE)
    return code


def _demote(call: Call) -> int:
    """Works from what is remembered, as stop does: a file that is being edited must not keep two directors active."""
    if not call.parameters.promotable:
        return _not_promotable(call)
    if memory.recall(call.paths, call.target).mine is None:
        _reason("it is stopped, so there is nothing to demote")
        return codes.GENERIC
    code = _carry_out(call, "stand-by")
    if code == codes.SUCCESS:
        _score(call, _SCORE_STANDBY)
    return code


def _validate(call: Call) -> int:
    """Level 0 asks whether parameters and file are sound, level 10 whether this machine fits them, too."""
    if call.parameters.wrong:
        return _wrong(call)
    _cluster(call)
    if call.parameters.level >= ocf_monitor.DEEP:
        from lvs_init.engine.preview import preview

        preview(call.target, call.environment, call.paths)
    return codes.SUCCESS


_BOTH: dict[str, Callable[[Call], int]] = {
    "start": _start,
    "stop": _stop,
    "monitor": _monitor,
    "validate-all": _validate,
}
_ACTIONS = {DIRECTOR: {**_BOTH, "promote": _promote, "demote": _demote}, REALSERVER: _BOTH}


def _cluster(call: Call) -> Cluster:
    """The cluster of the file. Raises LvsError where it is not the one that the resource is for."""
    cluster, _ = configuration.read(call.target)
    named = call.parameters.cluster
    if named and cluster.name != named:
        raise NotConfigured(
            f"{cluster.file} describes the cluster {cluster.name}, and the resource is for {named}",
            hint="change the parameter config or cluster",
        )
    if call.parameters.promotable and cluster.ha is None:
        raise NotConfigured(
            f"{cluster.file} has no table [ha], so there is no standby to promote",
            hint="write it (docs/ha.md), or make the resource one that is not promotable",
        )
    return cluster


def _carry_out(call: Call, verb: str) -> int:
    from lvs_init.engine.run import Engine

    # A VIP that its former owner still has must not keep the service down on both nodes.
    engine = Engine(call.role, (call.parameters.name,), Options(takeover=True), call.environment, call.paths)
    code = codes.SUCCESS
    for outcome in engine.carry_out(verb):
        for warning in [*outcome.warnings, *outcome.degraded]:
            tell_warning(call.name, warning)
        for note in outcome.notes:
            tell_note(call.name, note)
        if outcome.error is not None:
            code = _failed(call, outcome.error)
        elif outcome.result is Result.DONE:
            done = f"{call.action} of {outcome.target.instance} is done" + (outcome.facts and f": {outcome.facts}")
            streams.out(f"{call.name}: {done}")
            syslog.log(call.name, syslog.INFO, done)
    return code


def _score(call: Call, score: int | None) -> None:
    """Tell Pacemaker where to promote. An action never fails for it: a pair without scores works, but moves more."""
    if not call.parameters.scored:
        return
    runner = Runner()
    if runner.find("crm_attribute") is None:
        return
    command = promotion_score(call.parameters.resource, score, call.parameters.node)
    try:
        runner.check(command)
    except LvsError as error:
        tell_note(call.name, f"the promotion score could not be told: {error.message}")


def _failed(call: Call, error: LvsError) -> int:
    """Pacemaker shows the last reason, 128 characters of it; so what counts most comes last."""
    first, *more = lines_of(error)
    problems = [str(problem) for problem in error.problems] if isinstance(error, ConfigurationError) else []
    for line in reversed(more):
        _reason(line.strip())
    _reason(f"{first}: {problems[0].partition(': ')[2]}" if problems else first)
    syslog.log(call.name, syslog.ERROR, "; ".join(line.strip() for line in (first, *more)))
    if isinstance(error, NotConfigured) and not os.path.lexists(call.target.file) and call.action != "stop":
        return codes.INSTALLED
    return codes.of(error, call.action)


def _wrong(call: Call) -> int:
    for sentence in call.parameters.wrong:
        _reason(sentence)
    return codes.CONFIGURED


def _not_promotable(call: Call) -> int:
    _reason(f"{call.action} is for a promotable clone, and this resource is none")
    return codes.UNIMPLEMENTED


def _bug(call: Call, error: Exception) -> int:
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"internal error, please report it: {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    _reason(text)
    syslog.log(call.name, syslog.ERROR, text)
    if os.environ.get("LVS_DEBUG"):
        traceback.print_exc()
    return codes.GENERIC


def _reason(text: str) -> None:
    """A line for the cluster's admin."""
    streams.err(f"ocf-exit-reason:{' '.join(text.split())}")
