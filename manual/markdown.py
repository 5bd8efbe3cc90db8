"""The part of Markdown that docs/ uses, as a list of blocks. Whatever else stands there is an error, not a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable, Union

_HEADING = re.compile(r"(#{1,6}) (.+)")
_ITEM = re.compile(r"(-|\d+\.) (.+)")
_BORDER = re.compile(r"\|( *:?-+:? *\|)+")
_CELL_END = re.compile(r"(?<!\\)\|")
_UNKNOWN = re.compile(r"<[a-zA-Z/]|!\[|> |\* |\+ | {4}")


@dataclass(frozen=True)
class Heading:
    """``level`` 1 is the document's title."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text, with its marks for emphasis, code and links."""

    text: str


@dataclass(frozen=True)
class Code:
    """Lines that stay as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One item of a list; ``bullet`` is "-" or a number with its dot."""

    bullet: str
    text: str


@dataclass(frozen=True)
class Definition:
    """A term and what there is to say about it, a paragraph each: an option, a key, or a row of a table."""

    term: str
    says: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """What a comment says: the place where a table of the code belongs."""

    text: str


Block = Union[Heading, Paragraph, Code, Item, Definition, Mark]


class NotUnderstood(ValueError):
    """A line is written in a way that the manual pages cannot show."""


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a document in order. Raises NotUnderstood."""
    lines = text.splitlines()
    while lines:
        line = lines[0]
        if not line.strip():
            lines.pop(0)
        elif line.startswith("```"):
            lines.pop(0)
            yield Code(tuple(_until_fence(lines)))
        elif line.startswith("<!--") and line.endswith("-->"):
            yield Mark(lines.pop(0)[4:-3].strip())
        elif heading := _HEADING.fullmatch(line):
            lines.pop(0)
            yield Heading(len(heading[1]), heading[2])
        elif line.startswith("|"):
            yield from _rows(list(_while(lines, lambda each: each.startswith("|"))))
        elif item := _ITEM.fullmatch(line):
            lines.pop(0)
            yield Item(item[1], " ".join([item[2], *_while(lines, lambda each: each.startswith("  "))]))
        elif _UNKNOWN.match(line):
            raise NotUnderstood(line)
        else:
            yield Paragraph(" ".join(_while(lines, _continues)))


def _while(lines: list[str], holds: Callable[[str], bool]) -> Iterator[str]:
    while lines and holds(lines[0]):
        yield lines.pop(0).strip()


def _continues(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("```", "|", "#", "<!--")) and not _ITEM.fullmatch(line)


def _until_fence(lines: list[str]) -> Iterator[str]:
    while lines:
        line = lines.pop(0)
        if line.startswith("```"):
            return
        yield line
    raise NotUnderstood("a ``` is never closed")


def _rows(lines: list[str]) -> Iterator[Definition]:
    """A table's rows. A column beyond the second is named before its cell; an empty cell says nothing."""
    if len(lines) < 2 or not _BORDER.fullmatch(lines[1]):
        raise NotUnderstood(lines[0])
    titles = _cells(lines[0])
    for line in lines[2:]:
        cells = _cells(line)
        if len(cells) != len(titles):
            raise NotUnderstood(line)
        named = len(cells) > 2
        says = [f"{title}: {cell}" if named else cell for title, cell in zip(titles[1:], cells[1:]) if cell]
        yield Definition(cells[0], tuple(says))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip())[1:-1]]
