"""Whoever writes leaves a keeper behind where something is timed, whatever became of the writing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lvs_init.commands.proc_ip_vs import ProcTable
from lvs_init.engine import hand, keeper, memory, trial, wills
from lvs_init.engine.hand import Said
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Options, Outcome, Result, Target
from lvs_init.engine.run import Engine
from lvs_init.engine.standing import timed_notes
from lvs_init.engine.tend import Tending
from lvs_init.engine.trial import Trial
from lvs_init.errors import LvsError, SystemFailure
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.record import Entry, Record
from lvs_init.model.will import Will
from lvs_init.system import identity

SERVICE = ServiceKey("tcp", "192.168.0.219", 80)
KEY = RealServerKey(SERVICE, "192.168.0.11", 80)
ENTRIES = {SERVICE: Entry(Service("rr"), None), KEY: Entry(RealServer("dr"), None)}
SAID = Said("drain", "192.168.0.11", None)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """As root would have it, in a place of its own."""
    monkeypatch.setattr(identity, "is_root", lambda: True)
    monkeypatch.setattr(Tending, "run", lambda self: Outcome(self.target, Result.DONE))
    (tmp_path / "lib").mkdir(mode=0o755)
    home = {"run": str(tmp_path / "run"), "state": str(tmp_path / "lib" / "lvs"), "subsys": str(tmp_path)}
    return Engine(DIRECTOR, paths=Paths(configuration=str(tmp_path), assignments=(), **home))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs directory of every keeper that was asked for."""
    found: list[str] = []
    monkeypatch.setattr(keeper, "ensure", lambda paths, environment: found.append(paths.run))
    return found


def remember(engine: Engine, instance: str, **more: object) -> Record:
    record = Record(DIRECTOR, instance, ENTRIES, file=f"{engine.paths.configuration}/{instance}.toml", **more)
    memory.recall(engine.paths, Target(DIRECTOR, instance, "")).commit(record)
    return record


def test_a_reload_that_fails_replaces_a_keeper_that_died(engine: Engine, started: list[str]) -> None:
    remember(engine, "web", drains={KEY: 1.0})
    assert [outcome.result for outcome in engine.carry_out("reload")] == [Result.FAILED]
    assert started == [engine.paths.run]


def test_nothing_timed_needs_no_keeper(engine: Engine, started: list[str]) -> None:
    remember(engine, "web")
    engine.carry_out("reload")
    assert started == []


def test_a_dry_run_starts_none(engine: Engine, started: list[str]) -> None:
    remember(engine, "web", drains={KEY: 1.0})
    engine.options = Options(dry_run=True)
    engine.carry_out("reload")
    assert started == []


def test_that_no_keeper_can_be_started_fails_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def ensure(paths: Paths, environment: object) -> None:
        raise SystemFailure("no more processes")

    monkeypatch.setattr(keeper, "ensure", ensure)
    remember(engine, "web", drains={KEY: 1.0})
    assert "no more processes" in engine.carry_out("reload")[0].warnings[-1]


def test_a_trial_that_is_taken_back_is_told_of_though_the_file_is_broken(
    engine: Engine, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = remember(engine, "web")
    trial.keep(engine.paths, Trial("web", "/tmp/next.toml", "", record.file, 1.0, record))
    monkeypatch.setattr("lvs_init.engine.recorded.FromRecord.run", lambda self: Outcome(self.target, Result.DONE))
    outcome = engine.carry_out("reload")[0]
    assert (outcome.result, outcome.notes) == (
        Result.FAILED,
        ["/tmp/next.toml was not confirmed, so it is taken back"],
    )


def test_one_director_fails_and_the_other_is_heard(
    engine: Engine, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(tending: Tending) -> Outcome:
        if tending.target.instance == "mail":
            raise SystemFailure("no")
        return Outcome(tending.target, Result.DONE)

    monkeypatch.setattr(Tending, "run", run)
    for instance in ("mail", "web"):
        remember(engine, instance, drains={KEY: 1.0})
    heard = {each.outcome.target.instance: each.outcome for each in hand.say(engine, SAID)}
    assert {instance: outcome.result for instance, outcome in heard.items()} == {
        "mail": Result.FAILED,
        "web": Result.DONE,
    }
    assert isinstance(heard["mail"].error, LvsError)
    assert wills.recall(engine.paths, "mail", []) == ()
    assert len(wills.recall(engine.paths, "web", [])) == 1
    assert started == [engine.paths.run]


def test_a_will_about_who_left_the_file_is_nothing_to_wait_for(engine: Engine) -> None:
    record = remember(engine, "web")
    known = memory.recall(engine.paths, Target(DIRECTOR, "web", ""))
    known.wills["web"] = (Will("192.168.0.99", None, 0, 1.0, until=9e9),)
    wills.keep(engine.paths, "web", known.my_wills)
    assert keeper.due(engine.paths) is None
    notes = list(timed_notes(engine.paths, known, record, ProcTable({})))
    assert [note for note in notes if "keeper" in note] == []


def test_what_was_written_is_not_read_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a keeper is wanted is asked after every verb, and twenty thousand real servers take long to read."""
    record = remember(engine, "web")
    monkeypatch.setattr(memory, "record_from_plain", lambda plain: pytest.fail("read"))
    assert memory.recall(engine.paths, Target(DIRECTOR, "web", "")).mine == record
    for number in range(3):
        remember(engine, "web", fingerprint=str(number))
    assert sum(path.startswith(engine.paths.run) for path in memory._loaded) <= 2  # the record, the journal


def test_one_port_of_a_real_server_that_is_drained_as_a_whole(engine: Engine, started: list[str]) -> None:
    """Its own will can be withdrawn; then what was said of the whole counts again, and cannot be withdrawn in part."""
    remember(engine, "web")
    wills.keep(engine.paths, "web", (Will("192.168.0.11", None, 0, 1.0), Will("192.168.0.11", 80, 5, 2.0)))
    hand.say(engine, Said("undrain", "192.168.0.11", 80))
    assert [will.port for will in wills.recall(engine.paths, "web", [])] == [None]
    assert "as a whole" in str(hand.say(engine, Said("undrain", "192.168.0.11", 80))[0].outcome.error)


@pytest.mark.parametrize("verb", ["drain", "weight"])
def test_nobody_waits_for_what_was_withdrawn(engine: Engine, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(hand, "standings", lambda heard: {KEY: hand.Standing(9, 7)})
    monkeypatch.setattr("time.sleep", lambda seconds: wills.keep(engine.paths, "web", ()))
    wills.keep(engine.paths, "web", (Will("192.168.0.11", None, 0, 1.0),))
    heard = hand.Heard(Outcome(Target(DIRECTOR, "web", ""), Result.DONE), {KEY: RealServer()}, True)
    shown: list[str] = []
    hand.wait(engine, Said(verb, "192.168.0.11", None), [heard], shown.append)
    assert (len(shown), shown[-1]) == (2, "192.168.0.11: withdrawn meanwhile")


def test_nobody_waits_for_what_does_not_count_yet(engine: Engine, started: list[str]) -> None:
    record = remember(engine, "web")
    memory.recall(engine.paths, Target(DIRECTOR, "web", "")).begin(replace(record, fingerprint="2"))
    heard = hand.say(engine, SAID)
    assert [each.started for each in heard] == [False]
    hand.wait(engine, SAID, heard, lambda text: pytest.fail(text))
