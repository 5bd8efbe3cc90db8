"""A Case: what a rule is given. A configuration, what this machine is in it, and its Snapshot, with the usual questions
about them answered once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from lvs_init.config.cluster import Cluster, NodeOverride, Vip, VirtualService
from lvs_init.doctor import merge
from lvs_init.doctor.snapshot import (
    Address,
    Interface,
    Listener,
    LiveServer,
    LiveService,
    RouteAnswer,
    RouteQuestion,
    Snapshot,
    Started,
)
from lvs_init.model.address import family_of, full_prefix, inside, network_of
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey

_K = TypeVar("_K")
_V = TypeVar("_V")

DIRECTOR, REALSERVER = "director", "realserver"
ROLES = (DIRECTOR, REALSERVER)

#: A client somewhere: networks for documentation (RFC 5737, RFC 3849) have no route of their own, so what is said of
#: these is said of all who come by the default route.
ELSEWHERE = {4: "198.51.100.251", 6: "2001:db8:1::251"}


@dataclass(frozen=True)
class Carried:
    """A VIP that a real server has to take packets for: of a service that it serves by dr or tun."""

    vip: Vip
    service: VirtualService
    key: RealServerKey
    value: RealServer


@dataclass(frozen=True)
class Case:
    """``roles``: what this machine is, of ROLES. Everything that is None in the Snapshot stays unknown here."""

    cluster: Cluster
    snapshot: Snapshot
    roles: frozenset[str]

    # -- what it is

    @property
    def director(self) -> bool:
        return DIRECTOR in self.roles

    @property
    def realserver(self) -> bool:
        return REALSERVER in self.roles

    @cached_property
    def methods(self) -> frozenset[str]:
        """The forwarding methods that matter on this machine: a real server's own, else all of the file's."""
        found = {value.forwarding for _, _, value in self.own_realservers} if self.realserver else set()
        if self.director or not found:
            found.update(value.forwarding for service in self.cluster.services for _, value in service.realservers)
        return frozenset(found)

    @property
    def override(self) -> NodeOverride:
        """What the file says of this machine alone."""
        return self.cluster.nodes.get(self.snapshot.node, NodeOverride())

    @property
    def dip(self) -> Vip | None:
        """The director's address on the real servers' side, as the file has it for this node."""
        return self.override.dip or self.cluster.director.dip

    @cached_property
    def dips(self) -> frozenset[str]:
        """Every DIP of the file: of any director."""
        dips = (self.cluster.director.dip, *(node.dip for node in self.cluster.nodes.values()))
        return frozenset(dip.address for dip in dips if dip)

    @cached_property
    def own_realservers(self) -> tuple[tuple[VirtualService, RealServerKey, RealServer], ...]:
        """The real servers of the file that this machine is, by its addresses."""
        own = {address.address for address in self.snapshot.addresses or () if not _loopback(address.address)}
        return tuple(
            (service, key, value)
            for service in self.cluster.services
            for key, value in service.realservers
            if key.address in own
        )

    @cached_property
    def carried(self) -> tuple[Carried, ...]:
        """What this machine has to carry as a real server: nothing under nat, where packets come for the RIP."""
        return tuple(
            Carried(vip, service, key, value)
            for service, key, value in self.own_realservers
            if value.forwarding != "nat" and self.realserver
            for vip in service.vips
        )

    @cached_property
    def carried_vips(self) -> tuple[str, ...]:
        """The VIPs of that, each once."""
        return tuple(dict.fromkeys(each.vip.address for each in self.carried))

    @cached_property
    def vips(self) -> tuple[str, ...]:
        """All VIPs of the file, each once."""
        return tuple(dict.fromkeys(vip.address for vip in self.cluster.vips))

    def realservers(self, *methods: str) -> Iterator[tuple[VirtualService, RealServerKey, RealServer]]:
        """Those of the file, by these methods."""
        for service in self.cluster.services:
            for key, value in service.realservers:
                if value.forwarding in methods:
                    yield service, key, value

    @cached_property
    def _records(self) -> dict[str, Started | None]:
        found: dict[str, Started | None] = {}
        for role in ROLES:
            started = [each for each in self.snapshot.started or () if each.role == role]
            ours = [each for each in started if each.file == self.cluster.file]
            found[role] = next(iter(ours), started[0] if len(started) == 1 else None)
        return found

    @cached_property
    def _serving(self) -> frozenset[str]:
        return frozenset(filter(self._is_serving, self.roles))

    def _is_serving(self, role: str) -> bool:
        record = self.record(role)
        if record is not None:
            return record.stance != "standby"
        if role == DIRECTOR:
            return any(self.live(service.key) for service in self.cluster.services)
        return any(map(self.has, self.carried_vips))

    def serving(self, role: str) -> bool:
        """Whether the role is at work here: it was started, or somebody else has set it up. A standby is not."""
        return role in self._serving

    @cached_property
    def quiet(self) -> tuple[str, ...]:
        """The IPv4 VIPs that this machine has to carry and to keep quiet about: not while it directs itself."""
        if self.serving(DIRECTOR):
            return ()
        return tuple(vip for vip in self.carried_vips if family_of(vip) == 4)

    def record(self, role: str) -> Started | None:
        """What was started here of this file in that role; of a director's standby, too."""
        return self._records.get(role)

    # -- what is there

    @cached_property
    def interfaces(self) -> dict[str, Interface]:
        return {interface.name: interface for interface in self.snapshot.interfaces or ()}

    @cached_property
    def asked(self) -> tuple[Interface, ...]:
        """The devices on which neighbours may ask for an address by ARP or NDP.

        Up, no loopback, not NOARP, no port of a bridge or bond, which is asked in its stead.
        """
        return tuple(
            interface
            for interface in self.interfaces.values()
            if interface.up and not (interface.loopback or interface.noarp or interface.master)
        )

    # There may be thousands of VIPs and real servers, and rules ask for each of them.

    @cached_property
    def _by_address(self) -> dict[str, tuple[Address, ...]]:
        return _grouped((each.address, each) for each in self.snapshot.addresses or ())

    @cached_property
    def _by_interface(self) -> dict[str, tuple[Address, ...]]:
        return _grouped((each.interface, each) for each in self.snapshot.addresses or ())

    @cached_property
    def _networks(self) -> tuple[tuple[str, Address], ...]:
        """The subnets of this machine's devices, the narrowest first."""
        found = [
            (network_of(each.address, each.prefix), each)
            for each in self.snapshot.addresses or ()
            if each.prefix < full_prefix(each.address) and not self.interfaces.get(each.interface, _LO).loopback
        ]
        return tuple(sorted(found, key=lambda pair: (-pair[1].prefix, pair[1].interface)))

    @cached_property
    def _services(self) -> dict[tuple[str, str, int, int], tuple[LiveService, ...]]:
        return _grouped(
            ((each.protocol, each.address, each.port, each.fwmark), each) for each in self.snapshot.services or ()
        )

    def where(self, address: str) -> tuple[Address, ...]:
        """The entries of an address on this machine's devices."""
        return self._by_address.get(address, ())

    def on(self, interface: str) -> tuple[Address, ...]:
        """The addresses of a device."""
        return self._by_interface.get(interface, ())

    def has(self, address: str) -> bool:
        """Whether a device of this machine has the address."""
        return bool(self.where(address))

    def facing(self, address: str) -> str | None:
        """The device whose subnet holds the address, the narrowest first; None where there is none."""
        for network, each in self._networks:
            if each.address != address and inside(address, network):
                return each.interface
        return None

    @cached_property
    def _answers(self) -> dict[RouteQuestion, RouteAnswer]:
        return {answer.question: answer for answer in self.snapshot.answers or ()}

    def route(self, to: str, source: str = "", iif: str = "", mark: int = 0) -> RouteAnswer | None:
        """The kernel's answer to a question of ``questions.py``; None where it was not asked."""
        return self._answers.get(RouteQuestion(to, source, iif, mark))

    def sysctl(self, path: str) -> str | None:
        """A setting by its path with slashes."""
        return (self.snapshot.sysctls or {}).get(path)

    def effective(self, name: str, interface: str) -> int | None:
        """What holds of net/ipv4/conf/*/NAME on the device."""
        return merge.effective(name, interface, self.snapshot.sysctls or {})

    def live(self, key: ServiceKey) -> LiveService | None:
        """The service in the kernel's table."""
        found = self._services.get((key.protocol, key.address, key.port, key.fwmark), ())
        return next((each for each in found if key.protocol != "fwmark" or each.family in (key.family, None)), None)

    @cached_property
    def balanced(self) -> tuple[tuple[ServiceKey, LiveServer], ...]:
        """The real servers that the kernel sends packets to for the file's services; without a table the file's."""
        found = []
        for service in self.cluster.services:
            live = self.live(service.key)
            if live is not None:
                found += [(service.key, server) for server in live.servers if server.weight > 0]
            elif self.snapshot.services is None or not self.serving(DIRECTOR):
                found += [
                    (service.key, LiveServer(key.address, key.port, value.forwarding, value.weight))
                    for key, value in service.realservers
                    if value.weight > 0
                ]
        return tuple(found)

    def listening(self, protocol: str, port: int) -> tuple[Listener, ...] | None:
        """Who waits at this port; None where that was not seen."""
        if self.snapshot.listeners is None:
            return None
        return tuple(each for each in self.snapshot.listeners if (each.protocol, each.port) == (protocol, port))

    @cached_property
    def clients(self) -> tuple[str, ...]:
        """Whom answers go to: one from elsewhere for each family of VIPs, and some that were seen to connect."""
        families = sorted({family_of(vip) for vip in self.vips})
        return (*(ELSEWHERE[family] for family in families), *self.snapshot.clients)


def roles(cluster: Cluster, snapshot: Snapshot) -> frozenset[str]:
    """What a machine is in a cluster: what was started on it, and what its addresses say. Else it is a director; but
    with ``[ha]``, which names those, it is nothing of the cluster: a router, for example."""
    found = {each.role for each in snapshot.started or () if each.file in ("", cluster.file)}
    case = Case(cluster, snapshot, frozenset(ROLES))
    if case.own_realservers:
        found.add(REALSERVER)
    if any(map(case.has, case.dips)):
        found.add(DIRECTOR)
    stranger = cluster.ha is not None and snapshot.node not in cluster.ha.nodes
    return frozenset(found or (() if stranger else {DIRECTOR}))


_LO = Interface("lo", loopback=True)


def _grouped(pairs: Iterable[tuple[_K, _V]]) -> dict[_K, tuple[_V, ...]]:
    found: dict[_K, list[_V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
