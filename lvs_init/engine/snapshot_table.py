"""The IPVS table for a Snapshot: all of it for root, for others what /proc/net/ip_vs shows."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import replace

from lvs_init.commands import ipvs_statistics as statistics
from lvs_init.commands.ipvs_statistics import Row, Traffic
from lvs_init.commands.proc_ip_vs import ProcServer, ProcService, has_services, parse_proc
from lvs_init.doctor import read_proc
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Connections, LiveServer, LiveService, Snapshot, SyncDaemon
from lvs_init.engine.channel import Table
from lvs_init.engine.look import Look
from lvs_init.model import ipvs
from lvs_init.model.state import Key, Value
from lvs_init.system import files, identity

_PROC = "/proc/net/ip_vs"
_MOST_CONNECTIONS = 200_000  # rows that are read
_NOTHING = Traffic(0, 0, 0)


def add(found: Snapshot, look: Look) -> Snapshot:
    """What the kernel balances, and whom."""
    text = files.read_small(_PROC)
    if text is None:  # no module, no table
        return replace(found, services=(), daemons=())
    proc = look.attempt("the IPVS table", lambda: parse_proc(text))
    if proc is None:
        return found
    state: Mapping[Key, Value] | None = None
    traffic: Mapping[Row, Traffic] | None = None
    if look.asked_as_root("all attributes of services"):
        state = look.attempt("all attributes of services", lambda: _read(look))
        if has_services(text):
            traffic = look.attempt("traffic", lambda: statistics.parse(look.shown(statistics.LIST)))
    connections, clients = _connections(look)
    return replace(
        found,
        services=tuple(_service(each, state, traffic) for each in proc.services.values()),
        timeouts=_timeouts(state),
        daemons=_daemons(state),
        applications=read_proc.applications(files.read_small("/proc/net/ip_vs_app") or ""),
        conn_buckets=read_proc.buckets(text),
        connections=connections,
        clients=clients,
    )


def _read(look: Look) -> Mapping[Key, Value]:
    with Table(look.runner, os.environ) as table:
        return table.read(timeouts=True, daemons=True)


def _service(
    service: ProcService, state: Mapping[Key, Value] | None, traffic: Mapping[Row, Traffic] | None
) -> LiveService:
    key = _key(service, state)
    value = state.get(key) if state else None
    row = Row(key.protocol, key.address, key.fwmark if key.protocol == "fwmark" else key.port)
    counted = None if traffic is None else traffic.get(row, _NOTHING)
    known = service.family_known or isinstance(value, ipvs.Service)
    live = LiveService(
        protocol=key.protocol,
        address=key.address,
        port=key.port,
        fwmark=key.fwmark,
        family=key.family if known else None,
        scheduler=clean(service.scheduler),
        persistent=service.persistent,
        one_packet=True if service.one_packet else None if key.family == 6 else False,
        connections=counted.connections if counted else None,
        in_packets=counted.in_packets if counted else None,
        out_packets=counted.out_packets if counted else None,
        servers=tuple(_server(each, key, row, state, traffic) for each in service.servers),
    )
    if not isinstance(value, ipvs.Service):
        return live
    return replace(
        live,
        persistence=value.persistence,
        netmask=value.netmask,
        flags=value.flags,
        engine=value.engine or "",
        one_packet=value.one_packet,
    )


def _key(service: ProcService, state: Mapping[Key, Value] | None) -> ipvs.ServiceKey:
    """The service's key, whose family only the whole table tells where /proc does not."""
    other = service.key._replace(family=10 - service.key.family)
    return other if state and not service.family_known and service.key not in state and other in state else service.key


def _server(
    server: ProcServer,
    service: ipvs.ServiceKey,
    row: Row,
    state: Mapping[Key, Value] | None,
    traffic: Mapping[Row, Traffic] | None,
) -> LiveServer:
    counted = None
    if traffic is not None:
        counted = traffic.get(row._replace(server=server.address, server_port=server.port), _NOTHING)
    live = LiveServer(
        server.address,
        server.port,
        server.forwarding,
        server.weight,
        server.active,
        server.inactive,
        connections=counted.connections if counted else None,
        in_packets=counted.in_packets if counted else None,
        out_packets=counted.out_packets if counted else None,
    )
    value = state.get(ipvs.RealServerKey(service, server.address, server.port)) if state else None
    if not isinstance(value, ipvs.RealServer):
        return live
    return replace(live, upper=value.upper, lower=value.lower, tunnel=value.tunnel.type if value.tunnel else "")


def _timeouts(state: Mapping[Key, Value] | None) -> Mapping[str, int] | None:
    if state is None:
        return None
    return {
        key.name: value for key, value in state.items() if isinstance(key, ipvs.TimeoutKey) and isinstance(value, int)
    }


def _daemons(state: Mapping[Key, Value] | None) -> tuple[SyncDaemon, ...] | None:
    if state is None:
        return None
    return tuple(
        SyncDaemon(key.role, clean(value.interface), value.syncid, value.maxlen, value.group, value.port, value.ttl)
        for key, value in state.items()
        if isinstance(key, ipvs.SyncDaemonKey) and isinstance(value, ipvs.SyncDaemon)
    )


def _connections(look: Look) -> tuple[Connections | None, tuple[str, ...]]:
    """Read as it comes: a busy director has millions of rows."""
    for name in ("ip_vs_conn_sync", "ip_vs_conn"):
        try:
            with open(f"/proc/net/{name}", encoding="ascii", errors="replace") as rows:
                seen = look.attempt(
                    "connections",
                    lambda: read_proc.connections(itertools.islice(rows, _MOST_CONNECTIONS)),
                )
            return seen or (None, ())
        except OSError as error:
            if not identity.is_root():
                look.missed("connections", error.strerror or str(error))
                break
    return None, ()
