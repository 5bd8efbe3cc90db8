"""The report as a page: well-formed, without anything from elsewhere, and with all that was shown."""

from __future__ import annotations

import re
from pathlib import Path

from lvs_init.config.load import parse
from lvs_init.faces.lab_html import page
from lvs_init.lab.report import CallReport, HostReport, Report, ServiceReport, Share, Step, VipReport
from lvs_init.lab.topology import topology_of
from tests.pages import Nesting

EXAMPLES = Path(__file__).parents[3] / "examples"


def made(requests: int = 2) -> str:
    share = Share("rs1", "192.168.0.11:80", "dr", 1, requests, 2, requests == 2)
    service = ServiceReport("tcp 192.168.0.219:80", "wrr", "by weight", 6, 6, {}, [share], share.ok)
    calls = [CallReport("lvs-director", "start", 0, ["<started>"], ["a & b"])]
    finding = {"host": "rs1", "severity": "risk", "code": "ARP01", "seen": "x < y", "fix": "sysctl -w a=1\n# & more"}
    report = Report(
        "web-dr", "guest", [service], [VipReport("192.168.0.219", ["director", "rs1"], False)],
        [HostReport("director", calls, ["<left>"])], ["a note"], [finding],
        [Step(2.5, "start <it>", "does not start", False)],
    )  # fmt: skip
    topology = topology_of(parse((EXAMPLES / "vs-dr.toml").read_text(), "vs-dr.toml"))
    return page(report, topology, "vs-dr.toml")


def test_it_is_whole_and_tells_everything() -> None:
    text = made()
    reader = Nesting()
    reader.feed(text)
    assert reader.open == []
    said = " ".join(reader.words)
    for words in ("<started>", "a & b", "<left>", "x < y", "sysctl -w a=1", "192.168.0.11/24", "198.51.100.0/24",
                  "2.5", "start <it>", "does not start !", "director, rs1 !", "a note",
                  "It did not hold."):  # fmt: skip
        assert words in said
    assert text.count("<rect ") == 5  # client, router, director, two real servers
    assert text.count("<circle ") == 6  # each on one network, the router on two


def test_it_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"https?:|<script|<link|src=|url\(", made())


def test_what_is_not_as_predicted_is_marked() -> None:
    assert '<td class="number bad">3 !</td>' in made(3)
    assert '<td class="number">2</td>' in made(2)
