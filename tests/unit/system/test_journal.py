"""The journal, also after its writer was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.errors import SystemFailure
from lvs_init.system.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "journal"))


def test_entries_come_back_in_order(journal: Journal) -> None:
    assert journal.read() is None
    journal.begin({"verb": "start"})
    assert journal.read() == ({"verb": "start"}, [])
    journal.append({"step": 1, "text": "line\nend"})
    journal.append({"step": 2})
    assert journal.read() == ({"verb": "start"}, [{"step": 1, "text": "line\nend"}, {"step": 2}])


def test_it_is_cleared_and_begun_again(journal: Journal) -> None:
    journal.clear()
    journal.begin({"verb": "start"})
    journal.append({"step": 1})
    journal.begin({"verb": "stop"})
    assert journal.read() == ({"verb": "stop"}, [])
    journal.clear()
    assert journal.read() is None


def test_a_journal_cut_off_anywhere_gives_the_whole_entries_before(journal: Journal) -> None:
    journal.begin({"verb": "start"})
    journal.append({"step": 1})
    journal.append({"step": 2})
    whole = Path(journal.path).read_bytes()
    for length in range(len(whole)):
        Path(journal.path).write_bytes(whole[:length])
        lines = whole[:length].count(b"\n")
        expected = None if lines == 0 else ({"verb": "start"}, [{"step": 1}][: lines - 1])
        assert journal.read() == expected


def test_a_damaged_line_costs_that_entry_only(journal: Journal) -> None:
    journal.begin({"verb": "start"})
    journal.append({"step": 1})
    path = Path(journal.path)
    path.write_bytes(path.read_bytes() + b'{"step": \xff\n')
    journal.append({"step": 3})
    assert journal.read() == ({"verb": "start"}, [{"step": 1}, {"step": 3}])


def test_appending_to_none_fails(journal: Journal) -> None:
    with pytest.raises(SystemFailure, match="cannot write"):
        journal.append({"step": 1})
