"""Which frames announce an address, and which only ask in its name."""

from __future__ import annotations

import struct

from lvs_init.system import frames

MAC, VIP = b"\2\0\0\0\0\1", "192.168.0.219"


def asking(sender: bytes, target: bytes) -> bytes:
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, frames.REQUEST) + MAC + sender + bytes(6) + target
    return frames.BROADCAST + MAC + struct.pack("!H", frames.ARP) + body


def test_announcements_are_unasked() -> None:
    assert frames.unasked(frames.gratuitous_arp(MAC, VIP, frames.REQUEST))
    assert frames.unasked(frames.gratuitous_arp(MAC, VIP, frames.REPLY))
    assert frames.unasked(frames.advertisement(MAC, "fd00::1", router=False))


def test_a_question_in_its_name_is_none() -> None:
    question = asking(bytes([192, 168, 0, 219]), bytes([192, 168, 0, 254]))
    assert frames.claimed(question) == (VIP, MAC) and not frames.unasked(question)
