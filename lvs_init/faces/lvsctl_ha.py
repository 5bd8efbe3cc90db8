"""lvsctl ha: a pair of directors under Heartbeat or Pacemaker, from the one file that both have."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lvs_init.errors import ConfigurationError, NotConfigured, Refused
from lvs_init.faces import codes
from lvs_init.faces.lvsctl_check import FILE_HELP, file_named, tell_places
from lvs_init.system import files, identity, streams

if TYPE_CHECKING:
    from lvs_init.config.cluster import Cluster
    from lvs_init.ha.heartbeat_files import File
    from lvs_init.model.ha import HighAvailability

_VERSION = 1
_FOLDER = "/etc/ha.d"
_KEY_BYTES = 20  # as many as sha1 makes
_NO_KEY = "(a random key, made when the file is written and never shown)"


def add_to(commands: Any) -> None:
    """Make the subcommands known to argparse."""
    parser = commands.add_parser(
        "ha",
        help="files and commands for a pair under Heartbeat or Pacemaker",
        description="Makes of the table [ha] what Heartbeat or Pacemaker must know of a pair of directors.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_heartbeat(verbs)
    _add_check(verbs)
    _add_pacemaker(verbs)


def _add_heartbeat(verbs: Any) -> None:
    parser = verbs.add_parser(
        "heartbeat",
        help="write ha.cf, haresources and authkeys",
        description="Prints ha.cf and haresources as [ha] makes them, or writes them and authkeys with --out. The key "
        "in authkeys is random and never printed; a sound one that is there is kept.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument("--out", metavar="DIR", default="", help=f"write there; Heartbeat reads {_FOLDER}")
    parser.add_argument("--force", action="store_true", help="replace files that differ; they stay as NAME.old")
    parser.add_argument("--new-key", action="store_true", help="replace authkeys, too; the other node needs it then")
    parser.add_argument(
        "--node", metavar="NAME", default="", help="for which node, where their ha.cf differ; else this"
    )
    parser.set_defaults(run=run_heartbeat)


def _add_check(verbs: Any) -> None:
    parser = verbs.add_parser(
        "check",
        help="find every mistake of Heartbeat's files",
        description="Reads ha.cf, haresources and authkeys as Heartbeat does and tells all that is wrong with them: "
        "each by itself, beside FILE, beside this machine, beside the other node's. Changes nothing.",
        epilog="Exit codes: 0 no mistake, 1 a mistake, 6 no such file or directory, 64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument("--dir", metavar="DIR", default=_FOLDER, help=f"where they are; else {_FOLDER}")
    parser.add_argument("--with", metavar="DIR", default="", dest="other", help="a copy of the other node's directory")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.set_defaults(run=run_check)


def _add_pacemaker(verbs: Any) -> None:
    parser = verbs.add_parser(
        "pacemaker",
        help="print the commands that make a pair under Pacemaker",
        description="Prints commands for sh that make the pair: a promotable clone of ocf:lvs:director, STONITH, and "
        "what belongs to it. They hold the passwords of [[ha.stonith]]. Runs nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help=FILE_HELP)
    parser.add_argument(
        "--tool", choices=("crm", "pcs", "corosync"), default="crm", help="for which shell; or corosync.conf instead"
    )
    parser.add_argument("--realserver", action="store_true", help="the two nodes are real servers as well")
    parser.set_defaults(run=run_pacemaker)


def run_heartbeat(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: printed or written. Raises ConfigurationError, Refused where files would be replaced."""
    import secrets

    from lvs_init.engine import heartbeat
    from lvs_init.ha import ha_cf, heartbeat_files, risks
    from lvs_init.system.runner import Runner

    cluster, ha = _pair(arguments.file, environment)
    plugins = [device.type for device in ha.stonith if not device.agent]
    parameters = heartbeat.plugin_parameters(plugins, Runner())
    problems = heartbeat_files.mistakes(cluster, ha, parameters)
    if problems:
        raise ConfigurationError(f"{cluster.file} does not say enough for Heartbeat", problems)
    node = _node(arguments.node, cluster, ha)
    made = heartbeat_files.made(cluster, ha, node, parameters, secrets.token_hex(_KEY_BYTES), heartbeat.ipfail())
    if arguments.out:
        _write(os.path.abspath(arguments.out), made, arguments)
        _tell_next(os.path.abspath(arguments.out), ha, node, ha_cf.differs(cluster, ha))
    else:
        shown = {ha_cf.NAME: ha_cf.text(cluster, ha, node, parameters, ipfail=heartbeat.ipfail(), hide=True)}
        _print(made, shown)
    for risk in risks.risks(ha):
        streams.err(f"lvsctl: warning: {risk}")
    return codes.DONE


