"""A Snapshot of the machine that runs this test: whatever it is like, and whoever asks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from lvs_init.doctor.case import Case, roles
from lvs_init.doctor.catalogue import diagnose
from lvs_init.doctor.snapshot import snapshot_from_plain, snapshot_to_plain
from lvs_init.engine import forewarn, snapshot
from lvs_init.model.record import Record
from lvs_init.system import identity, runner
from tests.machines import CLIENT, VIP, cluster


@pytest.mark.skipif(shutil.which("ip", path=runner.PATH) is None, reason="there is no program ip")
def test_this_machine_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: False)
    of = cluster("dr")
    seen = snapshot.take(of, "7-abc")
    assert "lo" in {each.name for each in seen.interfaces or ()}
    assert "127.0.0.1" in {each.address for each in seen.addresses or ()}
    assert {(each.to, each.source) for each in seen.answers or ()} >= {(VIP, ""), (CLIENT, ""), (CLIENT, VIP)}
    assert (seen.sysctls or {})["net/ipv4/ip_forward"] in ("0", "1")
    assert seen.fingerprint == "7-abc" and seen.firewall is None
    assert "firewall rules" in {each.what for each in seen.unseen}
    assert snapshot_from_plain(json.loads(json.dumps(snapshot_to_plain(seen)))) == seen
    diagnose(Case(of, seen, roles(of, seen)))


def test_without_a_program_what_it_shows_is_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PATH", "/nowhere")
    seen = snapshot.take(cluster("dr"), "")
    assert seen.addresses is None and seen.answers is None
    assert "addresses and routes" in {each.what for each in seen.unseen}


def test_start_is_warned_of_what_is_broken_and_of_nothing_else() -> None:
    of = cluster("dr")
    (warning,) = forewarn.forewarned(of, [Record("director", "lvs", file=of.file)])
    assert warning.startswith(f"DIR01: {VIP} is no address of this machine: ")
    assert forewarn.forewarned(of, []) == []


def test_a_rule_that_fails_fails_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(forewarn, "diagnose", broken)
    (warning,) = forewarn.forewarned(cluster("dr"), [])
    assert "ZeroDivisionError: odd" in warning and "lvsctl doctor" in warning


def test_start_reads_every_setting_that_rules_ask_of() -> None:
    folder = Path(forewarn.__file__).parents[1] / "doctor"
    asked = re.findall(r'effective\("(\w+)"', "".join(path.read_text() for path in folder.glob("*.py")))
    assert sorted(set(asked)) == sorted(forewarn.ASKED)
