"""Listening to what other machines say in the name of addresses, over raw sockets: nothing is sent."""

from __future__ import annotations

import contextlib
import select
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
    own = arp.own_hardware()
    deadline = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        channels: dict[int, tuple[socket.socket, str]] = {}
        for interface in interfaces:
            try:
                opened = [arp.open_channel(stack, interface, kind) for kind in (frames.ARP, frames.IPV6)]
            except OSError as error:
                heard.problems.append(f"cannot listen on {interface}: {error.strerror or error}")
                continue
            channels.update({channel.fileno(): (channel, interface) for channel in opened if channel})
        poll = select.poll()
        for descriptor in channels:
            poll.register(descriptor, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                channel, interface = channels[descriptor]
                try:
                    frame = channel.recv(256, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue
                except OSError:  # the device went down or away
                    poll.unregister(descriptor)
                    continue
                claim = frames.claimed(frame)
                if claim and claim[0] in addresses and claim[1] not in own:
                    key = (claim[0], interface, frames.unasked(frame))
                    heard.said.setdefault(key, set()).add(claim[1].hex(":"))
    return heard
