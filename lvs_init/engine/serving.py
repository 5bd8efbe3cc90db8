"""What a monitor of level 10 asks beyond status: whether who is set up could serve at this moment."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.commands.proc_ip_vs import ProcTable
from lvs_init.config.endpoints import endpoints
from lvs_init.config.realserver import own_rips
from lvs_init.engine import configuration
from lvs_init.engine.daemons import daemons
from lvs_init.engine.memory import Memory
from lvs_init.engine.observe import look
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.errors import LvsError
from lvs_init.model.ipvs import RealServer, RealServerKey, SyncDaemonKey, host_port
from lvs_init.model.network import AddressKey
from lvs_init.model.record import Record
from lvs_init.system import link, reach

_PATIENCE = 3.0  # seconds within which services of this machine take a connection


def hindrances(target: Target, memory: Memory, table: ProcTable | None) -> list[str]:
    """A sentence for each thing that keeps what is set up from serving. ``table``: None where the kernel has none."""
    record = memory.mine
    if record is None:
        return []
    if target.role == DIRECTOR:
        return [*unserved(record, table or ProcTable({})), *_dark(record), *_silent(record)]
    return list(_deaf(target, memory, record))


def unserved(record: Record, table: ProcTable) -> Iterator[str]:
    """Services that have nobody to send clients to, although we have left somebody there.

    Nobody is there on purpose where the file or an admin gives all of them weight 0, or where somebody else looks after
    the weights: then moving the services to another director, whose real servers are the same, mends nothing.
    """
    given = {
        key.service
        for key, entry in record.entries.items()
        if isinstance(key, RealServerKey) and isinstance(entry.applied, RealServer) and entry.applied.weight > 0
    }
    for key in sorted(given - record.policy.live_weights):
        service = table.find(key)
        if service is not None and not any(server.weight > 0 for server in service.servers):
            yield f"service {key} has no real server with a weight above 0"


def _dark(record: Record) -> Iterator[str]:
    """Interfaces of our VIPs through which nobody is reached."""
    for interface in sorted({key.interface for key in _carried(record)}):
        try:
            flags = link.flags(interface)
        except OSError:
            yield f"interface {interface} is missing"
            continue
        if not flags & link.UP:
            yield f"interface {interface} is down"
        elif not flags & link.RUNNING:
            yield f"interface {interface} has no carrier"


def _silent(record: Record) -> Iterator[str]:
    """Sync daemons that we have started and that are gone. What the kernel cannot be asked of is not told of."""
    wanted = [key for key, entry in record.entries.items() if isinstance(key, SyncDaemonKey) and entry.applied]
    found = daemons() if wanted else None
    if found is not None:
        yield from (f"the {key} is gone" for key in wanted if key not in found)


def _carried(record: Record) -> list[AddressKey]:
    return [key for key, entry in record.entries.items() if isinstance(key, AddressKey) and entry.applied is not None]


def _vips(record: Record) -> set[str]:
    return {key.address for key in _carried(record)}


def _deaf(target: Target, memory: Memory, record: Record) -> Iterator[str]:
    """Services of this real server that take no connection.

    Which they are stands in the file alone. One that cannot be read is no reason to take a real server out.
    """
    try:
        cluster, _ = configuration.read(target)
    except LvsError:
        return
    directing = {vip for other in memory.others if other.role == DIRECTOR for vip in _vips(other)}
    vips = _vips(record) - directing
    rips = own_rips(cluster, look().machine([record, *memory.others]))
    for (address, port), reason in sorted(reach.refusals(endpoints(cluster, rips, vips), _PATIENCE).items()):
        yield f"nobody takes connections at {host_port(address, port)}: {reason}"
