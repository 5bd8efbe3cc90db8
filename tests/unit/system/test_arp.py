"""Announcing and probing over a real veth pair, with a real neighbour."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lvs_init.system import arp, frames, link

NOBODY = 65534

if TYPE_CHECKING:
    from tests.unit.system.conftest import Namespaces

ETH_P_ALL = 3


def sniffer(interface: str) -> socket.socket:
    channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    channel.bind((interface, ETH_P_ALL))
    channel.settimeout(5)
    return channel


def heard(channel: socket.socket, count: int) -> list[bytes]:
    """So many frames that claim one of our test addresses; the kernel's own chatter is left out."""
    found = []
    while len(found) < count:
        frame = channel.recv(2048)
        claim = frames.claimed(frame)
        if claim and claim[0] in ("10.0.0.1", "10.0.0.2", "fd00::1"):
            found.append(frame)
    return found


def probe(addresses: arp.Addresses, seconds: float = arp.LISTEN) -> tuple[dict[str, str], list[str]]:
    """The answers, and what could not be asked."""
    with arp.Probe(addresses) as asked:
        return asked.answers(seconds), asked.problems


def test_every_address_is_announced_in_every_form(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        channel = sniffer("v1")
    with channel:
        assert arp.announce([("v0", "10.0.0.1"), ("v0:7", "10.0.0.2"), ("v0", "fd00::1")], rounds=2) == []
        frames_heard = heard(channel, 10)
    own = link.hardware_address("v0")
    assert frames_heard[:5] == frames_heard[5:]
    assert frames_heard[:5] == [
        frames.gratuitous_arp(own, "10.0.0.1", frames.REQUEST),
        frames.gratuitous_arp(own, "10.0.0.1", frames.REPLY),
        frames.gratuitous_arp(own, "10.0.0.2", frames.REQUEST),
        frames.gratuitous_arp(own, "10.0.0.2", frames.REPLY),
        frames.advertisement(own, "fd00::1", router=False),
    ]


def test_a_forwarding_machine_stays_a_router(namespaces: Namespaces) -> None:
    Path("/proc/sys/net/ipv6/conf/v0/forwarding").write_text("1")
    with namespaces.over_there():
        channel = sniffer("v1")
    with channel:
        assert arp.announce([("v0", "fd00::1")], rounds=1) == []
        (frame,) = heard(channel, 1)
    assert struct.unpack("!I", frame[58:62])[0] == frames.ROUTER | frames.OVERRIDE


def test_a_neighbours_cache_takes_the_announcement(namespaces: Namespaces) -> None:
    def known() -> list[str]:
        rows = [line.split() for line in Path("/proc/thread-self/net/arp").read_text().splitlines()]
        return [row[3] for row in rows if row[0] == "10.0.0.1"]

    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.9/24 dev v1", "neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 nud stale dev v1")
        assert known() == ["02:00:00:00:00:01"]
    # The kernel ignores a change within a second after the last (locktime, arp(7)).
    with namespaces.over_there():
        Path("/proc/sys/net/ipv4/neigh/v1/locktime").write_text("0")
    own = link.hardware_address("v0").hex(":")
    assert arp.announce([("v0", "10.0.0.1")]) == []
    with namespaces.over_there():
        deadline = time.monotonic() + 5
        while known() == ["02:00:00:00:00:01"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert known() == [own]


def test_a_duplicate_is_found_and_named(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.1/32 dev v1", "-6 addr add fd00::1/128 dev v1 nodad")
        neighbour = link.hardware_address("v1").hex(":")
    asked = [("v0", "10.0.0.1"), ("v0", "10.0.0.2"), ("v0", "fd00::1"), ("v0", "fd00::2")]
    assert probe(asked) == ({"10.0.0.1": neighbour, "fd00::1": neighbour}, [])


def test_answers_come_in_while_other_things_are_done(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.1/32 dev v1")
        neighbour = link.hardware_address("v1").hex(":")
    with arp.Probe([("v0", "10.0.0.1"), ("v0", "10.0.0.2")]) as asked:
        (channel,) = asked._channels.values()
        assert select.select([channel], [], [], 10)[0]
        asked._asked -= 60  # so long has the work taken
        started = time.monotonic()
        assert asked.answers(6) == {"10.0.0.1": neighbour}
        assert 0.9 < time.monotonic() - started < 5


def test_an_answer_that_has_come_is_heard_however_late_it_is(namespaces: Namespaces) -> None:
    """A machine that is busy for longer than we listen made start miss a duplicate that had answered in time."""
    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.1/32 dev v1")
        neighbour = link.hardware_address("v1").hex(":")
    with arp.Probe([("v0", "10.0.0.1"), ("v0", "10.0.0.2")]) as asked:
        (channel,) = asked._channels.values()
        assert select.select([channel], [], [], 10)[0]
        assert asked.answers(0) == {"10.0.0.1": neighbour}


def test_only_advertisements_are_listened_to(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        neighbour = sniffer("v1")
    own = link.hardware_address("v0")
    with neighbour, contextlib.ExitStack() as stack:
        channel = arp.open_channel(stack, "v0", frames.IPV6)
        assert channel
        neighbour.send(frames.solicitation(own, "fd00::1"))
        neighbour.send(frames.advertisement(own, "fd00::1", router=False))
        assert frames.claimed(channel.recv(256)) == ("fd00::1", own)


def test_who_was_silent_is_asked_again(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        ear = sniffer("v1")
    assert probe([("v0", "10.0.0.1")], 0.05) == ({}, [])
    question = frames.arp_probe(link.hardware_address("v0"), "10.0.0.1")
    heard_it = 0
    with ear:
        while heard_it < 2:
            heard_it += ear.recv(2048).startswith(question)


def test_probing_ends_early_when_all_have_answered(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.1/32 dev v1")
    started = time.monotonic()
    assert list(probe([("v0", "10.0.0.1")], 30)[0]) == ["10.0.0.1"]
    assert time.monotonic() - started < 10


def test_a_probe_disturbs_nobody(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("addr add 10.0.0.1/24 dev v1")
        arp_table = Path("/proc/thread-self/net/arp")
        assert len(arp_table.read_text().splitlines()) == 1
    probe([("v0", "10.0.0.1")])
    with namespaces.over_there():
        assert len(arp_table.read_text().splitlines()) == 1


def test_our_own_other_device_is_no_duplicate(namespaces: Namespaces) -> None:
    namespaces.ip(
        "link add v2 type veth peer name v3", "link set v2 up", "link set v3 up", "addr add 10.0.0.1/32 dev v3"
    )
    assert probe([("v2", "10.0.0.1")]) == ({}, [])
    assert arp.announce([("v2", "10.0.0.1")]) == []


def test_devices_without_neighbours_are_left_out(namespaces: Namespaces) -> None:
    namespaces.ip("link set v0 arp off")
    started = time.monotonic()
    assert probe([("lo", "10.0.0.1"), ("v0", "10.0.0.2")], 5) == ({}, [])
    assert time.monotonic() - started < 4
    assert arp.announce([("lo", "10.0.0.1"), ("v0", "10.0.0.2")]) == []


def test_a_device_that_is_gone_or_down_is_a_problem_not_a_failure(namespaces: Namespaces) -> None:
    namespaces.ip("link set v0 down")
    assert probe([("v0", "10.0.0.1"), ("gone", "10.0.0.2")], 0.1) == (
        {},
        [
            "cannot look for duplicates of 10.0.0.1 on v0: Network is down",
            "cannot look for duplicates of 10.0.0.2 on gone: No such device",
        ],
    )
    assert arp.announce([("gone", "10.0.0.2"), ("gone", "fd00::1")]) == [
        "cannot announce 2 addresses on gone: No such device"
    ]


def test_without_root_it_is_a_problem_not_a_failure(namespaces: Namespaces) -> None:
    os.seteuid(NOBODY)
    try:
        assert arp.announce([("v0", "10.0.0.1")]) == ["cannot announce 10.0.0.1 on v0: Operation not permitted"]
    finally:
        os.seteuid(0)
