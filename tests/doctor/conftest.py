"""The lab's own fixtures, and clusters that stay up for all cases of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest
from standing_clusters import Standing
from support.fixtures import LAB, SCRIPTS

from lvs_init.lab.place import PRELOADED, ROOT, Place, open_place

#: What the doctor imports, so that it is found there.
DOCTOR = (
    "lvs_init.faces.lvsctl", "lvs_init.faces.lvsctl_doctor", "lvs_init.faces.doctor_display",
    "lvs_init.doctor.catalogue", "lvs_init.engine.snapshot",
)  # fmt: skip


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """The lab: one for each worker."""
    with open_place(preload=[*PRELOADED, *SCRIPTS, *DOCTOR], paths=[ROOT, LAB]) as opened:
        yield opened


@pytest.fixture(scope="session")
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