def run_check(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: no mistake; 1: at least one. Raises NotConfigured where there is no file or no directory."""
    from lvs_init.doctor.plain import clean
    from lvs_init.engine import heartbeat
    from lvs_init.ha import checks
    from lvs_init.ha.folder import Host
    from lvs_init.ha.remark import MISTAKE
    from lvs_init.system.runner import Runner

    cluster = _cluster(arguments.file, environment)
    place = os.path.abspath(arguments.dir)
    here = heartbeat.folder(place)
    other = heartbeat.folder(os.path.abspath(arguments.other)) if arguments.other else None
    # A copy of somebody's directory says nothing of this machine.
    machine = heartbeat.host(here, Runner()) if place == _FOLDER else Host()
    found = checks.remarks(here, cluster, machine, other)
    mistakes = sum(remark.severity == MISTAKE for remark in found)
    if arguments.json:
        import json

        answer = {"version": _VERSION, "directory": place, "file": cluster.file, "sound": not mistakes}
        streams.out(json.dumps({**answer, "remarks": [asdict(remark) for remark in found]}, indent=2))
        return codes.FAILED if mistakes else codes.DONE
    counts = [(mistakes, "mistake"), (len(found) - mistakes, "warning")]
    told = " and ".join(f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in counts if number)
    streams.out(f"{place} has {told}:" if found else f"{place} is sound, and says what {cluster.file} says")
    tell_places(
        [
            (
                clean(remark.place),
                clean(remark.message if remark.severity == MISTAKE else f"warning: {remark.message}"),
                clean(remark.hint),
            )
            for remark in found
        ]
    )
    return codes.FAILED if mistakes else codes.DONE


def run_pacemaker(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: printed. Raises ConfigurationError where the shell could not be given a value."""
    from lvs_init.ha import corosync, crm_text, pacemaker, pcs_text, risks
    from lvs_init.model.problem import Problem

    cluster, ha = _pair(arguments.file, environment)
    if arguments.tool == "corosync":
        if not corosync.rings(ha):
            addresses = ", ".join(f'{node} = "..."' for node in ha.nodes)
            problem = Problem(
                cluster.file,
                "ha.link",
                "has no link with an address for both nodes, which Corosync needs",
                hint=f"give one addresses = {{ {addresses} }}",
            )
            raise ConfigurationError(f"{cluster.file} does not say enough for Corosync", [problem])
        streams.out(corosync.text(cluster, ha).rstrip("\n"))
        return codes.DONE
    pair = pacemaker.pair(cluster, ha, realserver=arguments.realserver)
    if arguments.tool == "crm":
        impossible = [
            Problem(
                cluster.file,
                "ha.stonith",
                f"has a {name} that crm cannot read: a backslash at its end or before a quote",
                hint="use --tool pcs, or another value",
            )
            for device in pacemaker.devices(ha)
            for name, value in device.parameters.items()
            if crm_text.impossible(value)
        ]
        if impossible:
            raise ConfigurationError(f"{cluster.file} has values that crm cannot be given", impossible)
        streams.out("\n".join(crm_text.commands(pair)))
    else:
        streams.out("\n".join(pcs_text.commands(pair, "lvs-pair.cib")))
    for risk in risks.risks(ha, pacemaker=True):
        streams.err(f"lvsctl: warning: {risk}")
    return codes.DONE


def _cluster(name: str, environment: Mapping[str, str]) -> Cluster:
    from lvs_init.config.load import parse

    file = file_named(name, environment)
    return parse(files.read_trusted(file, owner_check=False), file)


def _pair(name: str, environment: Mapping[str, str]) -> tuple[Cluster, HighAvailability]:
    cluster = _cluster(name, environment)
    if cluster.ha is None:
        raise NotConfigured(
            f"{cluster.file} has no table [ha], which says who the pair is",
            hint="see docs/ha.md and examples/ha-*.toml",
        )
    return cluster, cluster.ha


def _node(name: str, cluster: Cluster, ha: HighAvailability) -> str:
    """The node that ha.cf is for. Raises NotConfigured where that matters and cannot be told."""
    from lvs_init.ha import ha_cf

    wanted = name or identity.node_name().lower()
    if wanted in ha.nodes:
        return wanted
    if name or ha_cf.differs(cluster, ha):
        why = "" if name else ", and their ha.cf differ"
        raise NotConfigured(
            f"{wanted} is none of the nodes of {cluster.file}{why}",
            hint=f"--node {ha.nodes[0]} or --node {ha.nodes[1]}",
        )
    return ha.nodes[0]


def _print(made: Sequence[File], shown: Mapping[str, str]) -> None:
    from lvs_init.ha import authkeys

    for position, file in enumerate(made):
        streams.out(f"{chr(10) if position else ''}# {_FOLDER}/{file.name}, mode {file.mode:o}")
        text = authkeys.text(_NO_KEY) if file.name == authkeys.NAME else shown.get(file.name, file.text)
        streams.out(text.rstrip("\n"))
    streams.err(f"lvsctl: nothing was written; 'lvsctl ha heartbeat --out {_FOLDER}' writes it")


def _write(place: str, made: Sequence[File], arguments: argparse.Namespace) -> None:
    from lvs_init.engine import heartbeat
    from lvs_init.ha import authkeys
    from lvs_init.ha.folder import Found

    there = heartbeat.folder(place) if os.path.isdir(place) else None
    todo, replaced = [], []
    for file in made:
        found = there.files[file.name] if there else Found()
        keep = file.name == authkeys.NAME and not arguments.new_key and _sound_key(found.text)
        if keep and found.text is not None:
            file = type(file)(file.name, found.text, file.mode)
        if found.text == file.text and found.mode & 0o077 & ~file.mode == 0:
            streams.out(f"{place}/{file.name}: {'kept, so the other node keeps its own' if keep else 'as it was'}")
            continue
        if (found.text is not None or found.why) and not keep:
            replaced.append(file.name)
        todo.append(file)
    if replaced and not arguments.force:
        raise Refused(
            f"{' and '.join(replaced)} in {place} would be replaced by something else; nothing was written",
            hint="'lvsctl ha check' tells what differs; --force replaces them and keeps the former ones as NAME.old",
        )
    former = heartbeat.write(place, todo)
    for file in todo:
        streams.out(f"{place}/{file.name}: written, mode {file.mode:o}")
    for name in former:
        streams.out(f"{name}: what was there before")


def _sound_key(text: str | None) -> bool:
    """Whether there is a key that both nodes may have already."""
    from lvs_init.ha import authkeys

    keys = authkeys.parse(text or "")
    return len(keys.auth) == 1 and any(key.number == keys.auth[0][1] for key in keys.keys)


def _tell_next(place: str, ha: HighAvailability, node: str, differs: bool) -> None:
    other = next(each for each in ha.nodes if each != node)
    names: Iterator[str] = iter(("haresources", "authkeys") if differs else ("ha.cf", "haresources", "authkeys"))
    paths = " ".join(f"{place}/{name}" for name in names)
    streams.out(f"{other} needs the same key: scp -p {paths} root@{other}:{_FOLDER}/")
    if differs:
        streams.out(f"and a ha.cf of its own: lvsctl ha heartbeat --node {other} --out {_FOLDER}, there")
    streams.out("then, on both: lvsctl ha check")
