"""docs/configuration.md has every key as the code has it, and every example there is taken."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lvs_init.config.key import Key
from lvs_init.config.problems import Problems
from lvs_init.config.reference import BEGIN, END, markdown
from lvs_init.config.schema import KEYS, TABLES
from lvs_init.config.section import Section
from lvs_init.config.values import Array, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_document_has_every_key_as_the_code_has_it() -> None:
    made = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert made == markdown().strip(), "put what lvs_init.config.reference.markdown() gives between the two marks"


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, keys in KEYS.items() for name in keys])
def test_example_is_taken(table: str, name: str) -> None:
    key = KEYS[table][name]
    raw: Mapping[str, object] = tomllib.loads(f"{name} = {key.example}")
    problems = Problems("example.toml")
    required = "\n".join(f"{other.name} = {other.example}" for other in TABLES[table].keys if other.required)
    Section(table, {**tomllib.loads(required), **raw}, (), problems)
    assert problems.in_file_order({}) == ()


def test_default_is_a_value_that_could_be_written() -> None:
    def fits(key: Key) -> bool:
        if isinstance(key.reader, (Array, Table)):
            return key.default is None
        return key.default is None or key.reader.read(key.default) == key.default

    assert [key.name for keys in KEYS.values() for key in keys.values() if not fits(key)] == []


def test_example_says_something_else_than_the_default() -> None:
    same = [
        f"{table}.{name}"
        for table, keys in KEYS.items()
        for name, key in keys.items()
        if key.default is not None and tomllib.loads(f"x = {key.example}")["x"] == key.default
    ]
    # Only ipip has been tested with traffic, so nothing else would be taken there.
    assert same == ["service.realservers.tunnel.type"]
