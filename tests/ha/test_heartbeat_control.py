"""The harness proves itself: with the classic director script Heartbeat fails over, and clients notice it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pair import control
from pair.lab import Pair
from pair.view import View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def pair(place: Place) -> Iterator[Pair]:
    with Pair(place, control.software(control.Settings())) as running:
        running.switch_on(*control.NODES)
        running.start(*control.NODES)
        running.await_holders("node1")
        yield running


def test_a_killed_node_is_fenced_and_followed(pair: Pair) -> None:
    with View(pair) as view:
        pair.kill("node1")
        pair.await_holders("node2")
        seen = view.finish()
    assert pair.marks() == ["reset node1"]
    assert seen.at_once == 1
    assert seen.downloads.losses == 2, str(seen)
