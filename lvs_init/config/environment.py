"""``/etc/sysconfig/NAME`` and ``/etc/default/NAME``: KEY=value lines, read and never executed."""

from __future__ import annotations

import re

from lvs_init.config.problems import shown
from lvs_init.errors import ConfigurationError
from lvs_init.model.problem import Problem

LARGEST_TEXT = 64 * 1024  # characters

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r"((?:[^\s'\"\\]|\\.)+)")
_REST = re.compile(r"[ \t]*(?:[ \t]#.*)?$")

# What a shell would act upon, unless a backslash stands before it. We act upon nothing.
_ACTIVE_IN_DOUBLE = re.compile(r"(?<!\\)(?:\\\\)*[$`]")
_ACTIVE_IN_BARE = re.compile(r"(?<!\\)(?:\\\\)*[$`;&|<>()]")


def parse_assignments(text: str, file: str) -> dict[str, str]:
    """Name -> value. Quotes and backslashes mean what they mean to a shell; comments and ``export`` are passed over.

    Raises ConfigurationError with a problem for each line that is something else, or that a shell would expand.
    """
    if len(text) > LARGEST_TEXT:
        problem = Problem(file, "", f"has {len(text)} characters; at most {LARGEST_TEXT} are read")
        raise ConfigurationError(f"{file} is too large", (problem,))
    result: dict[str, str] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = _ASSIGNMENT.match(line)
        if start is None:
            problems.append(_problem(file, number, line, "is not KEY=value", "this file is read, never executed"))
            continue
        try:
            result[start.group(1)] = _value(line[start.end() :])
        except ValueError as error:
            problems.append(_problem(file, number, line, str(error), "write the value in single quotes"))
    if problems:
        raise ConfigurationError(f"{file} cannot be used", problems)
    return result


def _value(text: str) -> str:
    """What stands after the equals sign: pieces in quotes and without, side by side. Raises ValueError."""
    value = ""
    position = 0
    while not _REST.match(text, position):
        single, double = _SINGLE.match(text, position), _DOUBLE.match(text, position)
        piece = single or double or _BARE.match(text, position)
        if piece is None:
            raise ValueError("has a quote without its end, or a second word")
        inside = piece.group(1)
        if not single:
            active = _ACTIVE_IN_DOUBLE if double else _ACTIVE_IN_BARE
            if active.search(inside):
                raise ValueError("has a character that a shell would act upon, and no shell reads this file")
            inside = re.sub(r'\\([\\"$`])' if double else r"\\(.)", r"\1", inside)
        value += inside
        position = piece.end()
    if not value.isprintable():
        raise ValueError("has a control character")
    return value


def _problem(file: str, line: int, found: str, message: str, hint: str) -> Problem:
    return Problem(file, "", message, found=shown(found), hint=hint, line=line)
