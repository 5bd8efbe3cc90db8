"""One guest a worker. The hosts of a pair run what is unpacked in build/ha (make test-ha does that)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pair.lab import INSIDE, UNPACKED
from support.fixtures import LAB, REQUIRED, SCRIPTS, keep_modules_together

from lvs_init.errors import NotInstalled
from lvs_init.lab.place import PRELOADED, ROOT, Place, choose, open_place

_HERE = os.path.dirname(os.path.abspath(__file__))
_MEGABYTES = 1024  # two times Corosync and Pacemaker have 430 without anything of ours


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    keep_modules_together(items, _HERE)


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """Always a guest: Heartbeat's scripts reboot the machine that they are on where a stop fails."""
    try:
        choose("guest")
        if not os.path.isdir(UNPACKED):
            raise NotInstalled(f"{UNPACKED} is not there", hint="make test-ha sets it up")
    except NotInstalled as error:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(f"{error.message} ({error.hint})")
    modules = [*PRELOADED, *INSIDE, *SCRIPTS, "pair.orders", "stances"]
    with open_place("guest", megabytes=_MEGABYTES, preload=modules, paths=[ROOT, LAB, _HERE]) as opened:
        yield opened
