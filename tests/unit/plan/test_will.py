"""Weights by hand: which will counts, what it makes of a weight at a time, when that changes next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.will import Will
from lvs_init.plan.will import next_change, overlay, refusals, rulings, said, weight, withdrawn

SERVICE = ServiceKey("tcp", "10.0.0.1", 80)
ONE, OTHER = RealServerKey(SERVICE, "10.0.0.11", 80), RealServerKey(SERVICE, "10.0.0.12", 80)
ELSEWHERE = RealServerKey(SERVICE, "10.0.0.11", 8080)
WANTED = {SERVICE: None, ONE: RealServer("dr", 4), OTHER: RealServer("dr", 4), ELSEWHERE: RealServer("dr", 4)}
SAID = 1000.0


def will(weight: int = 0, port: int | None = None, **more: float) -> Will:
    return Will("10.0.0.11", port, weight, SAID, **more)


@pytest.mark.parametrize(
    ("wills", "clock", "expected"),
    [
        ([], 0.0, {}),
        ([will()], 5e9, {ONE: 0, ELSEWHERE: 0}),
        ([will(port=80)], 5e9, {ONE: 0}),
        ([will(port=81)], 5e9, {}),
        ([will(), will(7, port=80)], 5e9, {ONE: 7, ELSEWHERE: 0}),
        ([will(until=2000.0)], 1999.9, {ONE: 0, ELSEWHERE: 0}),
        ([will(until=2000.0)], 2000.0, {ONE: None, ELSEWHERE: None}),
        ([will(8, port=80, over=100.0)], SAID, {ONE: 4}),
        ([will(8, port=80, over=100.0)], SAID + 50, {ONE: 6}),
        ([will(8, port=80, over=100.0)], SAID + 100, {ONE: 8}),
    ],
)
def test_overlay(wills: list[Will], clock: float, expected: dict[RealServerKey, int | None]) -> None:
    assert overlay(WANTED, wills, clock) == expected


def test_the_way_begins_at_the_weight_of_then() -> None:
    up = Will("10.0.0.11", None, 10, SAID, over=10.0, starts={ONE: 0})
    assert [weight(up, ONE, 4, SAID + second) for second in (-5.0, 0.0, 0.4, 0.5, 1.4, 9.4, 9.5, 10.0, 99.0)] == [
        0, 0, 0, 1, 1, 9, 10, 10, 10,
    ]  # fmt: skip
    down = Will("10.0.0.11", None, 0, SAID, over=10.0, starts={ONE: 10})
    assert [weight(down, ONE, 4, SAID + second) for second in (0.0, 0.5, 5.0, 9.5, 10.0)] == [10, 9, 5, 0, 0]


@given(st.integers(0, 300), st.integers(0, 300), st.floats(1, 1000), st.floats(-10, 1100).map(lambda late: SAID + late))
def test_nothing_changes_before_the_next_change(start: int, end: int, over: float, clock: float) -> None:
    """But for what changes within a second, which nobody gets up for."""
    one = Will("10.0.0.11", None, end, SAID, over=over, starts={ONE: start})
    change = next_change(one, {ONE: 4}, clock)
    if change is None:
        assert weight(one, ONE, 4, clock) == end
        return
    assert clock < change <= max(SAID + over, clock + 1.0)
    if change > clock + 1.0:
        just_before = change - 1e-6 * over
        assert just_before <= clock or weight(one, ONE, 4, just_before) == weight(one, ONE, 4, clock)
        assert weight(one, ONE, 4, change + 1e-6 * over) != weight(one, ONE, 4, clock) or change == SAID + over


@pytest.mark.parametrize(
    ("one", "clock", "expected"),
    [
        (will(), SAID, None),
        (will(until=2000.0), SAID, 2000.0),
        (will(until=2000.0), 2000.0, None),
        (will(5, over=10.0), SAID + 10, None),
    ],
)
def test_next_change(one: Will, clock: float, expected: float | None) -> None:
    assert next_change(one, {ONE: 4}, clock) == expected


def test_what_is_said_later_counts() -> None:
    drained, heavy, other = will(), will(9, port=80), Will("10.0.0.12", None, 1, SAID)
    assert said([heavy, other], drained) == (other, drained)
    assert said([drained, other], heavy) == (drained, other, heavy)
    assert said([heavy], will(3, port=80)) == (will(3, port=80),)
    assert rulings([drained, other, heavy])(ONE) == heavy
    assert rulings([drained, other, heavy])(ELSEWHERE) == drained
    assert rulings([heavy])(OTHER) is None
    assert rulings([heavy, drained])(ONE) == drained


def test_withdrawn() -> None:
    wills = (will(), will(9, port=80), Will("10.0.0.12", None, 1, SAID))
    assert withdrawn(wills, "10.0.0.11", None) == wills[2:]
    assert withdrawn(wills, "10.0.0.11", 80) == (wills[0], wills[2])
    assert withdrawn(wills, "10.0.0.13", None) == wills


@pytest.mark.parametrize(
    ("scheduler", "weights", "expected"),
    [
        ("rr", (0, 4), []),
        ("rr", (0, 0), ["no real server has a weight"]),
        ("rr", (None, 0), ["no real server has a weight"]),
        ("dh", (0, 4), ["the scheduler dh"]),
        ("dh", (None, 4), []),
        ("dh", (2, 4), []),
    ],
)
def test_who_turns_clients_away_by_hand_is_told(
    scheduler: str, weights: tuple[int | None, int], expected: list[str]
) -> None:
    live = {SERVICE: Service(scheduler), ONE: RealServer("dr", 4), OTHER: RealServer("dr", weights[1])}
    wanted = {ONE: None if weights[0] is None else RealServer("dr", weights[0])}
    told = list(refusals(live, wanted, [SERVICE, ONE]))
    assert [text in sentence for text, sentence in zip(expected, told)] == [True] * len(expected)
    assert len(told) == len(expected)
    assert list(refusals(live, wanted, [SERVICE])) == []
    assert list(refusals({}, {}, [ONE])) == []
