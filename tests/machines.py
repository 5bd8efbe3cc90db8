"""Machines as the doctor sees them: healthy ones of a cluster by dr, tun or nat, to be made ill by a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.doctor.case import DIRECTOR, ELSEWHERE, REALSERVER, Case, roles
from lvs_init.doctor.catalogue import diagnose
from lvs_init.doctor.finding import Finding
from lvs_init.doctor.questions import questions
from lvs_init.doctor.snapshot import (
    Address,
    Connections,
    Interface,
    Listener,
    LiveServer,
    LiveService,
    Neighbour,
    Route,
    RouteAnswer,
    Snapshot,
    Started,
)
from lvs_init.model.address import inside
from lvs_init.model.firewall import Firewall

VIP, DIP, RIP, OTHER, ROUTER = "192.168.0.219", "192.168.0.1", "192.168.0.11", "192.168.0.12", "192.168.0.254"
NETWORK = "192.168.0.0/24"
DIRECTORS_MAC, REAL_SERVERS_MAC, STRANGERS_MAC = (f"02:00:00:00:00:{number:02x}" for number in (1, 11, 99))

_CONF = {
    "arp_ignore": "0", "arp_announce": "0", "arp_notify": "0", "arp_filter": "0", "rp_filter": "0", "proxy_arp": "0",
    "forwarding": "0", "accept_local": "0", "send_redirects": "1", "accept_redirects": "1", "promote_secondaries": "0",
}  # fmt: skip


def cluster(forwarding: str = "dr", director: str = "", service: str = "", dip: str = DIP) -> Cluster:
    """One service with two real servers; more keys of its tables as TOML."""
    text = f"""
        [cluster]
        forwarding = "{forwarding}"
        [director]
        interface = "eth0"
        dip = "{dip}"
        {director}
        [[service]]
        vip = "{VIP}"
        port = 80
        scheduler = "rr"
        {service}
        realservers = [{{ rip = "{RIP}" }}, {{ rip = "{OTHER}" }}]
    """
    return parse(text.encode(), "/etc/lvs/lvs.toml")


def sysctls(devices: Iterable[str], **different: str) -> dict[str, str]:
    """net/ipv4/conf of all, default and the devices; ``all__arp_ignore="1"`` sets one."""
    found = {
        f"net/ipv4/conf/{device}/{name}": value
        for device in ("all", "default", *devices)
        for name, value in _CONF.items()
    }
    found.update({"net/ipv4/conf/" + name.replace("__", "/"): value for name, value in different.items()})
    found["net/ipv4/ip_forward"] = found["net/ipv4/conf/all/forwarding"]
    return found


def director(of: Cluster) -> Snapshot:
    """It is started, and all is well."""
    addresses = (
        Address("lo", "127.0.0.1", 8, "host", "lo"),
        Address("eth0", DIP, 24, label="eth0"),
        Address("eth0", VIP, 32, label="eth0:1"),
    )
    machine = Snapshot(
        "director",
        kernel="6.1.0",
        uid=0,
        interfaces=(_lo(), Interface("eth0", hardware=DIRECTORS_MAC, carrier=True)),
        addresses=addresses,
        sysctls=sysctls(
            ("lo", "eth0"), all__forwarding="1", lo__forwarding="1", eth0__forwarding="1", eth0__send_redirects="0",
            all__send_redirects="0",
        ),
        neighbours=(Neighbour(RIP, "eth0", REAL_SERVERS_MAC, "REACHABLE"),),
        services=_table(of),
        timeouts={"tcp": 7200, "tcpfin": 120, "udp": 300},
        conn_buckets=4096,
        connections=Connections(),
        started=(Started(DIRECTOR, "lvs", of.file, addresses=addresses[2:], services=("tcp 192.168.0.219:80",)),),
        modules={"ip_vs": "loaded", "ip_vs_rr": "loaded"},
    )  # fmt: skip
    return _complete(machine, of)


def real_server(of: Cluster) -> Snapshot:
    """The first one: it is started, and all is well."""
    method = of.forwarding
    device = {"dr": ("lo", "lo:0"), "tun": ("tunl0", "tunl0:1")}.get(method)
    vips = (Address(device[0], VIP, 32, label=device[1]),) if device else ()
    quiet = {"all__arp_ignore": "1", "all__arp_announce": "2", "lo__arp_ignore": "1", "lo__arp_announce": "2"}
    tunnel = Interface("tunl0", noarp=True, mtu=1480, type="ipip", kind="ipip")
    machine = Snapshot(
        "rs1",
        kernel="6.1.0",
        uid=0,
        interfaces=(
            _lo(), Interface("eth0", hardware=REAL_SERVERS_MAC, carrier=True), *((tunnel,) if method == "tun" else ()),
        ),
        addresses=(
            Address("lo", "127.0.0.1", 8, "host", "lo"), Address("eth0", RIP, 24, label="eth0"), *vips,
        ),
        sysctls=sysctls(
            ("lo", "eth0", "tunl0"), tunl0__rp_filter="2", **(quiet if vips else {})
        ),
        neighbours=(),
        services=(),
        listeners=(Listener("tcp", "0.0.0.0", 80),),
        started=(Started(REALSERVER, "lvs", of.file, addresses=vips),),
        modules={"ipip": "loaded"},
    )  # fmt: skip
    return _complete(machine, of)


def _lo() -> Interface:
    return Interface("lo", loopback=True, mtu=65536, type="loopback", carrier=True)


def _table(of: Cluster) -> tuple[LiveService, ...]:
    return tuple(
        LiveService(
            each.key.protocol, each.key.address, each.key.port, each.key.fwmark, 4, each.service.scheduler, flags=(),
            servers=tuple(
                LiveServer(key.address, key.port, value.forwarding, value.weight, upper=0, lower=0)
                for key, value in each.realservers
            ),
        )
        for each in of.services
    )  # fmt: skip


def _complete(machine: Snapshot, of: Cluster) -> Snapshot:
    """With what all machines have: a network, a router, nothing that filters."""
    gateway = DIP if machine.node == "rs1" and of.forwarding == "nat" else ROUTER
    machine = replace(
        machine,
        routes=(Route("default", via=gateway, device="eth0"), Route(NETWORK, device="eth0", scope="link")),
        rules=(),
        firewall=Firewall(),
        listeners=machine.listeners or (),
        programs=(),
        persisted=(),
        modules_load=(),
        module_options={},
        ifcfg=(),
        units=(),
        counters={},
        grown={},
        daemons=(),
        applications=(),
        file=of.file,
        fingerprint="1",
    )
    return routed(machine, of)


def routed(machine: Snapshot, of: Cluster) -> Snapshot:
    """With the kernel's answers, as its addresses and its default route make them."""
    own = {each.address for each in machine.addresses or ()}
    via = next((route.via for route in machine.routes or () if route.to == "default"), "")
    source = next(each.address for each in machine.addresses or () if each.interface == "eth0")
    answers = []
    devices = [each.name for each in machine.interfaces or () if not each.loopback]
    for question in questions(of, devices, machine.clients):
        if question.to in own:
            answers.append(RouteAnswer(*question, kind="local", device="lo"))
        elif question.source and question.source not in own and not question.iif:
            answers.append(RouteAnswer(*question, kind="error", error="Network is unreachable"))
        else:
            hop = "" if inside(question.to, NETWORK) else via
            answers.append(RouteAnswer(*question, via=hop, device="eth0", preferred=question.source or source))
    return replace(machine, answers=tuple(answers))


def altered(machine: Snapshot, of: Cluster, **changes: Any) -> Snapshot:
    """Other values in some of its fields; ``settings``: path with slashes -> value; the kernel's answers follow."""
    settings: Mapping[str, str] = changes.pop("settings", {})
    machine = replace(machine, **changes)
    machine = replace(machine, sysctls={**(machine.sysctls or {}), **settings})
    return machine if "answers" in changes else routed(machine, of)


def judged(machine: Snapshot, of: Cluster) -> list[Finding]:
    """What the doctor finds."""
    return diagnose(Case(of, machine, roles(of, machine)))


def codes(findings: Iterable[Finding], *severities: str) -> list[str]:
    """Their codes; of some severities alone."""
    return [finding.code for finding in findings if not severities or finding.severity in severities]


CLIENT = ELSEWHERE[4]
