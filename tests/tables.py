"""Random IPVS tables, of everything that ipvsadm 1.31 can set and Linux takes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from hypothesis import strategies as st

from lvs_init.model.ipvs import SCHEDULERS, RealServer, RealServerKey, Service, ServiceKey, Tunnel
from lvs_init.model.state import Change, Key, Value, apply

PORTS = st.integers(1, 65535)
MASKS = {4: st.integers(0, 32), 6: st.integers(1, 128)}


def addresses(family: int) -> st.SearchStrategy[str]:
    """Unicast addresses of a family, in networks that belong to nobody."""
    network = ipaddress.ip_network("198.18.0.0/15" if family == 4 else "2001:db8::/64")
    return st.integers(1, network.num_addresses - 2).map(lambda number: str(network[number]))


@st.composite
def service_keys(draw: st.DrawFn) -> ServiceKey:
    family = draw(st.sampled_from((4, 6)))
    protocol = draw(st.sampled_from(("tcp", "udp", "sctp", "fwmark")))
    if protocol == "fwmark":
        return ServiceKey(protocol, fwmark=draw(st.integers(1, 2**32 - 1)), family=family)
    return ServiceKey(protocol, draw(addresses(family)), draw(st.just(0) | PORTS), family=family)


@st.composite
def services(draw: st.DrawFn, key: ServiceKey) -> Service:
    scheduler = draw(st.sampled_from([name for name in SCHEDULERS if name != "twos"]))  # twos came with Linux 5.18
    flags = draw(st.sets(st.sampled_from(SCHEDULERS[scheduler] or ("flag-1", "flag-2", "flag-3"))))
    every_port = key.protocol != "fwmark" and key.port == 0  # only where clients are kept together
    persistence = draw(st.integers(1, 86400) if every_port else st.none() | st.integers(1, 86400))
    return Service(
        scheduler,
        tuple(sorted(flags)),
        persistence,
        None if persistence is None else draw(MASKS[key.family]),
        draw(st.sampled_from((None, "sip"))) if key.protocol == "udp" and persistence is not None else None,
        draw(st.booleans()) if key.protocol in ("udp", "fwmark") else False,
    )


TUNNELS = st.one_of(
    st.just(Tunnel()),
    st.builds(Tunnel, st.just("gue"), PORTS, st.sampled_from(("nocsum", "csum", "remcsum"))),
    st.builds(Tunnel, st.just("gre"), st.just(0), st.sampled_from(("nocsum", "csum"))),
)


@st.composite
def real_servers(draw: st.DrawFn, maps_port: bool = False) -> RealServer:
    forwarding = "nat" if maps_port else draw(st.sampled_from(("nat", "dr", "tun")))
    upper = draw(st.integers(0, 2**31 - 1))
    lower = draw(st.integers(0, upper))
    tunnel = draw(TUNNELS) if forwarding == "tun" else None
    return RealServer(forwarding, draw(st.integers(0, 65535)), upper, lower, tunnel)


@st.composite
def tables(draw: st.DrawFn, min_size: int = 0, max_size: int = 6) -> dict[Key, Value]:
    """Services, each followed by its real servers."""
    table: dict[Key, Value] = {}
    for key in draw(st.lists(service_keys(), min_size=min_size, max_size=max_size, unique=True)):
        table[key] = draw(services(key))
        for server in draw(st.lists(real_servers(), max_size=3)):
            # ipvsadm maps ports with nat alone, whatever it is told.
            port = draw(PORTS) if server.forwarding == "nat" else key.port
            table[RealServerKey(key, draw(addresses(key.family)), port)] = server
    return table


@st.composite
def edits(draw: st.DrawFn, table: Mapping[Key, Value]) -> tuple[list[Change], dict[Key, Value]]:
    """Some keys of the table get other attributes, some go: the changes, and the table that they lead to."""
    edited, gone = [], []
    for key, value in table.items():
        service = key.service if isinstance(key, RealServerKey) else None
        if service is not None and any(change.key == service for change in gone):
            continue  # goes with its service
        verb = draw(st.sampled_from(("keep", "edit", "edit", "remove")))
        if verb == "remove":
            gone.append(Change(key, value, None))
        elif verb == "edit" and isinstance(key, ServiceKey):
            edited.append(Change(key, value, draw(services(key))))
        elif verb == "edit" and isinstance(key, RealServerKey):
            edited.append(Change(key, value, draw(real_servers(key.port != key.service.port))))
    changes = edited + gone
    return changes, apply(table, {change.key: change.after for change in changes})
