"""lvsctl plan: every step of the next start or reload, what is left alone, what drifted; nothing is changed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from lvs_init.errors import ConfigurationError
from lvs_init.faces import codes
from lvs_init.faces.lvsctl_check import FILE_HELP
from lvs_init.model.problem import Problem
from lvs_init.system import files, streams

if TYPE_CHECKING:
    from lvs_init.engine.preview import Preview
    from lvs_init.model.state import Change, Value
    from lvs_init.plan.step import Step

_VERSION = 1
SOMETHING_TO_DO = 2


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "plan",
        help="show what start or reload would do",
        description="Shows every step of the next start or reload with its reason and its commands, what is left alone "
        "and why, and what has drifted from what was applied. Changes nothing.",
        epilog="Exit codes: 0 nothing to do, 2 something to do, 1 failed, 4 needs root, 6 no configuration, "
        "64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument(
        "--role",
        choices=("director", "realserver"),
        default="",
        help="as which of the two (the one that runs here, else what this machine's addresses say)",
    )
    parser.add_argument(
        "--cluster", default="", metavar="NAME", help="the cluster that FILE is meant for, where several run"
    )
    parser.add_argument(
        "--from",
        dest="old",
        default="",
        metavar="OLD",
        help="from this file to FILE on a director made up for both; needs neither root nor IPVS",
    )
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: nothing to do; 2: something to do; 1: mistakes. Raises LvsError where nothing can be planned."""
    try:
        seen = _between(arguments) if arguments.old else _here(arguments, environment)
    except ConfigurationError as error:
        from lvs_init.faces.lvsctl_check import tell_problems

        problems = [problem for problem in error.problems if isinstance(problem, Problem)]
        tell_problems(problems[0].file if problems else arguments.file, problems)
        return codes.FAILED
    if arguments.json:
        import json

        streams.out(json.dumps(plain(seen), indent=2))
    else:
        from lvs_init.faces import plan_display

        streams.out("\n".join(plan_display.lines(seen)))
    return SOMETHING_TO_DO if seen.todo else codes.DONE


def _here(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Preview:
    from lvs_init.engine import preview
    from lvs_init.engine.paths import Paths
    from lvs_init.errors import NotPrivileged
    from lvs_init.system import identity

    if not identity.is_root():
        raise NotPrivileged("plan needs root, to see the kernel's table and our records", hint="run it as root")
    paths = Paths()
    target = preview.target_of(arguments.file, arguments.role, arguments.cluster, environment, paths)
    return preview.preview(target, environment, paths)


def _between(arguments: argparse.Namespace) -> Preview:
    from lvs_init.config.load import parse
    from lvs_init.engine.preview import between
    from lvs_init.faces.lvsctl_check import file_named

    old, new = (
        parse(files.read_trusted(file, owner_check=False), file)
        for file in (file_named(arguments.old, {}), file_named(arguments.file, {}))
    )
    return between(old, new)


def plain(seen: Preview) -> dict[str, Any]:
    """The shape that ``--json`` prints; docs/json.md describes it."""
    from lvs_init.commands.render import render

    foresight = seen.foresight
    plan, removed = foresight.plan, foresight.removal

    def step_of(step: Step) -> dict[str, Any]:
        return {
            "phase": step.phase.name.lower(),
            "reason": step.reason,
            "changes": [_change(change, seen) for change in step.changes],
            "commands": [
                {"argv": list(command.argv), "stdin": command.stdin} for command in render(step.changes, seen.tools)
            ],
        }

    return {
        "version": _VERSION,
        "role": seen.target.role,
        "instance": seen.target.instance,
        "cluster": seen.cluster,
        "file": seen.target.file,
        "applied": seen.since,
        "verb": seen.verb,
        "todo": seen.todo,
        "steps": [step_of(step) for step in plan.steps],
        "announced": [{"address": key.address, "interface": key.interface} for key in foresight.announced],
        "drifted": [
            {
                "key": str(drift.key),
                "applied": _value(drift.applied),
                "live": _value(drift.live),
                "repaired": drift.repaired,
            }
            for drift in seen.drifts
        ],
        "draining": [
            {"key": str(key), "seconds": round(max(0.0, end - plan.moment.now), 1)} for key, end in plan.drains.items()
        ],
        "by_hand": [
            {
                "real_server": will.subject,
                "weight": will.weight,
                "since": will.since,
                "over": will.over,
                "until": will.until,
            }
            for will in seen.wills
        ],
        "foreign": [
            {
                "key": str(found.key),
                "scheduler": found.service.scheduler,
                "real_servers": found.servers,
                "of": found.holder,
            }
            for found in seen.foreign
        ],
        "left_alone": list(seen.notes),
        "warnings": list(seen.warnings),
        "removal": {
            "refused": removed.too_much,
            "max_removal": removed.limit,
            "services": [len(removed.services), removed.of_services],
            "real_servers": [len(removed.servers), removed.of_servers],
            "removed": [str(key) for key in removed.keys],
        },
    }


def _change(change: Change, seen: Preview) -> dict[str, Any]:
    from lvs_init.model.codec import kind_of
    from lvs_init.plan.drift import cause

    return {
        "kind": kind_of(change.key),
        "key": str(change.key),
        "before": _value(change.before),
        "after": _value(change.after),
        "cause": cause(change, seen.foresight.plan, seen.record),
    }


def _value(value: Value | None) -> Any:
    return asdict(value) if is_dataclass(value) else value
