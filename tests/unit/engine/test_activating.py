"""Taking over when the file or a trial is in the way: a standby that can serve serves. tests/ha does it for real."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lvs_init.engine import memory, run, trial, trying
from lvs_init.engine.moment import boottime
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Outcome, Result, Target
from lvs_init.engine.trial import Trial
from lvs_init.errors import SystemFailure
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.record import ACTIVE, STANDBY, Record
from lvs_init.system import identity
from lvs_init.system.runner import Runner

VIP = AddressKey("eth0", "192.168.0.219", 32)
ALONE = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
dip = "192.168.0.1"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }]
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> run.Engine:
    """Of a machine on which "web" stands by. What is made of a record only tells its stance."""

    def told(before: Record, target: Target, *rest: Any) -> Any:
        return SimpleNamespace(run=lambda: Outcome(target, Result.DONE, stance=rest[-1]))

    for module in (run, trying):
        monkeypatch.setattr(module, "from_record", told)
    monkeypatch.setattr(identity, "is_root", lambda: True)
    monkeypatch.setattr(Runner, "find", lambda runner, program: f"/usr/sbin/{program}")
    folders = {name: str(tmp_path / name) for name in ("run", "state", "subsys")}
    (tmp_path / "subsys").mkdir()
    (tmp_path / "web.toml").write_text(ALONE)
    return run.Engine(DIRECTOR, ("web",), paths=Paths(configuration=str(tmp_path), assignments=(), **folders))


def standby(engine: run.Engine) -> tuple[memory.Memory, Record]:
    file = f"{engine.paths.configuration}/web.toml"
    known = memory.recall(engine.paths, Target(DIRECTOR, "web", file))
    known.commit(Record(DIRECTOR, "web", file=file, stance=STANDBY, withheld={VIP: Alias("eth0:1")}))
    assert known.mine is not None
    return known, known.mine


def test_a_file_that_has_lost_its_ha_keeps_no_standby_from_taking_over(engine: run.Engine) -> None:
    standby(engine)
    (outcome,) = engine.carry_out("activate")
    assert (outcome.error, outcome.stance) == (None, ACTIVE)
    assert outcome.warnings[0].endswith("; what was applied last is active")


def test_start_still_makes_no_standby_active_by_a_file_without_ha(engine: run.Engine) -> None:
    standby(engine)
    (outcome,) = engine.carry_out("start")
    assert outcome.error is not None and "has no [ha] any more" in outcome.error.message


def test_a_program_that_has_gone_does_not_either(engine: run.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    standby(engine)
    monkeypatch.setattr(Runner, "find", lambda runner, program: None)
    (outcome,) = engine.carry_out("activate")
    assert (outcome.error, outcome.stance) == (None, ACTIVE)


@pytest.mark.parametrize(("verb", "stance"), [("activate", ACTIVE), ("start", STANDBY)])
def test_a_trial_that_was_cut_short_is_taken_back_to_the_stance_that_is_asked_for(
    engine: run.Engine, monkeypatch: pytest.MonkeyPatch, verb: str, stance: str
) -> None:
    known, before = standby(engine)
    trial.keep(engine.paths, Trial("web", "/root/next.toml", ALONE, before.file, boottime() + 600, before))
    known.begin(Record(DIRECTOR, "web", file="/root/next.toml", stance=STANDBY, fingerprint="1-2"))
    monkeypatch.setattr(run.Engine, "hand_over", lambda engine: [])
    (outcome,) = engine.carry_out(verb)
    assert (outcome.error, outcome.stance) == (None, stance)
    assert trial.pending(engine.paths) == []


def test_a_trial_that_cannot_be_taken_back_is_told_of(engine: run.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise SystemFailure("the kernel refuses it")

    _, before = standby(engine)
    trial.keep(engine.paths, Trial("web", "/root/next.toml", ALONE, before.file, boottime() - 1, before))
    monkeypatch.setattr(trying, "go_back", refuse)
    monkeypatch.setattr(run.Engine, "hand_over", lambda engine: [])
    (outcome,) = engine.carry_out("activate")
    assert (outcome.error, outcome.stance) == (None, ACTIVE)
    assert outcome.warnings[0] == "what was on trial is not taken back: the kernel refuses it"
    (outcome,) = engine.carry_out("start")
    assert outcome.error is not None and outcome.error.message == "the kernel refuses it"
