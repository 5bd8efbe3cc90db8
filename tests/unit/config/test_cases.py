"""tests/cases/config/NAME/: lvs.toml with cluster.json or, where it is unsound, problems.txt."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

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
        cluster = json.dumps(_plain(parse((folder / "lvs.toml").read_bytes(), "lvs.toml")), indent=1) + "\n"
    except ConfigurationError as error:
        told = [f"{problem}\n" for problem in error.problems]
    if told:
        assert "".join(told) == (folder / "problems.txt").read_text()
    else:
        assert json.loads(cluster) == json.loads((folder / "cluster.json").read_text())


def _plain(thing: Any) -> Any:
    """Everything by its name: asdict would leave the keys that are tuples as they are."""
    if is_dataclass(thing):
        return {field.name: _plain(getattr(thing, field.name)) for field in fields(thing)}
    if hasattr(thing, "_asdict"):
        return {name: _plain(value) for name, value in thing._asdict().items()}
    if isinstance(thing, dict):
        return {str(name): _plain(value) for name, value in thing.items()}
    return [_plain(item) for item in thing] if isinstance(thing, (list, tuple)) else thing


def test_every_case_expects_one_thing() -> None:
    expected = {"cluster.json", "problems.txt"}
    wrong = [case.name for case in CASES.iterdir() if len({path.name for path in case.iterdir()} & expected) != 1]
    assert wrong == []
