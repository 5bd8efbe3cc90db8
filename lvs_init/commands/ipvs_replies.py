"""What the kernel lists of the IPVS table over generic netlink: everything that can be set, and counters besides.

Each function raises ValueError, KeyError or struct.error for bytes that are no such thing.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.model.attributes import attributes
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
from lvs_init.model.state import Key, Value

_FAMILIES = {number: family for family, number in ipvs.AF_OF.items()}
_PROTOCOLS = {number: name for name, number in ipvs.PROTOCOL_OF.items()}
_FORWARDINGS = {number: name for name, number in ipvs.FORWARDING_OF.items()}
_TUNNELS = {number: name for name, number in ipvs.TUNNEL_OF.items()}
_CHECKSUMS = {number: name for name, number in ipvs.CHECKSUM_OF.items()}
_ROLES = {number: role for role, number in ipvs.STATE_OF.items()}
_ABSENT = bytes(4)  # what kernels before 5.3 do not tell of tunnels


def service(payload: bytes) -> tuple[ServiceKey, Service]:
    """One of the answers to ``GET_SERVICE``."""
    found = attributes(attributes(payload)[ipvs.SERVICE])
    family = _FAMILIES[_u16(found[ipvs.AF])]
    if ipvs.FWMARK in found:
        key = ServiceKey("fwmark", fwmark=_u32(found[ipvs.FWMARK]), family=family)
    else:
        protocol, port = _PROTOCOLS[_u16(found[ipvs.PROTOCOL])], int.from_bytes(found[ipvs.PORT], "big")
        key = ServiceKey(protocol, _address(family, found[ipvs.ADDRESS]), port, family=family)
    scheduler, flags = _string(found[ipvs.SCHEDULER]), _u32(found[ipvs.FLAGS][:4])  # a mask follows
    names = ipvs.NAMED_FLAGS.get(scheduler, ipvs.SCHEDULER_FLAGS)
    persistent = bool(flags & ipvs.PERSISTENT)
    return key, Service(
        scheduler=scheduler,
        flags=tuple(sorted(name for name, bit in names.items() if flags & bit)),
        persistence=_u32(found[ipvs.PERSISTENCE]) if persistent else None,
        netmask=ipvs.prefix_of(family, found[ipvs.NETMASK]) if persistent else None,
        engine=_string(found[ipvs.ENGINE]) if ipvs.ENGINE in found else None,
        one_packet=bool(flags & ipvs.ONE_PACKET),
    )


def real_server(of: ServiceKey, payload: bytes) -> tuple[RealServerKey, RealServer]:
    """One of the answers to ``GET_SERVER`` for that service."""
    found = attributes(attributes(payload)[ipvs.SERVER])
    family = _FAMILIES[_u16(found[ipvs.RIP_AF])] if ipvs.RIP_AF in found else of.family  # told since Linux 3.18
    key = RealServerKey(of, _address(family, found[ipvs.RIP]), int.from_bytes(found[ipvs.RIP_PORT], "big"))
    return key, _attributes(
        found[ipvs.FORWARDING],
        found[ipvs.WEIGHT],
        found[ipvs.UPPER],
        found[ipvs.LOWER],
        found.get(ipvs.TUNNEL, _ABSENT[:1]),
        found.get(ipvs.TUNNEL_PORT, _ABSENT[:2]),
        found.get(ipvs.TUNNEL_CHECKSUM, _ABSENT[:2]),
    )


def timeouts(payload: bytes) -> dict[Key, Value]:
    """The answer to ``GET_CONFIG``, in seconds."""
    found = attributes(payload)
    return {TimeoutKey(name): _u32(found[kind]) for name, kind in ipvs.TIMEOUTS.items() if kind in found}


def daemon(payload: bytes) -> tuple[SyncDaemonKey, SyncDaemon]:
    """One of the answers to ``GET_DAEMON``. Kernels before 4.3 tell of interface and id alone."""
    found = attributes(attributes(payload)[ipvs.DAEMON])
    default = SyncDaemon("")
    group = default.group
    if ipvs.SYNC_GROUP6 in found:
        group = _address(6, found[ipvs.SYNC_GROUP6])
    elif ipvs.SYNC_GROUP in found:
        group = _address(4, found[ipvs.SYNC_GROUP])
    return SyncDaemonKey(_ROLES[_u32(found[ipvs.STATE])]), SyncDaemon(
        _string(found[ipvs.SYNC_INTERFACE]),
        _u32(found[ipvs.SYNC_ID]),
        group,
        _u16(found[ipvs.SYNC_PORT]) if ipvs.SYNC_PORT in found else default.port,
        found[ipvs.SYNC_TTL][0] if ipvs.SYNC_TTL in found else default.ttl,
        _u16(found.get(ipvs.SYNC_MAXLEN, _ABSENT[:2])),
    )


@lru_cache(maxsize=1 << 12)
def _attributes(
    forwarding: bytes, weight: bytes, upper: bytes, lower: bytes, kind: bytes, port: bytes, checksum: bytes
) -> RealServer:
    """Most real servers of a table have the same attributes, which are then one object."""
    # What is forwarded in no way that can be set is said to be dr, as by ipvsadm.
    name = _FORWARDINGS.get(_u32(forwarding) & ipvs.FORWARDING_MASK, "dr")
    tunnel = None
    if name == "tun":
        tunnel = Tunnel(_TUNNELS[kind[0]], int.from_bytes(port, "big"), _CHECKSUMS[_u16(checksum)])
    return RealServer(name, _u32(weight), _u32(upper), _u32(lower), tunnel)


def _address(family: int, packed: bytes) -> str:
    """From the sixteen bytes of union nf_inet_addr."""
    if family == 6:
        return str(ipaddress.IPv6Address(packed))
    return f"{packed[0]}.{packed[1]}.{packed[2]}.{packed[3]}"


def _u16(data: bytes) -> int:
    return int(ipvs.U16.unpack(data)[0])


def _u32(data: bytes) -> int:
    return int(ipvs.U32.unpack(data)[0])


def _string(data: bytes) -> str:
    return data.partition(b"\0")[0].decode()
