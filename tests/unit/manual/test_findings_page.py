"""docs/findings.md has a section for every code, and its table tells what the tests on a real kernel show."""

from __future__ import annotations

import re

from lvs_init.doctor.catalogue import CATALOGUE
from lvs_init.lab.faults import FAULTS
from manual.findings import DOCUMENT, markdown

INJECTED = {fault.code for fault in FAULTS}


def test_the_page_is_as_the_code_has_it() -> None:
    assert DOCUMENT.read_text() == markdown(), "run python3 -m manual.findings"


def test_every_fault_that_is_injected_is_one_that_doctor_finds() -> None:
    assert set(CATALOGUE) >= INJECTED
    assert [code for code in sorted(INJECTED) if CATALOGUE[code].not_seen] == []


def test_what_is_not_injected_says_why_not() -> None:
    reasons = {code: entry.not_injected for code, entry in CATALOGUE.items()}
    assert [code for code, reason in reasons.items() if bool(reason) == (code in INJECTED)] == []
    # Other kernels, hardware, a million connections, routers of other people's: these alone.
    assert [code for code, reason in reasons.items() if reason] == ["CON03", "CON09", "DIR15", "DIR18", "TUN06"]


def test_the_table_counts_all_of_them() -> None:
    rows = re.findall(
        r"^\| \[([A-Z0-9]+)\]\(#([a-z0-9_-]+)\) \| .+ \| (yes|no: .+) \| (.+) \| (.*) \|$", markdown(), re.M
    )
    assert [row[0] for row in rows] == list(CATALOGUE)
    assert {row[0] for row in rows if row[2] == "yes"} == INJECTED
    assert {row[3] for row in rows if row[2] == "yes"} == {"yes"}
    assert {row[4] for row in rows if row[2] == "yes"} <= {"yes", "by hand"}


def test_links_lead_to_headings() -> None:
    headings = re.findall(r"^## (.+)$", markdown(), re.M)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {entry.anchor for entry in CATALOGUE.values()} <= anchors
