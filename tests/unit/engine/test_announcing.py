"""The later rounds of announcements: when they are due, and that the keeper's run sends them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lvs_init.engine import tend
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.keeper import due
from lvs_init.engine.memory import Memory, recall
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Options, Target
from lvs_init.engine.tend import Tending
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.record import ACTIVE, Announcing, Entry, Record
from lvs_init.system import arp, netinfo

VIP, GONE = AddressKey("eth0", "192.168.0.219", 32), AddressKey("eth0", "192.168.0.220", 32)
RECORD = Record(
    DIRECTOR,
    "web",
    {VIP: Entry(Alias("eth0:1"), None)},
    stance=ACTIVE,
    announcing=Announcing(count=5, interval=2.0, left=2, due=100.0, addresses=(VIP, GONE)),
)
TARGET = Target(DIRECTOR, "web", "")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """What was announced, a list for each time."""
    found: list[list[tuple[str, str]]] = []

    def announce(addresses: list[tuple[str, str]]) -> list[str]:
        found.append(addresses)
        return ["cannot announce 192.168.0.219 on eth0: Network is down"]

    monkeypatch.setattr(arp, "announce", announce)
    monkeypatch.setattr(netinfo, "addresses", lambda: {VIP: Alias("eth0:1")})
    return found


def tended(tmp_path: Path, record: Record, now: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Record, list[str]]:
    monkeypatch.setattr(tend, "boottime", lambda: now)
    memory = recall(Paths(run=str(tmp_path), state=str(tmp_path)), TARGET)
    memory.commit(record)
    apparatus: Any = SimpleNamespace(observe=lambda interest: SimpleNamespace(live={VIP: Alias("eth0:1")}))
    outcome = Tending(TARGET, memory, cast(Apparatus, apparatus), Options()).run()
    assert memory.mine is not None
    return memory.mine, outcome.warnings


def test_a_round_is_sent_when_it_is_due_and_counted(
    tmp_path: Path, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    after, warnings = tended(tmp_path, RECORD, 99.0, monkeypatch)
    assert (sent, after.announcing, warnings) == ([], RECORD.announcing, [])
    after, warnings = tended(tmp_path, RECORD, 100.5, monkeypatch)
    assert sent == [[("eth0", "192.168.0.219")]]  # the other one is not here any more
    assert after.announcing == replace(RECORD.announcing, left=1, due=102.5)
    assert "Network is down" in warnings[0]
    after, _ = tended(tmp_path, after, 103.0, monkeypatch)
    assert after.announcing.left == 0
    tended(tmp_path, after, 999.0, monkeypatch)
    assert len(sent) == 2


def test_a_keeper_is_wanted_until_the_last_round(tmp_path: Path) -> None:
    paths = Paths(run=str(tmp_path), state=str(tmp_path))
    memory: Memory = recall(paths, TARGET)
    memory.commit(RECORD)
    assert due(paths) == 100.0
    memory.commit(replace(RECORD, announcing=replace(RECORD.announcing, left=0)))
    assert due(paths) is None
