"""From what ip(8), /proc and /etc show to parts of a Snapshot."""

from __future__ import annotations

import json

import pytest

from lvs_init.commands.ipvs_statistics import Row, Traffic
from lvs_init.commands.ipvs_statistics import parse as parse_statistics
from lvs_init.doctor import read_files, read_ip, read_proc
from lvs_init.doctor.questions import questions
from lvs_init.doctor.snapshot import (
    Address,
    Connections,
    Ifcfg,
    Interface,
    Listener,
    PersistedSetting,
    PolicyRule,
    Route,
    RouteQuestion,
)
from tests.machines import CLIENT, DIP, OTHER, RIP, VIP, cluster

LINK = {
    "ifname": "eth0", "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"], "mtu": 1500, "link_type": "ether",
    "address": "02:00:00:00:00:01", "master": "br0", "linkinfo": {"info_kind": "veth"},
    "addr_info": [
        {"family": "inet", "local": "192.168.0.219", "prefixlen": 32, "scope": "global", "label": "eth0:1",
         "broadcast": "192.168.0.219", "secondary": True},
        {"family": "inet6", "local": "fd00::1", "prefixlen": 64, "scope": "global", "dadfailed": True,
         "tentative": True},
        {"family": "inet", "local": "10.9.0.1", "address": "10.9.0.2", "prefixlen": 32, "scope": "link"},
        {},
    ],
}  # fmt: skip
TUNNEL = {
    "ifname": "tunl0", "flags": ["NOARP"], "mtu": 1480, "link_type": "ipip", "address": "0.0.0.0",
    "linkinfo": {"info_kind": "ipip", "info_data": {"remote": "any", "local": "10.0.0.1"}}, "addr_info": [],
}  # fmt: skip


def test_devices_and_addresses() -> None:
    assert read_ip.interfaces([LINK, TUNNEL]) == (
        Interface("eth0", hardware="02:00:00:00:00:01", carrier=True, kind="veth", master="br0"),
        Interface("tunl0", up=False, noarp=True, mtu=1480, type="ipip", kind="ipip", local="10.0.0.1"),
    )
    assert read_ip.addresses([LINK, TUNNEL]) == (
        Address("eth0", "192.168.0.219", 32, label="eth0:1", broadcast="192.168.0.219", secondary=True),
        Address("eth0", "fd00::1", 64, tentative=True, dadfailed=True),
        Address("eth0", "10.9.0.1", 32, scope="link"),
    )


def test_routes_of_both_families_and_of_several_ways() -> None:
    listed = [
        {"type": "unicast", "dst": "default", "gateway": "192.168.0.254", "dev": "eth0", "table": "main",
         "scope": "global"},
        {"type": "local", "dst": "10.0.0.0/8", "dev": "lo", "table": "local", "scope": "host", "prefsrc": "10.0.0.1"},
        {"dst": "default", "metric": 1024, "pref": "medium", "nexthops": [
            {"gateway": "fe80::1", "dev": "eth0"}, {"via": {"family": "inet6", "host": "fe80::2"}, "dev": "eth1"}]},
        {"dst": "10.1.0.0/16", "dev": "eth0", "metrics": [{"mtu": 1400}]},
    ]  # fmt: skip
    assert read_ip.routes(listed) == (
        Route("default", via="192.168.0.254", device="eth0", scope="global"),
        Route("10.0.0.0/8", "local", "local", device="lo", source="10.0.0.1", scope="host"),
        Route("default", via="fe80::1", device="eth0", metric=1024, family=6),
        Route("default", via="fe80::2", device="eth1", metric=1024, family=6),
        Route("10.1.0.0/16", device="eth0", mtu=1400),
    )


def test_rules() -> None:
    listed = [
        {"priority": 100, "src": "10.0.0.0", "srclen": 24, "table": "100"},
        {"priority": 0, "src": "all", "table": "local"},
    ]
    assert read_ip.policy_rules(listed, 4) == (PolicyRule(100, "100", "10.0.0.0/24"), PolicyRule(0, "local"))


