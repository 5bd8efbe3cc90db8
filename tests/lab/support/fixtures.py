"""One lab a worker: a guest takes seconds to boot, its hosts a tenth of one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from lvs_init.engine import channel
from lvs_init.errors import NotInstalled
from lvs_init.lab.node import Node
from lvs_init.lab.place import PRELOADED, ROOT, SYSTEM_PYTHON, Place, choose, open_place

REQUIRED = "LVS_LAB_REQUIRED"  # set where a lab must be had: not having one is a failure then
INTERPRETER = "LVS_LAB_PYTHON"  # the Python that runs the scripts in the lab
#: What the scripts import, so that those that are run in a fork find it there.
SCRIPTS = (
    "lvs_init.config.director", "lvs_init.config.environment", "lvs_init.config.load", "lvs_init.config.realserver",
    "lvs_init.engine.forewarn", "lvs_init.engine.run", "lvs_init.faces.lsb", "lvs_init.faces.lsb_status", "tomllib",
)  # fmt: skip
#: Both generations of sh run the lab: the system's Python has Debian's 1.14, the one that runs the tests PyPI's 2.x.
WITH_SH_OF_PYPI = ("test_channel", "test_crash", "test_reload", "test_restore", "test_status", "test_traffic")
LAB = str(Path(__file__).resolve().parents[1])
HANDED_IN = (channel.VARIABLE,)  # what the scripts in the lab find in their environment, where the tests do


def _handed_in() -> dict[str, str]:
    return {name: os.environ[name] for name in HANDED_IN if name in os.environ}


def keep_modules_together(items: list[pytest.Item], folder: str) -> None:
    """A module's tests share hosts, so one worker runs them all."""
    for item in items:
        if item.path.is_relative_to(folder) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def places() -> Iterator[Callable[[str], Place]]:
    """Opens a lab for an interpreter, once a worker."""
    try:
        choose()
    except NotInstalled as error:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(f"{error.message} ({error.hint})")
    opened: dict[str, Place] = {}
    with contextlib.ExitStack() as stack:

        def of(interpreter: str) -> Place:
            if interpreter not in opened:
                lab = open_place(
                    interpreter=interpreter, preload=[*PRELOADED, *SCRIPTS], paths=[ROOT, LAB], environment=_handed_in()
                )
                opened[interpreter] = stack.enter_context(lab)
            return opened[interpreter]

        yield of


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    """The lab. Modules of tests/lab can be called in its hosts by their plain names."""
    newer = request.path.stem in WITH_SH_OF_PYPI
    return places(os.environ.get(INTERPRETER, sys.executable if newer else SYSTEM_PYTHON))


@pytest.fixture
def node(place: Place) -> Iterator[Callable[[str], Node]]:
    """Makes hosts that are gone after the test."""
    nodes: list[Node] = []

    def make(name: str) -> Node:
        nodes.append(place.node(name))
        return nodes[-1]

    yield make
    for each in nodes:
        each.close()


@pytest.fixture
def bridge(place: Place) -> Iterator[Callable[[str], str]]:
    """Makes bridges that are gone after the test."""
    names: list[str] = []

    def make(name: str) -> str:
        place.bridge(name)
        names.append(name)
        return name

    yield make
    place.unbridge(*names)
