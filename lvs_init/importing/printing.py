"""What some commands print, worked out from their words alone: seq, echo, printf, expr, basename, dirname, cut, awk."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lvs_init.importing.arithmetic import calculate
from lvs_init.importing.said import UNKNOWN

MOST_NUMBERS = 5000
_AWK_FIELD = re.compile(r"\s*\{\s*print\s+\$(\d{1,3})\s*;?\s*\}\s*")


def printed(argv: Sequence[str], stdin: str = "") -> str | None:
    """Its output; None where that depends on more than the words and what it reads."""
    if not argv or any(UNKNOWN in word for word in argv):
        return None
    name, arguments = argv[0].rpartition("/")[2], list(argv[1:])
    if name == "echo":
        while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
            del arguments[0]
        return " ".join(arguments) + "\n"
    if name == "printf" and arguments:
        return _formatted(arguments)
    if name == "seq":
        return _sequence(arguments)
    if name == "expr":
        number = calculate(" ".join(arguments), {})
        return None if number is None else f"{number}\n"
    if name in ("basename", "dirname") and len(arguments) == 1:
        directory, _, last = arguments[0].rstrip("/").rpartition("/")
        return f"{last if name == 'basename' else directory or '.'}\n"
    if name in ("cut", "awk") and UNKNOWN not in stdin:
        return _field(name, arguments, stdin)
    return None


def _formatted(arguments: list[str]) -> str | None:
    """%s, %d and \\n: what scripts build addresses with."""
    form, *values = arguments
    form = form.replace("\\n", "\n")
    wanted = len(re.findall(r"%[sdi]", form))
    if re.search(r"%[^sdi]|\\", form) or (values and not wanted) or len(values) > MOST_NUMBERS:
        return None
    text = ""
    while True:
        feed = iter(values[:wanted])
        values = values[wanted:]
        text += re.sub(r"%[sdi]", lambda _, feed=feed: next(feed, ""), form)  # type: ignore[misc]
        if not values:
            return text


def _sequence(arguments: list[str]) -> str | None:
    separator = "\n"
    if arguments[:1] == ["-s"] and len(arguments) > 1:
        separator = arguments[1]
        arguments = arguments[2:]
    if not 1 <= len(arguments) <= 3 or not all(re.fullmatch(r"-?\d{1,9}", word) for word in arguments):
        return None
    numbers = [int(word) for word in arguments]
    first = numbers[0] if len(numbers) > 1 else 1
    step = numbers[1] if len(numbers) > 2 else 1
    values = range(first, numbers[-1] + (1 if step > 0 else -1), step) if step else range(0)
    return separator.join(str(value) for value in values[:MOST_NUMBERS]) + "\n"


def _field(name: str, arguments: list[str], stdin: str) -> str | None:
    """``cut -d. -f4`` and ``awk -F. '{print $4}'``."""
    separator, field = None if name == "awk" else "\t", 0
    option = "F" if name == "awk" else "d"
    while arguments:
        word = arguments.pop(0)
        if word.startswith(f"-{option}"):
            separator = word[2:] or (arguments.pop(0) if arguments else "")
        elif name == "cut" and word.startswith("-f"):
            text = word[2:] or (arguments.pop(0) if arguments else "")
            field = int(text) if re.fullmatch(r"[1-9]\d?", text) else 0
        elif name == "awk" and _AWK_FIELD.fullmatch(word):
            field = int(_AWK_FIELD.sub(r"\1", word))
        else:
            return None
    if not field or separator == "" or (separator is not None and len(separator) > 1):
        return None
    lines = []
    for line in stdin.splitlines():
        parts = line.split(separator)
        lines.append(parts[field - 1] if field <= len(parts) else "")
    return "\n".join(lines) + "\n"