ASKED = [
    RouteQuestion("10.0.0.9"),
    RouteQuestion("10.0.0.9", "10.0.0.1"),
    RouteQuestion("fd00::9"),
    RouteQuestion("10.0.0.8"),
]


def test_answers_belong_to_their_questions_whatever_failed() -> None:
    shown = "".join(
        json.dumps(each)
        for each in (
            [LINK], [], [], [],
            [{"type": "unicast", "dst": "10.0.0.9", "gateway": "10.0.0.254", "dev": "eth0", "prefsrc": "10.0.0.1",
              "cache": ["redirected"], "mtu": 1400}],
            [{"type": "local", "dst": "fd00::9", "from": "::", "dev": "lo"}],
        )
    )  # fmt: skip
    said = "RTNETLINK answers: Network is unreachable\nCommand failed -:6\nCommand failed -:8\n"
    lists = read_ip.split(shown)
    first, second, third, fourth = read_ip.answers(ASKED, lists[4:], said)
    assert (first.via, first.preferred, first.redirected, first.mtu) == ("10.0.0.254", "10.0.0.1", True, 1400)
    assert (second.kind, second.error) == ("error", "Network is unreachable")
    assert (third.kind, third.device) == ("local", "lo")
    assert (fourth.kind, fourth.error) == ("error", "refused")


@pytest.mark.parametrize("text", ["", "[]", "[][][]", "nonsense", '[{"dst": "default"}][][][]'])
def test_what_ip_does_not_print(text: str) -> None:
    with pytest.raises(ValueError):
        read_ip.split(text)


def test_answers_that_nobody_asked_for() -> None:
    with pytest.raises(ValueError):
        read_ip.answers(ASKED, [[{"dst": "1.2.3.4"}]], "")


def test_questions_are_those_that_rules_ask() -> None:
    asked = questions(cluster("dr"), ["eth0"], ["10.9.9.9"], ["172.16.0.1"])
    assert len(asked) == len(set(asked))
    for one in (
        RouteQuestion(VIP), RouteQuestion(RIP), RouteQuestion("172.16.0.1"), RouteQuestion(DIP), RouteQuestion(CLIENT),
        RouteQuestion(VIP, CLIENT, "eth0"), RouteQuestion(VIP, "10.9.9.9", "eth0"), RouteQuestion(OTHER, VIP),
        RouteQuestion(CLIENT, VIP), RouteQuestion("10.9.9.9", RIP),
    ):  # fmt: skip
        assert one in asked


def test_counters() -> None:
    text = "Ip: Forwarding InAddrErrors OutNoRoutes\nIp: 1 7 -1\nTcp: A\nTcp: 1\n"
    assert read_proc.counters(text) == {"Ip.InAddrErrors": 7, "Ip.OutNoRoutes": -1}
    assert read_proc.per_cpu("entries in_martian_src\n00000005 0000000a\n00000005 00000010\n", "in_martian_src") == 26
    assert read_proc.per_cpu("entries\n5\n", "in_martian_src") is None and read_proc.per_cpu("", "drop") is None


def test_sockets() -> None:
    head = "  sl  local_address rem_address   st tx_queue\n"
    tcp = head + "   0: 0100007F:0050 00000000:0000 0A 0:0\n   1: DB00A8C0:0050 0900000A:1F90 01 0:0\n bad\n"
    assert read_proc.listeners(tcp, "tcp") == [Listener("tcp", "127.0.0.1", 80)]
    assert list(read_proc.peers(tcp, ["192.168.0.219"])) == ["10.0.0.9"]
    assert list(read_proc.peers(tcp.replace(" 01 ", " 04 "), ["192.168.0.219"])) == ["10.0.0.9"]  # it waits in vain
    assert list(read_proc.peers(tcp, ["127.0.0.1"])) == []
    tcp6 = head + "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A\n"
    assert read_proc.listeners(tcp6, "tcp") == [Listener("tcp", "::", 22)]
    udp = head + "   0: 00000000:0035 00000000:0000 07\n"
    assert read_proc.listeners(udp, "udp") == [Listener("udp", "0.0.0.0", 53)]
    assert read_proc.listeners(udp, "tcp") == []


