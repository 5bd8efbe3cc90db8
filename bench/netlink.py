"""The table over one generic-netlink socket: enough to fill it and to see what is in it. IPv4 and TCP alone.

Not lvs_init's own: the floor must not move with what is measured against it, and a judge is no party. To be used in a
node. Numbers: include/uapi/linux/netlink.h, genetlink.h and ip_vs.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping

_GENERIC = 16  # NETLINK_GENERIC
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_CONTROL, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 0x10, 3, 1, 2
_NEW_SERVICE, _GET_SERVICE, _NEW_REALSERVER, _GET_REALSERVER = 1, 4, 5, 8
_SERVICE, _REALSERVER = 1, 2  # IPVS_CMD_ATTR_*
_AF, _PROTOCOL, _ADDRESS, _PORT, _SCHEDULER, _FLAGS, _TIMEOUT, _NETMASK = 1, 2, 3, 4, 6, 7, 8, 9  # IPVS_SVC_ATTR_*
_RIP, _RIP_PORT, _FORWARDING, _WEIGHT, _UPPER, _LOWER = 1, 2, 3, 4, 5, 6  # IPVS_DEST_ATTR_*
_DIRECT_ROUTING = 3  # IP_VS_CONN_F_DROUTE
_TYPE = 0x3FFF  # NLA_TYPE_MASK
_LARGEST = 1 << 16  # bytes: larger than what the kernel sends at once

#: RIP -> (forwarding, weight); the port is the service's.
RealServers = dict[str, tuple[int, int]]
#: (VIP, port) -> scheduler and real servers.
Contents = dict[tuple[str, int], tuple[str, RealServers]]


class Table:
    """The IPVS table of this network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _GENERIC)
        self._socket.bind((0, 0))
        self._answer = memoryview(
            bytearray(_LARGEST)
        )  # one for all: a new one each time costs more than the system call
        self._family = _CONTROL
        asked = _attribute(_FAMILY_NAME, b"IPVS\0")
        self._socket.send(self._message(_GET_FAMILY, asked, _REQUEST))
        answer = self._heard()
        _raise(answer)
        self._family = struct.unpack("=H", dict(_attributes(answer[20:]))[_FAMILY_ID])[0]

    def new_service(self, vip: str, port: int, scheduler: str) -> bytes:
        """The message that adds a service."""
        more = _attribute(_SCHEDULER, scheduler.encode() + b"\0") + _attribute(
            _FLAGS, struct.pack("=II", 0, 0xFFFFFFFF)
        )
        more += _attribute(_TIMEOUT, struct.pack("=I", 0)) + _attribute(_NETMASK, b"\xff" * 4)
        return self._message(_NEW_SERVICE, _service(vip, port, more), _REQUEST | _ACK)

    def new_realserver(self, vip: str, port: int, rip: str, weight: int) -> bytes:
        """The message that adds a real server, by direct routing."""
        numbers = ((_FORWARDING, _DIRECT_ROUTING), (_WEIGHT, weight), (_UPPER, 0), (_LOWER, 0))
        nested = _attribute(_RIP, socket.inet_aton(rip) + bytes(12)) + _attribute(_RIP_PORT, struct.pack("!H", port))
        nested += b"".join(_attribute(kind, struct.pack("=I", number)) for kind, number in numbers)
        return self._message(_NEW_REALSERVER, _service(vip, port) + _attribute(_REALSERVER, nested), _REQUEST | _ACK)

    def send(self, message: bytes) -> None:
        """Send a message and wait for the kernel's word on it. Raises OSError where that is an error."""
        self._socket.send(message)
        _raise(self._heard())

    def realservers(self, vip: str, port: int) -> RealServers:
        """The real servers of a service; none where there is no such service."""
        found: RealServers = {}
        for values in self._dump(_GET_REALSERVER, _service(vip, port), _REALSERVER):
            rip = socket.inet_ntoa(values[_RIP][:4])
            found[rip] = struct.unpack("=I", values[_FORWARDING])[0], struct.unpack("=i", values[_WEIGHT])[0]
        return found

    def contents(self) -> Contents:
        """Everything that is in the table."""
        keys = []
        for values in self._dump(_GET_SERVICE, b"", _SERVICE):
            where = socket.inet_ntoa(values[_ADDRESS][:4]), struct.unpack("!H", values[_PORT])[0]
            keys.append((where, values[_SCHEDULER].rstrip(b"\0").decode()))
        return {where: (scheduler, self.realservers(*where)) for where, scheduler in keys}

    def _heard(self) -> memoryview:
        return self._answer[: self._socket.recv_into(self._answer)]

    def _message(self, command: int, payload: bytes, flags: int) -> bytes:
        return struct.pack("=IHHIIBBH", 20 + len(payload), self._family, flags, 0, 0, command, 1, 0) + payload

    def _dump(self, command: int, payload: bytes, kind: int) -> Iterator[Mapping[int, bytes]]:
        self._socket.send(self._message(command, payload, _REQUEST | _DUMP))
        while True:
            piece = bytes(self._heard())
            while piece:
                length, message = struct.unpack_from("=IH", piece)
                if message == _DONE:
                    return
                _raise(piece)
                yield dict(_attributes(dict(_attributes(piece[20:length]))[kind]))
                piece = piece[length + 3 & ~3 :]


def _service(vip: str, port: int, more: bytes = b"") -> bytes:
    nested = _attribute(_AF, struct.pack("=H", socket.AF_INET)) + _attribute(_PROTOCOL, struct.pack("=H", 6))
    nested += _attribute(_ADDRESS, socket.inet_aton(vip) + bytes(12)) + _attribute(_PORT, struct.pack("!H", port))
    return _attribute(_SERVICE, nested + more)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes | memoryview) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & _TYPE, bytes(data[4:length])
        data = data[length + 3 & ~3 :]


def _raise(answer: bytes | memoryview) -> None:
    if struct.unpack_from("=4xH", answer)[0] == _ERROR and (code := struct.unpack_from("=i", answer, 16)[0]):
        raise OSError(-code, os.strerror(-code))
