"""A configuration -> the hosts, networks, addresses and routes that it speaks of. Pure: nothing is built here.

    client ---- router ---- segments with VIPs, RIPs ---- director ---- segments of nat real servers

Of a pair (``[ha]``) both directors are on the same segments, those of their links and of the sync daemon among them.

A segment is what shares one wire. The director has an interface in each that it must reach directly: those of the VIPs,
of the DIP and of real servers under dr and nat. Real servers under tun are reached through the router. The router is
there where real servers answer clients directly, where VIPs are on several segments and where nat real servers share a
segment with a VIP (else their answers would go straight to the client, past the director); without it the client is on
the VIPs' segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lvs_init.config.cluster import Cluster, NodeOverride
from lvs_init.config.desired import split_label
from lvs_init.lab.pair import links_of, renamed
from lvs_init.lab.subnets import CannotBuild, Subnets
from lvs_init.model.address import family_of

CLIENT, DIRECTOR, ROUTER = "client", "director", "router"
#: Each host is a process of some megabytes and a handful of interfaces in one machine.
MOST_REAL_SERVERS = 64
#: Networks for documentation (RFC 5737, RFC 3849), where the client is when it is behind the router.
_OUTSIDE = {4: ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"), 6: ("2001:db8:1::/64", "2001:db8:2::/64")}
#: Where directors of a pair hear each other, if the file names an interface for it and no addresses.
_BETWEEN = ("10.255.255.0/24", "10.255.254.0/24", "172.31.255.0/24", "172.31.254.0/24")
_DIRECTORS_PLACE, _CLIENTS_PLACE, _ROUTERS_PLACE = 1, 100, 254  # in a subnet, where nobody else has it


@dataclass(frozen=True)
class Wire:
    """A host's interface in a segment."""

    segment: str
    interface: str
    mac: str


@dataclass(frozen=True)
class Host:
    """``addresses``: as (interface, "192.168.0.1/24"). ``rips``: what it is known by as a real server."""

    name: str
    wires: tuple[Wire, ...]
    addresses: tuple[tuple[str, str], ...]
    gateways: tuple[str, ...] = ()
    forwards: bool = False
    directs: bool = False
    rips: tuple[str, ...] = ()

    @property
    def setup(self) -> tuple[str, ...]:
        """Lines for ``ip -batch``. Without nodad IPv6 could not be used for a second; without ``brd +`` broadcasts do
        not arrive."""
        adds = [
            f"address add {address} {'nodad' if ':' in address else 'brd +'} dev {interface}"
            for interface, address in self.addresses
        ]
        return (*adds, *(f"route add default via {gateway}" for gateway in self.gateways))


@dataclass(frozen=True)
class Watch:
    """Where one can hear who answers for a VIP, and the MAC that should."""

    host: str
    interface: str
    mac: str


@dataclass(frozen=True)
class Topology:
    """``segments``: name -> its subnets. ``watches``: VIP -> where its owner is heard. ``notes``: what was made up."""

    segments: Mapping[str, tuple[str, ...]]
    hosts: tuple[Host, ...]
    watches: Mapping[str, Watch]
    notes: tuple[str, ...] = ()

    def host(self, name: str) -> Host:
        """By name. Raises KeyError."""
        return next(host for host in self.hosts if host.name == name)

    @property
    def director(self) -> Host:
        """Of a pair the one that is active first."""
        return self.directors[0]

    @property
    def directors(self) -> tuple[Host, ...]:
        """One, or the two of a pair."""
        return tuple(host for host in self.hosts if host.directs)

    @property
    def realservers(self) -> tuple[Host, ...]:
        """In file order; the director among them where it is one."""
        return tuple(host for host in self.hosts if host.rips)

    def owner_of(self, mac: str) -> str:
        """Whose interface that is; the MAC itself where it is nobody's."""
        return next((host.name for host in self.hosts for wire in host.wires if wire.mac == mac), mac)


