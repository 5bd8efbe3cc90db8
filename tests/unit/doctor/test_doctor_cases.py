"""tests/cases/doctor/NAME/: lvs.toml and a machine's snapshot.json with what is found in findings.txt.

What no lab can bring about is shown here: a connection table with a million entries, hardware, kernels of long ago.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.config.load import parse
from lvs_init.doctor.case import Case, roles
from lvs_init.doctor.catalogue import CATALOGUE, diagnose
from lvs_init.doctor.snapshot import snapshot_from_plain
from lvs_init.lab.faults import FAULTS

CASES = Path(__file__).parents[2] / "cases" / "doctor"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_doctor_case(case: str) -> None:
    folder = CASES / case
    cluster = parse((folder / "lvs.toml").read_bytes(), "/etc/lvs/lvs.toml")
    machine = snapshot_from_plain(json.loads((folder / "snapshot.json").read_text()))
    found = diagnose(Case(cluster, machine, roles(cluster, machine)))
    told = "".join(f"{each.severity} {each.code} {each.about}\n  {each.seen}\n  {each.fix.text}\n" for each in found)
    assert told == (folder / "findings.txt").read_text()


def test_what_the_lab_cannot_do_has_a_case_where_a_machine_shows_it() -> None:
    injected = {fault.code for fault in FAULTS}
    have = {path.name[:5].upper() for path in CASES.iterdir()}
    lacking = [
        code for code, entry in CATALOGUE.items() if code not in injected and not entry.not_seen and code not in have
    ]
    assert lacking == []