def test_connections_are_summed_up() -> None:
    rows = [
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires",
        "TCP C6336409 8F2C C0A800DB 0050 C0A8000B 0050 ESTABLISHED LOCAL     899",
        "TCP C6336409 8F2D C0A800DB 0050 C0A8000C 0050 FIN_WAIT    SYNC       99",
        "TCP C6336409 0000 C0A800DB 0050 C0A8000B 0050 NONE        LOCAL     299",
        "TCP fd000000000000000000000000000009 8F2D x 0050 y",
    ]
    seen, clients = read_proc.connections(rows)
    assert clients == ("198.51.100.9",)
    of_servers = {"192.168.0.219:80 192.168.0.11:80": 1, "192.168.0.219:80 192.168.0.12:80": 1}
    assert seen == Connections(3, {"ESTABLISHED": 1, "FIN_WAIT": 1}, of_servers, {"192.168.0.11:80": 1}, 1)


def test_where_modules_are() -> None:
    assert read_proc.modules({"a"}, {"b"}, {"c"}, ["a", "b", "c", "d"]) == {
        "a": "loaded", "b": "builtin", "c": "available", "d": "absent",
    }  # fmt: skip
    assert read_proc.modules({"a"}, {"b"}, None, ["a", "b", "c"]) == {"a": "loaded", "b": "builtin"}


def test_traffic_of_services() -> None:
    text = (
        "IP Virtual Server version 1.2.1 (size=4096)\n"
        "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
        "  -> RemoteAddress:Port\n"
        "TCP  192.168.0.219:80                   12       99        0     5000        0\n"
        "  -> 192.168.0.11:80                     6       50        0     2500        0\n"
        "FWM  7 IPv6                              1        2        3        4        5\n"
        "  -> [fd00::11]:0                        1        2        3        4        5\n"
    )
    assert parse_statistics(text) == {
        Row("tcp", "192.168.0.219", 80): Traffic(12, 99, 0),
        Row("tcp", "192.168.0.219", 80, "192.168.0.11", 80): Traffic(6, 50, 0),
        Row("fwmark", "", 7): Traffic(1, 2, 3),
        Row("fwmark", "", 7, "fd00::11", 0): Traffic(1, 2, 3),
    }


def test_files_that_hold_after_a_reboot() -> None:
    text = "# said\n; so\n-net.ipv4.vs.conntrack = 1\nnet/ipv4/conf/eth0.1/rp_filter=2\nkernel.panic=1\nnonsense\n"
    assert read_files.persisted("/etc/sysctl.d/a.conf", text) == [
        PersistedSetting("/etc/sysctl.d/a.conf", "net/ipv4/vs/conntrack", "1"),
        PersistedSetting("/etc/sysctl.d/a.conf", "net/ipv4/conf/eth0.1/rp_filter", "2"),
    ]
    assert read_files.in_order({"/etc/x": ["b.conf", "README"], "/lib/x": ["a.conf", "b.conf"]}) == [
        "/lib/x/a.conf", "/etc/x/b.conf",
    ]  # fmt: skip
    assert read_files.names("# no\nip_vs\nip-vs-rr  \n\n") == ["ip_vs", "ip_vs_rr"]
    assert read_files.module_options("options ip-vs conn_tab_bits=20\nblacklist x\noptions ip_vs a=1\n") == {
        "ip_vs": "conn_tab_bits=20 a=1"
    }
    assert read_files.ifcfg("/etc/n/ifcfg-lo:0", 'DEVICE="lo:0"\nARPUPDATE=no # yes\nBAD="\n') == Ifcfg(
        "/etc/n/ifcfg-lo:0", "lo:0", "no"
    )
    assert read_files.ifcfg("/etc/n/ifcfg-lo:1", "") == Ifcfg("/etc/n/ifcfg-lo:1", "lo:1")