def topology_of(cluster: Cluster, director: str | None = None, *, pair: bool = False) -> Topology:
    """``director``: the ``[node.NAME]`` to direct as; None: one without a table of its own, where that is enough.
    ``pair``: with both nodes of ``[ha]``, ``director`` (None: the preferred one) before the other.

    Raises CannotBuild with the reason where no hosts can be made of the cluster.
    """
    if not pair:
        return _Draft(cluster, (director or _director_name(cluster),)).finished()
    if cluster.ha is None:
        raise CannotBuild("the file has no [ha], so there is one director and nobody to take over")
    first, second = cluster.ha.nodes
    if director not in (None, first, second):
        raise CannotBuild(f"{director} is none of the nodes of [ha]", hint=f"they are {first} and {second}")
    topology = _Draft(cluster, (second, first) if director == second else (first, second)).finished()
    names = [host.name for host in topology.hosts]
    if len(set(names)) < len(names):
        raise CannotBuild("a node of [ha] is called like another host of the lab", hint=f"they are {', '.join(names)}")
    return topology


def _director_name(cluster: Cluster) -> str:
    if cluster.director.dip is None and any("nat" in service.forwardings for service in cluster.services):
        return next((name for name, node in cluster.nodes.items() if node.dip), DIRECTOR)
    return DIRECTOR


@dataclass
class _Segment:
    name: str
    device: str | None = None  # the director's interface
    subnets: list[str] = field(default_factory=list)
    holds_vips: bool = False


