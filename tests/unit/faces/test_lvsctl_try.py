"""lvsctl try: what it takes and refuses before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.faces import lvsctl
from lvs_init.system import identity


def attempt(*words: str) -> int:
    return lvsctl.main(["try", *words], {})


@pytest.mark.parametrize(
    "words",
    [[], ["--confirm", "--revert"], ["a", "b"], ["--for", "4", "a"], ["--for", "86401", "a"], ["--for", "x", "a"]],
)
def test_wrong_usage_is_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(*words) == 64
    assert "usage: lvsctl" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["lvs.toml"], ["--confirm"], ["--revert", "web"]])
def test_only_root_may(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: False)
    assert attempt(*words) == 4
    assert "needs root" in capsys.readouterr().err


def test_without_the_file_it_is_6(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: True)
    assert attempt(str(tmp_path / "next.toml")) == 6
    assert f"there is no file {tmp_path}/next.toml" in capsys.readouterr().err
