"""Connections that a client of the lab keeps open, all of them asked whenever somebody wants it. Runs in a host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from lvs_init.lab.door import Door, inquire
from lvs_init.lab.traffic import ask, connect, name_of


def hold_all(name: str, address: str, port: int, first: int, count: int, timeout: float = 3.0) -> Iterator[int]:
    """Open so many connections, from the ports that begin with ``first``, and ask once over each. Yields their number
    (Node.serve); goes on until it is killed. Raises OSError where one cannot be opened."""
    source = "::" if ":" in address else "0.0.0.0"
    connections = [connect(address, port, timeout, source, source_port=first + number) for number in range(count)]
    with Door(f"connections-{name}") as door:
        for connection in connections:
            ask(connection, keepalive=True)
        yield count
        door.answer(lambda what: _asked(connections if what == "all" else [], address, port, timeout))


def ask_all(name: str, what: str, timeout: float = 60.0) -> dict[str, Any]:
    """Ask over all that hold_all() keeps ("all") or over none of them ("new"), and over a new one.

    Returns {"answers": [host], "errors": [name]}.
    """
    told: dict[str, Any] = inquire(f"connections-{name}", timeout, what=what)
    return told


def _asked(held: list[socket.socket], address: str, port: int, timeout: float) -> dict[str, Any]:
    told: dict[str, list[str]] = {"answers": [], "errors": []}
    for connection in (*held, None):
        try:
            if connection is not None:
                told["answers"].append(ask(connection, keepalive=True))
                continue
            with connect(address, port, timeout) as new:
                told["answers"].append(ask(new, keepalive=False))
        except OSError as error:
            told["errors"].append(name_of(error))
    return told
