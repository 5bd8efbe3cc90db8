"""JSON files that may be absent or damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvs_init.errors import SystemFailure
from lvs_init.system import store


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    value = {"boot": "x", "list": [1, None, {"a": "\u00e9"}]}
    store.save(str(tmp_path / "record"), value)
    assert store.load(str(tmp_path / "record")) == value
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_an_absent_file_is_no_problem(tmp_path: Path) -> None:
    problems: list[str] = []
    assert store.load(str(tmp_path / "record"), problems) is None
    assert problems == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff", "[" * 200_000, '{"a": 1', '"x"'])
def test_a_damaged_file_is_ignored_with_a_reason(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record"
    path.write_bytes(text.encode("latin-1"))
    problems: list[str] = []
    assert store.load(str(path), problems) is None
    assert len(problems) == 1
    assert problems[0].startswith(f"{path} is ignored: it ")


def test_an_unsafe_file_is_ignored_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("{}")
    path.chmod(0o666)
    problems: list[str] = []
    assert store.load(str(path), problems) is None
    assert problems == [f"{path} is ignored: {path} is writable by everybody"]


def test_saving_may_fail(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure):
        store.save(os.path.join(tmp_path, "none", "record"), {})
