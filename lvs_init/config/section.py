"""One table of the file, read by the schema: known keys become values, everything else becomes a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lvs_init.config import schema
from lvs_init.config.key import Key
from lvs_init.config.problems import Path, Problems, shown
from lvs_init.config.values import Array, Table, Unfit


class Section:
    """The values of one table. Builders go on with what is sound, so that one run finds every mistake."""

    def __init__(self, name: str, raw: Mapping[str, object], path: Path, problems: Problems) -> None:
        """``name``: the table's name in the schema. ``raw``: what the file has there."""
        self.path = path
        self.problems = problems
        self._raw = raw
        self._keys = schema.KEYS[name]
        self._values: dict[str, object] = {}
        self._bad: set[str] = set()
        for key_name, value in raw.items():
            key = self._keys.get(key_name)
            if key is None:
                self._unknown(name, key_name, value)
            else:
                self._read(key, value)
        for key_name in schema.REQUIRED[name]:
            if key_name not in raw:
                self.missing(key_name)

    def get(self, name: str) -> Any:
        """The value, or the schema's default where it is left out; None where it is unfit or has no default."""
        if name in self._bad:
            return None
        return self._values.get(name, self._keys[name].default)

    def given(self, name: str) -> bool:
        """Whether the file has the key, be it sound or not."""
        return name in self._raw

    def sound(self, *names: str) -> bool:
        """Whether none of the keys is unfit or missing: what rests on an unfit one is not worth a second complaint."""
        return self._bad.isdisjoint(names)

    def empty(self, name: str) -> bool:
        """Whether an array stands there with nothing in it."""
        return self._raw.get(name) == []

    def missing(self, name: str) -> None:
        """A key that must be there is not."""
        self._bad.add(name)
        self.problems.add((*self.path, name), "is missing", hint=f"for example {name} = {self._keys[name].example}")

    def problem(self, name: str, message: str, hint: str = "") -> None:
        """Something is wrong with a key's value in the light of others."""
        found = shown(self._raw[name]) if name in self._raw else ""
        self.problems.add((*self.path, name), message, found=found, hint=hint)

    def table(self, name: str) -> dict[str, object]:
        """A table within this one as it stands there; empty where it is left out or none."""
        value = self.get(name)
        return value if isinstance(value, dict) else {}

    def section(self, name: str) -> Section:
        """A table within this one, read."""
        reader = self._keys[name].reader
        if not isinstance(reader, Table):
            raise TypeError(f"{name} is not a table")
        return Section(reader.name, self.table(name), (*self.path, name), self.problems)

    def sections(self, name: str) -> list[Section]:
        """The tables of an array, or those with a name of the user's choice, each read, in file order."""
        reader = self._keys[name].reader
        if not isinstance(reader, Table):
            raise TypeError(f"{name} is not an array of tables")
        value = self.get(name)
        entries = value.items() if isinstance(value, dict) else enumerate(value or ())
        result: list[Section] = []
        for place, entry in entries:
            if isinstance(entry, dict):
                result.append(Section(reader.name, entry, (*self.path, name, place), self.problems))
            else:
                self.problems.add((*self.path, name, place), "must be a table", found=shown(entry))
        return result

    def _read(self, key: Key, value: object) -> None:
        reader = key.reader
        if isinstance(reader, Table):
            path = (*self.path, key.name)
            fits = isinstance(value, list if reader.many else dict)
            if not fits:
                brackets = f"[[{key.name}]]" if reader.many else f"[{key.name}]"
                hint = f"write it as {brackets}" if not self.path else f"for example {key.name} = {key.example}"
                self.problems.add(
                    path, f"must be {'an ' if reader.many else 'a '}{reader.kind}", found=shown(value), hint=hint
                )
                self._bad.add(key.name)
            self._values[key.name] = value
        elif isinstance(reader, Array):
            self._read_array(key, reader, value)
        else:
            try:
                self._values[key.name] = reader.read(value)
            except Unfit as unfit:
                self.problems.add((*self.path, key.name), unfit.message, found=shown(value), hint=unfit.hint)
                self._bad.add(key.name)

    def _read_array(self, key: Key, reader: Array, value: object) -> None:
        path = (*self.path, key.name)
        if not isinstance(value, list):
            self.problems.add(path, f"must be an {reader.kind}", found=shown(value), hint=f"for example {key.example}")
            self._bad.add(key.name)
            return
        read: dict[int, object] = {}
        seen: set[object] = set()
        for position, element in enumerate(value):
            try:
                fit = reader.element.read(element)
            except Unfit as unfit:
                self.problems.add((*path, position), unfit.message, found=shown(element), hint=unfit.hint)
                continue
            if fit in seen:
                self.problems.add((*path, position), "stands there twice", found=shown(element), hint="leave one out")
                continue
            seen.add(fit)
            read[position] = fit
        self._values[key.name] = read

    def _unknown(self, table: str, name: str, value: object) -> None:
        hint = "" if self.problems.full else schema.nearest(table, name)
        if table == "node" and isinstance(value, dict):
            hint = 'quote a machine\'s name that has dots, as in [node."lb1.example.com"]'
        self.problems.add((*self.path, name), "is not a known key", hint=hint)
