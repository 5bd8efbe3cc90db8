"""Variables and what words become: sh(1p) 2.6, and of bash arrays, indirection, replacement and braces."""

from __future__ import annotations

import re
from typing import Callable, Union

from lvs_init.importing.arithmetic import calculate
from lvs_init.importing.conditions import LONGEST_MATCHED, matches
from lvs_init.importing.said import UNKNOWN, gap
from lvs_init.importing.shell_words import Array, Literal, Piece, Unreadable, Word, pieces

LONGEST = 65536  # characters of a value
MOST_ELEMENTS = 65536  # of an array
_DEEPEST = 20
_COST = 20  # of making a value, in characters

#: A value: one text, or the several of ``$@`` and ``${A[@]}``.
Value = Union[str, list[str]]

_PARAMETER = re.compile(r"(!?)(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?:\[([^\]]*)\])?(.*)", re.DOTALL)
_OPERATION = re.compile(r"(:?[-=+?]|##?|%%?|//?|:)(.*)", re.DOTALL)
_SEQUENCE = re.compile(r"(-?\d{1,6})\.\.(-?\d{1,6})(?:\.\.(-?\d{1,4}))?")
_MOST_OF_BRACES = 1000


class TooMuch(Exception):
    """The script is larger, when it is followed, than any that configures a director."""


class Variables:
    """What is assigned so far. ``effort``: characters that may still be expanded before TooMuch is raised."""

    def __init__(self, substitute: Callable[[str], str], effort: int) -> None:
        self.texts: dict[str, str] = {}
        self.arrays: dict[str, dict[str, str]] = {}
        self.positional: list[str] = []
        self._substitute = substitute
        self._effort = effort
        self._depth = 0

    def spend(self, characters: int) -> None:
        """Raises TooMuch when that was more than is left."""
        self._effort -= characters
        if self._effort < 0:
            raise TooMuch

    # Assigning

    def assign(self, name: str, subscript: Word, adds: bool, value: Word) -> None:
        elements = value[0].elements if len(value) == 1 and isinstance(value[0], Array) else None
        if subscript:
            array = self.arrays.setdefault(name, {})
            key = self._key(array, self.text(subscript))
            array[key] = (array.get(key, "") if adds else "") + self.text(value)
        elif elements is not None:
            self._assign_array(name, adds, elements)
        else:
            before = self.texts.get(name, "") if adds else ""
            self.texts[name] = (before + self.text(value))[:LONGEST]
            self.arrays.pop(name, None)

    def _assign_array(self, name: str, adds: bool, elements: tuple[Word, ...]) -> None:
        found: dict[str, str] = self.arrays.get(name, {}) if adds else {}
        for element in elements:
            for text in self.fields(element):
                keyed = re.fullmatch(r"\[([^\]]+)\]=(.*)", text, re.DOTALL)
                found[keyed.group(1) if keyed else str(len(found))] = keyed.group(2) if keyed else text
        if len(found) > MOST_ELEMENTS:
            raise TooMuch
        self.arrays[name] = found
        self.texts.pop(name, None)

    def _key(self, array: dict[str, str], text: str) -> str:
        if text in array:
            return text
        number = calculate(text, self.texts)
        return text if number is None else str(number)

    # Expanding

    def fields(self, word: Word) -> list[str]:
        """The words that a command gets."""
        found: list[str] = []
        for single in _braces(word):
            found += self._split(single)
        return found

    def text(self, word: Word) -> str:
        """One text, as in an assignment."""
        parts = (self._value(piece) for piece in word)
        text = "".join(part if isinstance(part, str) else " ".join(part) for part in parts)
        self.spend(len(text) + _COST)
        return text[:LONGEST]

    def _split(self, word: Word) -> list[str]:
        fields: list[str] = []
        current: str | None = None
        separators = self.texts.get("IFS", " \t\n")
        only_list = len(word) == 2 and word[0] == Literal("", quoted=True)
        for piece in word:
            value = self._value(piece)
            if isinstance(value, list) and not value and only_list:
                return []
            if isinstance(piece, Literal) or _is_quoted(piece):
                values = [value] if isinstance(value, str) else value
            else:
                text = value if isinstance(value, str) else " ".join(value)
                values = re.split(f"[{re.escape(separators)}]+", text) if separators and text else [text]
                if values == [""]:
                    continue
            for position, part in enumerate(values):
                if position and current is not None:
                    fields.append(current)
                    current = None
                if part or _is_quoted(piece):
                    current = (current or "") + part
            self.spend(sum(map(len, values)) + _COST * len(values))
        return fields if current is None else [*fields, current]

    def _value(self, piece: Piece) -> Value:
        if isinstance(piece, Literal):
            return piece.text
        if isinstance(piece, Array):
            return " ".join(text for element in piece.elements for text in self.fields(element))
        if self._depth >= _DEEPEST:
            return gap("...")
        self._depth += 1
        try:
            if piece.kind == "command":
                return self._substitute(piece.text)
            if piece.kind == "arithmetic":
                number = calculate(self.inside(piece.text), self.texts)
                return gap(f"$(({piece.text}))") if number is None else str(number)
            return self._parameter(piece.text)
        finally:
            self._depth -= 1

    def inside(self, text: str) -> str:
        """A text with its expansions, as between double quotes."""
        try:
            return self.text(pieces(text))
        except Unreadable:
            return gap(text)

    def _parameter(self, expression: str) -> Value:
        found = _PARAMETER.fullmatch(expression)
        if not found:
            return gap(f"${{{expression}}}")
        indirect, length, name, subscript, rest = found.groups()
        if expression == "#":
            return str(len(self.positional))
        value = self._get(name, subscript, keys=bool(indirect))
        if indirect and subscript is None:
            value = self._get(value, None) if isinstance(value, str) and value.isidentifier() else None
        if length:
            if value is None or (isinstance(value, str) and UNKNOWN in value):
                return gap(f"${{{expression}}}")
            return str(len(value))
        if rest:
            return self._operated(expression, name, value, rest)
        return gap(f"${name}" if not indirect else f"${{{expression}}}") if value is None else value

    def _get(self, name: str, subscript: str | None, keys: bool = False) -> Value | None:
        if name in ("@", "*"):
            return list(self.positional)
        if name.isdecimal():
            if name == "0":
                return None
            number = int(name[:9])
            return self.positional[number - 1] if number <= len(self.positional) else ""
        array = self.arrays.get(name)
        if array is None and subscript in ("@", "*", "0") and name in self.texts:
            array = {"0": self.texts[name]}
        if array is None:
            return self.texts.get(name) if subscript is None else None
        if subscript in ("@", "*"):
            return list(array if keys else array.values())
        key = self._key(array, "0" if subscript is None else self.inside(subscript))
        return array.get(key)

    def _operated(self, expression: str, name: str, value: Value | None, rest: str) -> Value:
        operation = _OPERATION.fullmatch(rest)
        if not operation:
            return gap(f"${{{expression}}}")
        sign, argument = operation.groups()
        if sign[-1] in "-=+?":
            missing = value is None or (sign[0] == ":" and not value)
            if sign[-1] == "+":
                return "" if missing else self.inside(argument)
            if not missing:
                return value if value is not None else ""
            if sign[-1] == "?":
                return gap(f"${name}")
            text = self.inside(argument)
            if sign[-1] == "=":
                self.texts[name] = text
            return text
        if value is None:
            return gap(f"${name}")
        if isinstance(value, list):
            return [self._changed(text, sign, argument) for text in value]
        return self._changed(value, sign, argument)

    def _changed(self, text: str, sign: str, argument: str) -> str:
        """Cut off, replaced, or a part of it."""
        if UNKNOWN in text:
            return text
        if sign == ":":
            return _part(text, self.inside(argument))
        if sign[0] == "/":
            pattern, _, replacement = argument.partition("/")
            old, new = self.inside(pattern), self.inside(replacement)
            if not old or set(old) & set("*?["):
                return gap(f"{sign}{argument}")
            return text.replace(old, new, -1 if sign == "//" else 1)
        if len(text) > LONGEST_MATCHED:
            return gap(f"{sign}{argument}")
        pattern = self.inside(argument)
        lengths = range(len(text) + 1)
        longest = len(sign) == 2
        for size in reversed(lengths) if longest else lengths:
            if sign[0] == "#" and matches(pattern, text[:size]):
                return text[size:]
            if sign[0] == "%" and matches(pattern, text[len(text) - size :]):
                return text[: len(text) - size]
        return text


