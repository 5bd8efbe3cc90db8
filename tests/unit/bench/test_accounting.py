"""bench/accounting.py: which of the kernel's records are of programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import accounting


def test_a_fork_without_an_exec_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "accounting"
    monkeypatch.setattr(accounting, "FILE", str(file))
    file.write_bytes(b"".join(flags.to_bytes(1, "little") + bytes(63) for flags in (0, 1, 2, 1, 0)))
    assert accounting.collect() == 3
    assert accounting.collect() == 0
