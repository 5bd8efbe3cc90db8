"""The numbers of IPVS over generic netlink (include/uapi/linux/ip_vs.h).

Numbers travel in the order of the machine's bytes, ports and IPv4 masks in the network's.
"""

from __future__ import annotations

import struct

FAMILY, VERSION = "IPVS", 1

# IPVS_CMD_*; a real server is a destination there.
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_SERVER, SET_SERVER, DEL_SERVER, GET_SERVER = 5, 6, 7, 8
NEW_DAEMON, DEL_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG, GET_CONFIG = 12, 13

# IPVS_CMD_ATTR_*
SERVICE, SERVER, DAEMON = 1, 2, 3
TIMEOUTS = {"tcp": 4, "tcpfin": 5, "udp": 6}

# IPVS_SVC_ATTR_*
AF, PROTOCOL, ADDRESS, PORT, FWMARK, SCHEDULER, FLAGS, PERSISTENCE, NETMASK, ENGINE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 11

# IPVS_DEST_ATTR_*
RIP, RIP_PORT, FORWARDING, WEIGHT, UPPER, LOWER, RIP_AF = 1, 2, 3, 4, 5, 6, 11
TUNNEL, TUNNEL_PORT, TUNNEL_CHECKSUM = 13, 14, 15

# IPVS_DAEMON_ATTR_*
STATE, SYNC_INTERFACE, SYNC_ID, SYNC_MAXLEN, SYNC_GROUP, SYNC_GROUP6, SYNC_PORT, SYNC_TTL = 1, 2, 3, 4, 5, 6, 7, 8

AF_OF = {4: 2, 6: 10}  # AF_INET, AF_INET6
PROTOCOL_OF = {"tcp": 6, "udp": 17, "sctp": 132}
FORWARDING_OF = {"nat": 0, "tun": 2, "dr": 3}  # IP_VS_CONN_F_MASQ, _TUNNEL, _DROUTE
FORWARDING_MASK = 0x7
STATE_OF = {"master": 1, "backup": 2}  # IP_VS_STATE_*
TUNNEL_OF = {"ipip": 0, "gue": 1, "gre": 2}
CHECKSUM_OF = {"nocsum": 0, "csum": 1, "remcsum": 2}

# IP_VS_SVC_F_*. Other bits, above all 0x2 for a service that is in the table, are the kernel's own business.
PERSISTENT, ONE_PACKET = 0x1, 0x4
ALL_FLAGS = 0xFFFFFFFF
SCHEDULER_FLAGS = {"flag-1": 0x08, "flag-2": 0x10, "flag-3": 0x20}
#: Schedulers that have names for the first two.
NAMED_FLAGS = {name: {f"{name}-fallback": 0x08, f"{name}-port": 0x10, "flag-3": 0x20} for name in ("sh", "mh")}

U16, U32, PORT_NUMBER = struct.Struct("=H"), struct.Struct("=I"), struct.Struct("!H")


def full_mask(family: int) -> bytes:
    """The netmask of a service that groups no clients. See ``mask``."""
    return mask(family, 128 if family == 6 else 32)


def mask(family: int, prefix: int) -> bytes:
    """A netmask: the mask itself for IPv4, the prefix length for IPv6 (ip_vs_ctl.c ip_vs_add_service).

    A mask with holes, which ipvsadm takes for IPv4, has the negative of its number for a prefix length.
    """
    if family == 6:
        return U32.pack(prefix)
    return (2**32 - 2 ** (32 - prefix) if prefix >= 0 else -prefix).to_bytes(4, "big")


def prefix_of(family: int, netmask: bytes) -> int:
    """The inverse."""
    if family == 6:
        return int(U32.unpack(netmask)[0])
    prefix = bin(int.from_bytes(netmask, "big")).count("1")
    return prefix if netmask == mask(4, prefix) else -int.from_bytes(netmask, "big")
