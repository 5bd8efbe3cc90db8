"""Frozen dataclasses as JSON and back, where the JSON may come from anybody: bounded, of known kinds, nothing else.

What text is read is printed on an admin's terminal later, so it may be printable ASCII only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Callable

LONGEST_TEXT = 4096
MOST_ITEMS = 200_000  # in all of it
_LARGEST = 1 << 64


def clean(text: str) -> str:
    """Text of the machine's as it may be shown: every byte that is no printable ASCII becomes a "?"."""
    if text.isascii() and text.isprintable():
        return text[:LONGEST_TEXT]
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)[:LONGEST_TEXT]


def to_plain(value: Any) -> Any:
    """JSON of a dataclass: without what is as it is by default."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
    if isinstance(value, Mapping):
        return {clean(str(name)): to_plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, frozenset)):
        return [to_plain(item) for item in value]
    return clean(value) if isinstance(value, str) else value


class Reader:
    """Reads JSON as one of ``kinds`` (dataclasses by name). One reader for one document: its budget is used up."""

    def __init__(self, kinds: Mapping[str, type[Any]], checks: Mapping[type[Any], Callable[[Any], bool]]) -> None:
        """``checks``: of a kind, whether a thing is one that rules can work with."""
        self._kinds = kinds
        self._checks = checks
        self._left = MOST_ITEMS

    def read(self, annotation: str, data: Any, path: str = "") -> Any:
        """A value of the annotation's type: ``int``, ``str | None``, ``tuple[Address, ...]``, ``Mapping[str, str]``.

        Raises ValueError, with the place, for anything else.
        """
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"more than {MOST_ITEMS} values")
        form, inner = _form(annotation)
        if form == "optional":
            return None if data is None else self.read(inner, data, path)
        if form == "tuple":
            if not isinstance(data, list):
                raise ValueError(f"{path}: no list")
            return tuple(self.read(inner, item, f"{path}[{place}]") for place, item in enumerate(data))
        if form == "mapping":
            if not isinstance(data, dict):
                raise ValueError(f"{path}: no object")
            return {self.read("str", key, path): self.read(inner, item, f"{path}.{key}") for key, item in data.items()}
        if annotation in self._kinds:
            return self._dataclass(self._kinds[annotation], data, path)
        return _scalar(annotation, data, path)

    def _dataclass(self, kind: type[Any], data: Any, path: str) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"{path}: no object")
        fields = {field.name: field for field in dataclasses.fields(kind)}
        unknown = sorted(set(data).difference(fields))
        missing = [name for name, field in fields.items() if _demanded(field) and name not in data]
        if unknown or missing:
            wrong = f"unknown {clean(unknown[0])}" if unknown else f"without {missing[0]}"
            raise ValueError(f"{path or kind.__name__}: {wrong}")
        made = kind(**{name: self.read(str(fields[name].type), item, f"{path}.{name}") for name, item in data.items()})
        if kind in self._checks and not self._checks[kind](made):
            raise ValueError(f"{path}: no {kind.__name__}: {made}")
        return made


def _demanded(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _scalar(annotation: str, data: Any, path: str) -> Any:
    # bool is an int to Python, and no number to us.
    if annotation == "bool" and isinstance(data, bool):
        return data
    if annotation == "int" and isinstance(data, int) and not isinstance(data, bool) and abs(data) < _LARGEST:
        return data
    if annotation == "str" and isinstance(data, str) and data == clean(data):
        return data
    raise ValueError(f"{clean(path)}: no {annotation}")


@lru_cache(maxsize=256)
def _form(annotation: str) -> tuple[str, str]:
    if annotation.endswith(" | None"):
        return "optional", annotation[: -len(" | None")]
    if annotation.startswith("tuple[") and annotation.endswith(", ...]"):
        return "tuple", annotation[len("tuple[") : -len(", ...]")]
    if annotation.startswith("Mapping[str, "):
        return "mapping", annotation[len("Mapping[str, ") : -1]
    return "", annotation
