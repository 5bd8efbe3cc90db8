"""What a role can change on a host, read without a process: sweeps look a hundred times and more.

The lab's own snapshot is complete and takes most of a second in a guest; each sweep ends with one of those.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from lvs_init.lab import snapshot
from lvs_init.lab.snapshot import Snapshot

LOCKS = {"/run/lvs/keeper.lock", "/run/lvs/mutex"}  # stay: removing a lock file that others may wait for is a race

# include/uapi/linux/rtnetlink.h, if_addr.h
_NEWLINK, _NEWADDR, _NEWROUTE = 16, 20, 24
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE = 3
_LINK, _ADDRESS, _ROUTE = "=BxHiII", "=BBBBi", "=BBBBBBBBI"
_IFLA_IFNAME, _IFA_CACHEINFO, _IFA_FLAGS, _RTA_CACHEINFO = 3, 6, 8, 12
_SECONDARY = 1  # IFA_F_SECONDARY; the other flags tell of duplicate address detection
_UP = 1


def full() -> Snapshot:
    """The lab's snapshot without lock files."""
    taken = snapshot.take()
    taken["files"] = [path for path in taken["files"] if path not in LOCKS]
    return taken


def quick() -> Snapshot:
    """Links, addresses, routes, sysctls, the IPVS table and our files."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as channel:
        links = {
            index: (attributes[_IFLA_IFNAME][:-1].decode(), flags & _UP) for index, flags, attributes in _links(channel)
        }
        names = {index: name for index, (name, _) in links.items()}
        return {
            "links": sorted(f"{name} {'up' if up else 'down'}" for name, up in links.values()),
            "addresses": sorted(_addresses(channel, names)),
            "routes": sorted(_routes(channel, names)),
            "sysctls": dict(snapshot._sysctls()),
            "ipvs": _table(),
            "files": sorted(path for path in snapshot._files("/var/lock/subsys", "/run/lvs") if path not in LOCKS),
        }


def _table() -> list[str]:
    try:
        with open("/proc/net/ip_vs", encoding="ascii") as file:
            lines = file.read().splitlines()[3:]
    except FileNotFoundError:
        return []
    service, found = "", []
    for line in lines:
        words = line.split()
        if words[0] != "->":
            service = line.strip()
            found.append(service)
        else:
            found.append(f"{service} {' '.join(words[:4])}")  # the rest counts connections
    return sorted(found)


def _links(channel: socket.socket) -> Iterator[tuple[int, int, dict[int, bytes]]]:
    for body in _dump(channel, _NEWLINK, struct.pack(_LINK, 0, 0, 0, 0, 0)):
        _, _, index, flags, _ = struct.unpack_from(_LINK, body)
        yield index, flags, _attributes(body[struct.calcsize(_LINK) :])


def _addresses(channel: socket.socket, names: dict[int, str]) -> Iterator[str]:
    for body in _dump(channel, _NEWADDR, struct.pack(_ADDRESS, 0, 0, 0, 0, 0)):
        _, prefix, flags, scope, index = struct.unpack_from(_ADDRESS, body)
        attributes = _attributes(body[struct.calcsize(_ADDRESS) :])
        for name in (_IFA_CACHEINFO, _IFA_FLAGS):
            attributes.pop(name, None)
        if not attributes[1].startswith(b"\xfe\x80"):
            shown = " ".join(f"{name}={_shown(value)}" for name, value in sorted(attributes.items()))
            yield f"{names[index]} /{prefix} scope {scope} secondary {flags & _SECONDARY} {shown}"


def _routes(channel: socket.socket, names: dict[int, str]) -> Iterator[str]:
    for body in _dump(channel, _NEWROUTE, struct.pack(_ROUTE, 0, 0, 0, 0, 0, 0, 0, 0, 0)):
        family, prefix, _, _, table, protocol, scope, kind, _ = struct.unpack_from(_ROUTE, body)
        attributes = _attributes(body[struct.calcsize(_ROUTE) :])
        attributes.pop(_RTA_CACHEINFO, None)
        if attributes.get(1, b"").startswith((b"\xfe\x80", b"\xff")) or (family == socket.AF_INET6 and not prefix):
            continue  # the kernel's own, which come some time after a link went up
        shown = " ".join(f"{name}={_shown(value)}" for name, value in sorted(attributes.items()))
        yield f"/{prefix} table {table} protocol {protocol} scope {scope} type {kind} {shown}"


def _shown(value: bytes) -> str:
    if len(value) == 4:
        return ".".join(str(byte) for byte in value)
    if len(value) == 16:
        return socket.inet_ntop(socket.AF_INET6, value)
    return value.rstrip(b"\0").decode("ascii", "replace")


def _dump(channel: socket.socket, kind: int, body: bytes) -> Iterator[bytes]:
    request = struct.pack("=IHHII", 16 + len(body), kind + 2, _DUMP, 1, 0) + body  # RTM_GETx is RTM_NEWx + 2
    channel.send(request)
    while True:
        data = channel.recv(1 << 18)
        while data:
            length, this = struct.unpack_from("=IH", data)
            if this == _DONE:
                return
            if this != kind:
                raise OSError(f"netlink answers with message type {this}")
            yield data[16:length]
            data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        length, name = struct.unpack_from("=HH", data)
        found[name] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found
