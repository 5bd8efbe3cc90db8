"""lvsctl check: every mistake of a configuration in one run, anywhere, without root."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.engine import configuration
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR
from lvs_init.errors import ConfigurationError, UnsafeFile
from lvs_init.faces import codes
from lvs_init.faces.terminal import is_terminal, shorter
from lvs_init.model.problem import Problem
from lvs_init.system import files, identity, streams

_VERSION = 1
_USUAL_WIDTH = 100  # where there is no terminal
_WIDEST_PATH = 36


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "check",
        help="find every mistake of a configuration",
        description="Finds every mistake of a configuration. Runs anywhere, changes nothing, needs no root.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.set_defaults(run=run)


FILE_HELP = "a path, or NAME for /etc/lvs/NAME.toml; else LVS_CONFIG or /etc/lvs/lvs.toml"


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: sound; 1: not. Raises NotConfigured where there is no file, SystemFailure where it cannot be read."""
    file = file_named(arguments.file, environment)
    data = files.read_trusted(file, owner_check=False)
    problems: list[Problem] = []
    warnings: list[str] = []
    cluster = None
    try:
        cluster = parse(data, file)
    except ConfigurationError as error:
        problems += [problem for problem in error.problems if isinstance(problem, Problem)]
    unsafe = _unsafe(file)
    if unsafe and identity.is_root():
        problems.append(Problem(file, "", f"would be refused: {unsafe.message}", hint=unsafe.hint))
    elif unsafe:
        warnings.append(f"root would refuse it where it is: {unsafe.message}")
    warnings += _risks(cluster) if cluster else []
    notes = list(_notes(cluster)) if cluster else []
    if arguments.json:
        _tell_programs(file, problems, warnings, notes)
    elif problems or cluster is None:
        tell_problems(file, problems)
    else:
        streams.out(f"{shorter(file)} is sound: {summary(cluster)}")
    if not arguments.json:
        for warning in warnings:
            streams.err(f"lvsctl: warning: {warning}")
        for note in notes:
            streams.out(f"note: {note}")
    return codes.FAILED if problems else codes.DONE


def file_named(name: str, environment: Mapping[str, str]) -> str:
    """The path that is meant: what looks like a file's name is one, a plain word is a cluster's."""
    if "/" in name or name.endswith(".toml"):
        return os.path.abspath(name)
    return configuration.target(Paths(), DIRECTOR, name, environment).file


def summary(cluster: Cluster) -> str:
    """``web-nat, 1 service by nat, 1 VIP, 2 real servers``."""
    methods = sorted({method for service in cluster.services for method in service.forwardings})
    rips = {key.address for service in cluster.services for key, _ in service.realservers}
    by = f" by {' and '.join(methods)}" if methods else ""
    parts = [(len(cluster.services), "service"), (len(cluster.vips), "VIP"), (len(rips), "real server")]
    services, *others = [f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in parts]
    return f"{cluster.name}, {services}{by}, {', '.join(others)}"


def tell_problems(file: str, problems: Sequence[Problem]) -> None:
    """Where, what is wrong, what to do: in two columns as wide as the terminal."""
    count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    streams.out(f"{shorter(file)} has {count}:")
    founds = (f" (found: {problem.found})" if problem.found else "" for problem in problems)
    tell_places([(_place(each), each.message + found, each.hint) for each, found in zip(problems, founds)])


def tell_places(told: Sequence[tuple[str, str, str]]) -> None:
    """(place, what is wrong there, what to do) in two columns as wide as the terminal."""
    width = shutil.get_terminal_size((_USUAL_WIDTH, 0)).columns if is_terminal() else _USUAL_WIDTH
    column = min(max((len(place) for place, _, _ in told), default=0), _WIDEST_PATH)
    for place, message, hint in told:
        streams.out("")
        streams.out("\n".join(_two_columns(place, message, hint, column, width)))


def _place(problem: Problem) -> str:
    if problem.line:
        return f"line {problem.line}, column {problem.column}" if problem.column else f"line {problem.line}"
    return problem.path or "the file"


def _two_columns(place: str, message: str, hint: str, column: int, width: int) -> Iterator[str]:
    import textwrap

    indent = " " * (2 + column + 2)
    room = max(width, len(indent) + 30)
    lines = textwrap.wrap(message, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    if hint:
        lines += textwrap.wrap(
            hint, room, initial_indent=indent + "-> ", subsequent_indent=indent + "   ", break_on_hyphens=False
        )
    if len(place) > column:
        yield f"  {place}"
    else:
        yield f"  {place:<{column}}  {lines.pop(0).strip()}"
    yield from lines


def _unsafe(file: str) -> UnsafeFile | None:
    try:
        files.trusted_path(file)
    except UnsafeFile as error:
        return error
    except OSError:  # gone meanwhile
        return None
    return None


def _risks(cluster: Cluster) -> list[str]:
    """Of a pair alone."""
    if cluster.ha is None:
        return []
    from lvs_init.ha.risks import risks

    found = list(risks(cluster.ha, pacemaker=True))
    if any(device.parameters for device in cluster.ha.stonith) and os.stat(cluster.file).st_mode & 0o004:
        found.append(f"everybody here can read how a node is turned off; chmod 600 {cluster.file}")
    return found


def _notes(cluster: Cluster) -> Iterator[str]:
    for service in cluster.services:
        if service.key.protocol == "fwmark" and service.match is None:
            yield (
                f"{service.path} has no match, so nothing is marked by start: give packets for it the mark "
                f"{service.key.fwmark} with rules of your own (mangle PREROUTING)"
            )


def _tell_programs(file: str, problems: Sequence[Problem], warnings: list[str], notes: list[str]) -> None:
    import json

    plain = [{name: value for name, value in asdict(problem).items() if name != "file"} for problem in problems]
    answer = {
        "version": _VERSION,
        "file": file,
        "sound": not problems,
        "problems": plain,
        "warnings": warnings,
        "notes": notes,
    }
    streams.out(json.dumps(answer, indent=2))