def _is_quoted(piece: Piece) -> bool:
    return not isinstance(piece, Array) and piece.quoted


def _part(text: str, argument: str) -> str:
    """``${name:offset:length}``."""
    start, colon, size = argument.partition(":")
    try:
        first = int(start)
        return text[first:] if not colon else text[first:][: int(size)]
    except ValueError:
        return gap(f":{argument}")


def _braces(word: Word, allowed: int = _MOST_OF_BRACES) -> list[Word]:
    """``192.168.0.{11,12}`` and ``{1..3}``: one word for each. Only where the braces stand in one piece."""
    for position, piece in enumerate(word):
        if not isinstance(piece, Literal) or piece.quoted or "{" not in piece.text:
            continue
        found = re.search(r"\{([^{}]*)\}", piece.text)
        choices = _choices(found.group(1)) if found else []
        if found and 0 < len(choices) <= allowed:
            before, after = piece.text[: found.start()], piece.text[found.end() :]
            heads = [(*word[:position], Literal(before + choice)) for choice in choices]
            tails = _braces((Literal(after), *word[position + 1 :]), allowed // len(choices))
            return [(*head, *tail) for head in heads for tail in tails]
    return [word]


def _choices(inside: str) -> list[str]:
    sequence = _SEQUENCE.fullmatch(inside)
    if not sequence:
        return inside.split(",") if "," in inside else []
    first, last = int(sequence.group(1)), int(sequence.group(2))
    step = abs(int(sequence.group(3) or 1)) or 1
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    return [str(number) for number in numbers]
