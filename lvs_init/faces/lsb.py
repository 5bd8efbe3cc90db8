"""The init script's face: verbs, LSB exit codes, one line of success, problems on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NoReturn

from lvs_init.engine.request import Options, Outcome, Result
from lvs_init.errors import LvsError
from lvs_init.faces import codes
from lvs_init.faces.telling import lines_of, tell_error, tell_note, tell_warning
from lvs_init.model.record import STANDBY
from lvs_init.system import streams, syslog

_VERBS = ("start", "stop", "restart", "try-restart", "condrestart", "reload", "force-reload", "status")
#: Verb -> what is asked of the engine.
_MEANT = MappingProxyType({verb: verb for verb in _VERBS})
_FLAGS = {
    "--dry-run": "dry_run",
    "--strict": "strict",
    "--full": "full",
    "--force": "force",
    "--prune": "prune",
    "--json": "json",
}
#: A cluster's name, or a path to its file.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}|/[^\0]{1,4000}")


@dataclass(frozen=True)
class Call:
    """A parsed command line. The verb comes last, since Heartbeat puts a resource's arguments before it."""

    verb: str
    names: tuple[str, ...]
    options: Options
    json: bool


def parse(argv: Sequence[str], verbs: Collection[str] = _VERBS) -> Call | str:
    """The call, or what is wrong with it."""
    flags = {word for word in argv if word.startswith("-")}
    words = [word for word in argv if not word.startswith("-")]
    unknown = sorted(flags - set(_FLAGS))
    if unknown:
        return f"unknown option {unknown[0]}"
    if not words:
        return "a verb is missing"
    verb, names = words[-1], tuple(words[:-1])
    if verb not in verbs:
        misplaced = [word for word in words if word in verbs]
        return f"excess argument '{verb}'" if misplaced else f"unknown verb '{verb}'"
    if set(names) & set(verbs):
        return f"excess argument '{verb}'"
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        return f"'{wrong[0]}' is neither a cluster's name nor a path"
    chosen = {_FLAGS[flag] for flag in flags}
    options = Options(**{name: True for name in chosen if name != "json"})
    return Call(verb, names, options, "json" in chosen)


def run(role: str, usage: str, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run an init script and leave with its exit code."""
    streams.hold_standard_descriptors()
    streams.finish(main(role, usage, argv, environment))


def main(
    role: str,
    usage: str,
    argv: Sequence[str],
    environment: Mapping[str, str],
    meant: Mapping[str, str] = _MEANT,
) -> int:
    """The same, up to the exit code. Never raises: whatever happens becomes a line on stderr and a code.

    ``meant``: the verbs that there are -> what is asked of the engine.
    """
    name = f"lvs-{role}"
    os.umask(0o022)
    call = parse(argv, meant)
    if isinstance(call, str):
        streams.err(f"{name}: {call}")
        streams.err(usage)
        return codes.USAGE
    try:
        if call.verb == "status":
            from lvs_init.faces import lsb_status

            return lsb_status.report(role, call.names, environment, as_json=call.json)
        return _write(role, name, call, environment, meant[call.verb])
    except LvsError as error:
        tell_error(name, error)
        return codes.STATUS_UNKNOWN if call.verb == "status" else codes.of(error, call.verb)
    except Exception as error:  # noqa: BLE001 - the last line: a bug must not become a traceback at boot
        return _bug(name, call.verb, error)


def _write(role: str, name: str, call: Call, environment: Mapping[str, str], asked: str) -> int:
    from lvs_init.engine.run import Engine

    progress = _progress(name) if sys.stderr is not None and sys.stderr.isatty() else None
    # Under Heartbeat a start that fails leaves the service down on both nodes (heartbeat 3.0.6, hb_standby).
    options = replace(call.options, takeover="HA_CURHOST" in environment)
    engine = Engine(role, call.names, options, environment)
    if progress is not None:
        engine.listen = progress
    outcomes = engine.carry_out(asked)
    for outcome in outcomes:
        for warning in [*outcome.warnings, *outcome.degraded]:
            tell_warning(name, warning)
        for note in outcome.notes:
            tell_note(name, note)
        if outcome.error is not None:
            tell_error(_subject(name, outcome), outcome.error)
    if call.json:
        import json

        streams.out(json.dumps({"version": 1, "outcomes": [_plain(outcome) for outcome in outcomes]}, indent=2))
    else:
        for outcome in outcomes:
            if outcome.error is not None:
                continue
            line = _line(name, call.verb, outcome)
            streams.out(outcome.script.rstrip("\n") or line)
            if outcome.result is Result.DONE:
                syslog.log(name, syslog.INFO, line)
    failed = [codes.of(outcome.error, call.verb) for outcome in outcomes if outcome.error is not None]
    idle = [codes.NOT_RUNNING for outcome in outcomes if outcome.result is Result.NOT_RUNNING]
    return next(iter(failed + idle), codes.DONE)


def _subject(name: str, outcome: Outcome) -> str:
    return f"{name} {outcome.target.instance}" if outcome.target.instance not in ("", "lvs") else name


def _line(name: str, verb: str, outcome: Outcome) -> str:
    """The one line of success (or of nothing to do)."""
    subject = _subject(name, outcome)
    if outcome.result is Result.SHOWN:
        return f"# {subject}: nothing to do"
    if outcome.result is Result.NOT_RUNNING:
        return f"{subject} is stopped, so there is nothing to {verb}"
    if verb in ("stop", "stand-by") and not outcome.stance:
        return f"{subject} is stopped" if outcome.result is Result.DONE else f"{subject} was stopped already"
    if outcome.result is Result.NOTHING and outcome.stance == STANDBY:
        return f"{subject} is standby, nothing to do"
    if outcome.result is Result.NOTHING:
        return (
            f"{subject} is running, nothing to do: {outcome.facts}" if outcome.facts else f"{subject} is stopped, "
            "nothing to do"
        )  # fmt: skip
    state = " (degraded)" if outcome.degraded else ""
    if outcome.stance == STANDBY:
        return f"{subject} is standby{state}" + (f": {outcome.facts}" if outcome.facts else "")
    return f"{subject} is running{state}: {outcome.facts}"


def _plain(outcome: Outcome) -> dict[str, object]:
    return {
        "role": outcome.target.role,
        "instance": outcome.target.instance,
        "result": outcome.result.value,
        "steps": outcome.steps,
        "warnings": outcome.warnings,
        "degraded": outcome.degraded,
        "notes": outcome.notes,
        "script": outcome.script,
        "error": lines_of(outcome.error) if outcome.error is not None else [],
    }


def _progress(name: str):  # type: ignore[no-untyped-def]
    """On a terminal, waiting is explained; steps are too quick to be worth a line."""

    def listen(event: str) -> None:
        if event.startswith(("wait", "terminate")):
            streams.err(f"{name}: {event} ...")

    return listen


def _bug(name: str, verb: str, error: Exception) -> int:
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"internal error, please report it: {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    streams.err(f"{name}: {text}")
    syslog.log(name, syslog.ERROR, text)
    if os.environ.get("LVS_DEBUG"):
        traceback.print_exc()
    return codes.STATUS_UNKNOWN if verb == "status" else codes.FAILED
