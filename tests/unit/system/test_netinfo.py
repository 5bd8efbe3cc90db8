"""Addresses, devices and programs as the kernel has them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lvs_init.errors import NotInstalled
from lvs_init.model.network import AddressKey, Alias
from lvs_init.system import netinfo

if TYPE_CHECKING:
    from tests.unit.system.conftest import Namespaces

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("many", [0, 1000], ids=["by psutil", "by netifaces"])
def test_every_address_with_its_device_prefix_label_and_broadcast(
    namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(netinfo, "MANY_LABELS", many)
    namespaces.ip(
        "addr add 192.168.0.10/24 brd + dev v0",
        "addr add 192.168.0.219/32 brd 192.168.0.219 dev v0 label v0:1",
        "addr add 192.168.0.220/32 dev v0 label v0:1",  # two under one label
        "addr add 192.168.0.221/32 dev v0",  # neither label nor broadcast
        "addr add 10.9.9.9/32 dev lo label lo:vip",
        "-6 addr add fd00:0::0:5/64 dev v0 nodad",
    )
    found = netinfo.addresses()
    link_local = [key for key in found if key.address.startswith("fe80:")]
    assert {(key.interface, key.prefix) for key in link_local} == {("v0", 64)}
    assert all("%" not in key.address for key in link_local)
    assert {key: value for key, value in found.items() if key not in link_local} == {
        AddressKey("lo", "127.0.0.1", 8): Alias(),
        AddressKey("lo", "::1", 128): Alias(),
        AddressKey("lo", "10.9.9.9", 32): Alias("lo:vip"),
        AddressKey("v0", "192.168.0.10", 24): Alias("", "192.168.0.255"),
        AddressKey("v0", "192.168.0.219", 32): Alias("v0:1", "192.168.0.219"),
        AddressKey("v0", "192.168.0.220", 32): Alias("v0:1", "192.168.0.220"),
        AddressKey("v0", "192.168.0.221", 32): Alias("", "192.168.0.221"),
        AddressKey("v0", "fd00::5", 64): Alias(),
    }


def test_devices_with_what_decides_about_them(namespaces: Namespaces) -> None:
    namespaces.ip(
        "link set v0 address 02:00:00:00:00:05 mtu 1400 arp off",
        "link add v2 type veth peer name v3",
        "addr add 10.0.0.1/32 dev v0 label v0:1",
    )
    found = netinfo.interfaces()
    assert set(found) >= {"lo", "v0", "v2", "v3"}
    assert not any(":" in name for name in found)
    v0, lo = found["v0"], found["lo"]
    assert (v0.up, v0.loopback, v0.noarp, v0.mtu, v0.hardware) == (True, False, True, 1400, "02:00:00:00:00:05")
    assert (lo.up, lo.loopback, lo.noarp, lo.hardware) == (True, True, False, "")
    assert not found["v2"].up


def test_a_device_that_is_up_without_a_carrier_is_up(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("link set v1 down")
    assert netinfo.interfaces()["v0"].up


def test_gateways_of_the_default_routes(namespaces: Namespaces) -> None:
    assert netinfo.gateways() == ()
    namespaces.ip("addr add 10.0.0.1/24 dev v0", "route add default via 10.0.0.254")
    assert netinfo.gateways() == ("10.0.0.254",)


def test_duplicate_address_detection_is_told(namespaces: Namespaces) -> None:
    with namespaces.over_there():
        namespaces.ip("-6 addr add fd00::1/128 dev v1 nodad")
    namespaces.ip("-6 addr add fd00::1/128 dev v0", "-6 addr add fd00::2/128 dev v0", "-6 addr add fd00::3/128 dev lo")
    mine = [AddressKey("v0", "fd00::1", 128), AddressKey("v0", "fd00::2", 128), AddressKey("lo", "fd00::3", 128)]
    seen = {netinfo.unsettled().get(mine[1])}
    deadline = time.monotonic() + 10
    while [netinfo.unsettled().get(key) for key in mine] != ["failed", None, None]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "tentative" in seen


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netifaces", None)
    with pytest.raises(NotInstalled) as caught:
        netinfo.addresses()
    assert "'netifaces'" in caught.value.message
    assert caught.value.hint == "apt-get install python3-netifaces, or pip install netifaces"


def test_reading_addresses_does_not_pay_for_psutil() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lvs_init.system import netinfo\n"
        "late = not {'psutil', 'netifaces'} & set(sys.modules)\n"
        "netinfo.addresses(); sys.exit(0 if late and 'psutil' not in sys.modules else 1)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(ROOT)], env=dict(os.environ)).returncode == 0
