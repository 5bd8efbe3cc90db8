"""A draft of a configuration, key by key with its comments -> TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

#: What stands behind an equals sign.
Value = Union[bool, int, str, Sequence[str], Mapping[str, "Value"], Sequence[Mapping[str, "Value"]]]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}


@dataclass(frozen=True)
class Key:
    """``active`` False: it is written as a comment, for a person to look at."""

    name: str
    value: Value
    comment: str = ""
    active: bool = True


@dataclass(frozen=True)
class Table:
    """``name``: with dots for a table in a table; ``many``: one of an array of tables."""

    name: str
    keys: tuple[Key, ...]
    many: bool = False


@dataclass(frozen=True)
class Draft:
    """A whole file. ``comments``: lines at its top."""

    comments: tuple[str, ...]
    tables: tuple[Table, ...]

    def document(self) -> dict[str, Any]:
        """What a TOML reader makes of it."""
        document: dict[str, Any] = {}
        for table in self.tables:
            *above, last = table.name.split(".")
            place = document
            for part in above:
                place = place.setdefault(part, {})
            content = {key.name: key.value for key in table.keys if key.active}
            if table.many:
                place.setdefault(last, []).append(content)
            else:
                place.setdefault(last, {}).update(content)
        return document


def rendered(draft: Draft) -> str:
    """ASCII; what is not is escaped."""
    lines = [_comment(text) for text in draft.comments]
    for table in draft.tables:
        lines += ["", f"[[{table.name}]]" if table.many else f"[{table.name}]"]
        for key in table.keys:
            value = _listed(key.value) if key.active else _value(key.value)
            text = f"{_name(key.name)} = {value}"
            comment = f"  {_comment(key.comment)}" if key.comment else ""
            lines.append(f"{'' if key.active else '# '}{text}{comment}")
    return "\n".join(lines).lstrip("\n") + "\n"


def _listed(value: Value) -> str:
    """An array of tables stands on lines of its own."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "[\n" + "".join(f"  {_value(each)},\n" for each in value) + "]"
    return _value(value)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{"".join(_character(character) for character in value)}"'
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_name(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return f"[{', '.join(_value(each) for each in value)}]"


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _comment(text: str) -> str:
    line = "".join(character if " " <= character <= "~" else "?" for character in text)
    return f"# {line}".rstrip()
