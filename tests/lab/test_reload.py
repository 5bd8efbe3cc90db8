"""Every attribute is edited in place on the real kernel, and what somebody has changed by hand is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support import hosts
from support.facts import facts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

RR = 'scheduler = "rr"'
TIMEOUTS = ("[director.timeouts]\ntcp = 1000\nudp = 30\n", "[director.timeouts]\ntcp = 2000\nudp = 30\n")


@dataclass(frozen=True)
class Edit:
    """Lines of a service, or keys of its real server, before and after; how ipvsadm -Sn shows the two then."""

    before: str
    after: str
    service: str = "-s rr"
    server: str = "-g -w 1"
    thresholds: str = "0 0"
    protocol: str = "tcp"
    family: int = 4


EDITS = {
    "scheduler": Edit(RR, 'scheduler = "wlc"', "-s wlc"),
    "scheduler of IPv6": Edit(RR, 'scheduler = "lc"', "-s lc", family=6),
    "flag comes": Edit('scheduler = "sh"', 'scheduler = "sh"\nscheduler_flags = ["sh-port"]', "-s sh -b sh-port"),
    "flag goes": Edit('scheduler = "mh"\nscheduler_flags = ["mh-port"]', 'scheduler = "mh"', "-s mh"),
    "persistence comes": Edit(RR, RR + "\npersistence = 60", "-s rr -p 60"),
    "persistence goes": Edit(RR + "\npersistence = 60", RR),
    "persistence timeout": Edit(RR + "\npersistence = 60", RR + "\npersistence = 90", "-s rr -p 90"),
    "netmask": Edit(
        RR + "\npersistence = 60",
        RR + '\npersistence = 60\npersistence_netmask = "255.255.255.0"',
        "-s rr -p 60 -M 255.255.255.0",
    ),
    "netmask of IPv6": Edit(
        RR + "\npersistence = 60", RR + "\npersistence = 60\npersistence_netmask = 64", "-s rr -p 60 -M 64", family=6
    ),
    "engine": Edit(
        RR + "\npersistence = 60",
        RR + '\npersistence = 60\npersistence_engine = "sip"',
        "-s rr -p 60 --pe sip",
        protocol="udp",
    ),
    "one packet comes": Edit(RR, RR + "\none_packet = true", "-s rr -o", protocol="udp"),
    "one packet goes": Edit(RR + "\none_packet = true", RR, protocol="udp"),
    "weight": Edit("weight = 1", "weight = 5", server="-g -w 5"),
    "drain": Edit("weight = 3", "weight = 0", server="-g -w 0"),
    "forwarding": Edit("weight = 1", 'weight = 1, forwarding = "tun"', server="-i -w 1 --tun-type ipip"),
    "forwarding of IPv6": Edit("weight = 1", 'weight = 1, forwarding = "nat"', server="-m -w 1", family=6),
    "thresholds": Edit("upper_threshold = 9", "upper_threshold = 90, lower_threshold = 60", thresholds="90 60"),
    "thresholds go": Edit("upper_threshold = 9", "weight = 1"),
}


def vip(number: int, family: int) -> str:
    return f"192.168.0.{100 + number}" if family == 4 else f"fd00::{100 + number}"


def file(after: bool) -> str:
    """All services in one file, every one of them before or after its edit."""
    text = '[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\ndip = "fd00::1"\n' + TIMEOUTS[after]
    for number, edit in enumerate(EDITS.values()):
        lines = edit.after if after else edit.before
        own, server = (lines, "") if lines.startswith("scheduler") else (RR, f", {lines}")
        rip = "192.168.0.11" if edit.family == 4 else "fd00::11"
        text += (
            f'[[service]]\nvip = "{vip(number, edit.family)}"\nport = 80\nprotocol = "{edit.protocol}"\n{own}\n'
            f'realservers = [{{ rip = "{rip}"{server} }}]\n'
        )
    return text


@pytest.fixture(scope="module")
def director(place: Place) -> Iterator[Node]:
    """Started with the file as it is before the edits."""
    place.bridge("reload")
    node = hosts.director(place, place.node("director"), "reload")
    node.run(["modprobe", "-a", "ip_vs_sh", "ip_vs_mh", "ip_vs_lc", "ip_vs_pe_sip"]).check()
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", file(after=False))
    script(node, "start").check()
    yield node
    script(node, "stop").check()
    hosts.same(node, before)
    node.close()
    place.unbridge("reload")


def script(node: Node, *words: str) -> Completed:
    return node.entry([f"{ROOT}/bin/lvs-director", *words])


def planned(node: Node, verb: str) -> str:
    return script(node, verb, "--dry-run").check().stdout


def expected() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"rules": [], "thresholds": []}
    for number, edit in enumerate(EDITS.values()):
        address = vip(number, edit.family)
        at, server = (f"{address}:80", "192.168.0.11:80") if edit.family == 4 else (f"[{address}]:80", "[fd00::11]:80")
        name = f"-{edit.protocol[0]} {at}"
        found["rules"] += [f"-A {name} {edit.service}", f"-a {name} -r {server} {edit.server}"]
        if edit.thresholds != "0 0":
            upper, lower = edit.thresholds.split()
            found["thresholds"].append(f"{edit.protocol.upper()} {at} {server} upper {upper} lower {lower}")
    return {part: sorted(lines) for part, lines in found.items()}


def test_every_attribute_is_edited_in_place(director: Node) -> None:
    assert "nothing to do" in planned(director, "reload")
    director.write("/etc/lvs/lvs.toml", file(after=True))
    lines = [line for line in planned(director, "reload").splitlines() if line[:3] in ("-A ", "-a ", "-D ", "-d ")]
    assert lines == []
    script(director, "reload").check()
    seen = hosts.snapshot(director)["ipvs"]
    assert seen["rules"] == expected()["rules"]
    assert seen["thresholds"] == expected()["thresholds"]
    assert "2000 120 30" in " ".join(" ".join(seen["timeout"]).split())
    assert "nothing to do" in planned(director, "reload")


DRIFTS = {
    "a real server was deleted": f"ipvsadm -d -t {vip(0, 4)}:80 -r 192.168.0.11:80",
    "a weight was changed": f"ipvsadm -e -t {vip(0, 4)}:80 -r 192.168.0.11:80 -g -w 9",
    "a stranger came into a service": f"ipvsadm -a -t {vip(0, 4)}:80 -r 192.168.0.99:80 -g -w 1",
    "a service was deleted": f"ipvsadm -D -t {vip(0, 4)}:80",
    "everything was deleted": "ipvsadm -C",
    "a VIP was removed": f"ip address del {vip(0, 4)}/32 dev eth0",
    "a route was removed": f"route del -host {vip(0, 4)} dev eth0",
    "an IPv6 VIP was removed": f"ip address del {vip(1, 6)}/128 dev eth0",
    "forwarding was switched off": "sysctl -q -w net.ipv4.ip_forward=0",
}


@pytest.fixture(scope="module")
def right(director: Node) -> set[str]:
    """What start leaves."""
    script(director, "start").check()
    return facts(hosts.snapshot(director))


@pytest.mark.parametrize("drift", DRIFTS)
def test_start_repairs_what_was_changed_by_hand(director: Node, right: set[str], drift: str) -> None:
    director.run(DRIFTS[drift].split()).check()
    script(director, "start").check()
    assert facts(hosts.snapshot(director)) ^ right == set()
