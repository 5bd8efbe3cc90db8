"""haresources: which node is preferred, and what moves together. Read by Heartbeat's ResourceManager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lvs_init.config.cluster import Cluster, NodeOverride, Vip
from lvs_init.model.address import broadcast_of
from lvs_init.model.ha import HighAvailability

NAME = "haresources"
DIRECTOR, REAL_SERVER = "lvs-director", "lvs-realserver"
#: Resource scripts whose first argument is an address.
ADDRESSES = ("IPaddr", "IPaddr2", "IPv6addr")

_USUAL_FILE = "/etc/lvs/lvs.toml"
_NAMED_FILE = re.compile(r"/etc/lvs/([A-Za-z0-9][A-Za-z0-9._-]*)\.toml")


@dataclass(frozen=True)
class Resource:
    """``name::argument::argument`` as it is called: a script with arguments."""

    script: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "::".join((self.script, *self.arguments))

    @property
    def address(self) -> str:
        """The address that it brings; "" where it brings none."""
        return self.arguments[0].partition("/")[0] if self.script in ADDRESSES and self.arguments else ""


@dataclass(frozen=True)
class Group:
    """A logical line. ``words``: its resources as they stand there; the first one is the group's key."""

    line: int
    node: str
    words: tuple[str, ...]

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(map(resource, self.words))


def resource(word: str) -> Resource:
    """What ResourceManager makes of a word: what looks like an IPv4 address is the argument of IPaddr."""
    if re.match(r"[0-9].*\.[0-9].*\.[0-9].*\.[0-9]", word):
        return Resource("IPaddr", (word,))
    script, *arguments = word.split("::")
    return Resource(script, tuple(arguments))


def parse(text: str) -> list[Group]:
    """Every group: '#' begins a comment anywhere, a '\\' at the end of a line goes on in the next one."""
    groups = []
    pending, first = "", 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        part = line.partition("#")[0]
        first = first if pending else number
        if part.endswith("\\"):
            pending += part[:-1] + " "
            continue
        words = (pending + part).split()
        pending = ""
        if words:
            groups.append(Group(first, words[0].lower(), tuple(words[1:])))
    return groups


def text(cluster: Cluster, ha: HighAvailability) -> str:
    """The file, the same for both nodes."""
    return (
        f"# Made by 'lvsctl ha heartbeat' from {cluster.file}. It must be the same on {' and '.join(ha.nodes)}.\n"
        "# The preferred node, then what moves: started from left to right, stopped from right to left.\n"
        f"{' '.join([ha.nodes[0], *map(str, wanted(cluster, ha))])}\n"
    )


def wanted(cluster: Cluster, ha: HighAvailability) -> tuple[Resource, ...]:
    """The resources of this cluster. The VIPs come after the table and go before it."""
    return (director(cluster.file), *(_addresses(cluster, ha) if ha.vips == "ipaddr2" else ()))


def director(file: str) -> Resource:
    """Our script, with the word that makes it find the file."""
    if file == _USUAL_FILE:
        return Resource(DIRECTOR)
    named = _NAMED_FILE.fullmatch(file)
    return Resource(DIRECTOR, (named[1] if named else file,))


def _addresses(cluster: Cluster, ha: HighAvailability) -> Iterator[Resource]:
    for vip, interface in addresses(cluster, ha):
        where = f"/{interface}/{broadcast_of(vip.address, vip.prefix)}" if interface else ""
        yield Resource("IPaddr2", (f"{vip.address}/{vip.prefix}{where}",))


def addresses(cluster: Cluster, ha: HighAvailability) -> Iterator[tuple[Vip, str]]:
    """Every address that moves, with its interface where both nodes call that the same; "": IPaddr2 asks the routes."""
    overrides = [cluster.nodes.get(node, NodeOverride()) for node in ha.nodes]
    seen: set[Vip] = set()
    for service in cluster.services:
        interfaces = {service.interface or each.interface or cluster.director.interface or "" for each in overrides}
        for vip in service.vips:
            if vip not in seen:
                seen.add(vip)
                yield vip, _one(interfaces)
    dips = {each.dip or cluster.director.dip for each in overrides}
    interfaces = {each.dip_interface or cluster.director.dip_interface or "" for each in overrides}
    dip = dips.pop()
    if dip is not None and "" not in interfaces:
        yield dip, _one(interfaces)


def _one(interfaces: set[str]) -> str:
    return next(iter(interfaces)) if len(interfaces) == 1 else ""
