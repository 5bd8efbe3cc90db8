"""lvsctl lab --reload and --kill-realserver: what clients lose is counted, and nothing is lost by a reload."""

from __future__ import annotations

import json

import pytest

from lvs_init.faces.lab_display import Progress
from lvs_init.faces.lvsctl_scenario import conclude
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.scenario import kill_under_load, reload_under_load
from lvs_init.lab.standing import CLUSTERS

LATER = CLUSTERS["nat"].replace('{ rip = "192.168.10.12" }', '{ rip = "192.168.10.13" }')


@pytest.mark.xdist_group("nat")
def test_a_reload_loses_nothing_and_reaches_a_new_real_server(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with Rehearsal(place, CLUSTERS["nat"], fresh=False, later=LATER) as rehearsal:
        scenario = reload_under_load(rehearsal, Progress())
    assert conclude(scenario, "nat.toml", as_json=False) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "Nothing was lost of" in said
    assert set(scenario.before) == {"rs1", "rs2"}
    assert scenario.since["rs3"] > 0


@pytest.mark.xdist_group("nat")
def test_the_end_of_a_real_server_costs_requests(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with Rehearsal(place, CLUSTERS["nat"], fresh=False) as rehearsal:
        scenario = kill_under_load(rehearsal, "rs1", Progress())
    capsys.readouterr()
    assert conclude(scenario, "nat.toml", as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["losses"] > 0 and told["what"] == "the server of rs1 ends"
    assert told["answered_since"]["rs2"] > 0
