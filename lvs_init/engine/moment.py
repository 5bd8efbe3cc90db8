"""Now: the clocks that timed work goes by, and the traffic that drains wait for."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lvs_init.commands.proc_ip_vs import ProcServer, ProcTable, parse_proc
from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.plan.drain import Moment
from lvs_init.system import files


def moment(*, counted: bool = True) -> Moment:
    """The present moment; ``counted``: with the connections of every real server."""
    # CLOCK_BOOTTIME goes on while the machine sleeps: a deadline means time, not uptime.
    return Moment(boottime(), time.time(), connections(proc_table()) if counted else {})


def boottime() -> float:
    """Seconds since the boot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def proc_table() -> ProcTable:
    """The table with its traffic, without a process; empty where the kernel has none."""
    return parse_proc(files.read_small("/proc/net/ip_vs") or "")


def connections(table: ProcTable) -> dict[RealServerKey, int]:
    """How many each real server has, active and inactive: what it may still have to answer."""
    return {key: server.active + server.inactive for key, server in _servers(table)}


def counted(connections: int) -> str:
    """``1 connection``, ``12 connections``."""
    return f"{connections} connection{'' if connections == 1 else 's'}"


def weights(table: ProcTable) -> dict[RealServerKey, int]:
    """Of every real server in the table."""
    return {key: server.weight for key, server in _servers(table)}


def _servers(table: ProcTable) -> Iterator[tuple[RealServerKey, ProcServer]]:
    for service in table.services.values():
        for server in service.servers:
            for key in _meant(service.key, service.family_known):
                yield RealServerKey(key, server.address, server.port), server


def _meant(key: ServiceKey, family_known: bool) -> list[ServiceKey]:
    """A firewall mark whose family nothing tells may be of either."""
    if family_known:
        return [key]
    return [ServiceKey(key.protocol, fwmark=key.fwmark, family=family) for family in (4, 6)]
