"""The examples of pairs hold, rehearsed with one director that is active."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.faces.lvsctl_lab import conclude
from lvs_init.lab.course import rehearse
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("ha-*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_pairs_example_holds(place: Place, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Rehearsal(place, path.read_text(), fresh=False) as rehearsal:
        report = rehearse(rehearsal)
    assert conclude(report, path.name, as_json=False) == 0, capsys.readouterr().out
    assert "All of it held." in capsys.readouterr().out
