"""stop restores: whatever a host was like before start, it is like that again after stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import pytest
from support import clusters, hosts
from support.clusters import cluster, service

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from lvs_init.lab.snapshot import difference

Make = Callable[[str], Node]

DIRECTOR = {
    "nat": clusters.NAT,
    "dr": clusters.DR,
    "tun": clusters.TUN,
    "10 VIPs": clusters.MANY,
    "ipv6 nat": clusters.NAT6,
    "ipv6 dr": clusters.DR6,
    "fwmark": clusters.MARK,
    "fwmark ipv6": cluster("dr", clusters.fwmark(8, ["fd00::219"], "fd00::11")),
    "dip_interface": cluster(
        "nat",
        service("192.168.0.219", "192.168.10.11", "192.168.10.12"),
        director='dip = "192.168.10.1/24"\ndip_interface = "eth1"',
    ),
    "one network": cluster("nat", service("192.168.0.219", "192.168.0.11"), director='dip = "192.168.0.1"'),
    "sysctl": cluster(
        "dr",
        service("192.168.0.219", "192.168.0.11"),
        more='[director.sysctl]\n"net.ipv4.vs.expire_nodest_conn" = 1\n"net.ipv4.conf.eth1.rp_filter" = 2\n',
    ),
    "timeouts": cluster(
        "dr", service("192.168.0.219", "192.168.0.11"), more="[director.timeouts]\ntcp = 7200\nudp = 30\n"
    ),
}
REALSERVER = {
    "dr": clusters.DR,
    "tun": clusters.TUN,
    "10 VIPs": clusters.MANY,
    "ipv6": clusters.DR6,
    "nat": clusters.NAT,
}
BOTH_WAYS = cluster("dr", service("192.168.0.219", "192.168.0.1", "192.168.0.11"))

#: What an admin may have done before: command lines, for a director.
DIRECTORS_PAST = {
    "forwards": ["sysctl -qw net.ipv4.ip_forward=1"],
    "forwards half": [
        "sysctl -qw net.ipv4.conf.eth1.forwarding=1",
        "sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.eth0.accept_redirects=0",
    ],
    "forwards by default": ["sysctl -qw net.ipv4.conf.default.forwarding=1 net.ipv4.conf.lo.forwarding=1"],
    "forwards IPv6": ["sysctl -qw net.ipv6.conf.all.forwarding=1"],
    "foreign services": [
        "ipvsadm -A -t 192.168.0.1:25 -s lc",
        "ipvsadm -a -t 192.168.0.1:25 -r 192.168.0.44 -m -w 7",
        "ipvsadm -A -u 192.168.0.219:53 -s rr -o",
        "ipvsadm -A -f 9 -s wlc -p 60",
    ],
    "foreign rules": [
        "iptables -A INPUT -s 192.168.0.66 -j DROP",
        "iptables -t mangle -A PREROUTING -p tcp -d 192.168.0.7 --dport 80 -j MARK --set-mark 7",
        "iptables -P FORWARD DROP",
    ],
    "label taken": ["ip address add 192.168.0.77/32 dev eth0 label eth0:1"],
    "VIP there": ["ip address add 192.168.0.219/32 broadcast 192.168.0.219 dev eth0 label eth0:1"],
    "VIP there without label": ["ip address add 192.168.0.219/32 dev eth0"],
    "service there": [
        "ipvsadm -A -t 192.168.0.219:80 -s wlc -p 90 -M 255.255.255.0",
        "ipvsadm -a -t 192.168.0.219:80 -r 192.168.0.11 -g -w 9 -x 50 -y 40",
        "ipvsadm -a -t 192.168.0.219:80 -r 192.168.0.99 -i -w 3",
    ],
    "timeouts": ["ipvsadm --set 100 20 30"],
}
REALSERVERS_PAST = {
    "flags right": ["sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"],
    "flags stricter": ["sysctl -qw net.ipv4.conf.eth0.arp_ignore=2 net.ipv4.conf.eth0.arp_announce=1"],
    "flags that defeat": ["sysctl -qw net.ipv4.conf.eth0.arp_ignore=3 net.ipv4.conf.lo.arp_ignore=8"],
    "lo:0 taken": ["ip address add 10.9.9.9/32 dev lo label lo:0"],
    "address on lo": ["ip address add 10.9.9.9/24 brd + dev lo"],
    "VIP there": ["ip address add 192.168.0.219/32 brd 192.168.0.219 dev lo label lo:0"],
    "forwards": ["sysctl -qw net.ipv4.ip_forward=1"],
    "tunnel up": ["ip link set tunl0 up", "sysctl -qw net.ipv4.conf.tunl0.rp_filter=1 net.ipv4.conf.all.rp_filter=1"],
}


@pytest.fixture
def director(place: Place, bridge: Make, node: Make) -> Node:
    return hosts.director(place, node("director"), bridge("wire"))


@pytest.fixture
def real_server(place: Place, bridge: Make, node: Make) -> Node:
    return hosts.real_server(place, node("rs1"), bridge("wire"))


def _life(node: Node, files: dict[str, str], runs: Sequence[Sequence[str]], first: Sequence[str] = ()) -> Any:
    return node.call("support.restoring:life", files=files, runs=runs, first=first)


def _restored(node: Node, role: str, text: str, first: Sequence[str] = ()) -> list[list[str]]:
    """start, status, start, stop: what they said. Fails unless everything is as it was."""
    runs = [[role, verb] for verb in ("start", "status", "start", "stop")]
    lived = _life(node, {"lvs": text}, runs, first)
    assert [run[0] for run in lived["runs"]] == [0, 0, 0, 0], lived["runs"]
    assert "nothing to do" in lived["runs"][2][1]
    assert difference(lived["before"], lived["after"]) == []
    said: list[list[str]] = lived["runs"]
    return said


@pytest.mark.parametrize("what", DIRECTOR)
def test_a_director_is_as_it_was(director: Node, what: str) -> None:
    _restored(director, "director", DIRECTOR[what])


@pytest.mark.parametrize("what", REALSERVER)
def test_a_real_server_is_as_it_was(real_server: Node, what: str) -> None:
    _restored(real_server, "realserver", REALSERVER[what])


@pytest.mark.parametrize(
    ("past", "what"),
    [
        *((past, "dr") for past in DIRECTORS_PAST),
        *((past, "nat") for past in ("forwards half", "label taken", "VIP there")),
    ],
)
def test_a_director_with_a_past_is_as_it_was(director: Node, past: str, what: str) -> None:
    _restored(director, "director", DIRECTOR[what], DIRECTORS_PAST[past])


@pytest.mark.parametrize("past", REALSERVERS_PAST)
def test_a_real_server_with_a_past_is_as_it_was(real_server: Node, past: str) -> None:
    text = clusters.TUN if past == "tunnel up" else clusters.DR
    _restored(real_server, "realserver", text, REALSERVERS_PAST[past])


def test_what_a_service_of_ours_was_before_is_told(director: Node) -> None:
    said = _restored(director, "director", clusters.DR, DIRECTORS_PAST["service there"])
    assert "192.168.0.219:80" in said[3][2]
    assert "gets it back" in said[3][2]


@pytest.mark.parametrize("order", [("lvs", "web"), ("web", "lvs"), ("",)])
def test_two_clusters_share_a_machine(director: Node, order: Sequence[str]) -> None:
    """The first to leave takes its own; what both hold goes with the last. No name at all: both."""
    web = cluster("nat", service("192.168.0.240", "192.168.10.11"), director='dip = "192.168.10.10"')
    runs = [["director", "start"], ["director", "web", "start"], ["director", "status"]]
    for name in order:
        runs += [["director", *([name] if name else []), "stop"], ["director", "status"]]
    lived = _life(director, {"lvs": clusters.DR, "web": web}, runs)
    codes = [run[0] for run in lived["runs"]]
    assert codes == [0, 0, 0, *([0, 0] * (len(order) - 1)), 0, 3], lived["runs"]
    assert difference(lived["before"], lived["after"]) == []


@pytest.mark.parametrize("first_up", ["director", "realserver"])
@pytest.mark.parametrize("first_down", ["director", "realserver"])
def test_both_roles_on_one_machine(director: Node, first_up: str, first_down: str) -> None:
    other = {"director": "realserver", "realserver": "director"}
    runs = [[first_up, "start"], [other[first_up], "start"], ["director", "status"], ["realserver", "status"]]
    runs += [[first_down, "stop"], [other[first_down], "status"], [other[first_down], "stop"]]
    lived = _life(director, {"lvs": BOTH_WAYS}, runs)
    assert [run[0] for run in lived["runs"]] == [0] * 7, lived["runs"]
    assert difference(lived["before"], lived["after"]) == []


def test_the_vip_is_with_the_director_while_both_are_up(director: Node) -> None:
    carriers = []
    for runs in (
        [["realserver", "start"]],
        [["director", "start"]],
        [["director", "stop"]],
        [["realserver", "stop"]],
    ):
        after = _life(director, {"lvs": BOTH_WAYS}, runs)["after"]
        carriers.append(
            [name for name, found in after["addresses"].items() if any(a["local"] == "192.168.0.219" for a in found)]
        )
    assert carriers == [["lo"], ["eth0"], ["lo"], []]


@pytest.mark.parametrize(
    ("role", "text", "change", "line"),
    [
        (
            "realserver",
            clusters.DR,
            "sysctl -qw net.ipv4.conf.all.arp_ignore=3",
            "net.ipv4.conf.all.arp_ignore: 0 -> 3",
        ),
        (
            "director",
            cluster(
                "dr",
                service("192.168.0.219", "192.168.0.1"),
                more='[director.sysctl]\n"net.ipv4.vs.am_droprate" = 20\n',
            ),
            "sysctl -qw net.ipv4.vs.am_droprate=30",
            "net.ipv4.vs.am_droprate: 10 -> 30",
        ),
    ],
)
def test_what_somebody_changed_since_is_left_and_named(
    director: Node, role: str, text: str, change: str, line: str
) -> None:
    text = text.replace("192.168.0.11", "192.168.0.1")
    lived = _life(director, {"lvs": text}, [[role, "start"], ["do", change], [role, "stop"]])
    assert [run[0] for run in lived["runs"]] == [0, 0], lived["runs"]
    assert difference(lived["before"], lived["after"]) == [f"sysctls/{line}"]
    assert "somebody changed it" in lived["runs"][1][2]
    assert line.partition(":")[0] in lived["runs"][1][2]


def test_what_somebody_removed_since_keeps_nothing_from_stopping(director: Node) -> None:
    changes = ["ip address del 192.168.0.219/32 dev eth0", "ipvsadm -D -t 192.168.0.221:80"]
    runs = [["director", "start"], *(["do", change] for change in changes), ["director", "stop"]]
    lived = _life(director, {"lvs": clusters.DR}, runs)
    assert [run[0] for run in lived["runs"]] == [0, 0], lived["runs"]
    assert difference(lived["before"], lived["after"]) == []
