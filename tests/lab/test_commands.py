"""The real tools on a real IPVS kernel: what the commands write is what their parsers read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvs_init.commands import iptables, ipvsadm, route
from lvs_init.commands.command import Command
from lvs_init.commands.proc_ip_vs import parse_proc
from lvs_init.commands.render import Tools, render
from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import Place
from lvs_init.model.ipvs import ServiceKey, TimeoutKey
from lvs_init.model.network import AddressKey, Alias, FilterTableKey, LinkKey, MarkRuleKey, Route, RouteKey
from lvs_init.model.state import Change, Key, Value
from tests.tables import edits, tables

pytestmark = pytest.mark.either_channel

NET_TOOLS, IPROUTE2 = Tools(net_tools=True), Tools(net_tools=False)


@pytest.fixture(scope="module")
def director(place: Place) -> Iterator[Node]:
    """One host for all: what a test sets it takes back."""
    place.bridge("commands")
    node = place.node("director")
    place.join(node, "commands", "eth0")
    node.ip(
        "link set lo up",
        "address add 198.18.255.254/15 brd + dev eth0",
        "address add 2001:db8::ffff:ffff/64 dev eth0 nodad",
    )
    if place.where == "guest":
        # User-Mode Linux has no IPv4 and IPv6 families of nf_tables, which Debian's iptables would use.
        for name in ("iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-restore"):
            legacy = name.replace("tables", "tables-legacy")
            node.run(["ln", "-sf", f"/usr/sbin/{legacy}", f"/usr/sbin/{name}"]).check()
    yield node
    node.close()
    place.unbridge("commands")


def run(node: Node, command: Command) -> Completed:
    return node.run(command.argv, stdin=command.stdin, timeout=command.timeout).check()


def make(node: Node, changes: Sequence[Change], tools: Tools = NET_TOOLS) -> None:
    for command in render(changes, tools):
        run(node, command)


def live_table(node: Node) -> dict[Key, Value]:
    rules = ipvsadm.parse_rules(run(node, ipvsadm.LIST).stdout)
    return ipvsadm.with_thresholds(rules, ipvsadm.parse_thresholds(run(node, ipvsadm.LIST_THRESHOLDS).stdout))


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_table_is_written_edited_and_read_back(director: Node, data: st.DataObject) -> None:
    table = data.draw(tables(min_size=20, max_size=40))
    run(director, ipvsadm.CLEAR)
    make(director, [Change(key, None, value) for key, value in table.items()])
    assert live_table(director) == table
    seen = parse_proc(director.read("/proc/net/ip_vs"))
    assert all(seen.find(key) for key in table if isinstance(key, ServiceKey))
    changes, edited = data.draw(edits(table))
    make(director, changes)
    assert live_table(director) == edited


def test_timeouts_that_are_not_named_stay(director: Node) -> None:
    make(director, [Change(TimeoutKey("tcpfin"), 120, 60)])
    timeouts = ipvsadm.parse_timeouts(run(director, ipvsadm.LIST_TIMEOUTS).stdout)
    assert timeouts == {TimeoutKey("tcp"): 900, TimeoutKey("tcpfin"): 60, TimeoutKey("udp"): 300}


def network(node: Node) -> list[Any]:
    """Every address and every route."""
    # Duplicate address detection shows in the flags until it is done, a second or two long.
    deadline = time.monotonic() + 30
    while node.run(["ip", "-6", "address", "show", "tentative"]).check().stdout:
        assert time.monotonic() < deadline
    listings = (["address"], ["-4", "route", "show", "table", "all"], ["-6", "route", "show", "table", "all"])
    return [json.loads(node.run(["ip", "-details", "-json", *listing]).check().stdout) for listing in listings]


def test_net_tools_and_iproute2_leave_the_same_behind(director: Node) -> None:
    vips: dict[AddressKey, Alias] = {
        AddressKey("eth0", "198.18.0.219", 32): Alias("eth0:1", "198.18.0.219"),
        AddressKey("eth0", "198.18.0.220", 15): Alias("eth0:2", "198.19.255.255"),
        AddressKey("lo", "198.18.0.221", 32): Alias("lo:0", "198.18.0.221"),
        AddressKey("eth0", "2001:db8::219", 128): Alias(),
        AddressKey("lo", "2001:db8::221", 128): Alias(),
    }
    adding = [Change(key, None, alias) for key, alias in vips.items()]
    routes = [
        Change(RouteKey(key.interface, key.address), None, Route(alias.label))
        for key, alias in vips.items()
        if alias.label
    ]
    before = network(director)
    seen = {}
    for tools in (NET_TOOLS, IPROUTE2):
        make(director, adding, tools)
        make(director, routes, tools)
        seen[tools] = network(director)
        assert set(route.parse_proc(director.read("/proc/net/route"))) == {change.key for change in routes}
        make(director, [change.inverse() for change in routes], tools)
        make(director, [change.inverse() for change in adding], tools)
        assert network(director) == before
    assert seen[NET_TOOLS] != before
    assert seen[NET_TOOLS] == seen[IPROUTE2]


@pytest.mark.parametrize("tools", [NET_TOOLS, IPROUTE2])
def test_links(director: Node, tools: Tools) -> None:
    director.ip("link add link0 type dummy")
    make(director, [Change(LinkKey("link0"), "down", "up")], tools)
    assert "UP" in json.loads(director.run(["ip", "-j", "link", "show", "link0"]).stdout)[0]["flags"]
    make(director, [Change(LinkKey("link0"), "up", "down")], tools)
    assert "UP" not in json.loads(director.run(["ip", "-j", "link", "show", "link0"]).stdout)[0]["flags"]
    director.ip("link del link0")


@pytest.mark.parametrize("count", [2, 12])
def test_mark_rules_come_and_go(director: Node, count: int) -> None:
    wanted = [MarkRuleKey("198.18.0.219", "", 0, 2**32 - 1), MarkRuleKey("2001:db8::219", "udp", 53, 7)]
    wanted += [MarkRuleKey("198.18.0.219", "tcp", port, 7) for port in range(80, 78 + count)]
    changes = [Change(key, None, "present") for key in wanted]
    make(director, changes)
    seen = {
        key
        for family, listing in iptables.LIST_MARKS.items()
        for key in iptables.parse_marks(run(director, listing).stdout, family)
    }
    assert seen == set(wanted)
    make(director, [change.inverse() for change in changes])
    for listing in iptables.LIST_MARKS.values():
        assert "lvs-init" not in run(director, listing).stdout


def test_the_filter_table_is_emptied_and_put_back(director: Node) -> None:
    director.run(["iptables", "-P", "FORWARD", "DROP"]).check()
    director.run(["iptables", "-N", "own"]).check()
    director.run(["iptables", "-A", "INPUT", "-m", "comment", "--comment", 'it\'s "me" # 1', "-j", "own"]).check()
    former = iptables.parse_save(run(director, iptables.SAVE_FILTER).stdout)
    assert iptables.policies(former)["FORWARD"] == "DROP"
    change = Change(FilterTableKey(), former, iptables.without_rules(former))
    make(director, [change])
    assert iptables.parse_save(run(director, iptables.SAVE_FILTER).stdout) == change.after
    make(director, [change.inverse()])
    assert iptables.parse_save(run(director, iptables.SAVE_FILTER).stdout) == former


def test_ifconfig_needs_the_interface_up_and_says_so_if_not(director: Node) -> None:
    """Why links come before addresses: on one that is down net-tools takes back the alias that it has just made."""
    director.ip("link add link1 type dummy")
    vip = AddressKey("link1", "198.18.0.230", 32)
    (command,) = render([Change(vip, None, Alias("link1:0", "198.18.0.230"))], NET_TOOLS)
    assert director.run(command.argv).code != 0
    make(director, [Change(LinkKey("link1"), "down", "up")])
    run(director, command)
    director.ip("link del link1")
