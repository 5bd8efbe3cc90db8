"""A scenario as a page: when what happened and what was lost, drawn and told."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from lvs_init.config.load import parse
from lvs_init.faces.scenario_html import page
from lvs_init.lab.scenario import Scenario
from lvs_init.lab.steady import Course, Loss
from lvs_init.lab.topology import topology_of
from tests.pages import Nesting

PAIR = (Path(__file__).parents[3] / "examples" / "ha-heartbeat.toml").read_text()
COURSE = Course(
    0.5,
    [{"rs1": 4, "rs2": 6}, {"rs1": 2}, {}, {"rs2": 5}],
    [(0.6, "new failed TIMEOUT"), (0.9, "new failed TIMEOUT"), (1.2, "download broken ECONNRESET")],
    [(0.5, "lb1 <hands> over"), (1.4, "done")],
)
LOST = (Loss("new", "failed", "TIMEOUT", "", 2, 0.6), Loss("download", "broken", "ECONNRESET", "rs1", 1, 1.2))
SCENARIO = Scenario(
    "failover", "guest", 20, {"rs1": 4, "rs2": 6}, {"rs1": 2, "rs2": 5}, LOST, 0.9, 0, ["a & b"], 0.8, 1, COURSE,
    ("deadtime comes on top",),
)  # fmt: skip


def made(scenario: Scenario = SCENARIO) -> str:
    topology = topology_of(parse(PAIR, "ha.toml"), pair=True)
    return page(scenario, topology, "ha.toml")


def test_it_is_whole_and_tells_everything() -> None:
    reader = Nesting()
    reader.feed(made())
    assert reader.open == []
    said = " ".join(reader.words)
    for words in ("3 of 20 requests were lost.", "lb1 <hands> over", "0.6 to 0.9", "2 x lost: new failed TIMEOUT",
                  "lost: download broken ECONNRESET", "a & b", "0.9 s; nobody was answered for 0.8 s",
                  "came to their right end: 1.", "deadtime comes on top", "lb2", "20/s"):  # fmt: skip
        assert words in said
    assert not re.search(r"https?:|<script|<link|src=|url\(", made())


def test_the_timeline_is_drawn_to_scale() -> None:
    timeline = made().partition('class="timeline"')[2].partition("</svg>")[0]
    columns = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" fill="#\w+" width="205.0" height="([\d.]+)"', timeline)
    assert [tuple(map(float, column)) for column in columns] == [
        (50, 166, 64), (50, 70, 96), (255, 198, 32), (665, 150, 80),
    ]  # fmt: skip
    assert timeline.count('class="mark"') == 2
    assert timeline.count('class="lost"') == 3


def test_nothing_was_asked() -> None:
    text = made(replace(SCENARIO, course=Course(), code=1, lost=()))
    assert "Nothing was asked." in text and "It could not be done." in text
    assert 'class="timeline"' not in text
