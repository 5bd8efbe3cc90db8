"""One request after the other, and what became of each: who answered, or how it failed and after how long. Runs in a
host (Node.call)."""

from __future__ import annotations

import ipaddress
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from typing import Any

from lvs_init.lab.children import ENVIRONMENT
from lvs_init.lab.fault import AGAIN, DOWNLOAD, IDLE, UPLOAD
from lvs_init.lab.traffic import EndOfStream, ask, connect, name_of

_LARGE = 200_000  # bytes: many full packets
_FULL = 1472  # bytes: a datagram of IPv4 that just fits into 1500
_CROWD = 24  # clients
_IDLE = 3.5  # seconds
_ROUNDS, _PAUSE = 8, 0.06  # over one connection, so long apart (seconds) that a redirect arrives in between


def attempts(protocol: str, address: str, port: int, how: str, count: int, patience: float) -> list[dict[str, Any]]:
    """Ask ``count`` times, over HTTP each on a connection of its own, or by datagrams from a port of its own.

    patience: seconds for each wait. Returns for each {"who": host or "", "error": name or "", "seconds"}.
    """
    told = []
    for _ in range(count):
        began = time.monotonic()
        who = error = ""
        try:
            ask_one = _once if protocol == "tcp" else _datagram
            who = ask_one(address, port, how, patience)
        except OSError as failure:
            error = name_of(failure)
        told.append({"who": who, "error": error, "seconds": round(time.monotonic() - began, 2)})
    return told


def reach(address: str, port: str) -> None:
    """Ask once. Raises OSError."""
    with connect(address, int(port), 3.0) as connection:
        ask(connection, keepalive=False)


def knock(address: str, port: str) -> Iterator[None]:
    """Go on trying to connect, as a program does that nobody answers (Node.serve)."""
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.connect_ex((address, int(port)))
        yield
        select.select([], [connection], [])
        signal.pause()


def crowd(address: str, port: str, first: str) -> None:
    """Ask once from each of many addresses of this host, which it has for that time only. Raises OSError."""
    network = ipaddress.ip_address(first)
    sources = [str(network + number) for number in range(_CROWD)]
    try:
        _ip(f"address add {source}/24 dev eth0" for source in sources)
        for source in sources:
            with connect(address, int(port), 3.0, source) as connection:
                ask(connection, keepalive=False)
    finally:
        _ip(f"address del {source}/24 dev eth0" for source in sources)


def _ip(lines: Iterable[str]) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True, env=ENVIRONMENT)


def _once(address: str, port: int, how: str, patience: float) -> str:
    with connect(address, port, patience) as connection:
        if how == UPLOAD:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nX-Pad: " + b"x" * _LARGE + b"\r\n")
            return ask_rest(connection)
        if how == DOWNLOAD:
            return _download(connection)
        if how == AGAIN:
            for _ in range(_ROUNDS):
                ask(connection, keepalive=True)
                time.sleep(_PAUSE)
        if how == IDLE:
            ask(connection, keepalive=True)
            time.sleep(_IDLE)
        return ask(connection, keepalive=False)


def ask_rest(connection: socket.socket) -> str:
    """End the head of a request that was begun, and read who answers. Raises OSError."""
    connection.sendall(b"Connection: close\r\n\r\n")
    text = b""
    while piece := connection.recv(65535):
        text += piece
    body = text.partition(b"\r\n\r\n")[2]
    if not body:
        raise EndOfStream
    return body.decode()


def _download(connection: socket.socket) -> str:
    connection.sendall(b"GET /%d HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n" % _LARGE)
    received = 0
    while received < _LARGE:
        piece = connection.recv(65535)
        if not piece:
            raise EndOfStream
        received += len(piece)
    return "somebody"


def _datagram(address: str, port: int, how: str, patience: float) -> str:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(patience)
        sender.connect((address, port))  # so only what comes from there is taken for an answer
        sender.send(b"?" * (_FULL if how == UPLOAD else 1))
        return sender.recv(65535).decode()
