"""lvsctl doctor: why a cluster that looks right carries no traffic, and what mends it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lvs_init.errors import LvsError, NotPrivileged
from lvs_init.faces import codes
from lvs_init.faces.lvsctl_check import FILE_HELP, file_named
from lvs_init.system import files, identity, streams

if TYPE_CHECKING:
    from lvs_init.config.cluster import Cluster
    from lvs_init.doctor.case import Case
    from lvs_init.doctor.finding import Finding
    from lvs_init.doctor.snapshot import Snapshot

_LONGEST_LISTEN = 3600.0  # seconds


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse."""
    parser = commands.add_parser(
        "doctor",
        help="find out why traffic does not flow",
        description="Looks at this machine for every known way in which a cluster silently fails, and says how to mend "
        "it. Changes nothing without --fix. Without root it does what it can.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument("--role", choices=("director", "realserver"), help="what this machine is; else it is found out")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.add_argument("--probe", action="store_true", help="ask the network who has the VIPs and RIPs; needs root")
    parser.add_argument(
        "--listen", type=float, default=0.0, metavar="SECONDS", help="hear who speaks in a VIP's name; needs root"
    )
    parser.add_argument("--fix", action="store_true", help="set settings and addresses right, after showing them")
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")
    parser.add_argument(
        "--collect", action="store_true", help="print what is seen of this machine, for --with elsewhere"
    )
    parser.add_argument(
        "--with", dest="others", nargs="+", action="extend", default=[], metavar="FILE",
        help="judge other machines as well, by what --collect printed there",
    )  # fmt: skip
    parser.add_argument(
        "--ssh", dest="hosts", nargs="+", action="extend", default=[], metavar="HOST",
        help="the same of machines that your ssh reaches without a password",
    )  # fmt: skip
    parser.add_argument("--explain", metavar="CODE", help="say all there is to say of a code, as ARP01")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: nothing is broken; 1: something is. Raises NotConfigured without a file, NotPrivileged, ConfigurationError."""
    if arguments.explain:
        return _explain(arguments.explain)
    if not 0 <= arguments.listen <= _LONGEST_LISTEN:
        raise LvsError(f"--listen takes 0 to {_LONGEST_LISTEN:.0f} seconds")
    needs_root = [name for name in ("probe", "listen", "fix") if getattr(arguments, name)]
    if needs_root and not identity.is_root():
        raise NotPrivileged(f"--{needs_root[0]} needs root", hint="run it as root, or without it")
    file = file_named(arguments.file, environment)
    cluster, fingerprint = _read(file)
    own = _look(cluster, fingerprint, arguments)
    if arguments.collect:
        return _collect(own)
    from lvs_init.doctor.case import DIRECTOR, Case, roles

    role = {arguments.role} if arguments.role else roles(cluster, own) or {DIRECTOR}
    cases = [Case(cluster, own, frozenset(role))]
    others = [*_from_files(arguments.others), *_over_ssh(arguments.hosts, arguments.file)]
    if arguments.fix and any(other.node == own.node for other in others):
        raise LvsError(
            f"another machine calls itself {own.node}, too: what is wrong there must not be mended here",
            hint="--fix without --with and --ssh",
        )
    cases += [Case(cluster, other, roles(cluster, other)) for other in others]
    findings = _judge(cases)
    _tell(arguments, file, cases, findings)
    if arguments.fix:
        own_findings = [finding for finding in findings if finding.node in ("", own.node)]
        return _mend(own_findings, arguments, environment)
    return codes.FAILED if any(finding.severity == "broken" for finding in findings) else codes.DONE


def _read(file: str) -> tuple[Cluster, str]:
    from lvs_init.config.load import parse
    from lvs_init.engine.configuration import fingerprint

    data = files.read_trusted(file, owner_check=False)
    return parse(data, file), fingerprint(data)


def _look(cluster: Cluster, fingerprint: str, arguments: argparse.Namespace) -> Snapshot:
    from lvs_init.engine import snapshot

    seen = snapshot.take(cluster, fingerprint)
    if arguments.probe or arguments.listen:
        from lvs_init.engine import probing

        seen = probing.probe(seen, cluster) if arguments.probe else seen
        seen = probing.listen(seen, cluster, arguments.listen) if arguments.listen else seen
    return seen


def _collect(own: Snapshot) -> int:
    import json

    from lvs_init.doctor.snapshot import snapshot_to_plain

    streams.out(json.dumps(snapshot_to_plain(own)))
    return codes.DONE


def _from_files(names: Iterable[str]) -> list[Snapshot]:
    from lvs_init.engine import nodes

    return [nodes.from_file(name) for name in names]


def _over_ssh(hosts: Iterable[str], name: str) -> list[Snapshot]:
    from lvs_init.engine import nodes

    return [nodes.over_ssh(host, name) for host in hosts]


def _judge(cases: list[Case]) -> list[Finding]:
    from lvs_init.doctor.catalogue import diagnose, diagnose_all

    return diagnose(cases[0]) if len(cases) == 1 else diagnose_all(cases)


def _tell(arguments: argparse.Namespace, file: str, cases: list[Case], findings: list[Finding]) -> None:
    from lvs_init.faces import doctor_display

    if arguments.json:
        doctor_display.tell_programs(file, cases, findings)
    else:
        doctor_display.tell(file, cases, findings)


def _explain(code: str) -> int:
    from lvs_init.doctor.catalogue import CATALOGUE
    from lvs_init.faces import doctor_display

    entry = CATALOGUE.get(code.upper())
    if entry is None:
        raise LvsError(f"there is no code '{code}'", hint=f"there are {', '.join(CATALOGUE)}")
    doctor_display.tell_entry(entry)
    return codes.DONE


def _mend(findings: list[Finding], arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from lvs_init.engine import mending
    from lvs_init.faces import doctor_display

    wanted = mending.wanted_by(findings)
    left = [finding for finding in findings if finding.severity == "broken" and not finding.fix.wanted]
    code = codes.FAILED if left else codes.DONE
    if not wanted:
        doctor_display.say("--fix has nothing to do: it sets settings and addresses, and nothing else")
        return code
    if not arguments.yes and not _agreed(len(wanted)):
        doctor_display.say("nothing was changed")
        return codes.FAILED
    back = mending.mend(wanted, environment)
    doctor_display.tell_mended(len(wanted), back)
    return code


def _agreed(number: int) -> bool:
    """Asked on a terminal; elsewhere --yes has to say it."""
    import sys

    if sys.stdin is None or not sys.stdin.isatty():
        raise LvsError("--fix asks before it changes anything, and nobody is here to answer", hint="add --yes")
    streams.out(f"Set {'this' if number == 1 else f'these {number} things'} right? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
