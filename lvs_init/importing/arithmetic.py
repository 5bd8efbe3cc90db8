"""Integer arithmetic of the shell, sh(1p) 2.6.4, as far as scripts count with it."""

from __future__ import annotations

import operator
import re
from collections.abc import MutableMapping
from typing import Callable

_TOKEN = re.compile(r"\s*(\d+|[A-Za-z_]\w*|\*\*|<=|>=|==|!=|&&|\|\||[-+*/%()<>!])")
_STEP = re.compile(r"\s*(?:(\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(\+\+|--))\s*")
_SET = re.compile(r"\s*([A-Za-z_]\w*)\s*([-+*/%]?)=(?!=)(.*)", re.DOTALL)
_LONGEST = 200  # characters: it is read by recursion
_LARGEST = 2**63

_OPERATORS: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "||": (1, lambda a, b: int(bool(a or b))),
    "&&": (2, lambda a, b: int(bool(a and b))),
    "==": (3, lambda a, b: int(a == b)),
    "!=": (3, lambda a, b: int(a != b)),
    "<": (4, lambda a, b: int(a < b)),
    ">": (4, lambda a, b: int(a > b)),
    "<=": (4, lambda a, b: int(a <= b)),
    ">=": (4, lambda a, b: int(a >= b)),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "/": (6, lambda a, b: int(a / b)),
    "%": (6, lambda a, b: a - b * int(a / b)),
}


def calculate(text: str, variables: MutableMapping[str, str]) -> int | None:
    """The value of an expression; assignments in it take place. None where it is not known."""
    if len(text) > _LONGEST:
        return None
    step = _STEP.fullmatch(text)
    if step:
        name = step.group(2) or step.group(3)
        return _set(name, _expression(f"{name} {(step.group(1) or step.group(4))[0]} 1", variables), variables)
    setting = _SET.fullmatch(text)
    if setting:
        name, with_operator, value = setting.groups()
        expression = f"{name} {with_operator} ({value})" if with_operator else value
        return _set(name, _expression(expression, variables), variables)
    return _expression(text, variables)


def _set(name: str, value: int | None, variables: MutableMapping[str, str]) -> int | None:
    if value is None:
        variables.pop(name, None)
    else:
        variables[name] = str(value)
    return value


def _expression(text: str, variables: MutableMapping[str, str]) -> int | None:
    found: list[str] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return None
        found.append(token.group(1))
        position = token.end()
    try:
        value, rest = _binary(found, 0, 0, variables)
    except (ValueError, ZeroDivisionError, IndexError, OverflowError):
        return None
    return value if rest == len(found) and abs(value) < _LARGEST else None


def _binary(found: list[str], position: int, level: int, variables: MutableMapping[str, str]) -> tuple[int, int]:
    left, position = _unary(found, position, variables)
    while position < len(found) and found[position] in _OPERATORS:
        strength, work = _OPERATORS[found[position]]
        if strength <= level:
            break
        right, position = _binary(found, position + 1, strength, variables)
        left = work(left, right)
    return left, position


def _unary(found: list[str], position: int, variables: MutableMapping[str, str]) -> tuple[int, int]:
    token = found[position]
    if token == "(":
        value, position = _binary(found, position + 1, 0, variables)
        if found[position] != ")":
            raise ValueError(token)
        return value, position + 1
    if token in ("-", "+", "!"):
        value, position = _unary(found, position + 1, variables)
        return {"-": -value, "+": value, "!": int(not value)}[token], position
    if token[0].isalpha() or token[0] == "_":
        token = variables.get(token, "unset")
    return int(token), position + 1
