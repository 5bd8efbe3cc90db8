"""Standing by when things go wrong: the VIP goes whatever else does not. tests/ha/test_stance.py does it for real."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lvs_init.engine import standby
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.memory import Memory, recall
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Options, Outcome, Result, Target
from lvs_init.errors import CommandFailed, NotSettled, SystemFailure
from lvs_init.model.ipvs import SyncDaemon
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.record import ACTIVE, STANDBY, Entry, Record
from lvs_init.model.state import Key, Value
from lvs_init.plan.intent import Plan
from lvs_init.plan.stance import BACKUP, MASTER

VIP, DAEMON = AddressKey("eth0", "192.168.0.219", 32), SyncDaemon("eth1", 7)
ALIAS = Alias("eth0:1")
TARGET = Target(DIRECTOR, "web", "")
RECORD = Record(
    DIRECTOR, "web", {VIP: Entry(ALIAS, None), MASTER: Entry(DAEMON, None)}, stance=ACTIVE, withheld={BACKUP: None}
)


class Machine:
    """``stubborn``: keys that nothing changes. ``hidden``: it cannot be read as a whole."""

    def __init__(self, stubborn: Iterable[Key] = (), hidden: bool = False) -> None:
        self.live: dict[Key, Value] = {VIP: ALIAS, MASTER: DAEMON}
        self.stubborn, self.hidden = set(stubborn), hidden

    def observe(self, interest: Iterable[Key]) -> Any:
        if self.hidden:
            raise CommandFailed(("ipvsadm", "-Sn"), -9, "", timed_out=True, seconds=30)
        return SimpleNamespace(live=dict(self.live))

    def carry_out(self, plan: Plan, apparatus: object) -> list[str]:
        for key, value in ((c.key, c.after) for s in plan.steps for c in s.changes if c.key not in self.stubborn):
            if self.hidden and not isinstance(key, AddressKey):
                continue
            if value is None:
                self.live.pop(key, None)
            else:
                self.live[key] = value
        return [f"the kernel refuses {key}" for key in self.stubborn]

    def retreat(self, plan: Plan, apparatus: object) -> tuple[dict[Key, Value], list[str]]:
        said = self.carry_out(plan, apparatus)
        return dict(self.live), said

    def stand_by(self, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Outcome:
        monkeypatch.setattr(standby, "look", lambda: SimpleNamespace(live={VIP: ALIAS} if VIP in self.live else {}))
        monkeypatch.setattr(standby, "addresses_away", self.carry_out)
        monkeypatch.setattr(standby, "retreat", self.retreat)
        apparatus: Any = SimpleNamespace(observe=self.observe, listen=lambda event: None, tools=None)
        return standby.stand_by(TARGET, memory, cast(Apparatus, apparatus), Options())


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    found = recall(Paths(run=str(tmp_path), state=str(tmp_path)), TARGET)
    found.commit(RECORD)
    return found


def test_the_daemon_turns_round_and_the_record_keeps_what_comes_back(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    outcome = machine.stand_by(memory, monkeypatch)
    assert (outcome.result, outcome.degraded, outcome.stance) == (Result.DONE, [], STANDBY)
    assert machine.live == {BACKUP: DAEMON}
    assert memory.mine is not None and memory.mine.stance == STANDBY
    assert memory.mine.serving == {VIP: ALIAS, MASTER: DAEMON, BACKUP: None}
    assert machine.stand_by(memory, monkeypatch).result is Result.NOTHING


def test_a_vip_that_stays_is_the_one_failure(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotSettled, match=r"192\.168\.0\.219/32 on eth0 cannot be taken away"):
        Machine([VIP]).stand_by(memory, monkeypatch)
    again = recall(memory.paths, TARGET)
    assert again.interrupted and again.mine is not None
    assert again.mine.entries[VIP] == Entry(None, None, maybe=(ALIAS,))


def test_what_will_not_go_is_left_out_and_not_forgotten(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Machine([MASTER]).stand_by(memory, monkeypatch)
    assert outcome.degraded[-1] == "the kernel refuses master sync daemon"
    assert memory.mine is not None and memory.mine.entries[MASTER] == Entry(DAEMON, None)


@pytest.mark.parametrize("stubborn", [[], [VIP]])
def test_a_machine_that_cannot_be_read_loses_its_vip_all_the_same(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, stubborn: list[Key]
) -> None:
    machine = Machine(stubborn, hidden=True)
    if stubborn:
        with pytest.raises(NotSettled):
            machine.stand_by(memory, monkeypatch)
        return
    outcome = machine.stand_by(memory, monkeypatch)
    assert machine.live == {MASTER: DAEMON} and "nothing else is touched" in outcome.degraded[0]
    again = recall(memory.paths, TARGET)
    assert again.interrupted and again.mine is not None and MASTER in again.mine.entries


def test_where_nothing_can_be_remembered_all_is_stopped(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(memory: Memory, record: Record) -> None:
        raise SystemFailure("no space left on device")

    monkeypatch.setattr(Memory, "begin", begin)
    monkeypatch.setattr(standby, "descend", lambda target, *rest: Outcome(target, Result.DONE))
    outcome = Machine().stand_by(memory, monkeypatch)
    assert outcome.stance == "" and "no space left on device" in outcome.warnings[0]
