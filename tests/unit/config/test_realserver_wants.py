"""What a real server wants of its machine; the commands that follow are held by tests/cases/plan."""

from __future__ import annotations

import pytest

from lvs_init.config.desired import Desired, Labels
from lvs_init.config.load import parse
from lvs_init.config.realserver import own_rips, realserver_wants, wrong_gateway
from lvs_init.model.machine import Interface, Machine
from lvs_init.model.network import AddressKey, Alias, RouteKey, SysctlKey

TEXT = """
[cluster]
forwarding = "{}"
[director]
dip = "192.168.0.10"
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{{ rip = "192.168.0.11" }}, {{ rip = "192.168.0.12" }}]
"""


def wants(
    text: str = TEXT.format("dr"), rip: str = "192.168.0.11", gateway: str = "192.168.0.254", **sysctls: str
) -> Desired:
    interfaces = {name: Interface(name, loopback=name == "lo") for name in ("eth0", "eth1", "lo")}
    interfaces["tunl0"] = Interface("tunl0", up=False, noarp=True)
    live = {AddressKey("eth0", rip, 24): Alias("eth0")}
    paths = {f"net/ipv4/conf/{name.replace('_', '/', 1)}": value for name, value in sysctls.items()}
    return realserver_wants(
        parse(text.encode(), "lvs.toml"), Machine("web1", interfaces, live, paths, (gateway,)), live
    )


def settings(desired: Desired) -> dict[str, str]:
    return {
        key.path.replace("net/ipv4/conf/", ""): str(value)
        for key, value in desired.wanted.items()
        if isinstance(key, SysctlKey)
    }


IGNORE = {"all/arp_ignore": "1", "lo/arp_ignore": "1"}
ANNOUNCE = {"all/arp_announce": "2", "lo/arp_announce": "2"}


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ({}, {**IGNORE, **ANNOUNCE}),
        ({"all_arp_ignore": "1", "all_arp_announce": "2"}, {}),
        ({"all_arp_ignore": "2"}, ANNOUNCE),
        ({"eth0_arp_ignore": "1"}, {**IGNORE, **ANNOUNCE}),
        ({"eth0_arp_ignore": "1", "eth1_arp_ignore": "2"}, ANNOUNCE),
        ({"all_arp_ignore": "1", "eth0_arp_ignore": "3"}, {**IGNORE, **ANNOUNCE, "eth0/arp_ignore": "1"}),
        ({"eth1_arp_ignore": "8"}, {**IGNORE, **ANNOUNCE, "eth1/arp_ignore": "1"}),
        ({"all_arp_ignore": "5"}, {**IGNORE, **ANNOUNCE}),
        ({"all_arp_announce": "1"}, {**IGNORE, **ANNOUNCE}),
        ({"tunl0_arp_ignore": "8"}, {**IGNORE, **ANNOUNCE}),
    ],
)
def test_arp_is_judged_by_what_counts(there: dict[str, str], wanted: dict[str, str]) -> None:
    assert settings(wants(**there)) == wanted


def test_only_the_interface_that_faces_the_vips_counts_where_one_is_named() -> None:
    text = TEXT.format("dr") + '[realserver]\ninterface = "eth0"\n'
    assert settings(wants(text, eth0_arp_ignore="1", eth1_arp_ignore="8")) == ANNOUNCE
    (problem,) = wants(text.replace('interface = "eth0"', 'interface = "eth7"')).problems
    assert problem.path == "realserver.interface"


def test_its_own_services_alone() -> None:
    more = '[[service]]\nvip = "192.168.0.220"\nport = 80\nrealservers = [{ rip = "192.168.0.12" }]\n'
    desired = wants(TEXT.format("dr") + more)
    assert [key.address for key in desired.wanted if isinstance(key, AddressKey)] == ["192.168.0.219"]
    assert [key.interface for key in desired.wanted if isinstance(key, RouteKey)] == ["lo"]


def test_a_machine_that_is_no_real_server() -> None:
    desired = wants(rip="192.168.0.77")
    assert desired.wanted == {}
    cluster = parse(TEXT.format("dr").encode(), "lvs.toml")
    live = {AddressKey("eth0", "192.168.0.12", 24): Alias("eth0")}
    assert own_rips(cluster, Machine("web2", {}, live)) == ("192.168.0.12",)


def test_all_rp_filter_is_never_touched_for_a_tunnel() -> None:
    assert settings(wants(TEXT.format("tun"))) == {**IGNORE, **ANNOUNCE, "tunl0/rp_filter": "2"}


def test_nat_wants_nothing_but_the_way_back() -> None:
    desired = wants(TEXT.format("nat"))
    assert desired.wanted == {}
    assert desired.gateways == ("192.168.0.10",)
    (note,) = desired.notes
    assert "192.168.0.254" in note
    assert wants(TEXT.format("nat"), gateway="192.168.0.10").notes == []


def test_gateways_of_the_other_family_say_nothing() -> None:
    assert "missing" in wrong_gateway(["192.168.0.10"], ["fe80::1"])[0]
    assert wrong_gateway([], ["192.168.0.254"]) == []
    assert wrong_gateway(["fd00::1"], ["192.168.0.254", "fd00::1"]) == []


def test_labels_are_counted_from_one_on_lo_from_zero_and_never_given_twice() -> None:
    labels = Labels({AddressKey("eth0", "192.168.0.7", 32): Alias("eth0:2")})
    assert [labels.take("eth0"), labels.take("eth0"), labels.take("lo")] == ["eth0:1", "eth0:3", "lo:0"]
    labels.claim("eth0:4")
    assert labels.take("eth0") == "eth0:5"
    assert labels.take("enp0s31f6u1u2x") == ""


def test_a_loopback_rip_is_the_directors_own_and_nobody_elses() -> None:
    text = TEXT.format("dr").replace("192.168.0.12", "127.0.0.1")
    live = {AddressKey("lo", "127.0.0.1", 8): Alias(), AddressKey("eth0", "192.168.0.99", 24): Alias()}
    machine = Machine("db1", {"lo": Interface("lo", loopback=True), "eth0": Interface("eth0")}, live)
    cluster = parse(text.encode(), "lvs.toml")
    assert own_rips(cluster, machine) == ()
    assert realserver_wants(cluster, machine, live).wanted == {}
