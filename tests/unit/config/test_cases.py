"""tests/cases/config/NAME/: lvs.toml with cluster.json or, where it is unsound, problems.txt."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from lvs_init.config.load import parse
from lvs_init.errors import ConfigurationError

CASES = Path(__file__).parents[2] / "cases" / "config"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    folder = CASES / case
    told: list[str] = []
    cluster = ""
    try:
        cluster = json.dumps(asdict(parse((folder / "lvs.toml").read_bytes(), "lvs.toml")), indent=1) + "\n"
    except ConfigurationError as error:
        told = [f"{problem}\n" for problem in error.problems]
    if told:
        assert "".join(told) == (folder / "problems.txt").read_text()
    else:
        assert json.loads(cluster) == json.loads((folder / "cluster.json").read_text())


def test_every_case_expects_one_thing() -> None:
    expected = {"cluster.json", "problems.txt"}
    wrong = [case.name for case in CASES.iterdir() if len({path.name for path in case.iterdir()} & expected) != 1]
    assert wrong == []
