"""Shell text -> tokens: words with their quotes resolved and their expansions kept, and operators. See sh(1p) 2.3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Union

from lvs_init.importing.said import UNKNOWN


@dataclass(frozen=True)
class Literal:
    """Text that stands for itself."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Expansion:
    """The inside of ``${VIP:-x}`` (kind "parameter"), ``$(seq 3)`` ("command") or ``$((i + 1))`` ("arithmetic")."""

    kind: str
    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Array:
    """``(a b c)`` behind an assignment's equals sign."""

    elements: tuple[Word, ...]


Piece = Union[Literal, Expansion, Array]
Word = tuple[Piece, ...]


class Token(NamedTuple):
    """``kind``: "word", "operator", "arithmetic" (the inside of ``((...))``) or "end".

    For the operators ``<<`` and ``<<<`` ``word`` is what is read.
    """

    kind: str
    line: int
    text: str = ""
    word: Word = ()

    @property
    def plain(self) -> str:
        """The text of a word without quotes and expansions; an operator; "" for other words."""
        if self.kind != "word":
            return self.text
        first = self.word[0] if len(self.word) == 1 else None
        return first.text if isinstance(first, Literal) and not first.quoted else ""


class Unreadable(Exception):
    """The text ends before what was opened in this line is closed."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


_BLANK = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)+")
_OPERATOR = re.compile(r"<<<|<<-?|;;&|;;|;&|&&|\|\||&>>|&>|>>|>&|<&|>\||<>|[;&|<>()\n]")
_PLAIN = re.compile(r"[^ \t\r\f\v\n'\"\\$`;&|<>()]+")
_INNER = re.compile(r"[^\"\\$`]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_DELIMITER = re.compile(r"[ \t]*((?:[^\s;&|<>()'\"\\]|'[^'\n]*'|\"[^\"\n]*\"|\\.)+)")
_BEFORE_COMMANDS = {"if", "elif", "then", "else", "while", "until", "for", "do", "{", "!"}
# Where a nested construct can end or another begin.
_INTEREST = re.compile(r"[\\'\"`(){}]")


def tokens(text: str, line: int = 1) -> Iterator[Token]:
    """One after the other, so that a long file need not be held as tokens. ``line``: the first one's number.

    Raises Unreadable where a quote or parenthesis is never closed.
    """
    return _Scanner(text.replace(UNKNOWN, " "), line).tokens()


def pieces(text: str) -> Word:
    """A text as between double quotes: only expansions are found. Raises Unreadable."""
    return tuple(_Scanner(text, 1).quoted_pieces(len(text)))


class _Scanner:
    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._position = 0
        self._line = line
        self._documents: list[tuple[int, str, bool, bool]] = []

    def tokens(self) -> Iterator[Token]:
        waiting: list[Token] = []  # a here-document's operator can be handed on when its text is known
        starts_command = True
        while True:
            for token in self._next(starts_command):
                starts_command = token.kind == "operator" or token.plain in _BEFORE_COMMANDS
                if self._documents or waiting:
                    waiting.append(token)
                else:
                    yield token
                if token.kind == "end" or (token.text == "\n" and waiting):
                    yield from self._with_documents(waiting)
                    waiting = []
                if token.kind == "end":
                    return

    def _next(self, starts_command: bool) -> Iterator[Token]:
        text = self._text
        blank = _BLANK.match(text, self._position)
        if blank:
            self._move(blank.end())
        line = self._line
        if self._position >= len(text):
            yield Token("end", line)
            return
        if text[self._position] == "#":
            end = text.find("\n", self._position)
            self._move(len(text) if end < 0 else end)
            return
        if starts_command and text.startswith("((", self._position):
            end = self._closing(self._position, ")")
            inside = text[self._position + 2 : end - 2]
            if text.startswith("))", end - 2):
                self._move(end)
                yield Token("arithmetic", line, inside)
                return
        operator = _OPERATOR.match(text, self._position)
        if operator:
            yield self._operator(operator, line)
            return
        word = tuple(self._word())
        digits = word[0].text if len(word) == 1 and isinstance(word[0], Literal) and not word[0].quoted else ""
        if digits.isdecimal() and text.startswith(("<", ">"), self._position):
            return  # the number of a descriptor belongs to the operator
        yield Token("word", line, word=word)

    def _operator(self, found: re.Match[str], line: int) -> Token:
        self._move(found.end())
        operator = found.group()
        if operator in ("<<", "<<-"):
            delimiter = _DELIMITER.match(self._text, self._position)
            if delimiter:
                self._move(delimiter.end())
                bare = re.sub(r"['\"\\]", "", delimiter.group(1))
                self._documents.append((line, bare, bare != delimiter.group(1), operator == "<<-"))
            return Token("operator", line, "<<")
        if operator == "<<<":
            blank = _BLANK.match(self._text, self._position)
            self._move(blank.end() if blank else self._position)
            return Token("operator", line, "<<<", tuple(self._word()))
        return Token("operator", line, operator)

    def _with_documents(self, waiting: list[Token]) -> Iterator[Token]:
        """The tokens of a line with their here-documents, whose text follows the line."""
        for token in waiting:
            if token.text != "<<" or not self._documents:
                yield token
                continue
            _, delimiter, literal, tabs = self._documents.pop(0)
            body = self._document(delimiter, tabs)
            yield token._replace(word=(Literal(body, quoted=True),) if literal else pieces(body))
        self._documents = []

    def _document(self, delimiter: str, tabs: bool) -> str:
        lines = []
        while self._position < len(self._text):
            end = self._text.find("\n", self._position)
            end = len(self._text) if end < 0 else end
            line = self._text[self._position : end]
            self._move(min(end + 1, len(self._text)))
            if tabs:
                line = line.lstrip("\t")
            if line.rstrip("\r") == delimiter:
                break
            lines.append(f"{line}\n")
        return "".join(lines)

    def _word(self) -> Iterator[Piece]:
        text, start = self._text, self._position
        while self._position < len(text):
            position = self._position
            character = text[position]
            plain = _PLAIN.match(text, position)
            if plain:
                self._move(plain.end())
                yield Literal(plain.group())
            elif character == "\\":
                self._move(min(position + 2, len(text)))
                if text[position + 1 : position + 2] != "\n":
                    yield Literal(text[position + 1 : position + 2], quoted=True)
            elif character == "'":
                end = text.find("'", position + 1)
                if end < 0:
                    raise Unreadable(self._line, "a ' without its end")
                self._move(end + 1)
                yield Literal(text[position + 1 : end], quoted=True)
            elif character == '"':
                end = self._closing(position, '"')
                self._position += 1
                yield Literal("", quoted=True)  # so that "" is a word
                yield from self.quoted_pieces(end - 1)
                self._move(end)
            elif character in "$`":
                yield self._expansion(quoted=False)
            elif character == "(" and _ARRAY.fullmatch(text, start, position):
                yield self._array()
            else:
                return

    def _array(self) -> Array:
        end = self._closing(self._position, ")")
        inside = self._text[self._position + 1 : end - 1]
        elements = tuple(token.word for token in tokens(inside, self._line) if token.kind == "word")
        self._move(end)
        return Array(elements)

    def quoted_pieces(self, end: int) -> Iterator[Piece]:
        """What stands before ``end`` as between double quotes."""
        text = self._text
        while self._position < end:
            position = self._position
            plain = _INNER.match(text, position, end)
            if plain:
                self._move(plain.end())
                yield Literal(plain.group(), quoted=True)
            elif text[position] in "$`":
                yield self._expansion(quoted=True)
            else:
                after = text[position + 1 : position + 2] if position + 1 < end else ""
                self._move(position + 2 if after else position + 1)
                if after != "\n":
                    yield Literal(after if after and after in '$`"\\' else text[position] + after, quoted=True)

    def _expansion(self, quoted: bool) -> Piece:
        text, position = self._text, self._position
        if text[position] == "`":
            end = self._closing(position, "`")
            self._move(end)
            return Expansion("command", re.sub(r"\\([`$\\])", r"\1", text[position + 1 : end - 1]), quoted)
        following = text[position + 1 : position + 2]
        if following == "{":
            end = self._closing(position + 1, "}")
            self._move(end)
            return Expansion("parameter", text[position + 2 : end - 1], quoted)
        if following == "(":
            end = self._closing(position + 1, ")")
            self._move(end)
            if text.startswith("((", position + 1) and text.startswith("))", end - 2):
                return Expansion("arithmetic", text[position + 3 : end - 2], quoted)
            return Expansion("command", text[position + 2 : end - 1], quoted)
        name = _NAME.match(text, position + 1)
        if name:
            self._move(name.end())
            return Expansion("parameter", name.group(), quoted)
        self._move(position + 1)
        return Literal("" if following in ("'", '"') else "$", quoted)  # $'...' and $"..." are read as plain quotes

    def _closing(self, start: int, closing: str) -> int:
        """The place behind what closes the quote or parenthesis at ``start``. Raises Unreadable."""
        text = self._text
        stack = [closing]
        position = start + 1
        while stack:
            found = _INTEREST.search(text, position)
            if not found:
                raise Unreadable(self._line, f"a {text[start]} without its end")
            character, position = found.group(), found.end()
            in_quotes = stack[-1] in '"`'
            if character == "\\":
                position += 1
            elif character == stack[-1]:
                stack.pop()
            elif character == "'" and not in_quotes:
                position = text.find("'", position) + 1 or len(text)
            elif character in '"`':
                stack.append(character)
            elif character in "({" and (not in_quotes or text[position - 2] == "$"):
                stack.append(")" if character == "(" else "}")
        return position

    def _move(self, position: int) -> None:
        self._line += self._text.count("\n", self._position, position)
        self._position = position
