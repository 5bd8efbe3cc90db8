"""Addresses, states and settings by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model import address
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import AddressKey, Alias, Route, RouteKey, dotted, slashed
from lvs_init.model.state import Change, apply, same

WEB = ServiceKey("tcp", "192.168.0.219", 80)
SERVER = RealServerKey(WEB, "192.168.0.11", 80)
VIP, ON_LO = (AddressKey(device, "192.168.0.219", 32) for device in ("eth0", "lo"))
ROUTE = RouteKey("eth0", "192.168.0.219")


def test_a_service_takes_its_real_servers_along() -> None:
    assert apply({WEB: Service(), SERVER: RealServer()}, {WEB: None}) == {}


def test_an_address_takes_its_host_route_along_unless_it_is_elsewhere_too() -> None:
    assert apply({VIP: Alias(), ROUTE: Route()}, {VIP: None}) == {}
    assert apply({VIP: Alias(), ON_LO: Alias(), ROUTE: Route()}, {VIP: None}) == {ON_LO: Alias(), ROUTE: Route()}


def test_what_an_address_is_called_does_not_matter() -> None:
    assert same(VIP, Alias("eth0:1"), Alias("eth0:2"))
    assert same(ROUTE, Route("eth0:1"), Route())
    assert not same(VIP, Alias(), None)
    assert not same(SERVER, RealServer(weight=1), RealServer(weight=2))


def test_a_change_and_back() -> None:
    change = Change(SERVER, None, RealServer())
    assert change.inverse() == Change(SERVER, RealServer(), None)
    assert change.inverse().inverse() == change


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
    ],
)
def test_a_setting_is_found_by_its_name(path: str, name: str) -> None:
    assert dotted(path) == name
    assert slashed(name) == path


def test_a_slash_within_a_dotted_name_stands_for_a_dot() -> None:
    assert slashed("net.ipv4.conf.eth0/100.forwarding") == "net/ipv4/conf/eth0.100/forwarding"


@given(st.ip_addresses())
def test_one_address_has_one_form(value: object) -> None:
    text = str(value)
    exploded = getattr(value, "exploded", text)
    assert address.canonical(exploded) == text
    assert address.full_prefix(text) == {4: 32, 6: 128}[address.family_of(text)]
    assert address.inside(text, address.network_of(text, 24))


@given(st.integers(0, 32))
def test_masks(prefix: int) -> None:
    assert address.prefix_of(address.netmask_of(prefix)) == prefix


@pytest.mark.parametrize("text", ["192.168.0.256", "fe80::1%eth0", "www.example.com", "", "10.1", "010.0.0.1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        address.canonical(text)


def test_broadcasts() -> None:
    assert address.broadcast_of("192.168.0.219", 32) == "192.168.0.219"
    assert address.broadcast_of("192.168.0.219", 24) == "192.168.0.255"
    assert address.broadcast_of("192.168.0.219", 31) == "192.168.0.219"
    assert address.broadcast_of("fd00::219", 64) == ""
