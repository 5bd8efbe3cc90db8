"""One table, told in the words of every contender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

SCHEDULER = "wlc"
INTERFACE = "eth0"


@dataclass(frozen=True)
class Forwarding:
    """What everybody calls it."""

    lvs_init: str
    ipvsadm: str
    keepalived: str
    ldirectord: str


DIRECT_ROUTING = Forwarding("dr", "-g", "DR", "gate")
NAT = Forwarding("nat", "-m", "NAT", "masq")


@dataclass(frozen=True)
class Service:
    """A service over TCP. ``weights``: the RIPs of its real servers, each with its weight; the port is the same."""

    vip: str
    port: int
    weights: Mapping[str, int]


def ipvsadm_lines(services: Iterable[Service], forwarding: Forwarding) -> Iterator[str]:
    """What ipvsadm is given: a line for each service and each real server."""
    for service in services:
        where = f"-t {service.vip}:{service.port}"
        yield f"-A {where} -s {SCHEDULER}"
        for rip, weight in service.weights.items():
            yield f"-a {where} -r {rip}:{service.port} {forwarding.ipvsadm} -w {weight}"


def lvs_toml(services: Iterable[Service], forwarding: Forwarding, director: str = "") -> str:
    """What lvs-director reads. ``director``: more lines of that table."""
    text = f'[cluster]\nname = "bench"\nforwarding = "{forwarding.lvs_init}"\n'
    text += f'\n[director]\ninterface = "{INTERFACE}"\n{director}'
    for service in services:
        servers = ", ".join(f'{{ rip = "{rip}", weight = {weight} }}' for rip, weight in service.weights.items())
        text += f'\n[[service]]\nvip = "{service.vip}"\nport = {service.port}\nscheduler = "{SCHEDULER}"\n'
        text += f"realservers = [{servers}]\n"
    return text


def keepalived_conf(services: Iterable[Service], forwarding: Forwarding) -> str:
    """What keepalived reads: real servers without checks, which are up from the start."""
    text = ""
    for service in services:
        text += f"virtual_server {service.vip} {service.port} {{\n"
        text += f" lvs_sched {SCHEDULER}\n lvs_method {forwarding.keepalived}\n protocol TCP\n"
        for rip, weight in service.weights.items():
            text += f" real_server {rip} {service.port} {{\n  weight {weight}\n }}\n"
        text += "}\n"
    return text


def ldirectord_cf(services: Iterable[Service], forwarding: Forwarding) -> str:
    """What ldirectord reads: real servers taken for up without a check, and to stay in the foreground."""
    text = "quiescent=no\nautoreload=no\nsupervised=yes\n"
    for service in services:
        text += f"virtual={service.vip}:{service.port}\n"
        for rip, weight in service.weights.items():
            text += f"\treal={rip}:{service.port} {forwarding.ldirectord} {weight}\n"
        text += f"\tprotocol=tcp\n\tscheduler={SCHEDULER}\n\tchecktype=on\n"
    return text
