"""ifconfig, route, ip, sysctl and modprobe: what they are told, and the files that are read instead of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.commands import ifconfig, ip, modprobe, route, sysctl
from lvs_init.model.network import AddressKey, Alias, LinkKey, RouteKey, SysctlKey
from lvs_init.model.state import Change

CAPTURED = Path(__file__).parent / "captured"
VIP, ALIAS = AddressKey("eth0", "192.168.0.219", 32), Alias("eth0:1", "192.168.0.219")
VIP6 = AddressKey("lo", "fd00::219", 128)
ROUTE = RouteKey("eth0", "192.168.0.219")


def captured(name: str) -> str:
    return (CAPTURED / name).read_text(encoding="ascii")


def test_ifconfig() -> None:
    wide = AddressKey("eth0", "192.168.0.219", 24)
    assert " ".join(ifconfig.add(VIP, ALIAS).argv) == (
        "ifconfig eth0:1 192.168.0.219 netmask 255.255.255.255 broadcast 192.168.0.219 up"
    )
    assert " ".join(ifconfig.add(wide, Alias("eth0:1", "192.168.0.255")).argv) == (
        "ifconfig eth0:1 192.168.0.219 netmask 255.255.255.0 broadcast 192.168.0.255 up"
    )
    assert " ".join(ifconfig.link(LinkKey("tunl0"), "up").argv) == "ifconfig tunl0 up"


@pytest.mark.parametrize("label", ["", "eth0", "eth1:1", "eth0:1234567890x"])
def test_ifconfig_never_sees_what_would_hit_the_interface_itself(label: str) -> None:
    with pytest.raises(ValueError, match="eth0"):
        ifconfig.add(VIP, Alias(label))
    assert not ifconfig.serves(VIP6, Alias())
    assert ifconfig.add(VIP, Alias("eth0:1234567890")).argv[1] == "eth0:1234567890"


def test_route() -> None:
    assert " ".join(route.add_host(ROUTE, "eth0:1").argv) == "route add -host 192.168.0.219 dev eth0:1"
    assert " ".join(route.delete_host(ROUTE).argv) == "route del -host 192.168.0.219 dev eth0"


def test_the_kernels_routes() -> None:
    table = captured("proc_route")
    assert set(route.parse_proc(table)) == {ROUTE, RouteKey("lo", "192.168.0.220")}
    assert route.parse_gateways(table) == (("eth0", "192.168.0.254"),)
    assert route.parse_proc("") == {}
    more = (
        "eth1	00000000	0100000A	0003	0	0	0	00000000	0	0	0\n"  # preferred by its metric
        "eth0	01000A0A	FE00A8C0	0007	0	0	0	FFFFFFFF	0	0	0\n"  # a host through a gateway
        "*	02000A0A	00000000	0205	0	0	0	FFFFFFFF	0	0	0\n"  # unreachable
    )
    dearer = table.replace("0003	0	0	0	", "0003	0	0	100	")
    assert set(route.parse_proc(table + more)) == set(route.parse_proc(table))
    assert route.parse_gateways(dearer + more) == (("eth1", "10.0.0.1"), ("eth0", "192.168.0.254"))


def test_ip() -> None:
    assert " ".join(ip.address_add(VIP, ALIAS).argv) == (
        "ip address add 192.168.0.219/32 broadcast 192.168.0.219 label eth0:1 dev eth0"
    )
    assert " ".join(ip.address_add(VIP, Alias("eth0:1234567890x")).argv) == "ip address add 192.168.0.219/32 dev eth0"
    assert " ".join(ip.address_add(VIP6, Alias()).argv) == ("ip address add fd00::219/128 dev lo preferred_lft 0")
    assert " ".join(ip.address_remove(VIP).argv) == "ip address del 192.168.0.219/32 dev eth0"
    added = "ip route append 192.168.0.219/32 dev eth0 scope link src 192.168.0.219"
    assert " ".join(ip.route_add(ROUTE).argv) == added
    assert " ".join(ip.route_delete(ROUTE).argv) == "ip route del 192.168.0.219/32 dev eth0"
    assert " ".join(ip.link(LinkKey("tunl0"), "down").argv) == "ip link set dev tunl0 down"


def test_ip_batch_is_one_process_in_the_given_order() -> None:
    command = ip.batch([Change(LinkKey("tunl0"), "down", "up"), Change(VIP, None, ALIAS), Change(VIP6, Alias(), None)])
    assert command.argv == ("ip", "-batch", "-")
    assert command.stdin.splitlines() == [
        "link set dev tunl0 up",
        "address add 192.168.0.219/32 broadcast 192.168.0.219 label eth0:1 dev eth0",
        "address del fd00::219/128 dev lo",
    ]
    with pytest.raises(TypeError):
        ip.batch([Change(SysctlKey("net/ipv4/ip_forward"), "0", "1")])


def test_sysctl() -> None:
    command = sysctl.write(
        [
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv4/vs/sync_threshold", "3 50"),
            ("net/ipv4/conf/eth0.100/arp_ignore", "1"),
        ]
    )
    assert command.argv == (
        "sysctl",
        "-w",
        "net.ipv4.ip_forward=1",
        "net.ipv4.vs.sync_threshold=3 50",
        "net/ipv4/conf/eth0.100/arp_ignore=1",
    )
    assert sysctl.proc_path(SysctlKey("net/ipv4/ip_forward")) == "/proc/sys/net/ipv4/ip_forward"
    assert sysctl.normalise("3\t50\n") == "3 50"


def test_modprobe() -> None:
    assert modprobe.load(["ip_vs", "ip_vs_wlc"]).argv == ("modprobe", "-a", "ip_vs", "ip_vs_wlc")
    assert modprobe.parse_builtin(captured("modules_builtin") + "kernel/a-b/some-thing.ko\n") >= {"zpool", "some_thing"}
