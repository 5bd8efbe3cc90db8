"""A trial on disk: what it would go back to, for this boot and this network namespace alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.engine import trial
from lvs_init.engine.moment import boottime
from lvs_init.engine.paths import Paths
from lvs_init.engine.trial import Trial
from lvs_init.errors import Refused
from lvs_init.model.ipvs import Service, ServiceKey
from lvs_init.model.record import Entry, Record
from lvs_init.system import identity

KEY = ServiceKey("tcp", "192.168.0.219", 80)
BEFORE = Record("director", "lvs", {KEY: Entry(Service("rr"), None)}, "web", "/etc/lvs/lvs.toml", "1-2")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(run=str(tmp_path / "run"))


def make(seconds: float, instance: str = "lvs") -> Trial:
    return Trial(instance, "/root/next.toml", "\udcff# text", "/etc/lvs/lvs.toml", boottime() + seconds, BEFORE)


def test_it_is_kept_and_forgotten(paths: Paths) -> None:
    assert (trial.pending(paths), trial.next_due(paths)) == ([], None)
    kept = make(60)
    trial.keep(paths, kept)
    assert (trial.pending(paths), trial.pending(paths, "lvs"), trial.pending(paths, "web")) == ([kept], [kept], [])
    assert 59 < kept.left <= 60
    assert Path(paths.trial("director", "lvs")).stat().st_mode & 0o777 == 0o600
    trial.forget(paths, "lvs")
    trial.forget(paths, "lvs")
    assert trial.pending(paths) == []


def test_the_first_deadline_counts(paths: Paths) -> None:
    late, soon = make(60), make(5, "web")
    trial.keep(paths, late)
    trial.keep(paths, soon)
    assert trial.next_due(paths) == soon.deadline


def test_writers_are_refused_until_it_is_due(paths: Paths) -> None:
    trial.keep(paths, make(60))
    with pytest.raises(Refused, match="is on trial until"):
        trial.refuse_while_pending(paths, "lvs")
    trial.refuse_while_pending(paths, "web")
    trial.keep(paths, make(-1))
    trial.refuse_while_pending(paths, "lvs")


@pytest.mark.parametrize("what", ["boot_id", "netns_id"])
def test_that_of_another_boot_or_namespace_is_none(paths: Paths, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.keep(paths, make(60))
    monkeypatch.setattr(identity, what, lambda: "another")
    assert trial.pending(paths) == []


def test_what_cannot_be_understood_is_none(paths: Paths) -> None:
    trial.keep(paths, make(60))
    path = Path(paths.trial("director", "lvs"))
    whole = json.loads(path.read_text())
    for damage in ({"version": 99}, {"before": {}}, {"excess": 1}):
        path.write_text(json.dumps({**whole, "trial": {**whole["trial"], **damage}}))
        assert trial.pending(paths) == []
    for text in ("", "{", "[]"):
        path.write_text(text)
        assert trial.pending(paths) == []
