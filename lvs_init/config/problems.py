"""Where something stands in a configuration, how it is shown, and the list of everything that is wrong with it."""

from __future__ import annotations

import re
from typing import Union

from lvs_init.model.problem import Problem

#: The way from the top of the file to a value: table names, keys, and positions in arrays, counted from 0.
Path = tuple[Union[str, int], ...]

#: More than a person will read. A file of 4 MiB can hold a million mistakes.
MOST_PROBLEMS = 1000

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN_CHARACTERS = 60


def written(path: Path) -> str:
    """``("service", 2, "vip")`` -> ``service[2].vip``; a name that TOML wants quoted is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = _cut(part if _BARE.fullmatch(part) else f'"{ascii(part)[1:-1]}"')
            text += f".{name}" if text else name
    return text


def shown(value: object) -> str:
    """A value from the file for a message: ASCII, in one line, at most 60 characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        return _cut(ascii(value[: _SHOWN_CHARACTERS + 1]))
    return _cut(ascii(str(value))[1:-1])


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


class Problems:
    """Collects what is wrong with one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[Path, Problem]] = []
        self._left_out = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def full(self) -> bool:
        """Whether no more are kept."""
        return len(self._found) >= MOST_PROBLEMS

    def add(self, path: Path, message: str, *, found: str = "", hint: str = "") -> None:
        """``found``: what stands there, as ``shown`` gives it; "" where nothing does."""
        if self.full:
            self._left_out += 1
        else:
            self._found.append((path, Problem(self._file, written(path), message, found=found, hint=hint)))

    def in_file_order(self, document: object) -> tuple[Problem, ...]:
        """Sorted by place: as the keys stand in the document. A missing key comes last in its table."""
        order: dict[int, dict[str, int]] = {}

        def place(path: Path) -> tuple[int, ...]:
            places: list[int] = []
            value = document
            for part in path:
                if isinstance(value, dict) and isinstance(part, str):
                    positions = order.setdefault(id(value), {})
                    if not positions:
                        positions.update({key: position for position, key in enumerate(value)})
                    places.append(positions.get(part, len(positions)))
                    value = value.get(part)
                elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                    places.append(part)
                    value = value[part]
                else:
                    places.append(0)
            return tuple(places)

        problems = [problem for _, problem in sorted(self._found, key=lambda pair: place(pair[0]))]
        if self._left_out:
            problems.append(Problem(self._file, "", f"has {self._left_out} more mistakes", hint="mend these first"))
        return tuple(problems)
