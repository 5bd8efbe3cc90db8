"""The reports of lvsctl lab --html, of rehearsals that took place, looked at in a browser."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import browser
import pytest
from browser import Box, Drawing, Shown

from lvs_init.faces import lab_html, scenario_html
from lvs_init.faces.lvsctl_scenario import conclude
from lvs_init.lab.course import Nobody, rehearse
from lvs_init.lab.failover import failover_under_load
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.watching import Doing, Watch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def _browser() -> None:
    browser.require()


def assert_readable(shown: Shown) -> None:
    """All of it is in the window, drawings have a size, and nothing is written over anything else."""
    assert shown.errors == [] and shown.fetched == []
    assert shown.width <= shown.window
    for drawing in shown.drawings:
        assert drawing.place.width > 300 and drawing.place.height > 100
        for text in drawing.texts:
            assert drawing.place.holds(text), text
        for one, other in itertools.combinations(drawing.texts, 2):
            assert not one.covers(other), (one, other)
    for one, other in itertools.pairwise(shown.rows):
        assert not one.covers(other), (one, other)


def assert_hosts_are_drawn(drawing: Drawing, *names: str) -> None:
    boxes = [box for box in drawing.boxes if box.name in ("host", "director")]
    assert len(boxes) == len(names)
    for box, name in zip(boxes, names):
        inside = [text for text in drawing.texts if box.covers(text)]
        assert inside[0].words == name and len(inside) > 1
        assert all(box.holds(text) for text in inside), (box, inside)


def cells(shown: Shown) -> str:
    return "\n".join(row.words for row in shown.rows)


@pytest.mark.xdist_group("examples")
def test_the_report_of_a_rehearsal(place: Place, tmp_path: Path) -> None:
    with Rehearsal(place, (EXAMPLES / "vs-dr.toml").read_text(), fresh=False) as rehearsal:
        report = rehearse(rehearsal, examine=True)
    page = lab_html.page(report, rehearsal.topology, "vs-dr.toml")
    shown = browser.show(page, tmp_path)
    assert_readable(shown)
    (drawing,) = shown.drawings
    assert_hosts_are_drawn(drawing, "client", "router", "director", "rs1", "rs2")
    assert [heading.words for heading in shown.headings][:2] == ["Rehearsal of vs-dr.toml", "Hosts and networks"]
    for words in ("rs1192.168.0.11:80", "192.168.0.219director", "lvs-director start", "ask the doctor on every node"):
        assert words in cells(shown)
    assert browser.painted(page, tmp_path) > 50


@pytest.mark.xdist_group("examples")
def test_a_failover_and_its_report(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[list[Doing]] = []
    with Rehearsal(place, (EXAMPLES / "ha-heartbeat.toml").read_text(), fresh=False, pair=True) as rehearsal:
        watch = Watch(rehearsal)
        place.meanwhile = lambda: seen.append(watch.look())
        scenario = failover_under_load(rehearsal, Nobody())
    conclude(scenario, "ha.toml", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert scenario.code == 0, told
    assert [what for _, what in told["course"]["marks"]] == [
        "lb1 hands over to lb2", "done", "lb2 dies, lb1 takes over", "done",
    ]  # fmt: skip
    assert told["gap"] > 0 and set(told["answered_since"]) == {"rs1", "rs2"}
    assert told["downloads"] + sum(loss["kind"] == "download" for loss in told["lost"]) == 2
    assert_was_watched(seen)

    shown = browser.show(scenario_html.page(scenario, rehearsal.topology, "ha.toml"), tmp_path)
    assert_readable(shown)
    timeline, hosts = shown.drawings
    assert_hosts_are_drawn(hosts, "client", "lb1", "lb2", "rs1", "rs2")
    marks = [line for line in timeline.lines if line.name == "mark"]
    assert len(marks) == 4 and all(timeline.place.covers(_wide(mark)) for mark in marks)
    assert len([box for box in timeline.boxes if box.height > 2]) > 3
    assert re.search(r"1\d+\.\dlb1 hands over to lb2", cells(shown))


def assert_was_watched(seen: list[list[Doing]]) -> None:
    assert [host.host for host in seen[0]] == ["lb1", "lb2", "rs1", "rs2"]
    everything = [host for look in seen for host in look]
    for name in ("lb1", "lb2", "rs1", "rs2"):
        assert max(host.count or 0 for host in everything if host.host == name) > 0
        assert max(host.rate for host in everything if host.host == name) > 0
    assert {host.host: host.count for host in seen[-1]}["lb2"] is None  # it is dead


def _wide(line: Box) -> Box:
    """A line has no width of its own."""
    return Box(line.left - 2, line.top, line.right + 2, line.bottom, line.words, line.name)


def test_a_page_that_cannot_be_read_is_seen_as_such(tmp_path: Path) -> None:
    """The control: what the others must not find is found."""
    drawing = '<svg width="400" height="200"><text x="9" y="50">one</text><text x="12" y="52">two</text></svg>'
    script = '<img src="http://lvs.invalid/a.png"><script>throw new Error("odd")</script>'
    shown = browser.show(f"<html><head></head><body>{drawing}{script}</body></html>", tmp_path)
    (one,) = shown.drawings
    assert one.texts[0].covers(one.texts[1])
    assert shown.fetched == ["http://lvs.invalid/a.png"]
    assert any("odd" in error for error in shown.errors)
