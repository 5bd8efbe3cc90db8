"""A single link and no STONITH: the pair splits when it dies, as everything that knows of it says; and it heals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pair import ours
from pair.control import NODES, VIP, Settings
from pair.judge import assert_right
from pair.lab import Pair
from pair.view import View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def pair(place: Place) -> Iterator[Pair]:
    with Pair(place, ours.software(place, Settings(links=["hb0"], stonith=False, auto_failback=False))) as running:
        running.switch_on(*NODES)
        running.start(*NODES)
        running.await_holders("node1")
        running.settle()
        yield running


def test_it_is_warned_of(pair: Pair) -> None:
    told = pair.nodes["node1"].script("lvsctl", "ha", "check")
    assert "STONITH" in told.stdout + told.stderr, told


def test_both_have_the_vip_until_the_link_is_back_and_caches_heal(pair: Pair) -> None:
    with View(pair) as view:
        pair.cut("node1", "hb0")
        pair.await_holders("node1", "node2")
        pair.join("node1", "hb0")
        pair.await_one()
        pair.settle()
        (active,) = pair.holders()
        view.advance(requests=12)
        healed = view.look().losses
        view.advance(requests=24)
        seen = view.finish()
    assert seen.at_once == 2
    assert seen.answers[-1][1] == (active,)
    assert seen.requests.losses == healed, "requests were lost after the links had rejoined"
    assert pair.believed(pair.client, VIP) == active
    assert_right(pair, active)
