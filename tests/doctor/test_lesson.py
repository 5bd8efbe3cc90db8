"""lvsctl lab --fault, as people see it."""

from __future__ import annotations

import json

import pytest

from lvs_init.faces.lab_display import Progress
from lvs_init.faces.lvsctl_fault import conclude
from lvs_init.lab.faults import named
from lvs_init.lab.lesson import teach
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.standing import CLUSTERS


@pytest.mark.xdist_group("examples")
def test_a_fault_is_shown_from_beginning_to_end(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    fault = named("ARP05")[0]
    with Rehearsal(place, CLUSTERS["dr"], fresh=False) as rehearsal:
        lesson = teach(rehearsal, fault, Progress())
    assert conclude(lesson, "dr.toml", as_json=False) == 0
    said = capsys.readouterr().out
    for text in ("rs1: ip address add 192.168.0.219/24 dev lo", "TIMEOUT", "ARP05", "The doctor named it."):
        assert text in said
    assert conclude(lesson, "dr.toml", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and told["named"] and told["as_told"] and told["works_again"]
    assert told["fault"] == {"code": "ARP05", "name": "ARP05", "what": fault.what}
    assert told["doctor"]["host"] == "rs1"
    assert told["commands"][0] == {"host": "rs1", "command": "ip address del 192.168.0.219/32 dev lo"}
