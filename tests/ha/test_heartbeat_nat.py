"""A pair for NAT: the real servers' gateway, the DIP, goes where the VIP goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pair import ours
from pair.control import DIP, NODES, Settings
from pair.lab import Pair
from pair.view import View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def pair(place: Place) -> Iterator[Pair]:
    settings = Settings(forwarding="nat", auto_failback=False)
    with Pair(place, ours.software(place, settings), "nat") as running:
        running.switch_on(*NODES)
        running.start(*NODES)
        yield running


@pytest.mark.parametrize("event", ["take over", "kill"])
def test_the_gateway_moves_with_the_vip(pair: Pair, event: str) -> None:
    pair.whole("node1")
    with View(pair) as view:
        if event == "kill":
            pair.kill("node1")
        else:
            pair.take_over("node2")
        pair.await_holders("node2")
        view.advance()
        seen = view.finish()
    assert seen.at_once == 1, seen.holders
    assert seen.downloads.losses == 0, str(seen)
    assert pair.believed(pair.servers["rs1"], DIP) == "node2"
