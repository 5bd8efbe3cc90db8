"""Whatever is well is not complained of: section by section what others would take for a fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.doctor.snapshot import Address, Interface, Route, Snapshot, Started, SyncDaemon
from lvs_init.model.firewall import Chain, Firewall, Rule, Table
from tests.machines import DIP, NETWORK, RIP, ROUTER, VIP, altered, cluster, codes, director, judged, real_server


@pytest.mark.parametrize("forwarding", ["dr", "tun", "nat"])
@pytest.mark.parametrize("make", [director, real_server])
def test_a_started_machine_is_well(forwarding: str, make: object) -> None:
    of = cluster(forwarding)
    assert callable(make)
    assert codes(judged(make(of), of), "broken", "will-break", "risk") == []


def test_a_machine_of_which_nothing_is_seen_is_not_complained_of() -> None:
    of = cluster()
    assert judged(Snapshot("somewhere"), of) == []


@pytest.mark.parametrize("make", [director, real_server])
def test_what_is_not_started_is_a_note(make: object) -> None:
    of = cluster()
    assert callable(make)
    machine = make(of)
    others = tuple(each for each in machine.addresses if each.address != VIP)
    found = judged(altered(machine, of, addresses=others, started=(), services=()), of)
    assert len(found) == 1 and found[0].severity == "note" and "not started" in found[0].seen


def test_direct_routing_needs_no_forwarding() -> None:
    of = cluster("dr")
    off = {f"net/ipv4/conf/{device}/forwarding": "0" for device in ("all", "default", "lo", "eth0")}
    assert judged(altered(director(of), of, settings={**off, "net/ipv4/ip_forward": "0"}), of) == []


def test_settings_of_lo_do_not_matter() -> None:
    of = cluster("dr")
    odd = {"net/ipv4/conf/lo/arp_ignore": "0", "net/ipv4/conf/lo/arp_announce": "0", "net/ipv4/conf/lo/rp_filter": "1"}
    assert judged(altered(real_server(of), of, settings=odd), of) == []


def test_an_arp_rule_does_what_arp_ignore_does() -> None:
    of = cluster("dr")
    rule = Rule(f"arp daddr ip {VIP} drop", action="drop")
    table = Table("arp", "filter", {"input": Chain("input", "input", rules=(rule,))})
    loud = altered(real_server(of), of, settings={"net/ipv4/conf/all/arp_ignore": "0"})
    assert codes(judged(loud, of)) == ["ARP01"]
    assert judged(replace(loud, firewall=Firewall((table,))), of) == []


def test_nobody_asks_for_a_vip_of_another_network() -> None:
    of = cluster("tun")
    elsewhere = altered(
        real_server(of), of,
        addresses=(Address("eth0", RIP, 28, label="eth0"), Address("tunl0", VIP, 32)),
        settings={"net/ipv4/conf/all/arp_ignore": "0"},
    )  # fmt: skip
    assert "ARP01" not in codes(judged(elsewhere, of))


def test_a_local_route_is_as_good_as_the_address() -> None:
    of = cluster("dr")
    machine = real_server(of)
    without = altered(machine, of, addresses=tuple(each for each in machine.addresses or () if each.address != VIP))
    assert codes(judged(without, of)) == ["ARP07"]
    answers = tuple(replace(each, kind="local") if each.to == VIP else each for each in without.answers or ())
    assert judged(replace(without, answers=answers), of) == []


def test_a_routed_vip_may_be_on_the_directors_lo() -> None:
    of = cluster("dr")
    machine = altered(
        director(of), of,
        addresses=(Address("eth0", DIP, 28, label="eth0"), Address("lo", VIP, 32, label="lo:0")),
        settings={"net/ipv4/conf/all/arp_ignore": "1"},
        routes=(Route("default", via=ROUTER, device="eth0"), Route(NETWORK, device="eth0", scope="link")),
    )  # fmt: skip
    assert "ARP15" not in codes(judged(machine, of))


def test_a_standby_has_no_vip() -> None:
    of = cluster("dr")
    machine = director(of)
    others = tuple(each for each in machine.addresses or () if each.address != VIP)
    standby = altered(machine, of, addresses=others, started=(Started("director", "lvs", of.file, stance="standby"),))
    assert judged(standby, of) == []


def test_a_director_that_is_a_real_server_as_well_answers_for_its_vip() -> None:
    of = cluster("dr", service="")
    machine = director(of)
    both = altered(
        machine, of,
        addresses=(*(machine.addresses or ()), Address("eth0", RIP, 24, label="eth0", secondary=True)),
        started=(*(machine.started or ()), Started("realserver", "lvs", of.file)),
        listeners=real_server(of).listeners,
    )  # fmt: skip
    assert codes(judged(both, of), "broken", "will-break", "risk") == []


def test_a_backup_may_balance_what_it_serves() -> None:
    of = cluster("dr")
    twin = replace(director(of).services[0])  # type: ignore[index]
    backup = altered(
        real_server(of), of, services=(twin,), daemons=(SyncDaemon("backup", "eth0", 1),),
        settings={"net/ipv4/vs/backup_only": "1"},
    )  # fmt: skip
    assert "DIR11" not in codes(judged(backup, of))
    assert "DIR11" in codes(judged(replace(backup, daemons=()), of))


def test_an_address_of_127_may_have_any_prefix() -> None:
    of = cluster("dr")
    machine = real_server(of)
    more = (*(machine.addresses or ()), Address("lo", "127.0.0.53", 8, "host", "lo"))
    assert judged(altered(machine, of, addresses=more), of) == []


def test_a_device_without_neighbours_needs_no_quiet() -> None:
    of = cluster("dr")
    machine = real_server(of)
    dummy = Interface("dummy0", noarp=True, kind="dummy")
    moved = tuple(
        replace(each, interface="dummy0") if each.address == VIP else each for each in machine.addresses or ()
    )
    kept = altered(machine, of, interfaces=(*(machine.interfaces or ()), dummy), addresses=moved)
    assert judged(kept, of) == []
