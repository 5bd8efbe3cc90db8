"""lvsctl try: apply a file, and go back by itself unless somebody confirms it."""

from __future__ import annotations

import argparse
import os
import select
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lvs_init.errors import NotConfigured
from lvs_init.faces import codes
from lvs_init.faces.telling import tell_note, tell_warning
from lvs_init.faces.terminal import is_terminal
from lvs_init.system import streams, syslog

if TYPE_CHECKING:
    from lvs_init.engine.request import Outcome
    from lvs_init.engine.run import Engine
    from lvs_init.engine.trial import Trial

_SHORTEST, _USUAL, _LONGEST = 5, 60, 86400  # seconds
_GRACE = 20.0  # seconds after which the keeper is not waited for any longer
_NAME = "lvsctl try"


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "try",
        help="apply a file for a while, and go back unless it is confirmed",
        description="Applies FILE to the director that runs, as reload would. Unless it is confirmed in time, what ran "
        "before comes back by itself, whatever became of this command and its terminal. Confirmed by Enter, or from "
        "elsewhere by --confirm, FILE becomes the configuration; the former one stays beside it as .old. So FILE is a "
        "copy of the configuration, edited elsewhere. Meanwhile start repairs what is on trial, restart and reload are "
        "refused, and stop ends the trial.",
        epilog="Exit codes: 0 kept, or its time goes on; 1 refused, failed or gone back; 4 needs root, 6 no such file, "
        "64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "file", nargs="?", default="", metavar="FILE", help="a path; after --confirm and --revert a NAME"
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default=_USUAL,
        metavar="S",
        help=f"seconds until it goes back by itself, {_SHORTEST} to {_LONGEST} ({_USUAL})",
    )
    parser.add_argument("--confirm", action="store_true", help="keep what is on trial")
    parser.add_argument("--revert", action="store_true", help="go back at once")
    parser.add_argument(
        "--cluster", default="", metavar="NAME", help="the cluster that FILE is meant for, where several run"
    )
    parser.add_argument("--force", action="store_true", help="even where it takes away more than max_removal allows")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: kept, or on trial with nobody to ask here; 1: gone back. Raises LvsError where nothing was changed."""
    from lvs_init.engine.request import DIRECTOR, Options
    from lvs_init.engine.run import Engine

    engine = Engine(DIRECTOR, options=Options(force=arguments.force), environment=environment)
    if arguments.confirm and arguments.revert:
        return _wrong("--confirm and --revert contradict each other")
    if arguments.confirm:
        return _confirm(engine, arguments.file or arguments.cluster)
    if arguments.revert:
        return _revert(engine, arguments.file or arguments.cluster)
    if not arguments.file:
        return _wrong("FILE is missing")
    return _try(engine, arguments, environment)


def _wrong(text: str) -> int:
    from lvs_init.faces.lvsctl import USAGE

    streams.err(f"{_NAME}: {text}")
    streams.err("usage: lvsctl try FILE [--for S] | --confirm [NAME] | --revert [NAME]")
    return USAGE


def _seconds(text: str) -> int:
    seconds = int(text)
    if not _SHORTEST <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"is a number of seconds from {_SHORTEST} to {_LONGEST}")
    return seconds


def _try(engine: Engine, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from lvs_init.engine import preview, trying
    from lvs_init.engine.request import DIRECTOR
    from lvs_init.errors import ConfigurationError, NotPrivileged
    from lvs_init.faces.lvsctl_check import tell_problems
    from lvs_init.model.problem import Problem
    from lvs_init.system import identity

    if not identity.is_root():
        raise NotPrivileged("try needs root", hint="run it as root")
    file = os.path.abspath(arguments.file)
    if not os.path.exists(file):
        raise NotConfigured(f"there is no file {file}")
    target = preview.target_of(file, DIRECTOR, arguments.cluster, environment, engine.paths)
    try:
        begun, outcome = trying.begin(engine, target, arguments.seconds)
    except ConfigurationError as error:
        tell_problems(file, [problem for problem in error.problems if isinstance(problem, Problem)])
        return codes.FAILED
    _tell(outcome)
    _say(f"{begun.file} is in effect until {begun.until}: {outcome.facts}")
    if sys.stdin is None or not sys.stdin.isatty():
        streams.out(f"It goes back by itself, unless: lvsctl try --confirm {begun.instance}")
        return codes.DONE
    return _ask(engine, begun)


def _ask(engine: Engine, begun: Trial) -> int:
    """Wait for Enter, for somebody else's word, or for the end of the time."""
    import termios

    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question is no answer
    question = "Enter keeps it, Ctrl-C goes back at once"
    if not is_terminal():
        streams.err(question)
    try:
        while True:
            state = _state(engine, begun)
            if state is not None:
                _clear()
                return state
            if begun.overdue > _GRACE:
                return _revert(engine, begun.instance) or codes.FAILED
            if is_terminal():
                sys.stdout.write(f"\r\x1b[K{question}: {begun.left:.0f} s ")
                sys.stdout.flush()
            if not select.select([sys.stdin], [], [], 0.5)[0]:
                continue
            answer = sys.stdin.readline()
            if not answer:  # nobody is there any more, but perhaps elsewhere
                streams.out(f"It goes back by itself, unless: lvsctl try --confirm {begun.instance}")
                return codes.FAILED
            if not answer.strip() and begun.left:
                return _confirm(engine, begun.instance)
    except KeyboardInterrupt:
        _clear()
        return _revert(engine, begun.instance) or codes.FAILED


def _clear() -> None:
    if is_terminal():
        sys.stdout.write("\r\x1b[K")


def _state(engine: Engine, begun: Trial) -> int | None:
    """What became of it without us; None while it goes on."""
    from lvs_init.engine import memory, trial

    if any(other.deadline == begun.deadline for other in trial.pending(engine.paths, begun.instance)):
        return None
    known = memory.recall(engine.paths, begun.target).mine
    if known is not None and known.file == begun.place and known.fingerprint != begun.before.fingerprint:
        streams.out(f"{begun.file} was confirmed elsewhere")
        return codes.DONE
    if known is None:
        streams.out(f"lvs-director {begun.instance} was stopped meanwhile")
    else:
        streams.out(f"{begun.file} was not confirmed: what ran before it is back")
    return codes.FAILED


def _confirm(engine: Engine, instance: str) -> int:
    from lvs_init.engine import trying

    kept, former = trying.confirm(engine, instance)
    place = f" and is now {kept.place}" if kept.file != kept.place else ""
    _say(f"{kept.file} is kept{place}" + (f" (before: {former})" if former else ""))
    return codes.DONE


def _revert(engine: Engine, instance: str) -> int:
    from lvs_init.engine import trying

    outcome = trying.revert(engine, instance)
    _tell(outcome)
    _say(f"what ran before is back: {outcome.facts}")
    return codes.DONE


def _say(line: str) -> None:
    streams.out(line)
    syslog.log(_NAME, syslog.INFO, line)


def _tell(outcome: Outcome) -> None:
    for warning in [*outcome.warnings, *outcome.degraded]:
        tell_warning(_NAME, warning)
    for note in outcome.notes:
        tell_note(_NAME, note)
