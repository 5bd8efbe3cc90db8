"""``ipvsadm -Ln --stats --exact``: how much traffic each service and real server has had."""

from __future__ import annotations

from typing import NamedTuple

from lvs_init.commands.command import Command
from lvs_init.model.address import canonical

LIST = Command(("ipvsadm", "-Ln", "--stats", "--exact"))


class Traffic(NamedTuple):
    """Counted since it was added, or since ``ipvsadm --zero``."""

    connections: int
    in_packets: int
    out_packets: int


class Row(NamedTuple):
    """What is counted: a service (``server`` "", ``server_port`` 0) or one of its real servers.

    ``protocol``: "tcp", "udp", "sctp", or "fwmark" with the mark as ``port`` and no address.
    """

    protocol: str
    address: str
    port: int
    server: str = ""
    server_port: int = 0


def parse(text: str) -> dict[Row, Traffic]:
    """Raises ValueError or IndexError for what ipvsadm 1.31 does not print."""
    found: dict[Row, Traffic] = {}
    service = Row("", "", 0)
    for row in text.splitlines()[3:]:
        words = row.split()
        if not words:
            continue
        if words[0] == "->":
            address, port = _place(words[1])
            key = service._replace(server=address, server_port=port)
        elif words[0] == "FWM":
            key = service = Row("fwmark", "", int(words[1]))
        else:
            key = service = Row(words[0].lower(), *_place(words[1]))
        numbers = [int(word) for word in words[-5:]]
        found[key] = Traffic(numbers[0], numbers[1], numbers[2])
    return found


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return canonical(host.strip("[]")), int(port)
