"""What a scenario tells, and the hosts that two files need together."""

from __future__ import annotations

import json

import pytest

from lvs_init.config.load import parse
from lvs_init.faces.lvsctl_scenario import conclude
from lvs_init.lab.rehearsal import both
from lvs_init.lab.scenario import Scenario
from lvs_init.lab.standing import CLUSTERS
from lvs_init.lab.steady import Loss
from lvs_init.lab.topology import topology_of

LOSS = Loss("new", "refused", "ECONNREFUSED", "", 3, 1.5)


def test_hosts_are_made_for_both_files() -> None:
    first = parse(CLUSTERS["nat"], "a.toml")
    later = parse(CLUSTERS["nat"].replace("192.168.10.12", "192.168.10.13"), "b.toml")
    topology = topology_of(both(first, later))
    assert [host.rips for host in topology.realservers] == [("192.168.10.11",), ("192.168.10.12",), ("192.168.10.13",)]
    assert both(first, first) == first


@pytest.mark.parametrize(
    ("lost", "code", "exit_code", "last"),
    [
        ((), 0, 0, "Nothing was lost of 90 requests."),
        ((LOSS,), 0, 1, "3 of 90 requests were lost."),
        ((), 1, 1, "It could not be done."),
    ],
)
def test_the_outcome_is_told(
    lost: tuple[Loss, ...], code: int, exit_code: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = Scenario("reload", "guest", 90, {"rs1": 40}, {"rs1": 20, "rs2": 30}, lost, 0.2, code, ["done"])
    assert conclude(scenario, "a.toml", as_json=False) == exit_code
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == last
    assert [line.split() for line in said[1:4]] == [
        ["answered", "by", "before", "since"], ["rs1", "40", "20"], ["rs2", "0", "30"],
    ]  # fmt: skip
    assert conclude(scenario, "a.toml", as_json=True) == exit_code
    assert json.loads(capsys.readouterr().out)["losses"] == 3 * len(lost)


def test_what_clients_noticed_beside_losses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = Scenario(
        "failover", "guest", 90, {"rs1": 40}, {"rs1": 50}, (), 3.1, 0, ["done"], 2.9, 2, notes=("a note",)
    )
    assert conclude(scenario, "a.toml", as_json=False) == 0
    said = capsys.readouterr().out
    assert "The longest request took 3.1 s; nobody was answered for 2.9 s at most." in said
    assert "Downloads that had begun before and came to their right end: 2." in said
    assert "note: a note" in said
    assert conclude(scenario, "a.toml", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["gap"], told["downloads"], told["notes"]) == (2.9, 2, ["a note"])
    assert told["course"] == {"step": 0.25, "answers": [], "losses": [], "marks": []}
