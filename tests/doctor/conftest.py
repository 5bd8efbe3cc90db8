"""The lab's own fixtures, and clusters that stay up for all cases of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest
from standing_clusters import Standing
from support.fixtures import place, places

from lvs_init.lab.place import Place

__all__ = ["place", "places"]  # fixtures


@pytest.fixture(scope="module")
def standing(place: Place) -> Iterator[Callable[[str], Standing]]:
    """A started cluster by its name; only the last one asked for is kept."""
    kept: list[Standing] = []

    def of(name: str) -> Standing:
        if kept and kept[0].name != name:
            kept.pop().close()
        if not kept:
            kept.append(Standing(place, name))
        return kept[0]

    yield of
    for each in kept:
        each.close()
