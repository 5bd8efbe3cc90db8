"""bench/report.py and bench/plot.py: what is printed, saved and drawn of the results."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bench import plot, report
from bench.cluster import HUGE, MANY, SMALL
from bench.numbers import BASH, EMPTY, FLOOR, LDIRECTORD, OURS, PYTHON, Measured, Samples, results, start

MEASURED: Measured = {
    (EMPTY, PYTHON): Samples([0.1], programs=1),
    (start(SMALL), OURS): Samples([1.1, 1.1], programs=7),
    (start(SMALL), BASH): Samples([0.2], programs=6),
    (start(MANY), OURS): Samples([2.1]),
    (start(MANY), LDIRECTORD): Samples([300.0], over=True),
    (start(HUGE), OURS): Samples([6.1], peak=80000),
    (start(HUGE), FLOOR): Samples([1.5]),
}
ABOUT = {"date": "2026-01-02 03:04, 9 minutes, 5 rounds", "kernel": "Linux 6.1"}


def lines() -> dict[str, str]:
    text = report.table(results(MEASURED), ABOUT)
    return {line.partition("  ")[0]: " ".join(line.split()) for line in text.splitlines()}


def test_a_row_shows_both_sides_the_interpreter_the_ratio_and_the_aim():
    assert lines()["start, 1 x 2 *"] == "start, 1 x 2 * bash 1.100 0.200 0.100 5.00 4 missed 2 : 1 7 : 6"


def test_a_rival_that_was_ended_before_it_was_done_makes_the_ratio_a_limit():
    assert "> 300.000 0.100 < 0.0067 0.02 met" in lines()["start, 50 x 20 *"]


def test_date_and_versions_stand_above():
    assert lines()["date"] == "date 2026-01-02 03:04, 9 minutes, 5 rounds"


def test_the_table_is_ascii():
    assert report.table(results(MEASURED), ABOUT).isascii()


def test_what_was_saved_is_what_was_measured():
    assert report.measured_of(report.as_json(MEASURED, results(MEASURED), ABOUT)) == (MEASURED, ABOUT)


def test_what_another_version_saved_is_refused():
    saved = report.as_json(MEASURED, [], ABOUT).replace('"version": 2', '"version": 1')
    with pytest.raises(ValueError, match="measure again"):
        report.measured_of(saved)


def test_the_drawing_has_a_line_for_each_contender_with_its_name():
    drawn = plot.lines(MEASURED)
    assert drawn[OURS] == {2: pytest.approx(1.0), 1000: pytest.approx(2.0), 20000: pytest.approx(6.0)}
    assert drawn[LDIRECTORD] == {1000: 300.0}
    picture = ET.fromstring(plot.svg(drawn, "a < b"))
    names = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {OURS, BASH, LDIRECTORD, FLOOR, "a < b"} <= names
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polyline"))) == len(drawn)


def test_more_time_and_more_real_servers_lie_further_up_and_right():
    picture = ET.fromstring(plot.svg({OURS: {1: 1.0, 100: 10.0}}, ""))
    (line,) = picture.iter("{http://www.w3.org/2000/svg}polyline")
    (x1, y1), (x2, y2) = (tuple(map(float, point.split(","))) for point in line.attrib["points"].split())
    assert x1 < x2
    assert y1 > y2
