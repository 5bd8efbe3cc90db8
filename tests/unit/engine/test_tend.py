"""Going on with what is timed, as far as that needs no kernel."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lvs_init.engine import tend
from lvs_init.engine.apply import Apparatus, Applied
from lvs_init.engine.memory import Memory
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Options, Result, Target
from lvs_init.engine.tend import Tending
from lvs_init.errors import SystemFailure
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.record import Entry, Record
from lvs_init.model.will import Will

SERVICE = ServiceKey("tcp", "192.168.0.219", 80)
KEY = RealServerKey(SERVICE, "192.168.0.11", 80)
LIVE = {SERVICE: Service("rr"), KEY: RealServer("dr", 4)}


def test_a_record_that_cannot_be_written_afterwards_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weight is 0 by then; to say that it failed would have the admin's will withdrawn."""
    written: list[Record] = []

    def commit(memory: Memory, record: Record) -> None:
        written.append(record)
        if len(written) > 1:
            raise SystemFailure("no space left on device")

    record = Record(DIRECTOR, "web", {key: Entry(value, None) for key, value in LIVE.items()})
    target = Target(DIRECTOR, "web", "")
    memory = Memory(Paths(run=str(tmp_path)), target, record, wills={"web": (Will("192.168.0.11", None, 0, 1.0),)})
    apparatus: Any = SimpleNamespace(observe=lambda interest: SimpleNamespace(live=LIVE))
    monkeypatch.setattr(Memory, "commit", commit)
    monkeypatch.setattr(tend, "carry_out", lambda plan, apparatus, strict: Applied())
    outcome = Tending(target, memory, cast(Apparatus, apparatus), Options()).run()
    assert (outcome.result, len(written)) == (Result.DONE, 2)
    assert "no real server has a weight" in outcome.warnings[0]
    assert "no space left on device" in outcome.warnings[1]
