"""lvsctl lab's own promise: examples hold, and what does not hold is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.faces.lvsctl_lab import conclude
from lvs_init.lab.course import rehearse
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal
from lvs_init.lab.report import Report

pytestmark = pytest.mark.either_channel

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Those of pairs are rehearsed by tests/ha.
ALONE = sorted(path.stem for path in EXAMPLES.glob("*.toml") if not path.stem.startswith("ha-"))
#: The ones whose ratio is what they are about.
RATIOS = {"vs-nat": [3, 3], "vs-dr": [2, 4], "vs-tun": [2, 4], "vs-udp": [3, 3]}


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.toml").read_text()


def requests(report: Report) -> list[int]:
    return [share.requests for share in report.services[0].shares]


@pytest.mark.parametrize("name", ALONE)
def test_every_example_holds(place: Place, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Rehearsal(place, example(name), fresh=False) as rehearsal:
        report = rehearse(rehearsal)
    assert conclude(report, f"{name}.toml", as_json=False) == 0, capsys.readouterr().out
    assert "All of it held." in capsys.readouterr().out
    if name in RATIOS:
        assert requests(report) == RATIOS[name]


def test_swapped_weights_are_seen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    def swap(rehearsal: Rehearsal) -> None:
        for rip, weight in (("192.168.0.11", "2"), ("192.168.0.12", "1")):
            service = ["-t", "192.168.0.219:80", "-r", f"{rip}:80", "-g"]
            rehearsal.director.run(["ipvsadm", "-e", *service, "-w", weight]).check()

    with Rehearsal(place, example("vs-dr"), fresh=False) as rehearsal:
        report = rehearse(rehearsal, tamper=swap)
    assert requests(report) == [4, 2]
    assert conclude(report, "vs-dr.toml", as_json=False) == 1
    assert "It did not hold." in capsys.readouterr().out


def test_leftovers_and_foreign_owners_are_seen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    def leave(rehearsal: Rehearsal) -> None:
        first = rehearsal.realservers["rs1"]
        first.ip("address add 10.99.0.1/32 dev eth0")
        first.write("/proc/sys/net/ipv4/conf/all/arp_ignore", "0")

    with Rehearsal(place, example("vs-dr"), fresh=False) as rehearsal:
        report = rehearse(rehearsal, tamper=leave)
    assert conclude(report, "vs-dr.toml", as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in ("version", "ok", "cluster", "file", "notes")} == {
        "version": 1,
        "ok": False,
        "cluster": "web-dr",
        "file": "vs-dr.toml",
        "notes": [],
    }
    assert told["vips"] == [{"vip": "192.168.0.219", "owners": ["director", "rs1"], "ok": False}]
    hosts = {host["host"]: host for host in told["hosts"]}
    assert [name for name, host in hosts.items() if host["left"]] == ["rs1"]
    assert any("10.99.0.1" in line for line in hosts["rs1"]["left"])
    assert [call["verb"] for call in hosts["director"]["calls"]] == ["start", "status", "stop"]
    assert told["services"][0]["shares"][0].keys() == {
        "host", "realserver", "forwarding", "weight", "requests", "predicted", "ok",
    }  # fmt: skip


def test_a_start_that_fails_is_told_and_nothing_is_asked(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with Rehearsal(place, example("vs-dr"), fresh=False) as rehearsal:
        rehearsal.director.write(CONFIGURATION, "[cluster\n")
        report = rehearse(rehearsal)
    assert report.services == []
    assert conclude(report, "vs-dr.toml", as_json=False) == 1
    assert "lvs-director start: lvs-director: /etc/lvs/lvs.toml has a mistake" in capsys.readouterr().out


def test_two_rehearsals_at_once_do_not_meet(place: Place) -> None:
    with (
        Rehearsal(place, example("vs-nat"), fresh=False) as nat,
        Rehearsal(place, example("vs-nat"), fresh=False) as other,
    ):
        for call in nat.start():
            call.completed.check()
        assert nat.request(count=2) == {"answers": {"rs1": 1, "rs2": 1}, "errors": {}}
        assert other.request(count=1, timeout=0.5)["answers"] == {}
        assert nat.owners() == {"192.168.0.219": ["director"]}
        assert other.owners() == {"192.168.0.219": []}
