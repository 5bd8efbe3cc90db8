"""What an import tells beside its result: line by line, what was left out and why."""

from __future__ import annotations

import re

#: Stands around what the text alone does not tell ("\0$RIP3\0"), so that a value can be partly known.
UNKNOWN = "\0"

_GAP = re.compile("\0([^\0]*)\0")
_LONGEST = 100  # characters of a command in a message
_MOST = 1000  # lines


def gap(name: str) -> str:
    """What cannot be known, as part of a value: ``$RIP3``, ``$(hostname)``."""
    return f"{UNKNOWN}{''.join(name.split())[:40].replace(UNKNOWN, '')}{UNKNOWN}"


def gaps(text: str) -> list[str]:
    """The names of what is not known in it, each once."""
    return list(dict.fromkeys(_GAP.findall(text)))


def shown(text: str) -> str:
    """In one line of printable ASCII, with the names of what is not known in their places."""
    line = _printable(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _printable(text: str) -> str:
    line = " ".join(text.replace(UNKNOWN, "").split())
    return "".join(character if " " <= character <= "~" else ascii(character)[1:-1] for character in line)


class Said:
    """Collects, each once, in the order of lines. Line 0: about the file as a whole."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], None] = {}

    def add(self, line: int, message: str) -> None:
        """``message`` may quote the script."""
        if len(self._lines) < _MOST:
            self._lines[line, _printable(message)] = None

    def not_understood(self, line: int, what: str) -> None:
        self.add(line, f"not understood: {shown(what)}")

    def no_place(self, line: int, what: str, why: str = "") -> None:
        self.add(line, f"has no place in lvs.toml{f' ({why})' if why else ''}: {shown(what)}")

    def lines(self) -> tuple[tuple[int, str], ...]:
        """(line, message), sorted by line; what is about the whole comes last."""
        return tuple(sorted(self._lines, key=lambda pair: pair[0] or 1 << 62))
