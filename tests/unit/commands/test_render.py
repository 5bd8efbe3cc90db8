"""The changes of one step and the commands that make them."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from lvs_init.commands.command import Command, shell_text
from lvs_init.commands.render import Tools, render
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, TimeoutKey
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTable,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.state import Change, Key, Value

WEB = ServiceKey("tcp", "192.168.0.219", 80)
VIP = AddressKey("eth0", "192.168.0.219", 32)
ROUTE = RouteKey("eth0", "192.168.0.219")


def programs(*changes: Change, net_tools: bool = True) -> list[str]:
    return [command.argv[0] for command in render(changes, Tools(net_tools))]


def vips(count: int) -> list[Change]:
    return [
        Change(AddressKey("eth0", f"192.168.0.{n}", 32), None, Alias(f"eth0:{n}", f"192.168.0.{n}"))
        for n in range(1, count + 1)
    ]


def test_a_table_is_one_process() -> None:
    servers = [Change(RealServerKey(WEB, f"10.0.0.{n}", 80), None, RealServer()) for n in range(1, 100)]
    (command,) = render([Change(WEB, None, Service()), *servers], Tools(net_tools=True))
    assert command.argv == ("ipvsadm", "-R")
    assert command.stdin.count("\n") == 100


def test_a_few_aliases_by_ifconfig_and_many_by_one_ip() -> None:
    assert programs(*vips(8)) == ["ifconfig"] * 8
    assert [command.argv for command in render(vips(9), Tools(net_tools=True))] == [("ip", "-batch", "-")]
    assert [command.argv for command in render(vips(2), Tools(net_tools=False))] == [("ip", "-batch", "-")]
    assert programs(*vips(1), net_tools=False) == ["ip"]


@pytest.mark.parametrize("label", ["", "eth0", "eth0:1234567890x"])
def test_an_address_that_ifconfig_must_not_touch_goes_through_ip(label: str) -> None:
    assert programs(Change(VIP, None, Alias(label))) == ["ip"]
    assert programs(Change(VIP, Alias(label), None)) == ["ip"]


def test_an_address_on_lo_goes_through_ip_which_sets_it_with_its_mask_at_once() -> None:
    assert programs(Change(AddressKey("lo", "192.168.0.219", 32), None, Alias("lo:0", "192.168.0.219"))) == ["ip"]


def test_an_address_is_removed_by_itself_and_never_by_its_label() -> None:
    (command,) = render([Change(VIP, Alias("eth0:7"), None)], Tools(net_tools=True))
    assert command.argv == ("ip", "address", "del", "192.168.0.219/32", "dev", "eth0")


def test_host_routes() -> None:
    assert programs(Change(ROUTE, None, Route("eth0:1"))) == ["route"]
    assert programs(Change(ROUTE, None, Route())) == ["ip"]
    assert programs(Change(ROUTE, None, Route("eth0:1234567890x"))) == ["ip"]
    assert programs(Change(ROUTE, Route(), None)) == ["route"]
    assert programs(Change(ROUTE, Route(), None), net_tools=False) == ["ip"]


def test_ipv6_addresses_need_no_host_route() -> None:
    assert programs(Change(AddressKey("lo", "fd00::219", 128), None, Alias())) == ["ip"]
    assert programs(Change(RouteKey("lo", "fd00::219"), None, Route())) == []


def test_bulk_writers() -> None:
    settings = [Change(SysctlKey(f"net/ipv4/conf/{name}/arp_ignore"), "0", "1") for name in ("all", "lo")]
    (write,) = render(settings, Tools(net_tools=True))
    assert write.argv == ("sysctl", "-w", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.lo.arp_ignore=1")
    (load,) = render([Change(ModuleKey(name), None, "loaded") for name in ("ip_vs", "ip_vs_wlc")], Tools(True))
    assert load.argv == ("modprobe", "-a", "ip_vs", "ip_vs_wlc")
    (timeouts,) = render([Change(TimeoutKey("tcp"), 900, 60)], Tools(net_tools=True))
    assert timeouts.argv == ("ipvsadm", "--set", "60", "0", "0")


def test_links_marks_and_the_filter_table() -> None:
    assert programs(Change(LinkKey("tunl0"), "down", "up")) == ["ifconfig"]
    assert programs(Change(LinkKey("tunl0"), "down", "up"), net_tools=False) == ["ip"]
    marks = [Change(MarkRuleKey("192.168.0.219", "tcp", port, 7), None, "present") for port in range(1, 10)]
    assert programs(*marks[:8]) == ["iptables"] * 8
    assert programs(*marks) == ["iptables-restore"]
    empty, full = FilterTable(("*filter", "COMMIT")), FilterTable(("*filter", "-A INPUT -j DROP", "COMMIT"))
    assert programs(Change(FilterTableKey(), full, empty)) == ["iptables", "iptables"]
    assert programs(Change(FilterTableKey(), empty, full)) == ["iptables-restore"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (ModuleKey("ip_vs"), "loaded"),
        (SysctlKey("net/ipv4/vs/conntrack"), "1"),
        (TimeoutKey("tcp"), 900),
        (LinkKey("tunl0"), "up"),
        (FilterTableKey(), FilterTable()),
    ],
)
def test_what_cannot_be_made_absent_is_left_alone(key: Key, value: Value) -> None:
    assert render([Change(key, value, None)], Tools(net_tools=True)) == ()


def test_nothing_and_mixed_kinds() -> None:
    assert render([], Tools(net_tools=True)) == ()
    with pytest.raises(ValueError, match="one kind"):
        render([Change(WEB, None, Service()), Change(VIP, None, Alias())], Tools(net_tools=True))


def test_a_command_can_be_pasted_into_a_shell() -> None:
    plain = Command(("sysctl", "-w", "net.ipv4.vs.sync_threshold=3 50"))
    assert shlex.split(shell_text(plain)) == list(plain.argv)
    assert shell_text(Command(("ip", "-batch", "-"), stdin="link set dev lo up\n")) == (
        "ip -batch - <<'END'\nlink set dev lo up\nEND"
    )
    text = "a $HOME `b`\nEND\n'c'\n"
    pasted = subprocess.run(
        ["sh", "-s"], input=shell_text(Command(("cat",), stdin=text)), capture_output=True, text=True
    )
    assert pasted.stdout == text
