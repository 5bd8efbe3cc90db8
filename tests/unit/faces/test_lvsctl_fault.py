"""lvsctl lab --faults and the choice of a fault, without a lab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.errors import LvsError
from lvs_init.faces import lvsctl, lvsctl_fault
from lvs_init.lab.faults import FAULTS

EXAMPLES = Path(__file__).parents[3] / "examples"


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[str]:
    assert lvsctl.main(["lab", "--faults", "--json", *arguments], {}) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    return {fault["name"] for fault in told["faults"]}


def test_all_of_them_are_listed_and_a_file_lists_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == {fault.name for fault in FAULTS}
    nat = listed(capsys, str(EXAMPLES / "vs-nat.toml"))
    assert {"NAT01-all", "DR08-rule"} <= nat
    assert not {"ARP05", "TUN02", "CON08", "DIR01-ipv6", "NAT04"} & nat
    assert "NAT01-ipv6" in listed(capsys, str(EXAMPLES / "vs-nat-ipv6.toml"))


def test_people_get_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["lab", "--faults"], {}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FAULTS)
    assert lines[0].split()[0] == "ARP01-lo-only"


def test_a_fault_without_a_file_gets_a_cluster_that_fits() -> None:
    fault, file, _ = lvsctl_fault._chosen("nat01-ipv6", "", "")
    assert (fault.name, file) == ("NAT01-ipv6", "nat6.toml")
    fault, _, _ = lvsctl_fault._chosen("DR08", "f.toml", (EXAMPLES / "vs-nat-ipv6.toml").read_text())
    assert fault.name == "DR08-ipv6"


@pytest.mark.parametrize(("name", "says"), [("ARP99", "no fault ARP99"), ("TUN02", "by tun, IPv4")])
def test_what_does_not_fit_is_told(name: str, says: str) -> None:
    with pytest.raises(LvsError, match=says):
        lvsctl_fault._chosen(name, "f.toml", (EXAMPLES / "vs-nat.toml").read_text())


def test_lab_wants_a_file_or_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["lab"], {}) == 64
    assert "FILE is missing" in capsys.readouterr().err


def test_a_fault_has_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert lvsctl.main(["lab", "--fault", "ARP01", "--html", str(page)], {}) == 64
    assert "--html is not for --fault" in capsys.readouterr().err and not page.exists()


def test_one_thing_happens_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["lab", "x.toml", "--failover", "--kill-realserver", "rs1"], {}) == 64
    assert "not allowed with" in capsys.readouterr().err


def test_a_failover_takes_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["lab", str(EXAMPLES / "vs-nat.toml"), "--failover"], {}) == 1
    assert "has no [ha], so there is one director" in capsys.readouterr().err
    assert lvsctl.main(["lab", str(EXAMPLES / "ha-heartbeat.toml"), "--failover", "--director", "lb3"], {}) == 1
    assert "lb3 is none of the nodes of [ha]\n  -> they are lb1 and lb2" in capsys.readouterr().err


def test_scenarios_want_a_file_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["lab", "--kill-realserver", "rs1"], {}) == 64
    assert lvsctl.main(["lab", "--reload", "new.toml"], {}) == 64
    assert "--reload" in capsys.readouterr().err
