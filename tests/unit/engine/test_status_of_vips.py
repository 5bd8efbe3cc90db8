"""VIPs where none may be, as status sees them: what a stop could not take away, and what a standby has."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lvs_init.engine import down, status
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.memory import Memory, recall
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Options, Result, Target
from lvs_init.engine.status import Health, Status, examine
from lvs_init.errors import CommandFailed, LvsError, NotSettled
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.record import ACTIVE, STANDBY, Entry, Record
from lvs_init.model.state import Key, Value
from lvs_init.system.mutex import Mutex

VIP, ALIAS = AddressKey("eth0", "192.168.0.219", 32), Alias("eth0:1")
WEB, MAIL = Target(DIRECTOR, "web", ""), Target(DIRECTOR, "mail", "")
SERVING = {VIP: Entry(ALIAS, None)}
SIGN = f"{VIP} is here, and must not be"


class Machine:
    """``live``: its addresses. A stop takes none away while it is ``stubborn``, and sees nothing while ``hidden``."""

    def __init__(self, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = paths
        self.live: dict[Key, Value] = {VIP: ALIAS}
        self.stubborn = self.hidden = False
        monkeypatch.setattr(status.netinfo, "addresses", lambda: self.live)
        monkeypatch.setattr(down, "look", lambda: SimpleNamespace(live=self.live))
        monkeypatch.setattr(down, "addresses_away", lambda plan, apparatus: self._retreat()[1])
        monkeypatch.setattr(down, "retreat", lambda plan, apparatus: self._retreat())

    def _retreat(self) -> tuple[dict[Key, Value], list[str]]:
        if not self.stubborn:
            self.live.clear()
        return self.live, ["ip says no"] * self.stubborn

    def _observe(self, interest: object) -> Any:
        if self.hidden:
            raise CommandFailed(("ipvsadm", "-Sn"), -9, "", timed_out=True, seconds=30)
        return SimpleNamespace(live=self.live)

    def remember(self, target: Target, stance: str, entries: dict[Key, Entry], **more: Any) -> Memory:
        found = recall(self.paths, target)
        found.commit(Record(DIRECTOR, target.instance, entries, stance=stance, **more))
        return found

    def stop(self) -> Result:
        apparatus = cast(Apparatus, SimpleNamespace(observe=self._observe, listen=lambda event: None, tools=None))
        return down.descend(WEB, recall(self.paths, WEB), apparatus, Options()).result

    def status(self, target: Target = WEB) -> Status:
        return examine(self.paths, target, f"{self.paths.run}/lock")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(Paths(run=str(tmp_path), state=str(tmp_path)), monkeypatch)


@pytest.mark.parametrize("stance", ["", ACTIVE])
@pytest.mark.parametrize("hidden", [False, True])
def test_a_stop_that_leaves_a_vip_is_told_of_until_another_has_taken_it(
    machine: Machine, stance: str, hidden: bool
) -> None:
    machine.remember(WEB, stance, SERVING)
    assert machine.status().health is Health.RUNNING
    machine.stubborn, machine.hidden = True, hidden
    with pytest.raises(LvsError):
        machine.stop()
    assert (machine.status().health, machine.status().wrong) == (Health.HOLDING, [SIGN])
    machine.stubborn = machine.hidden = False
    assert machine.stop() is Result.DONE
    assert machine.status().health is Health.STOPPED


def test_who_is_at_work_may_be_taking_it_away(machine: Machine) -> None:
    machine.remember(WEB, "", SERVING)
    machine.stubborn = True
    with pytest.raises(NotSettled):
        machine.stop()
    mutex = Mutex(machine.paths.run)
    mutex.acquire()
    try:
        assert (machine.status().health, machine.status().wrong) == (Health.RUNNING, [])
        assert machine.status().notes[0] == f"process {os.getpid()} is at work on it"
    finally:
        mutex.release()


def test_a_standby_with_somebody_else_s_vip_can_still_be_told_to_take_over(machine: Machine) -> None:
    """Heartbeat calls start only where status does not say that it runs."""
    machine.remember(WEB, STANDBY, {}, withheld={VIP: ALIAS})
    found = machine.status()
    assert (found.health, found.wrong, found.degraded) == (Health.STANDBY, [SIGN], True)


def test_a_vip_that_another_cluster_brought_is_in_its_right_place(machine: Machine) -> None:
    machine.remember(WEB, STANDBY, {}, withheld={VIP: ALIAS})
    machine.remember(MAIL, ACTIVE, SERVING)
    assert (machine.status().wrong, machine.status(MAIL).wrong) == ([], [])
