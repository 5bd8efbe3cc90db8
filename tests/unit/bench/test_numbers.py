"""bench/numbers.py: from measured seconds to ratios, exponents and MB."""

from __future__ import annotations

import pytest

from bench.cluster import GROWING, HUGE, SMALL
from bench.numbers import (
    BASH,
    EMPTY,
    FLOOR,
    KEEPALIVED,
    OURS,
    PYTHON,
    THOUSAND_BY_FOUR,
    Measured,
    Result,
    Samples,
    exponent,
    reload,
    results,
    start,
    status,
)

INTERPRETER: Measured = {(EMPTY, PYTHON): Samples([0.5, 0.1, 0.2])}


def result(measured: Measured, work: str, against: str) -> Result:
    found = [each for each in results({**INTERPRETER, **measured}) if (each.work, each.against) == (work, against)]
    assert len(found) == 1
    return found[0]


def test_with_a_star_the_interpreter_is_taken_off_our_side_alone():
    work = start(SMALL)
    found = result({(work, OURS): Samples([9, 1.2, 0.1]), (work, BASH): Samples([0.25])}, work, BASH)
    assert found.interpreter == 0.2
    assert found.value == pytest.approx((1.2 - 0.2) / 0.25)
    assert (found.aim, found.met) == (4, True)


def test_without_a_star_all_of_our_time_counts():
    work = status(SMALL)
    found = result({(work, OURS): Samples([0.6])}, work, PYTHON)
    assert found.value == pytest.approx(0.6 / 0.2)
    assert (found.interpreter, found.met) == (None, False)


def test_a_row_without_an_aim_is_neither_met_nor_missed():
    work = start(HUGE)
    found = result({(work, OURS): Samples([3.0], peak=1), (work, KEEPALIVED): Samples([2.0])}, work, KEEPALIVED)
    assert (found.aim, found.met) == (None, None)


def test_what_was_not_measured_has_no_row():
    measured: Measured = {**INTERPRETER, (start(HUGE), FLOOR): Samples([1.0]), (start(SMALL), OURS): Samples([1.0])}
    assert results(measured) == []


def test_of_a_run_that_was_cut_short_no_growth_is_told():
    some: Measured = {**INTERPRETER, **{(start(each), OURS): Samples([1.0]) for each in GROWING[:2]}}
    assert results(some) == []


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_that_the_times_grow_with(power: float):
    assert exponent({size: 0.003 * size**power for size in (1000, 4000, 10000)}) == pytest.approx(power)


def test_growth_is_told_without_the_interpreter():
    measured: Measured = {}
    for cluster in GROWING:
        measured[start(cluster), OURS] = Samples([0.2 + cluster.realservers / 1000])
        measured[reload(cluster), OURS] = Samples([0.2 + (cluster.realservers / 1000) ** 2])
    assert result(measured, "start, 1000 to 10000", "linear").value == pytest.approx(1.0)
    grown = result(measured, "reload, 1000 to 10000", "linear")
    assert grown.value == pytest.approx(2.0)
    assert grown.met is False


def test_memory_is_told_in_millions_of_bytes():
    found = result({(start(HUGE), OURS): Samples([1.0], peak=100_000)}, "memory, 20000", "MB")
    assert found.value == pytest.approx(102.4)
    assert found.met is True


def test_the_rival_of_the_reload_is_the_one_with_4000_real_servers():
    assert THOUSAND_BY_FOUR.realservers == 4000
