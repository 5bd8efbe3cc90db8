"""A pair as docs/ha.md has it: two links, STONITH, a ping node, failback. Whatever happens, one node has the VIP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pair import ours
from pair.control import NODES, Settings
from pair.judge import assert_right
from pair.lab import CLIENT_ADDRESS, Pair
from pair.view import Seen, View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def running(place: Place) -> Iterator[Pair]:
    with Pair(place, ours.software(place, Settings(ping=[CLIENT_ADDRESS]))) as pair:
        pair.switch_on(*NODES)
        pair.start(*NODES)
        yield pair


@pytest.fixture
def pair(running: Pair) -> Pair:
    """Both are on, and the preferred one is active."""
    running.whole("node1")
    running.forget()
    return running


def assert_kept(seen: Seen) -> None:
    """Never two had the VIP, and the downloads that began before came to their right end."""
    assert seen.at_once == 1, seen.holders
    assert seen.downloads.losses == 0, str(seen)
    assert sum(seen.downloads.done["download"].values()) == 2


def test_one_is_active_and_the_other_is_warm(pair: Pair) -> None:
    assert_right(pair, "node1")
    assert pair.marks() == []


def test_an_orderly_stop_moves_everything(pair: Pair) -> None:
    with View(pair) as view:
        pair.stop("node1")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert_kept(seen)
    assert_right(pair, "node2")
    assert pair.marks() == []
    assert {name for _, name in seen.announcements} == {"node2"}


def test_the_preferred_node_comes_back(pair: Pair) -> None:
    pair.stop("node1")
    pair.await_holders("node2")
    with View(pair) as view:
        pair.start("node1")
        pair.await_holders("node1")
        view.advance()
        seen = view.finish()
    assert_kept(seen)
    pair.settle()
    assert_right(pair, "node1")
    assert pair.marks() == []


def test_a_killed_node_is_fenced_and_followed(pair: Pair) -> None:
    with View(pair) as view:
        pair.kill("node1")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert_kept(seen)
    assert_right(pair, "node2")
    assert pair.marks() == ["reset node1"]


def test_an_idle_node_that_dies_is_fenced_and_clients_notice_nothing(pair: Pair) -> None:
    with View(pair) as view:
        pair.kill("node2")
        assert pair.await_mark() == ["reset node2"]
        view.advance()
        seen = view.finish()
    assert_kept(seen)
    assert seen.requests.losses == 0, str(seen)
    assert_right(pair, "node1")


def test_one_of_two_links_may_die(pair: Pair) -> None:
    with View(pair) as view:
        pair.cut("node1", "hb0")
        pair.await_link("node2", "node1", "hb0", "dead")
        view.advance(requests=12)
        seen = view.finish()
    assert_kept(seen)
    assert seen.requests.losses == 0, str(seen)
    assert_right(pair, "node1")
    assert pair.marks() == []


def test_a_director_that_clients_cannot_reach_gives_way(pair: Pair) -> None:
    """Its link to the LAN is dead, the other one is not: the ping node tells (ipfail)."""
    with View(pair) as view:
        pair.cut("node1", "eth0")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert_kept(seen)
    assert pair.marks() == []


def test_an_ipvsadm_that_hangs_delays_nothing(pair: Pair) -> None:
    """The table is written over netlink."""
    pair.nodes["node2"].call("support.wrapper:plan", how="hang", first=1, last=1 << 20, only="ipvsadm")
    pair.stop("node1")
    pair.await_holders("node2")
    assert pair.nodes["node2"].call("support.wrapper:struck") == 0
    pair.mend("node2")
    assert_right(pair, "node2")
