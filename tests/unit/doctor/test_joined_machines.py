"""Pairs of directors, and directors with their real servers: what one machine shows of it, and what takes both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lvs_init.commands import iptables_save
from lvs_init.config.cluster import Cluster
from lvs_init.doctor.case import Case, roles
from lvs_init.doctor.catalogue import diagnose_all
from lvs_init.doctor.finding import Finding
from lvs_init.doctor.snapshot import Address, Interface, Listener, Neighbour, Route, Snapshot, Started, SyncDaemon
from lvs_init.model.ha import HighAvailability, Sync
from tests.machines import (
    CLIENT,
    DIP,
    DIRECTORS_MAC,
    RIP,
    ROUTER,
    STRANGERS_MAC,
    VIP,
    cluster,
    codes,
    director,
    judged,
    real_server,
)

DR, NAT = cluster("dr"), cluster("nat")
PAIR = replace(DR, ha=HighAvailability(("lb1", "lb2"), sync=Sync("eth0", syncid=5)))
MULTICAST = {"net/ipv4/vs/sync_threshold": "2 50", "net/ipv4/vs/sync_ports": "1", "net/ipv4/vs/sync_version": "1"}


def one(of: Cluster, node: str, stance: str = "active", **changes: Any) -> Snapshot:
    """One of a pair; the standby has no VIP."""
    machine = director(of)
    role = {"active": "master", "standby": "backup"}[stance]
    changes.setdefault("daemons", (SyncDaemon(role, "eth0", 5),))
    (started,) = machine.started or ()
    if stance == "standby":
        changes.setdefault("addresses", tuple(each for each in machine.addresses or () if each.address != VIP))
    settings = {**(machine.sysctls or {}), **MULTICAST, **changes.pop("settings", {})}
    return replace(machine, node=node, started=(replace(started, stance=stance),), sysctls=settings, **changes)


def pair(first: Snapshot, second: Snapshot, of: Cluster = PAIR) -> list[Finding]:
    return diagnose_all([Case(of, each, frozenset({"director"})) for each in (first, second)])


def together(of: Cluster, *machines: Snapshot) -> list[Finding]:
    return diagnose_all([Case(of, each, roles(of, each)) for each in machines])


def serious(found: list[Finding]) -> list[str]:
    return codes(found, "broken", "will-break", "risk")


def test_a_healthy_pair() -> None:
    assert serious(pair(one(PAIR, "lb1"), one(PAIR, "lb2", "standby"))) == []
    for of in (DR, NAT, cluster("tun")):
        assert serious(together(of, director(of), real_server(of))) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"daemons": (SyncDaemon("master", "eth0", 6),)}, "SYN01"),
        ({"daemons": (SyncDaemon("master", "eth1", 5),)}, "SYN02"),
        ({"daemons": ()}, "SYN06"),
        ({"daemons": (SyncDaemon("backup", "eth0", 5),)}, "SYN06"),
        ({"settings": {"net/ipv4/vs/sync_version": "0"}}, "SYN05"),
        ({"routes": (Route("192.168.0.0/24", device="eth0"),), "daemons": ()}, "SYN09"),
        ({"routes": (Route("224.0.0.0/4", device="eth0"),)}, ""),
        ({"daemons": None}, ""),
        ({"daemons": (SyncDaemon("master", "eth0", 5), SyncDaemon("backup", "eth0", 0))}, ""),
    ],
)
def test_sync_daemons_of_one_director(changes: dict[str, Any], code: str) -> None:
    assert serious(judged(one(PAIR, "lb1", **changes), PAIR)) == ([code] if code else [])


def test_sync_messages_pass_the_firewall() -> None:
    text = "*filter\n:INPUT DROP\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n{}COMMIT"
    closed = one(PAIR, "lb1", firewall=iptables_save.parse(text.format(""), 4))
    (told,) = judged(closed, PAIR)
    assert told.fix.text == "iptables -I INPUT -d 224.0.0.81 -p udp --dport 8848 -j ACCEPT"
    rule = "-A INPUT -p udp -m udp --dport 8848 -j ACCEPT\n"
    assert judged(replace(closed, firewall=iptables_save.parse(text.format(rule), 4)), PAIR) == []


@pytest.mark.parametrize(
    ("threshold", "fix"),
    [("3 50", "2 50"), ("1 50", "2 50"), ("20 0", "2 0"), ("1 2", "2 50"), ("1 0", "2 0"), ("2 50", "")],
)
def test_a_threshold_that_tells_too_late_is_a_note(threshold: str, fix: str) -> None:
    found = judged(one(PAIR, "lb1", settings={"net/ipv4/vs/sync_threshold": threshold}), PAIR)
    told = [(each.severity, each.fix.text) for each in found if each.code == "SYN08"]
    assert told == ([("note", f"sysctl -w 'net.ipv4.vs.sync_threshold={fix}'")] if fix else [])


def test_connections_that_are_told_of_again() -> None:
    often = {"net/ipv4/vs/sync_threshold": "2 0", "net/ipv4/vs/sync_refresh_period": "10"}
    assert judged(one(PAIR, "lb1", settings=often), PAIR) == []
    seldom = {**often, "net/ipv4/vs/sync_threshold": "2 50"}
    (told,) = judged(one(PAIR, "lb1", settings=seldom), PAIR)
    assert (told.code, told.severity) == ("SYN07", "note")


def test_without_ha_nothing_is_said_of_sync() -> None:
    assert judged(one(DR, "lb1", daemons=()), DR) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"daemons": (SyncDaemon("backup", "eth0", 7),)}, "SYN01"),
        ({"settings": {"net/ipv4/vs/sync_ports": "4"}}, "SYN04"),
        ({"fingerprint": "2"}, "TWO01"),
        ({"fingerprint": ""}, ""),
    ],
)
def test_what_two_directors_show(changes: dict[str, Any], code: str) -> None:
    found = serious(pair(one(PAIR, "lb1"), one(PAIR, "lb2", "standby", **changes)))
    assert set(found) == ({code} if code else set())


@pytest.mark.parametrize("wrong", ["lb1", "lb2"])
def test_sync_ports_are_set_right_where_they_are_wrong(wrong: str) -> None:
    machines = [one(PAIR, "lb1"), one(PAIR, "lb2", "standby")]
    settings = {"net/ipv4/vs/sync_ports": "4"}
    first, second = (
        replace(each, sysctls={**(each.sysctls or {}), **(settings if each.node == wrong else {})}) for each in machines
    )
    (told,) = [each for each in pair(first, second) if each.code == "SYN04"]
    role = {"lb1": "master", "lb2": "backup"}[wrong]
    lines = ["sysctl -w net.ipv4.vs.sync_ports=1", f"ipvsadm --stop-daemon {role}", "lvs-director start"]
    assert (told.node, told.fix.text.splitlines()) == (wrong, lines)


@pytest.mark.parametrize(
    ("mac", "state", "severity"),
    [
        (STRANGERS_MAC, "REACHABLE", "broken"), (STRANGERS_MAC, "STALE", "will-break"), (DIRECTORS_MAC, "STALE", ""),
        ("", "FAILED", ""),
    ],
)  # fmt: skip
def test_what_a_router_remembers(mac: str, state: str, severity: str) -> None:
    router = Snapshot("router", neighbours=(Neighbour(VIP, "eth1", mac, state),))
    found = together(PAIR, one(PAIR, "lb1"), router)
    assert [(each.code, each.severity, each.node) for each in found if each.severity != "note"] == (
        [("DIR07", severity, "lb1")] if severity else []
    )


def test_a_machine_that_is_neither_director_nor_real_server() -> None:
    assert roles(PAIR, Snapshot("router")) == frozenset()
    assert roles(PAIR, Snapshot("lb2")) == roles(DR, Snapshot("router")) == {"director"}


def test_lengths_of_sync_messages() -> None:
    master = one(PAIR, "lb1", daemons=(SyncDaemon("master", "eth0", 5, maxlen=8972),))
    backup = one(PAIR, "lb2", "standby", daemons=(SyncDaemon("backup", "eth0", 5, maxlen=1472),))
    assert serious(pair(master, backup)) == ["SYN05"]
    short = replace(master, daemons=(SyncDaemon("master", "eth0", 5, maxlen=1),))
    assert serious(pair(short, backup)) == []  # a backup takes longer ones


def test_different_tables() -> None:
    other = one(PAIR, "lb2", "standby")
    (service,) = other.services or ()
    short = replace(other, services=(replace(service, servers=service.servers[:1]),))
    (told,) = [each for each in pair(one(PAIR, "lb1"), short) if each.code == "SYN10"]
    assert "192.168.0.12:80" in told.seen


def test_two_active_directors() -> None:
    found = pair(one(PAIR, "lb1"), one(PAIR, "lb2"))
    assert set(codes(found, "broken")) == {"DIR06"}
    assert "SYN06" in codes(found)


def rerouted(machine: Snapshot, source: str, via: str) -> Snapshot:
    answers = tuple(
        replace(each, via=via) if (each.to, each.source) == (CLIENT, source) else each for each in machine.answers or ()
    )
    return replace(machine, answers=answers)


def with_rule(machine: Snapshot, rule: str, conntrack: str) -> Snapshot:
    firewall = iptables_save.parse(f"*nat\n:POSTROUTING ACCEPT\n{rule}\nCOMMIT", 4)
    return replace(machine, firewall=firewall, sysctls={**(machine.sysctls or {}), "net/ipv4/vs/conntrack": conntrack})


def test_full_nat_makes_the_gateway_unimportant() -> None:
    elsewhere = rerouted(real_server(NAT), RIP, ROUTER)
    assert set(serious(together(NAT, director(NAT), elsewhere))) == {"NAT02"}
    full = with_rule(director(NAT), "-A POSTROUTING -m ipvs --ipvs -j MASQUERADE", "1")
    assert serious(together(NAT, full, elsewhere)) == []


def test_a_gateway_that_no_file_names() -> None:
    second = Address("eth0", "192.168.0.2", 24, label="eth0")
    nat, direct = (replace(each, addresses=(*(each.addresses or ()), second)) for each in (director(NAT), director(DR)))
    assert serious(together(NAT, nat, rerouted(real_server(NAT), RIP, second.address))) == []
    found = together(DR, direct, rerouted(real_server(DR), VIP, second.address))
    assert [(each.code, each.node) for each in found if each.severity == "broken"] == [("DR04", "rs1")]


def test_a_director_that_takes_its_own() -> None:
    by_director = rerouted(real_server(DR), VIP, DIP)
    assert "DR04" in serious(together(DR, director(DR), by_director))
    machine = director(DR)
    takes = replace(machine, sysctls={**(machine.sysctls or {}), "net/ipv4/conf/eth0/accept_local": "1"})
    assert serious(together(DR, takes, by_director)) == []


def test_ports_of_the_directors_table() -> None:
    machine = director(NAT)
    (service,) = machine.services or ()
    moved = replace(machine, services=(replace(service, servers=(replace(service.servers[0], port=8080),)),))
    assert "DR02" in codes(together(NAT, moved, real_server(NAT)), "broken")
    both = (Listener("tcp", "0.0.0.0", 80), Listener("tcp", "0.0.0.0", 8080))
    assert "DR02" not in codes(together(NAT, moved, replace(real_server(NAT), listeners=both)))


def test_mtu_on_both_ends() -> None:
    machine = real_server(DR)
    small = tuple(replace(each, mtu=1400) if each.name == "eth0" else each for each in machine.interfaces or ())
    (told,) = [each for each in together(DR, director(DR), replace(machine, interfaces=small)) if each.code == "TWO02"]
    assert (told.node, told.fix.text) == ("rs1", "ip link set eth0 mtu 1500")


def test_findings_have_nodes_and_none_is_told_twice() -> None:
    found = together(DR, director(DR), rerouted(real_server(DR), VIP, DIP))
    assert len({(each.code, each.node, each.about) for each in found}) == len(found)
    assert all(each.node for each in found if each.code == "DR04")


def test_machines_of_which_nothing_is_seen() -> None:
    empty = [Snapshot("a"), Snapshot("b", interfaces=(Interface("eth0"),), started=(Started("director", "lvs"),))]
    for of in (DR, NAT, PAIR):
        assert together(of, *empty, director(of)) is not None
