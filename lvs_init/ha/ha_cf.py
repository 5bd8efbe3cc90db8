"""ha.cf: how Heartbeat's nodes find and watch each other. See ha.cf(5); what is read how is heartbeat's config.c."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lvs_init.config.cluster import Cluster
from lvs_init.ha.stonith import stonith_host
from lvs_init.model.address import family_of
from lvs_init.model.ha import HighAvailability

NAME = "ha.cf"
IPFAIL = "/usr/libexec/heartbeat/ipfail"  # where Debian 12 has it
MEDIA = ("ucast", "bcast", "mcast", "ucast6", "mcast6", "serial")

_TIME = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(ms|msec|us|usec)?", re.IGNORECASE)
_TRUE, _FALSE = ("true", "on", "yes", "y", "1"), ("false", "off", "no", "n", "0")


@dataclass(frozen=True)
class Directive:
    """``rest``: all that follows the name, blanks folded."""

    line: int
    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        return self.rest.split()


def parse(text: str) -> list[Directive]:
    """Every directive in order. A '#' ends a line wherever it stands."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        name, _, rest = line.partition("#")[0].strip().partition(" ")
        name, _, more = name.partition("\t")
        if name:
            found.append(Directive(number, name, " ".join(f"{more} {rest}".split())))
    return found


def milliseconds(text: str) -> float | None:
    """A time as Heartbeat reads it; None where it is none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    unit = (match[2] or "").lower()
    return round(float(match[1]) * (0.001 if unit.startswith("u") else 1 if unit else 1000), 3)


def boolean(text: str) -> bool | None:
    """None where it is neither true nor false to Heartbeat."""
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def text(
    cluster: Cluster,
    ha: HighAvailability,
    node: str,
    parameters: Mapping[str, Sequence[str] | None],
    *,
    ipfail: str = IPFAIL,
    hide: bool = False,
) -> str:
    """The file for a node, as Heartbeat reads it: links last but for what refers to nodes.

    ``parameters``: plugin -> the names of its parameters, each sound (``stonith.mistakes``). ``hide``: no passwords.
    """
    whose = f"{node} alone: [node.NAME] has other interfaces" if differs(cluster, ha) else " and ".join(ha.nodes)
    lines = [
        f"# Made by 'lvsctl ha heartbeat' from {cluster.file}, for {whose}.",
        "logfacility daemon",
        "# How long is long; order matters here: times and the port before the links.",
        f"keepalive {_seconds(ha.keepalive)}",
        f"warntime {_seconds(ha.warntime)}",
        f"deadtime {_seconds(ha.deadtime)}",
        f"initdead {_seconds(ha.initdead)}",
        f"udpport {ha.udpport}",
        *links(cluster, ha, node),
        f"auto_failback {'on' if ha.auto_failback else 'off'}",
        *(
            stonith_host(ha, device, parameters.get(device.type) or (), hide=hide)
            for device in ha.stonith
            if not device.agent
        ),
        f"node {' '.join(ha.nodes)}",
        *pings(ha),
    ]
    if ha.ping:
        lines.append(f"respawn hacluster {ipfail}")
    return "\n".join(lines) + "\n"


def links(cluster: Cluster, ha: HighAvailability, node: str) -> Iterator[str]:
    """The lines for links. Heartbeat passes over a ucast to its own address, so both nodes' can stand there."""
    for link in ha.links:
        interface = cluster.ha_interface(node, link.interface)
        if link.type == "bcast":
            yield f"bcast {interface}"
        elif link.type == "mcast":
            yield f"mcast {interface} {link.group} {ha.udpport} {link.ttl} 0"
        else:
            yield from (f"ucast {interface} {link.addresses[name]}" for name in ha.nodes if name in link.addresses)


def pings(ha: HighAvailability) -> Iterator[str]:
    """The lines for ping nodes."""
    for address in ha.ping:
        yield f"ping{'6' if family_of(address) == 6 else ''} {address}"


def differs(cluster: Cluster, ha: HighAvailability) -> bool:
    """Whether the nodes have different files."""
    return len({tuple(links(cluster, ha, node)) for node in ha.nodes}) > 1


def _seconds(seconds: float) -> str:
    return f"{seconds:g}" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"
