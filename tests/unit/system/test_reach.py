"""Whether somebody listens is told for many places at once, in bounded time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from lvs_init.system import reach


@pytest.fixture
def listening() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.fixture
def closed() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place: tuple[str, int] = server.getsockname()
    return place


def test_who_listens_is_not_told_of_and_who_does_not_is(listening: tuple[str, int], closed: tuple[str, int]) -> None:
    assert reach.refusals([listening, closed], 5.0) == {closed: "Connection refused"}
    assert reach.refusals([], 5.0) == {}


def test_more_places_than_may_be_open_at_once(
    monkeypatch: pytest.MonkeyPatch, listening: tuple[str, int], closed: tuple[str, int]
) -> None:
    monkeypatch.setattr(reach, "_AT_ONCE", 1)
    assert reach.refusals([closed, listening, closed], 5.0) == {closed: "Connection refused"}


def test_who_never_answers_costs_the_time_once(listening: tuple[str, int]) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        place = full.getsockname()
        with socket.create_connection(place):  # a backlog of 0 holds one; whoever comes then gets no answer
            began = time.monotonic()
            found = reach.refusals([place, listening, place], 2.0)
            assert time.monotonic() - began < 4
    assert found == {place: "no answer"}


def test_an_address_that_cannot_be_reached_is_told_of() -> None:
    assert list(reach.refusals([("255.255.255.255", 80)], 1.0)) == [("255.255.255.255", 80)]
