"""A screen: whether there is one, colour on it, columns, short names of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

GREEN, YELLOW, RED, BOLD, DIM = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[2m"
_PLAIN = "\x1b[0m"


def is_terminal() -> bool:
    """Whether somebody looks at standard output."""
    return sys.stdout is not None and not sys.stdout.closed and sys.stdout.isatty()


def coloured(text: str, colour: str) -> str:
    """The text as it is where nobody looks."""
    return f"{colour}{text}{_PLAIN}" if text and is_terminal() else text


def columns(rows: Sequence[Sequence[str]], numbers: int = 0) -> Iterator[str]:
    """Aligned, two blanks apart. ``numbers``: how many of the last columns stand to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [
            f"{cell:>{width}}" if place >= len(widths) - numbers else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(row, widths))
        ]
        yield "  ".join(cells).rstrip()


def shorter(file: str) -> str:
    """The file's name as seen from here or from the root, whichever takes less reading; in / it keeps its slash."""
    from_here = os.path.relpath(file)
    return from_here if len(from_here) < len(file) - 1 else file
