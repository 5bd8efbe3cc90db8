"""tests/cases/plan/NAME/: configurations and story.json -> steps.txt, undo.txt and left_alone.txt."""

from __future__ import annotations

import pytest

from tests.story import CASES, OUTCOMES, Story


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    story = Story(CASES / case)
    story.tell()
    for name in OUTCOMES:
        expected = CASES / case / f"{name}.txt"
        assert story.outcome(name) == (expected.read_text() if expected.exists() else "")
