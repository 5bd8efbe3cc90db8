"""What runs on a real server of the lab: HTTP and UDP that answer with the host's name. Runs in a host (Node.serve).

"GET /" is answered with the name, "GET /4096" with that many bytes of body(), as fast as the client takes them.

One loop without threads and without http.server, whose import alone takes longer in a guest than serving a hundred
requests. Every request is written to LOG, a JSON object a line, before it is answered: the counts of the lab come
from there.
"""

from __future__ import annotations

import array
import contextlib
import json
import selectors
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

LOG = "/run/lab-requests"

_IP_PKTINFO = 8  # linux/in.h; Python has no name for it before 3.14
_LARGEST = 65535
_NUMBER = 4  # bytes of each number of a body


def body(length: int) -> bytes:
    """What a download consists of: 0, 1, 2, ... as numbers of four bytes, so that no piece equals another one."""
    return array.array("I", range(-(-length // _NUMBER))).tobytes()[:length]


def serve(
    tcp: Sequence[int] = (80,), udp: Sequence[int] = (), at: str = "", careless: bool = False
) -> Iterator[dict[str, Any]]:
    """Listen at these ports of every address, IPv4 and IPv6, or of the one given. Yields once they are open, then
    serves for ever. careless: UDP is answered from the address that the kernel chooses, not from the one asked."""
    server = _Server(careless)
    everywhere = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
    for family, address in everywhere if not at else [(socket.AF_INET6 if ":" in at else socket.AF_INET, at)]:
        for port in tcp:
            server.listen(family, address, port)
        for port in udp:
            server.listen_udp(family, address, port)
    yield {"tcp": list(tcp), "udp": list(udp)}
    while True:
        server.serve_once()


def served() -> list[dict[str, Any]]:
    """The requests so far: protocol, client, address (that it was sent to) and port."""
    try:
        with open(LOG, encoding="ascii") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


class _Server:
    def __init__(self, careless: bool) -> None:
        self._careless = careless
        self._name = socket.gethostname().encode()
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, bytes] = {}
        self._unsent: dict[socket.socket, memoryview] = {}

    def listen(self, family: int, address: str, port: int) -> None:
        listener = self._bound(family, socket.SOCK_STREAM, address, port)
        listener.listen(128)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def listen_udp(self, family: int, address: str, port: int) -> None:
        receiver = self._bound(family, socket.SOCK_DGRAM, address, port)
        # So that each datagram says which of our addresses it was sent to, and the answer can leave from there.
        if family == socket.AF_INET:
            receiver.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        else:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._selector.register(receiver, selectors.EVENT_READ, self._echo)

    def serve_once(self) -> None:
        for key, _ in self._selector.select():
            with contextlib.suppress(ConnectionError, BlockingIOError):
                key.data(key.fileobj)

    @staticmethod
    def _bound(family: int, kind: int, address: str, port: int) -> socket.socket:
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.setblocking(False)
        return bound

    def _log(self, protocol: str, client: str, address: str, port: int) -> None:
        line = json.dumps({"protocol": protocol, "client": client, "address": address, "port": port})
        with open(LOG, "a", encoding="ascii") as file:
            file.write(line + "\n")

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setblocking(False)
        self._received[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, self._read)

    def _close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._received[connection]
        self._unsent.pop(connection, None)
        connection.close()

    def _read(self, connection: socket.socket) -> None:
        try:
            piece = connection.recv(_LARGEST)
        except ConnectionError:
            piece = b""
        text = self._received[connection] + piece
        while b"\r\n\r\n" in text:
            request, _, text = text.partition(b"\r\n\r\n")
            if not self._respond(connection, request):
                piece = b""
        self._received[connection] = text
        if not piece:
            self._close(connection)

    def _respond(self, connection: socket.socket, request: bytes) -> bool:
        """Answer a request; returns whether the connection stays open."""
        keep = b"connection: close" not in request.lower()
        address, port = connection.getsockname()[:2]
        self._log("tcp", connection.getpeername()[0], address, port)
        wanted = request.partition(b" /")[2].partition(b" ")[0]
        answer = body(int(wanted)) if wanted.isdigit() else self._name
        kept = b"keep-alive" if keep else b"close"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n" % (len(answer), kept)
        if wanted.isdigit():
            self._unsent[connection] = memoryview(head + answer)
            self._selector.modify(connection, selectors.EVENT_WRITE, self._send)
            return True
        connection.sendall(head + answer)
        return keep

    def _send(self, connection: socket.socket) -> None:
        """Send what the client takes now; all else waits until it has all."""
        try:
            sent = connection.send(self._unsent[connection][:_LARGEST])
        except ConnectionError:
            self._close(connection)
            return
        self._unsent[connection] = self._unsent[connection][sent:]
        if not self._unsent[connection]:
            del self._unsent[connection]
            self._selector.modify(connection, selectors.EVENT_READ, self._read)

    def _echo(self, receiver: socket.socket) -> None:
        _, control, _, client = receiver.recvmsg(_LARGEST, 256)
        port = receiver.getsockname()[1]
        address, answer = "", []
        for level, kind, data in control:
            if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):  # interface, local address, destination: ip(7)
                packed = struct.unpack("@I4s4s", data[:12])[2]
                address = socket.inet_ntop(socket.AF_INET, packed)
                answer = [(level, kind, struct.pack("@I4s4s", 0, packed, packed))]
            elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):  # address, interface: ipv6(7)
                address = socket.inet_ntop(socket.AF_INET6, data[:16])
                answer = [(level, kind, data[:16] + struct.pack("@I", 0))]
        self._log("udp", client[0], address, port)
        receiver.sendmsg([self._name], [] if self._careless else answer, 0, client)
