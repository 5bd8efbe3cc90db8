"""Frames byte for byte, as the RFCs draw them."""

from __future__ import annotations

import pytest

from lvs_init.system import frames

MAC = bytes.fromhex("525400123456")

GRATUITOUS = (
    "ffffffffffff 525400123456 0806"  # Ethernet: to all, from us, ARP
    "0001 0800 06 04 {operation}"  # Ethernet, IPv4, their lengths
    "525400123456 c0a800db {target} c0a800db"
)
PROBE = "ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 00000000 000000000000 c0a800db"
ADVERTISEMENT = (
    "333300000001 525400123456 86dd"
    "60000000 0020 3a ff"  # version 6, 32 bytes of ICMPv6, hop limit 255
    "fd000000000000000000000000000219 ff020000000000000000000000000001"
    "88 00 {checksum} {flags} fd000000000000000000000000000219"
    "0201 525400123456"  # target link-layer address
)
SOLICITATION = (
    "3333ff000219 525400123456 86dd"
    "60000000 0018 3a ff"
    "00000000000000000000000000000000 ff0200000000000000000001ff000219"
    "87 00 {checksum} 00000000 fd000000000000000000000000000219"
)


def golden(text: str, **values: str) -> bytes:
    return bytes.fromhex(text.format(**values))


def checksum_is_right(frame: bytes) -> bool:
    """As a receiver sees it: pseudo header and message together sum up to all ones (RFC 1071)."""
    message = frame[54:]
    data = frame[22:54] + len(message).to_bytes(4, "big") + (58).to_bytes(4, "big") + message
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total == 0xFFFF


def test_gratuitous_arp_in_both_forms() -> None:
    request = golden(GRATUITOUS, operation="0001", target="000000000000")
    reply = golden(GRATUITOUS, operation="0002", target="525400123456")
    assert frames.gratuitous_arp(MAC, "192.168.0.219", frames.REQUEST) == request
    assert frames.gratuitous_arp(MAC, "192.168.0.219", frames.REPLY) == reply


def test_an_arp_probe_claims_nothing() -> None:
    frame = frames.arp_probe(MAC, "192.168.0.219")
    assert frame == golden(PROBE)
    assert frames.claimed(frame) is None


@pytest.mark.parametrize(("router", "flags", "checksum"), [(False, "20000000", "d1af"), (True, "a0000000", "51af")])
def test_neighbour_advertisement(router: bool, flags: str, checksum: str) -> None:
    frame = frames.advertisement(MAC, "fd00::219", router=router)
    assert frame == golden(ADVERTISEMENT, flags=flags, checksum=checksum)
    assert checksum_is_right(frame)
    assert frames.claimed(frame) == ("fd00::219", MAC)


def test_neighbour_solicitation() -> None:
    frame = frames.solicitation(MAC, "fd00::219")
    assert checksum_is_right(frame)
    assert frame == golden(SOLICITATION, checksum="7975")
    assert frames.claimed(frame) is None


def test_who_claims_an_address() -> None:
    assert frames.claimed(frames.gratuitous_arp(MAC, "192.168.0.219", frames.REPLY)) == ("192.168.0.219", MAC)
    assert frames.claimed(frames.gratuitous_arp(MAC, "192.168.0.219", frames.REQUEST)) == ("192.168.0.219", MAC)


def test_an_advertisement_without_an_option_claims_for_its_sender() -> None:
    frame = frames.advertisement(MAC, "fd00::219", router=False)[:78]
    assert frames.claimed(frame) == ("fd00::219", MAC)


def test_broken_frames_claim_nothing() -> None:
    for frame in (
        frames.gratuitous_arp(MAC, "192.168.0.219", frames.REPLY),
        frames.advertisement(MAC, "fd00::219", router=False)[:78],
    ):
        for length in range(len(frame)):
            assert frames.claimed(frame[:length]) is None