class _Draft:
    def __init__(self, cluster: Cluster, names: tuple[str, ...]) -> None:
        """names: of the director, or of a pair."""
        self.cluster = cluster
        self.names = names
        override = cluster.nodes.get(names[0], NodeOverride())
        self.vip_device = split_label(override.interface or cluster.director.interface or "")[0] or None
        self.dip = override.dip or cluster.director.dip
        self.dips = {name: node.dip for name, node in cluster.nodes.items() if node.dip and name in names}
        if self.dip:
            self.dips[names[0]] = self.dip
        self.dip_device = override.dip_interface or cluster.director.dip_interface
        self.forwardings = self._forwardings()
        self.local = [rip for rip in self.forwardings if rip.startswith("127.") or rip == "::1" or self._is_dip(rip)]
        self.remote = [rip for rip in self.forwardings if rip not in self.local]
        if len(self.remote) > MOST_REAL_SERVERS:
            raise CannotBuild(f"{len(self.remote)} real servers are more than the {MOST_REAL_SERVERS} that a lab holds")
        self.subnets = Subnets(self._configured())
        self.segments: list[_Segment] = []
        self.notes: list[str] = []
        self.directors: dict[str, dict[str, str]] = {name: {} for name in names}  # subnet -> its address there
        self.routers: dict[str, str] = {}
        self._place_vips()
        self._place_dip()
        self._place_links()
        self._place_rips()
        self.routed = self._needs_router()

    # What the configuration says

    def _forwardings(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for service in self.cluster.services:
            for key, value in service.realservers:
                found.setdefault(key.address, set()).add(value.forwarding)
        return found

    def _is_dip(self, rip: str) -> bool:
        return self.dip is not None and rip == self.dip.address

    def _configured(self) -> Iterator[tuple[str, int]]:
        for vip in (*self.cluster.vips, *self.dips.values()):
            yield vip.address, vip.prefix
        for rip in self.remote:
            yield rip, 0
        for _, addresses in self._links():
            for address in addresses.values():
                yield address, 0

    def _links(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """None of a director alone."""
        if len(self.names) > 1:
            yield from links_of(self.cluster, self.names[0])

    # Segments

    def _place_vips(self) -> None:
        for service in self.cluster.services:
            for vip in service.vips:
                self._place(vip.address, service.interface or self.vip_device, "the VIP").holds_vips = True

    def _place_dip(self) -> None:
        if self.dip:
            self._place(self.dip.address, self.dip_device, "the DIP")

    def _place_links(self) -> None:
        for device, addresses in self._links():
            for address in addresses.values():
                if address in self.remote:
                    raise CannotBuild(f"{address} is a director and a real server, which no pair of the lab can be")
                self._place(address, device, "the link's address")
            if all(segment.device != device for segment in self.segments):
                self.segments.append(_Segment(f"net{len(self.segments) + 1}", device, [self.subnets.spare(_BETWEEN)]))

    def _place_rips(self) -> None:
        methods: dict[str, set[str]] = {}
        for rip in self.remote:
            methods.setdefault(self.subnets.of(rip), set()).update(self.forwardings[rip])
        for subnet, used in methods.items():
            if self._segment_of(subnet) is None and used == {"tun"}:
                self.segments.append(_Segment(f"net{len(self.segments) + 1}", subnets=[subnet]))
            else:
                self._place(subnet.partition("/")[0], None, "the real servers' network")

    def _place(self, address: str, device: str | None, what: str) -> _Segment:
        """The segment of an address's subnet, on the director's device where one is named."""
        subnet = self.subnets.of(address)
        segment = self._segment_of(subnet)
        if segment is not None:
            if device and segment.device != device:
                raise CannotBuild(
                    f"{what} {address} is to be on {device}, but {subnet} is the network on {segment.device}",
                    hint="a network is on one interface of the director; name the same one",
                )
            return segment
        segment = next((each for each in self.segments if device and each.device == device), None)
        if segment is None:
            segment = _Segment(f"net{len(self.segments) + 1}", device or self._free_device())
            self.segments.append(segment)
        segment.subnets.append(subnet)
        return segment

    def _segment_of(self, subnet: str) -> _Segment | None:
        return next((segment for segment in self.segments if subnet in segment.subnets), None)

    def _free_device(self) -> str:
        named = {self.vip_device, self.dip_device, *(service.interface for service in self.cluster.services)}
        taken = named | {segment.device for segment in self.segments}
        return next(name for name in (f"eth{number}" for number in range(len(taken) + 1)) if name not in taken)

    def _needs_router(self) -> bool:
        if sum(segment.holds_vips for segment in self.segments) > 1:
            return True
        for rip in self.remote:
            segment = self._segment_of(self.subnets.of(rip))
            if self.forwardings[rip] != {"nat"} or (segment and segment.holds_vips):
                return True
        return False

    # Hosts

    def finished(self) -> Topology:
        for segment in self.segments:
            for subnet in segment.subnets:
                for name in self.names if segment.device else ():
                    self.directors[name][subnet] = self._directors_address(name, subnet)
                if self.routed and self._routed(segment):
                    self.routers[subnet] = self.subnets.take(subnet, _ROUTERS_PLACE)
        outside = self._outside() if self.routed else _Segment(CLIENT)
        segments = [*self.segments, outside] if self.routed else self.segments
        hosts = [self._client(outside), *([self._router(outside)] if self.routed else [])]
        hosts += [self._director(name) for name in self.names]
        hosts += [self._real_server(rip, number) for number, rip in enumerate(self.remote, 1)]
        numbered = tuple(_with_macs(host, number) for number, host in enumerate(hosts, 1))
        named = {segment.name: tuple(segment.subnets) for segment in segments}
        return Topology(named, numbered, dict(self._watches(numbered)), tuple(self.notes))

    def _routed(self, segment: _Segment) -> bool:
        """A segment of nat real servers alone is behind the director, and no router reaches it."""
        return segment.holds_vips or any(
            self.subnets.of(rip) in segment.subnets and self.forwardings[rip] != {"nat"} for rip in self.remote
        )

    def _outside(self) -> _Segment:
        families = sorted({family_of(vip.address) for vip in self.cluster.vips})
        outside = _Segment("outside", subnets=[self.subnets.spare(_OUTSIDE[family]) for family in families])
        for subnet in outside.subnets:
            self.routers[subnet] = self.subnets.take(subnet, _ROUTERS_PLACE)
        return outside

    def _directors_address(self, name: str, subnet: str) -> str:
        """The DIP, unless start is to add it; else one of its own, since an alias needs an interface with a subnet."""
        dip = self.dips.get(name)
        if dip and not self.dip_device and self.subnets.of(dip.address) == subnet:
            return dip.address
        own = (addresses[name] for _, addresses in self._links() if name in addresses)
        known = next((address for address in own if self.subnets.of(address) == subnet), None)
        return known or self.subnets.take(subnet, _DIRECTORS_PLACE)

    def _client(self, outside: _Segment) -> Host:
        place = outside if self.routed else next(segment for segment in self.segments if segment.holds_vips)
        addresses = {subnet: self.subnets.take(subnet, _CLIENTS_PLACE) for subnet in place.subnets}
        gateways = [self.routers[subnet] for subnet in place.subnets if self.routed]
        return Host(CLIENT, (Wire(place.name, "eth0", ""),), tuple(_on("eth0", addresses)), tuple(gateways))

    def _router(self, outside: _Segment) -> Host:
        wires: list[Wire] = []
        addresses: list[tuple[str, str]] = []
        for segment in (outside, *(each for each in self.segments if self._routed(each))):
            device = f"eth{len(wires)}"
            wires.append(Wire(segment.name, device, ""))
            addresses += _on(device, {subnet: self.routers[subnet] for subnet in segment.subnets})
        return Host(ROUTER, tuple(wires), tuple(addresses), forwards=True)

    def _director(self, name: str) -> Host:
        called = renamed(self.cluster, self.names[0], name)
        wires: list[Wire] = []
        addresses: list[tuple[str, str]] = []
        gateways: dict[int, str] = {}
        for segment in self.segments:
            if segment.device:
                device = called.get(segment.device, segment.device)
                wires.append(Wire(segment.name, device, ""))
                addresses += _on(device, {subnet: self.directors[name][subnet] for subnet in segment.subnets})
                for subnet in segment.subnets:
                    if subnet in self.routers:
                        gateways.setdefault(family_of(subnet), self.routers[subnet])
        return Host(
            name, tuple(wires), tuple(addresses), tuple(gateways.values()), directs=True, rips=tuple(self.local)
        )

    def _real_server(self, rip: str, number: int) -> Host:
        name = f"rs{number}"
        override = self.cluster.nodes.get(name, NodeOverride())
        device = override.realserver_interface or self.cluster.realserver.interface or "eth0"
        subnet = self.subnets.of(rip)
        segment = self._segment_of(subnet)
        assert segment is not None  # _place_rips
        gateway = self._gateway(rip, subnet)
        return Host(name, (Wire(segment.name, device, ""),), tuple(_on(device, {subnet: rip})), (gateway,), rips=(rip,))

    def _gateway(self, rip: str, subnet: str) -> str:
        methods = self.forwardings[rip]
        if "nat" not in methods:
            return self.routers[subnet]
        if methods != {"nat"}:
            others = " and ".join(sorted(methods - {"nat"}))
            raise CannotBuild(
                f"{rip} is served by nat and by {others}: its answers must go through the director, and past it",
                hint="give the machine a RIP for each",
            )
        if self.dip and self.subnets.of(self.dip.address) == subnet:
            return self.dip.address
        gateway = self.directors[self.names[0]][subnet]
        self.notes.append(
            f"{rip} is not in the DIP's network: the director is given {gateway} there, to be its gateway"
        )
        return gateway

    def _watches(self, hosts: tuple[Host, ...]) -> Iterator[tuple[str, Watch]]:
        watcher = hosts[1] if self.routed else hosts[0]
        director = next(host for host in hosts if host.directs)
        for vip in self.cluster.vips:
            segment = self._segment_of(self.subnets.of(vip.address))
            heard, owned = (
                next(wire for wire in host.wires if segment and wire.segment == segment.name)
                for host in (watcher, director)
            )
            yield vip.address, Watch(watcher.name, heard.interface, owned.mac)


def _on(device: str, addresses: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for subnet, address in addresses.items():
        yield device, f"{address}/{subnet.rpartition('/')[2]}"


def _with_macs(host: Host, number: int) -> Host:
    wires = tuple(
        replace(wire, mac=f"02:00:00:{number >> 8:02x}:{number & 255:02x}:{index:02x}")
        for index, wire in enumerate(host.wires)
    )
    return replace(host, wires=wires)
