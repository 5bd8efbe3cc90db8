"""The same machine as a real server: nothing but its VIP, its ARP flags and silence on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import guide
import pytest
import sequence
from disk import CLIENT, Image
from guest import Guest
from machine import ROOT

pytestmark = pytest.mark.xdist_group("guest")
UP = "lvs-realserver is running: "
STATE = (
    "cd /proc/sys/net/ipv4/conf; cat all/arp_ignore all/arp_announce; ip -o address show dev lo; ls -A /run/lock/subsys"
)


@pytest.fixture(scope="module")
def real_server(sysvinit: Image, installed_disk: Path) -> Iterator[Guest]:
    guest = Guest(sysvinit, "realserver", installed_disk)
    try:
        guest.boot()
        text = (ROOT / "examples/vs-dr.toml").read_text().replace("192.168.0.11", "192.168.0.10")
        guest.write("/etc/lvs/lvs.toml", text)
        guest.run(guide.commands("Install on Debian", "lvs-realserver"))
        guest.reboot()
        yield guest
    finally:
        guest.cut_power()


def test_it_has_the_vip_after_a_reboot_and_is_no_director(real_server: Guest) -> None:
    assert UP in real_server.console()
    state = real_server.run(STATE)
    assert state.startswith("1\n2\n")
    assert " 192.168.0.219/32 " in state
    assert state.endswith("\nlvs-realserver\n")
    assert real_server.run("service lvs-realserver status").startswith("lvs-realserver is running")
    assert real_server.run("service lvs-director status", code=3) == "lvs-director is stopped\n"
    real_server.run("ls /proc/net/ip_vs", code=2)


def test_the_network_gets_no_answer_when_it_asks_for_the_vip(real_server: Guest) -> None:
    ask = f"ip netns exec {CLIENT} bash -c ': </dev/tcp/{{}}/80' 2>&1 || :"
    assert "Connection refused" in real_server.run(ask.format("192.168.0.10"))
    assert "No route to host" in real_server.run(ask.format("192.168.0.219"))
    stopped = real_server.run(f"service lvs-realserver stop; ip address add 192.168.0.219/32 dev lo; "
                              f"ip -n {CLIENT} neigh flush all; {ask.format('192.168.0.219')}; "
                              "ip address delete 192.168.0.219/32 dev lo; service lvs-realserver start")  # fmt: skip
    assert "Connection refused" in stopped


def test_the_lsb_sequence(real_server: Guest) -> None:
    facts = real_server.run("service lvs-realserver start").partition("do: ")[2].strip()
    part = "ip address delete 192.168.0.219/32 dev lo"
    told = sequence.follow(
        real_server, "lvs-realserver", a_part_is_lost=part, all_is_lost=f"{part}; ip link set lo down"
    )
    assert told == sequence.expected(facts)
