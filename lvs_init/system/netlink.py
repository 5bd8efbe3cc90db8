"""Generic netlink: one socket to one family of the kernel (netlink(7); linux/netlink.h, linux/genetlink.h).

What messages hold is the family's own business: here they are bytes. The kernel carries a request out within the
send, so the answer is there when the send returns.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from itertools import islice
from types import TracebackType

from lvs_init.errors import SystemFailure
from lvs_init.model.attributes import attribute, attributes

TIMEOUT = 30  # seconds that an answer may take
#: Requests in one send: their refusals all find room in the socket, and system calls are what takes the time.
AT_ONCE = 64

_GENERIC = 16  # NETLINK_GENERIC, for which Python has no name
_ERROR, _DONE = 2, 3  # types of messages
_REQUEST, _ACK, _DUMP, _DUMP_TORN = 0x1, 0x4, 0x300, 0x10  # their flags
_HEADERS = struct.Struct("=IHHIIBBH")  # nlmsghdr: length, type, flags, number, port; genlmsghdr: command, version
_NLMSGHDR = struct.Struct("=IHHII")
_GENLMSGHDR_SIZE = _HEADERS.size - _NLMSGHDR.size
_ERRNO = struct.Struct("=i")
_SOL_NETLINK, _CAP_ACK = 270, 10  # an acknowledgement need not repeat what it is for
_CONTROL, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2  # the family that knows the others
_ROOM = 1 << 16  # bytes; the kernel makes a dump in pieces of 32 KiB (net/netlink/af_netlink.c netlink_dump)
_ATTEMPTS = 16  # at a dump whose subject changes while it is made

#: Command and payload.
Request = tuple[int, bytes]


class Family:
    """An open family. A context manager that closes it."""

    def __init__(self, name: str, version: int) -> None:
        """Raises OSError where the kernel has no such family or gives us no socket, SystemFailure as ``tell``."""
        self._id, self._version = _CONTROL, version
        self._number = 0  # of the last request
        self._room = bytearray(_ROOM)
        # Python opens it so that no command inherits it.
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _GENERIC)
        try:
            # The kernel's own limit: Python's would cost one more system call for each answer.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", TIMEOUT, 0))
            self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
            self._socket.connect((0, 0))  # nobody but the kernel is heard
            found = attributes(self.ask(_GET_FAMILY, attribute(_FAMILY_NAME, name.encode() + b"\0")))
            (self._id,) = struct.unpack("=H", found[_FAMILY_ID])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def __enter__(self) -> Family:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tell(self, requests: Iterable[Request]) -> dict[int, int]:
        """Have things done in their order; a refusal does not keep the kernel from the next one.

        Returns the errno of every refusal by the place of its request. Raises SystemFailure where no answer comes or it
        cannot be read: then only looking shows what was done.
        """
        refused: dict[int, int] = {}
        left, start = iter(requests), 0
        while piece := list(islice(left, AT_ONCE)):
            # A refusal is answered in any case; the answer to the last one tells that all have been looked at.
            flags = [0] * (len(piece) - 1) + [_ACK]
            first = self._number + 1
            self._send(*(self._request(command, payload, flag) for (command, payload), flag in zip(piece, flags)))
            number = 0
            while number != self._number:
                for _, number, _, body in self._receive(first):
                    (code,) = _ERRNO.unpack_from(body)
                    if code:
                        refused[start + number - first] = -code
            start += len(piece)
        return refused

    def ask(self, command: int, payload: bytes = b"") -> bytes:
        """The one answer to a question. Raises OSError with the errno of a refusal, SystemFailure as ``tell``."""
        answers, _ = self._exchange(command, payload, _ACK)
        return b"".join(answers)

    def dump(self, command: int, payload: bytes = b"") -> list[bytes]:
        """A list, made in one go. Raises as ``ask``, and SystemFailure where it changes whenever it is made."""
        for _ in range(_ATTEMPTS):
            found, torn = self._exchange(command, payload, _DUMP)
            if not torn:
                return found
        raise SystemFailure("what is read from the kernel changes all the time", hint="look which program changes it")

    def _exchange(self, command: int, payload: bytes, flags: int) -> tuple[list[bytes], bool]:
        """What the messages of the answer hold, and whether they are of one moment."""
        self._send(self._request(command, payload, flags))
        found: list[bytes] = []
        torn = False
        while True:
            for kind, _, told, body in self._receive(self._number):
                torn = torn or bool(told & _DUMP_TORN)
                if kind not in (_ERROR, _DONE):
                    found.append(body[_GENLMSGHDR_SIZE:])
                    continue
                (code,) = _ERRNO.unpack_from(body)
                if code:
                    raise OSError(-code, os.strerror(-code))
                return found, torn

    def _request(self, command: int, payload: bytes, flags: int) -> bytes:
        self._number += 1
        length = _HEADERS.size + len(payload)
        headers = _HEADERS.pack(length, self._id, _REQUEST | flags, self._number, 0, command, self._version, 0)
        return headers + payload

    def _send(self, *requests: bytes) -> None:
        try:
            self._socket.send(b"".join(requests))
        except OSError as error:
            raise SystemFailure(f"nothing can be sent to the kernel over netlink: {error.strerror}") from error

    def _receive(self, first: int) -> list[tuple[int, int, int, bytes]]:
        """Type, number, flags and body of each message of the next piece. Earlier numbers were given up: left out."""
        try:
            size = self._socket.recv_into(self._room)
        except BlockingIOError as error:
            raise SystemFailure(f"the kernel has not answered over netlink for {TIMEOUT} s") from error
        except OSError as error:
            raise SystemFailure(f"an answer of the kernel over netlink is lost: {error.strerror}") from error
        if size == _ROOM:  # and who knows what was cut off
            raise SystemFailure(f"an answer of the kernel over netlink has {_ROOM} bytes or more")
        data = bytes(self._room[:size])
        messages = []
        position = 0
        while position < size:
            length, kind, flags, number, _ = _NLMSGHDR.unpack_from(data, position)
            if length < _NLMSGHDR.size:
                raise SystemFailure("an answer of the kernel over netlink is damaged")
            if number >= first:
                messages.append((kind, number, flags, data[position + _NLMSGHDR.size : position + length]))
            position += (length + 3) & ~3
        return messages
