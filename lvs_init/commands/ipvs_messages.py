"""Changes of the IPVS table as generic-netlink messages, which is what ipvsadm sends, too.

What a message leaves out gets its default, as with ``ipvsadm -E`` and ``-e``, so every message is complete.
"""

from __future__ import annotations

import errno
import ipaddress
from functools import lru_cache

from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.model.attributes import NESTED, attribute
from lvs_init.model.ipvs import (
    RealServer,
    RealServerKey,
    Service,
    ServiceKey,
    SyncDaemon,
    SyncDaemonKey,
    TimeoutKey,
    Tunnel,
)
from lvs_init.model.state import Change

_SERVICE, _SERVER = ipvs.SERVICE | NESTED, ipvs.SERVER | NESTED
_FLAGS = {**ipvs.SCHEDULER_FLAGS, **ipvs.NAMED_FLAGS["sh"], **ipvs.NAMED_FLAGS["mh"]}

#: (command, or 0 for any; errno) -> what ipvsadm 1.31 says (libipvs.c ipvs_strerror).
_REASONS = {
    (ipvs.NEW_SERVICE, errno.EEXIST): "Service already exists",
    (ipvs.NEW_SERVICE, errno.ENOENT): "Scheduler or persistence engine not found",
    (ipvs.SET_SERVICE, errno.ESRCH): "No such service",
    (ipvs.SET_SERVICE, errno.ENOENT): "Scheduler or persistence engine not found",
    (ipvs.DEL_SERVICE, errno.ESRCH): "No such service",
    (ipvs.NEW_SERVER, errno.ESRCH): "Service not defined",
    (ipvs.NEW_SERVER, errno.EEXIST): "Destination already exists",
    (ipvs.SET_SERVER, errno.ESRCH): "Service not defined",
    (ipvs.SET_SERVER, errno.ENOENT): "No such destination",
    (ipvs.DEL_SERVER, errno.ESRCH): "Service not defined",
    (ipvs.DEL_SERVER, errno.ENOENT): "No such destination",
    (ipvs.NEW_DAEMON, errno.EEXIST): "Daemon has already run",
    (ipvs.DEL_DAEMON, errno.ESRCH): "No daemon is running",
    (0, errno.EPERM): "Permission denied (you must be root)",
    (0, errno.EINVAL): "Invalid operation. Possibly wrong module version, address not unicast, ...",
    (0, errno.ENOPROTOOPT): "Protocol not available",
    (0, errno.ENOMEM): "Memory allocation problem",
    (0, errno.EOPNOTSUPP): "Operation not supported with IPv6",
    (0, errno.EAFNOSUPPORT): "Operation not supported with specified address family",
    (0, errno.EMSGSIZE): "Module is wrong version",
}


def message(change: Change) -> tuple[int, bytes]:
    """Command and payload that make a change of the table, of a timeout or of a sync daemon.

    A daemon that speaks in another way takes two changes, to stop and to start it. Raises TypeError for any other.
    """
    key, before, after = change.key, change.before, change.after
    if isinstance(key, ServiceKey):
        if after is None:
            return ipvs.DEL_SERVICE, of_service(key)
        if isinstance(after, Service):
            inside = _service(key) + _service_attributes(key.family, after)
            return ipvs.NEW_SERVICE if before is None else ipvs.SET_SERVICE, attribute(_SERVICE, inside)
    elif isinstance(key, RealServerKey):
        inside = _server(key.address, key.port)
        if after is None:
            return ipvs.DEL_SERVER, of_service(key.service) + attribute(_SERVER, inside)
        if isinstance(after, RealServer):
            payload = of_service(key.service) + attribute(_SERVER, inside + _server_attributes(after))
            return ipvs.NEW_SERVER if before is None else ipvs.SET_SERVER, payload
    elif isinstance(key, TimeoutKey) and isinstance(after, int):
        return ipvs.SET_CONFIG, _number(ipvs.TIMEOUTS[key.name], after)
    elif isinstance(key, SyncDaemonKey) and (after is None or isinstance(after, SyncDaemon)):
        inside = _number(ipvs.STATE, ipvs.STATE_OF[key.role])
        if after is None:
            return ipvs.DEL_DAEMON, attribute(ipvs.DAEMON | NESTED, inside)
        return ipvs.NEW_DAEMON, attribute(ipvs.DAEMON | NESTED, inside + _daemon(after))
    raise TypeError(f"no message makes {after!r} of {key}")


