"""The client of the lab: asks, counts who answered, and holds connections open. Runs in a host (Node.call)."""

from __future__ import annotations

import errno
import os
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Callable

from lvs_init.lab.door import Door, inquire

_LARGEST = 65535


def requests(
    address: str,
    port: int = 80,
    count: int = 1,
    keepalive: bool = False,
    timeout: float = 3.0,
    source: str | None = None,
) -> dict[str, dict[str, int]]:
    """Ask over HTTP `count` times, over one connection each or (keepalive) over a single one.

    timeout: seconds for each. source: the address to ask from. Returns {"answers": {host: times}, "errors":
    {"ECONNREFUSED": times}}; an end without an answer counts as "EOF", none in time as "TIMEOUT".
    """
    counts = _Counts()
    kept: socket.socket | None = None
    for _ in range(count):
        try:
            connection = kept or connect(address, port, timeout, source)
            counts.answers[ask(connection, keepalive)] += 1
            if keepalive:
                kept = connection
            else:
                connection.close()
        except OSError as error:
            counts.failed(error)
            kept = None
    if kept:
        kept.close()
    return counts.told()


def datagrams(
    address: str, port: int, count: int = 1, timeout: float = 1.0, source: str | None = None, same_port: bool = False
) -> dict[str, dict[str, int]]:
    """Ask over UDP `count` times, from a port of its own each or (same_port) from a single one; as requests().

    Only an answer that comes from the address and port that were asked counts.
    """
    counts = _Counts()
    family = _family(address)
    sender: socket.socket | None = None
    for _ in range(count):
        try:
            if sender is None or not same_port:
                sender = socket.socket(family, socket.SOCK_DGRAM)
                sender.settimeout(timeout)
                if source:
                    sender.bind((source, 0))
                sender.connect((address, port))
            sender.send(b"?")
            counts.answers[sender.recv(_LARGEST).decode()] += 1
        except OSError as error:
            counts.failed(error)
            sender = None
    return counts.told()


def hold(name: str, address: str, port: int = 80, timeout: float = 3.0, source: str | None = None) -> Iterator[str]:
    """Open a connection, ask once, yield who answered (Node.serve); then ask again whenever ask_held(name) wants it."""
    connection = connect(address, port, timeout, source)
    with Door(f"held-{name}") as door:
        yield ask(connection, keepalive=True)
        door.answer(lambda: _told(lambda: ask(connection, keepalive=True)))


def ask_held(name: str, timeout: float = 10.0) -> str:
    """Who answers over the connection that hold() keeps, or the name of the error: "ECONNRESET", "EOF", "TIMEOUT"."""
    told: str = inquire(f"held-{name}", timeout)
    return told


class _Counts:
    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def failed(self, error: OSError) -> None:
        self.errors[name_of(error)] += 1

    def told(self) -> dict[str, dict[str, int]]:
        return {"answers": dict(self.answers), "errors": dict(self.errors)}


def _told(work: Callable[[], str]) -> str:
    try:
        return work()
    except OSError as error:
        return name_of(error)


def name_of(error: OSError) -> str:
    """How an error is counted: "ECONNRESET"; "EOF" for an end without an answer, "TIMEOUT" for none in time."""
    if isinstance(error, EndOfStream):
        return "EOF"
    if isinstance(error, socket.timeout):
        return "TIMEOUT"
    return errno.errorcode.get(error.errno or 0, str(error))


class EndOfStream(OSError):
    """The other side closed before it had answered."""


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def connect(
    address: str, port: int, timeout: float, source: str | None = None, receives: int = 0, source_port: int = 0
) -> socket.socket:
    """Open a connection. timeout: seconds for this and for each thing done with it. receives: bytes that the kernel
    may take in before they are asked for. receives, source_port: 0 for the kernel's own choice."""
    connection = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        if receives:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        if source:
            connection.bind((source, source_port))
        connection.connect((address, port))
    except OSError:
        connection.close()
        raise
    return connection


def ask(connection: socket.socket, keepalive: bool) -> str:
    """Ask over HTTP who answers. keepalive: the connection can be asked again. Raises OSError."""
    kept = b"keep-alive" if keepalive else b"close"
    connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: %s\r\n\r\n" % kept)
    text = b""
    while True:
        piece = connection.recv(_LARGEST)
        if not piece:
            raise EndOfStream
        text += piece
        head, found, body = text.partition(b"\r\n\r\n")
        if found:
            length = int(head.partition(b"Content-Length: ")[2].split()[0])
            if len(body) >= length:
                return os.fsdecode(body[:length])
