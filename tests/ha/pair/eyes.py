"""Who has the VIP: by the nodes' own tables, seen from the lab itself (Place.switch), and by ARP from a client.

All hosts of a guest have one clock, so what the two of them write can be compared: CLOCK_MONOTONIC, in seconds.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Iterator, Sequence

_ARP = 0x0806
_REPLY = 2
_STEP = 0.05  # seconds from one look to the next
_PROBES = 0.2


def holders(home: str, address: str) -> list[str]:
    """The nodes with the address on any interface. ``home``: as power.serve() has it."""
    own = re.compile(rf"\|-- {re.escape(address)}\n\s+/32 host LOCAL")
    return [name for name in sorted(os.listdir(home)) if name != "marks" and own.search(_local(f"{home}/{name}"))]


def _local(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            number = int(file.read())
        with open(f"/proc/{number}/net/fib_trie", encoding="ascii") as file:
            return file.read()
    except (OSError, ValueError):  # it is dead
        return ""


def await_holders(home: str, address: str, wanted: Sequence[str], patience: float) -> float:
    """Returns when exactly these nodes have the address, and when that was. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    while (seen := holders(home, address)) != list(wanted):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address} is with {seen or 'nobody'}, not with {list(wanted) or 'nobody'}")
        time.sleep(_STEP)
    return time.monotonic()


def await_one(home: str, address: str, patience: float) -> None:
    """Returns when a single node has the address. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    while len(seen := holders(home, address)) != 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address} is with {seen or 'nobody'}")
        time.sleep(_STEP)


def await_text(path: str, text: str, patience: float) -> None:
    """Returns when a file holds it. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    while True:
        with open(path, encoding="utf-8", errors="replace") as file:
            content = file.read()
        if text in content:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} does not say {text!r}, but ends with:\n{content[-1500:]}")
        time.sleep(_STEP)


def watch(home: str, address: str, log: str) -> Iterator[bool]:
    """Write a line at every change of who has the address: "SECONDS NODE..."."""
    before = None
    with open(log, "w", encoding="ascii", buffering=1) as lines:
        while True:
            seen = holders(home, address)
            if seen != before:
                lines.write(" ".join([f"{time.monotonic():.3f}", *seen]) + "\n")
            if before is None:
                yield True
            before = seen
            time.sleep(_STEP)


def listen(interface: str, address: str, log: str) -> Iterator[bool]:
    """Ask all the time who has the address, as one does who wants it himself (RFC 5227), and write down all that is
    said of it: "SECONDS MAC answer|announcement"; "SECONDS - probe" before."""
    wanted = socket.inet_pton(socket.AF_INET, address)
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as link,
        open(log, "w", encoding="ascii", buffering=1) as lines,
    ):
        link.bind((interface, _ARP))
        own = link.getsockname()[4]
        request = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, own, bytes(4), bytes(6), wanted)
        frame = b"\xff" * 6 + own + struct.pack("!H", _ARP) + request
        yield True
        while True:
            link.send(frame)
            lines.write(f"{time.monotonic():.3f} - probe\n")
            until = time.monotonic() + _PROBES
            while (left := until - time.monotonic()) > 0:
                link.settimeout(left)
                try:
                    packet, sender = link.recvfrom(2048)
                except socket.timeout:
                    break
                operation, mac, said, _, about = struct.unpack("!H6s4s6s4s", packet[20:42])
                if sender[2] == socket.PACKET_OUTGOING or said != wanted:
                    continue
                kind = "answer" if operation == _REPLY and about != wanted else "announcement"
                lines.write(f"{time.monotonic():.3f} {mac.hex(':')} {kind}\n")
