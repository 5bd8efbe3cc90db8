"""lvsctl import: lvs.toml from a classic bash script or from a saved IPVS table, without executing anything."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

from lvs_init.errors import LvsError, Refused, SystemFailure
from lvs_init.faces import codes
from lvs_init.system import files, streams

_USUAL_FILE = "/etc/lvs/lvs.toml"
_STANDARD_INPUT = "-"


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "import",
        help="make a configuration of a classic bash script or a saved table",
        description="Reads a bash script that sets up a director or a real server, as if it were called with 'start', "
        "or what 'ipvsadm -Sn' prints, and writes the configuration that says the same. Nothing is executed. What it "
        "does not understand, and what has no place in a configuration, is told line by line; guesses and gaps are "
        "marked in the result.",
        epilog="Exit codes: 0 the result is sound, 1 it is not or there is none, 6 no such file, 64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("script", metavar="SCRIPT", help="a script or a saved table; - for standard input")
    parser.add_argument("--out", metavar="FILE", default="", help="write there instead of to standard output")
    parser.add_argument("--force", action="store_true", help="write over a FILE that is there")
    parser.add_argument("--name", metavar="NAME", default="", help="the cluster's name; else that of its file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: sound; 1: not. Raises NotConfigured where there is no script, Refused where the file is there already."""
    from lvs_init.importing.script import imported

    target = os.path.abspath(arguments.out) if arguments.out else ""
    if target and not arguments.force and os.path.lexists(target):
        raise Refused(f"{target} is there already", hint="name another file, or give --force")
    script = arguments.script
    data = _standard_input() if script == _STANDARD_INPUT else files.read_trusted(script, owner_check=False)
    shown = "standard input" if script == _STANDARD_INPUT else script
    result = imported(data, os.path.basename(shown), target or _USUAL_FILE, arguments.name)
    for line, message in result.said:
        streams.err(f"{shown}:{line}: {message}" if line else f"{shown}: {message}")
    if not result.text:
        raise LvsError(
            f"nothing of a virtual server was found in {shown}",
            hint="it was read as if it were called with 'start'; 'ipvsadm -Sn' tells what is there while it runs",
        )
    if target:
        files.write_atomic(target, result.text.encode("ascii"), 0o644)
    else:
        streams.out(result.text.rstrip("\n"))
    return _conclusion(result, shown, target)


def _conclusion(result: Any, shown: str, target: str) -> int:
    from lvs_init.faces.lvsctl_check import summary

    place = target or "the result"
    if result.cluster is None:
        streams.err(f"lvsctl: {place} cannot be used yet:")
        for problem in result.problems:
            hint = f"; {problem.hint}" if problem.hint else ""
            streams.err(f"  {problem.path or 'the file'}: {problem.message}{hint}")
        return codes.FAILED
    count = len(result.said)
    left = f"; {count} remark{'' if count == 1 else 's'} above" if count else ""
    streams.err(f"lvsctl: {place} is sound: {summary(result.cluster)}{left}")
    return codes.DONE


def _standard_input() -> bytes:
    """At most as much as a file may have. Raises SystemFailure."""
    if sys.stdin is None:
        raise SystemFailure("standard input is closed")
    data = sys.stdin.buffer.read(files.LIMIT + 1)
    if len(data) > files.LIMIT:
        raise SystemFailure(f"standard input has more than {files.LIMIT} bytes")
    return data
