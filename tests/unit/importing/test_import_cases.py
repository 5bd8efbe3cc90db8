"""tests/cases/import/NAME/: a script or saved table, the lvs.toml made of it (if any), and all that was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.importing.script import Imported, imported

CASES = Path(__file__).parents[2] / "cases" / "import"
NAMES = sorted(path.name for path in CASES.iterdir())


def result_of(case: str) -> Imported:
    return imported((CASES / case / "script").read_bytes(), "script", "/etc/lvs/lvs.toml")


def told(result: Imported) -> str:
    lines = [f"{line}: {message}" if line else message for line, message in result.said]
    return "".join(f"{line}\n" for line in [*lines, *(f"problem: {problem}" for problem in result.problems)])


@pytest.mark.parametrize("case", NAMES)
def test_case(case: str) -> None:
    result = result_of(case)
    expected = CASES / case / "lvs.toml"
    assert result.text == (expected.read_text() if expected.exists() else "")
    assert told(result) == (CASES / case / "said.txt").read_text()
    assert (result.cluster is None) == bool(result.problems or not result.text)


def test_there_are_sound_and_unsound_cases_in_number() -> None:
    sound = [case for case in NAMES if result_of(case).cluster]
    assert len(NAMES) >= 16 and len(sound) >= 10


@pytest.mark.parametrize("case", NAMES)
def test_a_script_from_windows_means_the_same(case: str) -> None:
    data = (CASES / case / "script").read_bytes()
    windows = imported(data.replace(b"\n", b"\r\n"), "script", "/etc/lvs/lvs.toml")
    assert windows.text == result_of(case).text
