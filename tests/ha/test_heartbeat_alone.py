"""A pair for NAT with a single link: STONITH alone decides when it dies. No failback, and ipvsadm writes the table.

The real servers' gateway, the DIP, goes where the VIP goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pair import ours
from pair.control import DIP, NODES, Settings
from pair.judge import assert_right
from pair.lab import PATIENCE, Pair
from pair.view import View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def running(place: Place) -> Iterator[Pair]:
    software = ours.software(place, Settings(forwarding="nat", links=["hb0"], auto_failback=False))
    environment = {"/etc/default/heartbeat": ("export LVS_CHANNEL=ipvsadm\n", "644")}
    with Pair(place, replace(software, files={**software.files, **environment}), "nat") as pair:
        pair.switch_on(*NODES)
        pair.start(*NODES)
        yield pair


@pytest.fixture
def pair(running: Pair) -> Pair:
    running.whole("node1")
    running.forget()
    return running


def test_a_dead_link_ends_one_node_and_never_two_have_the_vip(pair: Pair) -> None:
    with View(pair) as view:
        pair.cut("node1", "hb0")
        (mark,) = pair.await_mark()
        survivor = "node1" if mark == "reset node2" else "node2"
        pair.await_holders(survivor)
        view.advance()
        seen = view.finish()
    assert seen.at_once == 1, seen.holders
    assert pair.marks() == [mark]
    assert seen.downloads.losses == 0, str(seen)


def test_a_killed_node_is_followed_and_idle_when_it_comes_back(pair: Pair) -> None:
    with View(pair) as view:
        pair.kill("node1")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert seen.at_once == 1, seen.holders
    assert seen.downloads.losses == 0, str(seen)
    assert pair.believed(pair.servers["rs1"], DIP) == "node2"
    with View(pair) as view:
        pair.switch_on("node1")
        pair.start("node1")
        pair.settle()
        view.advance()
        seen = view.finish()
    assert seen.requests.losses == 0, str(seen)
    assert seen.downloads.losses == 0
    assert {names for _, names in seen.holders} == {("node2",)}
    assert_right(pair, "node2")
    assert pair.marks() == ["reset node1"]


def test_the_admin_moves_it_by_hand(pair: Pair) -> None:
    with View(pair) as view:
        pair.take_over("node2")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert seen.at_once == 1
    assert seen.downloads.losses == 0, str(seen)
    assert pair.believed(pair.servers["rs1"], DIP) == "node2"
    pair.settle()
    assert_right(pair, "node2")
    assert pair.marks() == []


def test_a_slow_ipvsadm_delays_and_does_not_prevent(pair: Pair) -> None:
    pair.nodes["node2"].call("support.wrapper:plan", how="slow", first=1, last=1 << 20, only="ipvsadm")
    pair.kill("node1")
    pair.await_holders("node2", timeout=2 * PATIENCE)
    assert pair.nodes["node2"].call("support.wrapper:struck") > 0
    pair.mend("node2")
    pair.settle()
    assert_right(pair, "node2")


def test_a_start_that_fails_leaves_nothing_and_the_other_has_it_again(pair: Pair) -> None:
    """On the node that is not the preferred one Heartbeat gives the group back by itself."""
    pair.fail("node2")
    pair.take_over("node2")
    pair.await_holders()
    pair.await_holders("node1", timeout=2 * PATIENCE)
    pair.mend("node2")
    pair.settle()
    assert_right(pair, "node1")
    assert pair.marks() == []


def test_a_start_that_fails_on_the_preferred_node_needs_the_admin(pair: Pair) -> None:
    """Heartbeat 3.0.6 gives the wrong set away then: the group is down on both nodes until somebody asks for it."""
    pair.take_over("node2")
    pair.await_holders("node2")
    pair.settle()
    pair.fail("node1")
    pair.take_over("node1")
    pair.await_holders()
    pair.await_log("node1", "Going standby [foreign]")
    pair.take_over("node2")
    pair.await_holders("node2")
    pair.mend("node1")
    pair.settle()
    assert_right(pair, "node2")
