"""Who answers for the VIP, and where it is: every cell of arp_ignore and arp_announce, and the fix that mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.doctor.finding import Finding
from lvs_init.doctor.snapshot import Address, Answered, Ifcfg, Neighbour, Program, Route, Snapshot, Started
from lvs_init.model.network import AddressKey, SysctlKey
from tests.machines import DIP, OTHER, RIP, VIP, altered, cluster, codes, director, judged, real_server

DR = cluster("dr")


def mended(machine: Snapshot, findings: list[Finding]) -> Snapshot:
    """The machine once every fix that --fix carries out has been."""
    settings: dict[str, str] = {}
    addresses = list(machine.addresses or ())
    for key, value in (pair for finding in findings for pair in finding.fix.wanted):
        if isinstance(key, SysctlKey):
            settings[key.path] = str(value)
        elif isinstance(key, AddressKey):
            addresses = [each for each in addresses if (each.interface, each.address, each.prefix) != (
                key.interface, key.address, key.prefix)]  # fmt: skip
            if value is not None:
                addresses.append(Address(key.interface, key.address, key.prefix))
    return altered(machine, DR, settings=settings, addresses=tuple(addresses))


def with_vip_on(device: str, prefix: int = 32, scope: str = "global", label: str = "") -> Snapshot:
    machine = real_server(DR)
    kept = [each for each in machine.addresses or () if each.address != VIP]
    return altered(machine, DR, addresses=(*kept, Address(device, VIP, prefix, scope, label)))


def arp(everywhere: str, here: str, name: str = "arp_ignore") -> dict[str, str]:
    return {f"net/ipv4/conf/all/{name}": everywhere, f"net/ipv4/conf/eth0/{name}": here}


@pytest.mark.parametrize(
    ("everywhere", "here", "leaks"),
    [
        ("0", "0", True), ("1", "0", False), ("0", "1", False), ("2", "0", False), ("0", "2", False),
        ("3", "1", True), ("1", "3", True), ("5", "1", True), ("1", "4", True), ("1", "7", True), ("9", "0", True),
    ],
)  # fmt: skip
def test_the_larger_arp_ignore_decides(everywhere: str, here: str, leaks: bool) -> None:
    machine = altered(real_server(DR), DR, settings=arp(everywhere, here))
    found = judged(machine, DR)
    assert codes(found, "broken") == (["ARP01"] if leaks else [])
    assert judged(mended(machine, found), DR) == []


def test_scope_host_hides_from_3_alone() -> None:
    machine = altered(with_vip_on("lo", scope="host"), DR, settings=arp("3", "0"))
    assert judged(machine, DR) == []
    assert codes(judged(altered(machine, DR, settings=arp("0", "0")), DR)) == ["ARP01"]


@pytest.mark.parametrize(
    ("everywhere", "here", "speaks"), [("0", "0", True), ("1", "0", True), ("0", "2", False), ("2", "0", False)]
)
def test_the_larger_arp_announce_decides(everywhere: str, here: str, speaks: bool) -> None:
    machine = altered(real_server(DR), DR, settings=arp(everywhere, here, "arp_announce"))
    found = judged(machine, DR)
    assert codes(found) == (["ARP02"] if speaks else [])
    assert judged(mended(machine, found), DR) == []


def test_a_vip_on_the_network_device_is_not_hidden() -> None:
    machine = with_vip_on("eth0", label="eth0:0")
    found = judged(machine, DR)
    assert codes(found) == ["ARP03"]
    assert f"ip address del {VIP}/32 dev eth0" in found[0].fix.text and "dev lo" in found[0].fix.text
    assert judged(mended(machine, found), DR) == []


def test_arp_notify_announces_what_is_on_the_device() -> None:
    machine = altered(with_vip_on("eth0"), DR, settings=arp("1", "0", "arp_notify"))
    assert "ARP04" in codes(judged(machine, DR), "will-break")


def test_ifup_announces_unless_it_is_told_not_to() -> None:
    machine = replace(real_server(DR), ifcfg=(Ifcfg("/etc/ifcfg-lo:0", "lo:0"), Ifcfg("/etc/ifcfg-lo:1", "lo:1", "no")))
    assert [each.about for each in judged(machine, DR)] == ["lo:0"]


@pytest.mark.parametrize(
    ("prefix", "label", "code"), [(24, "lo", "ARP05"), (24, "lo:0", "ARP06"), (25, "lo:0", "ARP05")]
)
def test_a_network_on_lo(prefix: int, label: str, code: str) -> None:
    machine = with_vip_on("lo", prefix, label=label)
    found = judged(machine, DR)
    assert codes(found) == [code]
    assert judged(mended(machine, found), DR) == []


def test_a_missing_vip_is_added_where_it_belongs() -> None:
    machine = real_server(DR)
    machine = altered(machine, DR, addresses=tuple(each for each in machine.addresses or () if each.address != VIP))
    found = judged(machine, DR)
    assert codes(found, "broken") == ["ARP07"]
    assert found[0].fix.text == f"ip address add {VIP}/32 broadcast {VIP} label lo:0 dev lo"
    assert judged(mended(machine, found), DR) == []


def test_a_vip_that_nobody_serves() -> None:
    of = cluster("nat")
    machine = altered(real_server(of), of, addresses=(Address("eth0", RIP, 24), Address("lo", VIP, 32)))
    assert codes(judged(machine, of)) == ["ARP08"]
    loud = altered(machine, of, addresses=(Address("eth0", RIP, 24), Address("eth0", VIP, 32)))
    assert codes(judged(loud, of), "broken") == ["ARP08"]


def test_a_label_that_somebody_took() -> None:
    machine = real_server(DR)
    taken = [each for each in machine.addresses or () if each.address != VIP] + [
        Address("lo", "10.1.1.1", 32, label="lo:0")
    ]
    found = judged(altered(machine, DR, addresses=tuple(taken)), DR)
    assert codes(found, "broken") == ["ARP09"]
    assert "label lo:1" in found[0].fix.text


def test_a_vip_that_is_there_twice() -> None:
    machine = real_server(cluster("dr"))
    twice = (*(machine.addresses or ()), Address("eth0", VIP, 24), Address("eth0", VIP, 32))
    assert "ARP09" in codes(judged(altered(machine, DR, addresses=twice), DR), "risk")


def test_a_secondary_vip_goes_with_the_first() -> None:
    second = "192.168.0.220"
    of = cluster("nat", service=f'realservers = []\n[[service]]\nvip = "{second}"\nport = 80')
    machine = director(of)
    kept = [each for each in machine.addresses or () if each.address != VIP]
    pair = (Address("eth0", VIP, 28), Address("eth0", second, 28, secondary=True))
    found = judged(altered(machine, of, addresses=(*kept, *pair)), of)
    assert codes(found, "will-break") == ["ARP10"]
    promoted = {"net/ipv4/conf/eth0/promote_secondaries": "1"}
    assert codes(judged(altered(machine, of, addresses=(*kept, *pair), settings=promoted), of), "will-break") == []


def test_lo_is_down() -> None:
    machine = real_server(DR)
    down = tuple(replace(each, up=not each.loopback) for each in machine.interfaces or ())
    assert codes(judged(altered(machine, DR, interfaces=down), DR)) == ["ARP11"]


@pytest.mark.parametrize(
    ("value", "dip", "code"), [("8", DIP, ["ARP12"]), ("2", DIP, []), ("2", "10.9.9.9", ["ARP12"])]
)
def test_what_hides_the_rip(value: str, dip: str, code: list[str]) -> None:
    of = cluster("dr", dip=dip)
    machine = altered(real_server(of), of, settings=arp("1", value))
    assert codes(judged(machine, of), "broken") == code


def test_a_proxy_answers_for_the_vip() -> None:
    of = cluster("nat")
    machine = real_server(of)
    answers = tuple(replace(each, device="eth1") if each.to == VIP else each for each in machine.answers or ())
    proxy = {"net/ipv4/conf/eth0/proxy_arp": "1", "net/ipv4/conf/eth0/forwarding": "1"}
    found = judged(altered(machine, of, answers=answers, settings=proxy), of)
    assert "ARP13" in codes(found, "broken")


def test_arp_filter_and_another_way() -> None:
    machine = director(DR)
    assert judged(altered(machine, DR, settings=arp("1", "0", "arp_filter")), DR) == []
    routes = (*(machine.routes or ()), Route("192.168.0.254", device="dummy9", scope="link"))
    found = judged(altered(machine, DR, settings=arp("1", "0", "arp_filter"), routes=routes), DR)
    assert codes(found) == ["ARP14"]


def test_a_directors_vip_on_lo_with_a_real_servers_settings() -> None:
    machine = director(DR)
    moved = tuple(replace(each, interface="lo") if each.address == VIP else each for each in machine.addresses or ())
    found = judged(altered(machine, DR, addresses=moved, settings=arp("1", "0")), DR)
    assert codes(found) == ["ARP15"]
    assert judged(altered(machine, DR, addresses=moved), DR) == []


def test_a_directors_vip_is_missing() -> None:
    machine = director(DR)
    machine = altered(machine, DR, addresses=tuple(each for each in machine.addresses or () if each.address != VIP))
    found = judged(machine, DR)
    assert codes(found, "broken") == ["DIR01"]
    assert found[0].fix.text == f"ip address add {VIP}/32 broadcast {VIP} label eth0:1 dev eth0"
    managed = judged(replace(machine, programs=(Program(7, "NetworkManager"),)), DR)
    assert codes(managed) == ["DIR01", "DIR08"]


def test_the_vip_as_source_towards_real_servers() -> None:
    machine = director(DR)
    answers = tuple(replace(each, preferred=VIP) if each.to in (RIP, OTHER) else each for each in machine.answers or ())
    silent = (Neighbour(RIP, "eth0", "", "FAILED"),)
    found = judged(altered(machine, DR, answers=answers, neighbours=silent), DR)
    assert codes(found) == ["DIR02"]
    assert found[0].fix.text == f"ip route change 192.168.0.0/24 dev eth0 proto kernel scope link src {DIP}"


def test_who_answers_the_probe() -> None:
    machine = director(DR)
    mac = "02:00:00:00:00:0b"
    heard = (Answered(VIP, "eth0", (mac,)), Answered(OTHER, "eth0"))
    assert codes(judged(replace(machine, probed=heard), DR)) == ["ARP01", "DIR16"]
    stranger = (Answered(VIP, "eth0", ("02:00:00:00:00:63",)),)
    assert codes(judged(replace(machine, probed=stranger), DR)) == ["DIR06"]


def test_from_a_real_server_one_answer_is_right() -> None:
    machine = real_server(DR)
    one = (Answered(VIP, "eth0", ("02:00:00:00:00:01",)),)
    assert judged(replace(machine, probed=one), DR) == []
    two = (Answered(VIP, "eth0", ("02:00:00:00:00:01", "02:00:00:00:00:63")),)
    assert codes(judged(replace(machine, probed=two), DR)) == ["DIR06"]


@pytest.mark.parametrize(("gratuitous", "code"), [(True, "ARP04"), (False, "ARP02")])
def test_who_speaks_in_the_vips_name(gratuitous: bool, code: str) -> None:
    machine = director(DR)
    heard = (Answered(VIP, "eth0", ("02:00:00:00:00:63",), gratuitous),)
    assert codes(judged(replace(machine, heard=heard), DR)) == [code]


def test_a_standby_that_has_the_vip() -> None:
    machine = replace(director(DR), started=(Started("director", "lvs", DR.file, stance="standby"),))
    assert codes(judged(machine, DR), "broken") == ["ARP08"]
