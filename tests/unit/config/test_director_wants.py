"""What a director wants of its machine; the commands that follow are held by tests/cases/plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lvs_init.commands import ipvsadm
from lvs_init.config.desired import Desired
from lvs_init.config.director import director_wants
from lvs_init.config.load import parse
from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.model.machine import Interface, Machine
from lvs_init.model.network import AddressKey, Alias, MarkRuleKey, ModuleKey, RouteKey, SysctlKey
from lvs_init.model.state import Change, Key, Value

MACHINE = Machine(
    "lb1",
    {name: Interface(name, loopback=name == "lo") for name in ("eth0", "eth1", "lo")},
    {AddressKey("eth0", "192.168.0.1", 24): Alias("eth0"), AddressKey("eth1", "192.168.10.1", 24): Alias("eth1")},
)
DR = """
[director]
{director}
[[service]]
vip = "192.168.0.219"
port = 80
{service}
realservers = [{{ rip = "192.168.0.11" }}]
{more}
"""


def wants(text: str, machine: Machine = MACHINE) -> Desired:
    return director_wants(parse(text.encode(), "lvs.toml"), machine, machine.addresses)


def dr(director: str = "", service: str = "", more: str = "", machine: Machine = MACHINE) -> Desired:
    text = '[cluster]\nforwarding = "dr"' + DR.format(director=director, service=service, more=more)
    return wants(text, machine)


def addresses(desired: Desired) -> dict[AddressKey, Alias]:
    return {k: v for k, v in desired.wanted.items() if isinstance(k, AddressKey) and isinstance(v, Alias)}


def test_everything_that_ipvsadm_can_set_is_wanted_as_it_will_be_read() -> None:
    """What is wanted in another form than the kernel shows it would be set again by every start."""
    told = 0
    for case in (Path(__file__).parents[2] / "cases" / "config").iterdir():
        if not (case / "cluster.json").exists():
            continue
        cluster = parse((case / "lvs.toml").read_bytes(), "lvs.toml")
        wanted: dict[Key, Value] = {}
        for service in cluster.services:
            wanted[service.key] = service.service
            wanted.update(service.realservers)
        text = ipvsadm.restore([Change(key, None, value) for key, value in wanted.items()]).stdin
        thresholds = {k: (v.upper, v.lower) for s in cluster.services for k, v in s.realservers}
        assert ipvsadm.with_thresholds(ipvsadm.parse_rules(text), thresholds) == wanted, case.name
        told += len(wanted)
    assert told > 20


def test_modules_of_the_schedulers_and_engines_in_use() -> None:
    text = DR.format(
        director="", more="", service='protocol = "udp"\nscheduler = "sh"\npersistence = 60\npersistence_engine = "sip"'
    )
    modules = [key.name for key in wants(text).wanted if isinstance(key, ModuleKey)]
    assert modules == ["ip_vs", "ip_vs_sh", "ip_vs_pe_sip"]


def test_the_interface_is_found_by_its_subnet() -> None:
    assert addresses(dr()) == {AddressKey("eth0", "192.168.0.219", 32): Alias("eth0:1", "192.168.0.219")}


def test_a_service_may_name_its_own_and_a_node_another() -> None:
    assert [key.interface for key in addresses(dr(service='interface = "eth1"'))] == ["eth1"]
    node = '[node.lb1]\ninterface = "eth1"'
    assert [key.interface for key in addresses(dr('interface = "eth0"', more=node))] == ["eth1"]
    assert [key.interface for key in addresses(dr('interface = "eth0"', more=node.replace("lb1", "lb2")))] == ["eth0"]


SECOND = """[[service]]
vip = "192.168.0.220"
port = 80
realservers = [{ rip = "192.168.0.11" }]"""


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (replace(MACHINE, interfaces={"lo": MACHINE.interfaces["lo"]}), "no such interface"),
        (replace(MACHINE, interfaces={**MACHINE.interfaces, "eth0": Interface("eth0", up=False)}), "down"),
    ],
)
def test_an_interface_that_cannot_carry_a_vip(machine: Machine, said: str) -> None:
    (problem,) = dr('interface = "eth0"', machine=machine).problems
    assert problem.path == "director.interface"
    assert said in str(problem)
    assert dr('interface = "eth0"', more=SECOND, machine=machine).problems == [problem], "once, not for every VIP"


def test_while_it_directs_no_other_device_has_the_vip() -> None:
    wanted = dr().wanted
    assert wanted[AddressKey("lo", "192.168.0.219", 32)] is None
    assert wanted[RouteKey("lo", "192.168.0.219")] is None
    assert AddressKey("tunl0", "192.168.0.219", 32) not in wanted


def test_a_vip_that_is_there_keeps_its_label() -> None:
    vip = AddressKey("eth0", "192.168.0.219", 32)
    there = replace(MACHINE, addresses={**MACHINE.addresses, vip: Alias("eth0:7")})
    assert addresses(dr('interface = "eth0:1"', machine=there)) == {vip: Alias("eth0:7")}


@pytest.mark.parametrize(("address", "told"), [("192.168.0.1/24", 0), ("192.168.0.1/25", 1), ("10.0.0.1/24", 1)])
def test_a_vip_with_a_network_must_not_come_first_on_it(address: str, told: int) -> None:
    host, _, prefix = address.partition("/")
    machine = replace(MACHINE, addresses={AddressKey("eth0", host, int(prefix)): Alias("eth0")})
    text = """
[cluster]
forwarding = "nat"
[director]
interface = "eth0"
dip = "192.168.10.1"
[[service]]
vip = "192.168.0.219/24"
port = 80
realservers = [{ rip = "192.168.10.11" }]
"""
    assert len(wants(text, machine).problems) == told


def test_forwarding_of_ipv6_is_for_nat_alone() -> None:
    text = """
[cluster]
forwarding = "{}"
[director]
interface = "eth0"
dip = "fd00:10::1"
[[service]]
vip = "fd00::219"
port = 80
realservers = [{{ rip = "fd00:10::11" }}]
"""
    forward = SysctlKey("net/ipv6/conf/all/forwarding")
    assert forward not in wants(text.format("dr")).wanted
    desired = wants(text.format("nat"))
    assert desired.wanted[forward] == "1"
    assert SysctlKey("net/ipv4/ip_forward") not in desired.wanted
    assert any("fd00:10::1" in note for note in desired.notes)


def test_each_packet_that_a_mark_stands_for_gets_its_rule_on_each_vip() -> None:
    text = """
[[service]]
fwmark = 7
vips = ["192.168.0.219", "192.168.0.220"]
match = [{ protocol = "tcp", port = 80 }, { protocol = "udp" }]
realservers = [{ rip = "192.168.0.11" }]
"""
    desired = wants('[cluster]\nforwarding = "dr"\n' + text)
    assert {key for key in desired.wanted if isinstance(key, MarkRuleKey)} == {
        MarkRuleKey(vip, *match, 7) for vip in ("192.168.0.219", "192.168.0.220") for match in (("tcp", 80), ("udp", 0))
    }
    mark = ServiceKey("fwmark", fwmark=7)
    assert RealServerKey(mark, "192.168.0.11", 0) in desired.wanted
