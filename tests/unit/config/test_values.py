"""Single values at the edges of what is taken."""

from __future__ import annotations

import pytest

from lvs_init.config.cluster import Vip
from lvs_init.config.problems import Problems
from lvs_init.config.sysctl import read_sysctls
from lvs_init.config.values import (
    Address,
    AddressWithPrefix,
    Integer,
    Interface,
    Mask,
    Name,
    Netmask,
    Persistence,
    Unfit,
)


@pytest.mark.parametrize(
    ("text", "vip"),
    [
        ("192.168.0.219", Vip("192.168.0.219", 32)),
        ("192.168.0.219/32", Vip("192.168.0.219", 32)),
        ("192.168.0.218/31", Vip("192.168.0.218", 31)),
        ("192.168.0.219/31", Vip("192.168.0.219", 31)),
        ("192.168.0.217/30", Vip("192.168.0.217", 30)),
        ("192.168.0.219/024", Vip("192.168.0.219", 24)),
        ("1.2.3.4/1", Vip("1.2.3.4", 1)),
        ("fd00::219", Vip("fd00::219", 128)),
        ("fd00::219/128", Vip("fd00::219", 128)),
        ("fd00::/127", Vip("fd00::", 127)),
        ("fd00::ffff/112", Vip("fd00::ffff", 112)),
    ],
)
def test_address_with_prefix(text: str, vip: Vip) -> None:
    assert AddressWithPrefix().read(text) == vip


@pytest.mark.parametrize(
    "text", ["192.168.0.216/30", "192.168.0.219/30", "fd00::/126", "1.2.3.4/\u0663", "1.2.3.4/0024", "1.2.3.4/-1"]
)
def test_address_with_prefix_refuses(text: str) -> None:
    with pytest.raises(Unfit):
        AddressWithPrefix().read(text)


def test_a_real_server_may_be_the_machine_itself() -> None:
    assert Address(loopback=True).read("127.0.0.1") == "127.0.0.1"
    assert Address(loopback=True).read("::1") == "::1"
    with pytest.raises(Unfit):
        Address().read("127.0.0.1")


@pytest.mark.parametrize(
    ("raw", "mask"),
    [
        ("128.0.0.0", Mask(1, True)),
        ("255.255.255.0", Mask(24, True)),
        ("255.255.255.255", Mask(32, True)),
        (1, Mask(1, False)),
        (128, Mask(128, False)),
    ],
)
def test_netmask(raw: object, mask: Mask) -> None:
    assert Netmask().read(raw) == mask


@pytest.mark.parametrize(
    "raw", ["0.0.0.0", "0.0.0.255", "255.0.255.0", "255.255.255.256", "24", "", "255.255.255", 0, 129, True, 24.0, None]
)
def test_netmask_refuses(raw: object) -> None:
    with pytest.raises(Unfit):
        Netmask().read(raw)


@pytest.mark.parametrize(("raw", "seconds"), [(True, 300), (False, None), (1, 1), (31 * 86400, 31 * 86400)])
def test_persistence(raw: object, seconds: object) -> None:
    assert Persistence().read(raw) == seconds


@pytest.mark.parametrize("raw", [0, 31 * 86400 + 1, "true", 1.0])
def test_persistence_refuses(raw: object) -> None:
    with pytest.raises(Unfit):
        Persistence().read(raw)


def test_integer_takes_both_bounds_and_no_boolean() -> None:
    assert [Integer(0, 2).read(raw) for raw in (0, 1, 2)] == [0, 1, 2]
    for raw in (-1, 3, True, 1.0, "1"):
        with pytest.raises(Unfit):
            Integer(0, 2).read(raw)


@pytest.mark.parametrize("text", ["eth0", "lo", "br-lan", "eth0.100", "a" * 15, "wg_0", "1"])
def test_interface(text: str) -> None:
    assert Interface().read(text) == text


@pytest.mark.parametrize("text", ["eth0:1", "eth0:web", "enp0s31f6.10:12"])
def test_interface_with_label(text: str) -> None:
    assert Interface(label=True).read(text) == text


def test_interface_with_label_of_16_characters() -> None:
    with pytest.raises(Unfit, match="15 characters"):
        Interface(label=True).read("enp0s31f6.100:12")


@pytest.mark.parametrize("text", ["a", "0", "web-1.example_x", "x" * 32])
def test_name(text: str) -> None:
    assert Name().read(text) == text


@pytest.mark.parametrize("text", ["", ".", "-a", "_a", "x" * 33, "a/b", "a b", "a\n", "\u00e9", None, 5])
def test_name_refuses(text: object) -> None:
    with pytest.raises(Unfit):
        Name().read(text)


@pytest.mark.parametrize(
    ("value", "text"), [(2**63 - 1, str(2**63 - 1)), (-1, "-1"), ("x" * 256, "x" * 256), (" 3\t 50 ", "3 50")]
)
def test_sysctl_value(value: object, text: str) -> None:
    problems = Problems("lvs.toml")
    assert read_sysctls({"net.ipv4.vs.x": value}, (), problems) == {"net/ipv4/vs/x": text}
    assert not problems


@pytest.mark.parametrize("value", [2**63, "x" * 257, "a\x7fb", "\u00e9", " "])
def test_sysctl_value_refused(value: object) -> None:
    problems = Problems("lvs.toml")
    assert read_sysctls({"net.ipv4.vs.x": value}, (), problems) == {}
    assert problems
