"""The text of a configuration -> a Cluster, or every problem at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable

from lvs_init.config.cluster import Cluster, Director, NodeOverride, RealServerRole
from lvs_init.config.contradictions import check
from lvs_init.config.ha import check_ha, read_ha
from lvs_init.config.problems import Problems, shown
from lvs_init.config.section import Section
from lvs_init.config.service import ServiceDraft, read_service
from lvs_init.config.sysctl import read_sysctls
from lvs_init.config.values import Interface, Name, Unfit
from lvs_init.errors import ConfigurationError, NotInstalled
from lvs_init.model.problem import Problem

LARGEST_FILE = 4 * 1024 * 1024  # bytes
MOST_REAL_SERVERS = 65536

#: Linux include/uapi/linux/utsname.h __NEW_UTS_LEN is 64; what else hostname(7) allows.
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse(text: str | bytes, file: str) -> Cluster:
    """``file``: its name, for messages and for the cluster's name; it is not opened.

    Raises ConfigurationError with every problem, sorted by place; NotInstalled where Python has no reader for TOML.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST_FILE:
        raise _unreadable(Problem(file, "", f"has {size} bytes; at most {LARGEST_FILE} are read"))
    return from_document(_document(_decoded(text, file) if isinstance(text, bytes) else text, file), file)


def from_document(document: Mapping[str, object], file: str) -> Cluster:
    """The same for what a TOML reader has made of the text."""
    problems = Problems(file)
    top = Section("", document, (), problems)
    cluster = top.section("cluster")
    name = cluster.get("name") or (_name_of(file, problems) if cluster.sound("name") else "")
    director = _director(top.section("director"))
    part = top.section("realserver")
    realserver = RealServerRole(part.get("interface"), _sysctls(part))
    nodes = _nodes(top, problems)
    services = [read_service(section, cluster.get("forwarding")) for section in top.sections("service")]
    if top.empty("service"):
        top.problem("service", "must hold at least one service")
    _check_size(services, problems)
    check(services, director, nodes, problems)
    pair = top.section("ha") if top.given("ha") and top.sound("ha") else None
    ha = read_ha(pair) if pair else None
    if pair and ha:
        check_ha(pair, ha, services, director, nodes)
    if problems:
        raise _mistakes(file, problems.in_file_order(document))
    finished = tuple(service for service in (draft.finished() for draft in services) if service is not None)
    return Cluster(name, file, cluster.get("forwarding"), director, realserver, finished, nodes, ha)


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        problem = Problem(
            file,
            "",
            "is not UTF-8 text",
            found=f"byte 0x{data[error.start]:02x}",
            hint="save it as UTF-8",
            line=before.count(b"\n") + 1,
            column=len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1,
        )
    raise _unreadable(problem)


def _document(text: str, file: str) -> Mapping[str, object]:
    try:
        return _toml_reader()(text)
    except RecursionError:
        problem = Problem(file, "", "has arrays or tables nested too deeply")
    except ValueError as error:  # TOMLDecodeError is one; an integer of thousands of digits raises a plain one
        message = str(error).encode("ascii", "backslashreplace").decode()
        place = _TOML_PLACE.search(message)
        line = column = 0
        if place:
            message = message[: place.start()]
            lines = text.split("\n")
            line, column = int(place.group(1) or len(lines)), int(place.group(2) or len(lines[-1]) + 1)
        problem = Problem(file, "", f"is not TOML: {message[:1].lower()}{message[1:]}", line=line, column=column)
    raise _unreadable(problem)


def _toml_reader() -> Callable[[str], dict[str, Any]]:
    try:
        import tomllib  # type: ignore[import-not-found]  # since Python 3.11
    except ImportError:
        try:
            import tomli as tomllib
        except ImportError:
            hint = "install python3-tomli, or use Python 3.11 or later"
            raise NotInstalled("this Python has no reader for TOML", hint=hint) from None
    loads: Callable[[str], dict[str, Any]] = tomllib.loads
    return loads


def _name_of(file: str, problems: Problems) -> str:
    stem = file.rpartition("/")[2].rpartition(".")[0]
    try:
        return Name().read(stem)
    except Unfit:
        problems.add(
            ("cluster", "name"),
            "is missing, and the file's name cannot stand in for it",
            found=shown(stem),
            hint='add name = "web"',
        )
        return ""


def _director(section: Section) -> Director:
    timeouts = section.section("timeouts")
    return Director(
        interface=section.get("interface"),
        dip=section.get("dip"),
        dip_interface=section.get("dip_interface"),
        flush_iptables=bool(section.get("flush_iptables")),
        clear_ipvs=bool(section.get("clear_ipvs")),
        restore_ip_forward=bool(section.get("restore_ip_forward")),
        duplicate_vip=section.get("duplicate_vip") or "warn",
        max_removal=0.5 if section.get("max_removal") is None else section.get("max_removal"),
        drain_timeout=section.get("drain_timeout") or 0,
        timeouts={name: timeouts.get(name) for name in ("tcp", "tcpfin", "udp") if timeouts.get(name)},
        sysctl=_sysctls(section),
    )


def _sysctls(section: Section) -> dict[str, str]:
    return read_sysctls(section.table("sysctl"), (*section.path, "sysctl"), section.problems)


def _nodes(top: Section, problems: Problems) -> dict[str, NodeOverride]:
    nodes: dict[str, NodeOverride] = {}
    seen: dict[str, str] = {}
    for section in top.sections("node"):
        name = str(section.path[-1])
        if not _NODE_NAME.fullmatch(name):
            problems.add(section.path, "is not the name of a machine", hint="write what 'uname -n' prints there")
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            problems.add(
                section.path, f"differs from node.{twin} in upper and lower case alone", hint="keep one of them"
            )
        nodes[name] = NodeOverride(
            section.get("interface"),
            section.get("dip"),
            section.get("dip_interface"),
            section.get("realserver_interface"),
            _renamed(section),
        )
    return nodes


def _renamed(section: Section) -> dict[str, str]:
    result: dict[str, str] = {}
    for usual, here in section.table("ha_interfaces").items():
        try:
            result[Interface().read(usual)] = Interface().read(here)
        except Unfit as unfit:
            section.problems.add(
                (*section.path, "ha_interfaces", usual), unfit.message, found=shown(here), hint=unfit.hint
            )
    return result


def _check_size(services: list[ServiceDraft], problems: Problems) -> None:
    number = sum(len(service.real_servers) for service in services)
    if number > MOST_REAL_SERVERS:
        problems.add(("service",), f"holds {number} real servers in all; at most {MOST_REAL_SERVERS} are taken")


def _unreadable(problem: Problem) -> ConfigurationError:
    return _mistakes(problem.file, (problem,))


def _mistakes(file: str, problems: tuple[Problem, ...]) -> ConfigurationError:
    count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    return ConfigurationError(f"{file} has {count}", problems)
