"""tests/cases/plan/NAME/: configurations and story.json -> steps.txt, undo.txt and left_alone.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story import Story

CASES = Path(__file__).parents[2] / "cases" / "plan"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    story = Story(CASES / case)
    story.tell()
    for name in ("steps", "undo", "left_alone"):
        expected = CASES / case / f"{name}.txt"
        told = "".join(f"{line}\n" for line in getattr(story, name))
        assert told == (expected.read_text() if expected.exists() else "")
