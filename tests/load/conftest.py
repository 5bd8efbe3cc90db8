"""The lab's own fixtures, and a director that stays up for all tests of a module."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cluster
import pytest
from support.fixtures import keep_modules_together, node, place, places

from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

__all__ = ["node", "place", "places"]  # fixtures


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    keep_modules_together(items, os.path.dirname(os.path.abspath(__file__)))


# One worker for each.
@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("nat", "dr")]
)
def forwarding(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def running(place: Place, forwarding: str) -> Iterator[Rehearsal]:
    """Started with the first file."""
    with cluster.rehearsal(place, forwarding) as lab:
        lab.director.write(CONFIGURATION, cluster.first(forwarding))
        for call in lab.start():
            call.completed.check()
        yield lab


@pytest.fixture
def lab(running: Rehearsal, forwarding: str) -> Iterator[Rehearsal]:
    """Back to the first file after the test."""
    yield running
    running.director.write(CONFIGURATION, cluster.first(forwarding))
    cluster.do(running, "reload")
