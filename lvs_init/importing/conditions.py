"""``[ ... ]``, ``test`` and ``[[ ... ]]``: true, false, or None where the text alone does not tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Callable, Optional

from lvs_init.importing.said import UNKNOWN

Verdict = Optional[bool]

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_MOST_WORDS = 60  # read by recursion
# Each star may try every place of the text.
_MOST_STARS = 3
LONGEST_MATCHED = 500


def judge(words: Sequence[str], patterns: bool) -> Verdict:
    """``words``: the expression without the brackets. ``patterns``: ``==`` takes a pattern, as in ``[[``."""
    if not words:
        return False
    if len(words) > _MOST_WORDS:
        return None
    verdict, rest = _either(words, 0, patterns)
    return verdict if rest == len(words) else None


def negation(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def both(first: Verdict, second: Verdict) -> Verdict:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def matches(pattern: str, text: str) -> bool:
    """Whether a shell pattern (sh(1p) 2.13) fits the whole text."""
    if pattern.count("*") > _MOST_STARS or len(text) > LONGEST_MATCHED:
        return False
    expression = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        end = pattern.find("]", position + 2) if character == "[" else -1
        if end > 0:
            inside = pattern[position + 1 : end]
            kind = "^" if inside[0] in "!^" else ""
            members = inside[len(kind) :].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
            expression += f"[{kind}{members}]"
            position = end
        elif character == "*":
            expression += "" if expression.endswith(".*") else ".*"
        else:
            expression += "." if character == "?" else re.escape(character)
        position += 1
    try:
        return re.fullmatch(expression, text, re.DOTALL) is not None
    except re.error:
        return False


def _either(words: Sequence[str], position: int, patterns: bool) -> tuple[Verdict, int]:
    verdict, position = _all(words, position, patterns)
    while position < len(words) and words[position] in ("-o", "||"):
        other, position = _all(words, position + 1, patterns)
        verdict = negation(both(negation(verdict), negation(other)))
    return verdict, position


def _all(words: Sequence[str], position: int, patterns: bool) -> tuple[Verdict, int]:
    verdict, position = _one(words, position, patterns)
    while position < len(words) and words[position] in ("-a", "&&"):
        other, position = _one(words, position + 1, patterns)
        verdict = both(verdict, other)
    return verdict, position


def _one(words: Sequence[str], position: int, patterns: bool) -> tuple[Verdict, int]:
    rest = words[position:]
    if not rest:
        return None, position
    if len(rest) >= 3 and (rest[1] in ("=", "==", "!=") or rest[1] in _NUMBERS):
        return _compared(rest[0], rest[1], rest[2], patterns), position + 3
    if rest[0] == "!":
        verdict, position = _one(words, position + 1, patterns)
        return negation(verdict), position
    if rest[0] == "(":
        verdict, position = _either(words, position + 1, patterns)
        return verdict, position + 1
    if len(rest) >= 3 and rest[1] in ("<", ">", "=~", "-nt", "-ot", "-ef"):
        return None, position + 3
    if len(rest) >= 2 and re.fullmatch(r"-[a-zA-Z]", rest[0]) and rest[0] not in ("-a", "-o"):
        if rest[0] not in ("-z", "-n") or UNKNOWN in rest[1]:
            return None, position + 2  # a file, most of all
        return (rest[1] == "") == (rest[0] == "-z"), position + 2
    return (None if UNKNOWN in rest[0] else rest[0] != ""), position + 1


def _compared(left: str, how: str, right: str, patterns: bool) -> Verdict:
    if UNKNOWN in left or UNKNOWN in right:
        return None
    if how in _NUMBERS:
        try:
            return _NUMBERS[how](int(left), int(right))
        except ValueError:
            return None
    equal = matches(right, left) if patterns else left == right
    return equal != (how == "!=")