def reason(command: int, number: int) -> str | None:
    """What ipvsadm 1.31 says to an errno, blanks folded; None where it leaves it to strerror(3)."""
    return _REASONS.get((command, number)) or _REASONS.get((0, number))


@lru_cache(maxsize=1)
def of_service(key: ServiceKey) -> bytes:
    """The payload that names a service, for the real servers that follow it and for ``GET_SERVER``."""
    return attribute(_SERVICE, _service(key))


def _service(key: ServiceKey) -> bytes:
    family = attribute(ipvs.AF, ipvs.U16.pack(ipvs.AF_OF[key.family]))
    if key.protocol == "fwmark":
        return family + _number(ipvs.FWMARK, key.fwmark)
    protocol = attribute(ipvs.PROTOCOL, ipvs.U16.pack(ipvs.PROTOCOL_OF[key.protocol]))
    port = attribute(ipvs.PORT, ipvs.PORT_NUMBER.pack(key.port))
    return family + protocol + attribute(ipvs.ADDRESS, _packed(key.address)) + port


@lru_cache(maxsize=1 << 10)
def _service_attributes(family: int, service: Service) -> bytes:
    flags = sum(_FLAGS[name] for name in service.flags)
    flags |= 0 if service.persistence is None else ipvs.PERSISTENT
    flags |= ipvs.ONE_PACKET if service.one_packet else 0
    netmask = ipvs.full_mask(family) if service.netmask is None else ipvs.mask(family, service.netmask)
    engine = attribute(ipvs.ENGINE, service.engine.encode() + b"\0") if service.engine else b""
    return b"".join(
        (
            attribute(ipvs.SCHEDULER, service.scheduler.encode() + b"\0"),
            engine,
            attribute(ipvs.FLAGS, ipvs.U32.pack(flags) + ipvs.U32.pack(ipvs.ALL_FLAGS)),
            _number(ipvs.PERSISTENCE, service.persistence or 0),
            attribute(ipvs.NETMASK, netmask),
        )
    )


# One real server often stands in many services, and most have the same attributes.


@lru_cache(maxsize=1 << 12)
def _server(address: str, port: int) -> bytes:
    family = attribute(ipvs.RIP_AF, ipvs.U16.pack(ipvs.AF_OF[6 if ":" in address else 4]))
    return attribute(ipvs.RIP, _packed(address)) + attribute(ipvs.RIP_PORT, ipvs.PORT_NUMBER.pack(port)) + family


@lru_cache(maxsize=1 << 12)
def _server_attributes(server: RealServer) -> bytes:
    attributes = [
        _number(ipvs.FORWARDING, ipvs.FORWARDING_OF[server.forwarding]),
        _number(ipvs.WEIGHT, server.weight),
        _number(ipvs.UPPER, server.upper),
        _number(ipvs.LOWER, server.lower),
    ]
    if server.forwarding == "tun":
        tunnel = server.tunnel or Tunnel()
        attributes += [
            attribute(ipvs.TUNNEL, bytes((ipvs.TUNNEL_OF[tunnel.type],))),
            attribute(ipvs.TUNNEL_PORT, ipvs.PORT_NUMBER.pack(tunnel.port)),
            attribute(ipvs.TUNNEL_CHECKSUM, ipvs.U16.pack(ipvs.CHECKSUM_OF[tunnel.checksum])),
        ]
    return b"".join(attributes)


def _daemon(daemon: SyncDaemon) -> bytes:
    packed = _packed(daemon.group)
    group = attribute(ipvs.SYNC_GROUP6, packed) if ":" in daemon.group else attribute(ipvs.SYNC_GROUP, packed[:4])
    return b"".join(
        (
            attribute(ipvs.SYNC_INTERFACE, daemon.interface.encode() + b"\0"),
            _number(ipvs.SYNC_ID, daemon.syncid),
            attribute(ipvs.SYNC_MAXLEN, ipvs.U16.pack(daemon.maxlen)) if daemon.maxlen else b"",
            group,
            attribute(ipvs.SYNC_PORT, ipvs.U16.pack(daemon.port)),  # in the order of the machine, this one
            attribute(ipvs.SYNC_TTL, bytes((daemon.ttl,))),
        )
    )


def _number(kind: int, number: int) -> bytes:
    return attribute(kind, ipvs.U32.pack(number))


def _packed(address: str) -> bytes:
    """The sixteen bytes of union nf_inet_addr, also for IPv4."""
    if ":" in address:
        return ipaddress.IPv6Address(address).packed
    return bytes(map(int, address.split("."))) + bytes(12)
