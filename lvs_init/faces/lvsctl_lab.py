"""lvsctl lab: rehearse a configuration on a real IPVS kernel, and show what came of it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lvs_init.errors import ConfigurationError, SystemFailure
from lvs_init.faces import codes
from lvs_init.model.problem import Problem
from lvs_init.system import files, streams

if TYPE_CHECKING:
    from lvs_init.lab.report import Report


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "lab",
        help="rehearse a configuration with hosts of its own on a real IPVS kernel",
        description="Builds a client, a director and the real servers of a configuration, in network namespaces of "
        "this kernel (root, ip_vs loaded) or of a User-Mode Linux guest (anybody). Starts them, sends requests, "
        "compares who answered with what the scheduler should do, stops everything and looks for anything left over. "
        "Nothing outside these hosts is touched.",
        epilog="Exit codes: 0 all of it held, 1 something did not, 6 no such file, 64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a path, or NAME for /etc/lvs/NAME.toml")
    parser.add_argument("--where", choices=("auto", "here", "guest"), default="auto", help="which kernel (auto)")
    parser.add_argument("--requests", type=_number, metavar="N", help="at least so many for each service (6)")
    parser.add_argument("--director", metavar="NAME", help="direct as the machine of [node.NAME]")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--reload", metavar="FILE", help="reload this file while clients ask, and count what they lose")
    one.add_argument("--kill-realserver", metavar="NAME", help="let the server of rs1 end while clients ask")
    one.add_argument(
        "--failover",
        action="store_true",
        help="let the active director of [ha] hand over while clients ask, and the other one die",
    )
    one.add_argument("--fault", metavar="CODE", help="break it in this way, and ask the doctor; FILE may be left out")
    one.add_argument("--faults", action="store_true", help="list what --fault knows, of FILE alone if there is one")
    parser.add_argument("--html", metavar="FILE", help="write a report of it as a page, with what the doctor finds")
    parser.add_argument("--json", action="store_true", help="the outcome for programs, without progress")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: everything held; 1: not. Raises LvsError where there is no lab or nothing to rehearse."""
    from lvs_init.faces import lvsctl_check, lvsctl_fault, lvsctl_scenario
    from lvs_init.faces.lvsctl import USAGE

    file = text = ""
    if arguments.file is not None:
        file = lvsctl_check.file_named(arguments.file, environment)
        text = files.read_trusted(file, owner_check=False).decode("utf-8", "replace")
    elif not (arguments.fault or arguments.faults):
        streams.err("lvsctl: FILE is missing")
        streams.err(
            "usage: lvsctl lab FILE [--reload FILE | --kill-realserver NAME | --failover] | [FILE] --fault CODE | "
            "[FILE] --faults"
        )
        return USAGE
    if arguments.html and (arguments.fault or arguments.faults):
        streams.err("lvsctl: --html is not for --fault and --faults, which it has no page for")
        return USAGE
    try:
        if arguments.faults:
            return lvsctl_fault.list_all(file, text, as_json=arguments.json)
        if arguments.fault:
            return lvsctl_fault.inject(file, text, arguments)
        if arguments.reload or arguments.kill_realserver or arguments.failover:
            return lvsctl_scenario.run(file, text, arguments, environment)
        return _rehearse(file, text, arguments)
    except ConfigurationError as error:
        lvsctl_check.tell_problems(file, [each for each in error.problems if isinstance(each, Problem)])
        return codes.FAILED


def _rehearse(file: str, text: str, arguments: argparse.Namespace) -> int:
    from lvs_init.config.load import parse
    from lvs_init.faces import lab_display, lab_html, lvsctl_check, terminal
    from lvs_init.lab.course import Listener, Nobody, rehearse
    from lvs_init.lab.place import choose, open_place
    from lvs_init.lab.rehearsal import Rehearsal
    from lvs_init.lab.topology import topology_of

    cluster = parse(text, file)
    topology = topology_of(cluster, arguments.director)
    where = choose(arguments.where)
    listener: Listener = Nobody() if arguments.json else lab_display.Progress()
    if not arguments.json:
        summary = lvsctl_check.summary(cluster)
        streams.out("\n".join(lab_display.opening(terminal.shorter(file), summary, topology)))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the guest is ended then, too
    listener.begin("boot a Linux guest that has IPVS" if where == "guest" else "open a lab in this kernel")
    with open_place(where) as place:
        listener.end(f"Linux {place.switch.read('/proc/sys/kernel/osrelease').strip()}", True)
        listener.begin("build the hosts and what joins them")
        with Rehearsal(place, text, director=arguments.director) as rehearsal:
            listener.end(f"{len(topology.hosts)} hosts on {len(topology.segments)} networks", True)
            listener.follow(rehearsal)
            report = rehearse(rehearsal, arguments.requests, listener, examine=arguments.html is not None)
    if arguments.html:
        write(arguments.html, lab_html.page(report, topology, terminal.shorter(file)))
    return conclude(report, file, as_json=arguments.json)


def conclude(report: Report, file: str, *, as_json: bool) -> int:
    """Tell the outcome on stdout; the exit code."""
    if as_json:
        import json

        streams.out(json.dumps({**report.plain(), "file": file}, indent=2))
    else:
        from lvs_init.faces import lab_display

        streams.out("\n".join(lab_display.closing(report)))
    return codes.DONE if report.ok else codes.FAILED


def write(path: str, text: str) -> None:
    """A report. Raises SystemFailure."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SystemFailure(f"{path} cannot be written: {error.strerror}") from error


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10000:
        raise argparse.ArgumentTypeError("is a number from 1 to 10000")
    return number
