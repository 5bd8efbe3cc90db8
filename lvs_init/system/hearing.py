"""Listening to what other machines say in the name of addresses, over raw sockets: nothing is sent."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from lvs_init.system import arp, frames


@dataclass
class Heard:
    """``said``: (address, device, whether it was said unasked) -> MACs. ``problems``: a line for each deaf device."""

    said: dict[tuple[str, str, bool], set[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def hear(interfaces: Sequence[str], addresses: Collection[str], seconds: float) -> Heard:
    """What others say in the name of these addresses for so long, by ARP and neighbour advertisements."""
    heard = Heard()
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        channels: dict[int, socket.socket] = {}
        devices: dict[int, str] = {}
        for interface in interfaces:
            try:
                opened = [arp.open_channel(stack, interface, kind) for kind in (frames.ARP, frames.IPV6)]
            except OSError as error:
                heard.problems.append(f"cannot listen on {interface}: {error.strerror or error}")
                continue
            channels.update({channel.fileno(): channel for channel in opened if channel})
            devices.update({channel.fileno(): interface for channel in opened if channel})
        for descriptor, address, hardware, frame in arp.claims(channels, deadline):
            if address in addresses:
                key = (address, devices[descriptor], frames.unasked(frame))
                heard.said.setdefault(key, set()).add(hardware)
    return heard
