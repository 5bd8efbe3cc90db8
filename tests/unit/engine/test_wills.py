"""Wills on disk: kept, found again, and no reason for anything to fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvs_init.engine import wills
from lvs_init.engine.paths import Paths
from lvs_init.errors import LvsError, Refused
from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.model.will import Will

KEY = RealServerKey(ServiceKey("tcp", "10.0.0.1", 80), "10.0.0.11", 80)
SAID = (Will("10.0.0.11", 80, 9, 1.5, 60.0, None, {KEY: 3}), Will("fd00::11", None, 0, 2.5, until=99.5))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Where nobody but us can write: below /tmp everybody can make directories, so a private one stands between."""
    (tmp_path / "lib").mkdir(mode=0o755)
    return Paths(state=str(tmp_path / "lib" / "lvs"))


def test_kept_and_found_again(paths: Paths) -> None:
    problems: list[str] = []
    assert wills.recall(paths, "web", problems) == ()
    wills.keep(paths, "web", SAID)
    assert wills.recall(paths, "web", problems) == SAID
    assert wills.recall(paths, "mail", problems) == ()
    path = wills.path_of(paths, "web")
    assert (os.stat(path).st_mode & 0o777, os.stat(paths.state).st_mode & 0o777) == (0o600, 0o700)
    wills.keep(paths, "web", ())
    assert not os.path.exists(path)
    wills.keep(paths, "web", ())
    assert problems == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 2, "wills": []}', '{"version": 1}', '{"version": 1, "wills": [{}]}',
     '{"version": 1, "wills": 5}', '{"version": 1, "wills": {"a": 1}}'],
)  # fmt: skip
def test_what_is_not_understood_counts_as_none_and_is_told_of(paths: Paths, text: str) -> None:
    wills.keep(paths, "web", SAID)
    path = Path(wills.path_of(paths, "web"))
    path.write_text(text)
    problems: list[str] = []
    assert wills.recall(paths, "web", problems) == ()
    assert [str(path) in problem for problem in problems] == [True]


def test_more_than_a_person_could_say(paths: Paths) -> None:
    with pytest.raises(Refused, match="more than 4096"):
        wills.keep(paths, "web", SAID * 4096)


def test_a_link_is_refused(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", paths.state)
    with pytest.raises(LvsError, match="not a directory"):
        wills.keep(paths, "web", SAID)
    assert list((tmp_path / "elsewhere").iterdir()) == []
