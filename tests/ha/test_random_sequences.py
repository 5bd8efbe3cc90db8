"""Sequences of what can happen to a pair, by chance: afterwards one node is active, all is right, nothing is left over.

Most are driven by Heartbeat's rules of who takes when, without its daemons, which wait for seconds at every turn; a few
by the daemons themselves. A failure names its seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from pair import chance, ours
from pair.control import NODES, Settings
from pair.judge import assert_right
from pair.lab import Pair
from support import hosts

from lvs_init.lab.place import Place

_SEQUENCES = int(os.environ.get("LVS_HA_SEQUENCES", "200"))
_BY_DAEMONS = 3  # of them
_SETTINGS = Settings(auto_failback=False)
_PARTS = 4


@pytest.fixture
def without_daemons(place: Place) -> Iterator[Pair]:
    with Pair(place, ours.alone(_SETTINGS)) as pair:
        yield pair


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=pytest.mark.xdist_group(f"chance {part}")) for part in range(_PARTS)]
)
def test_by_rules(without_daemons: Pair, part: int) -> None:
    rules = chance.Rules(without_daemons)
    for seed in range(part, _SEQUENCES - _BY_DAEMONS, _PARTS):
        try:
            rules.play(random.Random(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.xdist_group("chance by daemons")
def test_by_daemons(place: Place) -> None:
    with Pair(place, ours.software(place, _SETTINGS)) as pair:
        pair.switch_on(*NODES)
        pair.start(*NODES)
        pair.whole("node1")
        was = {name: hosts.snapshot(node) for name, node in pair.nodes.items()}
        for seed in range(_BY_DAEMONS):
            told = chance.by_daemons(pair, random.Random(seed))
            try:
                pair.whole("node1")
                assert_right(pair, "node1")
                for name, node in pair.nodes.items():
                    hosts.same(node, was[name])
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {told}") from error
