"""Tokens -> statements: sh(1p) 2.9 and 2.10 with what bash adds. What is out of place is told and skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Union

from lvs_init.importing.said import Said
from lvs_init.importing.shell_words import Array, Literal, Token, Unreadable, Word, tokens

DEEPEST = 40


class Assignment(NamedTuple):
    """``NAME=value``, ``NAME[subscript]=value``, ``NAME+=value``."""

    name: str
    subscript: Word
    adds: bool
    value: Word


@dataclass(frozen=True)
class Simple:
    """A command with what stands before it and where its streams go: (operator, word)."""

    line: int
    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirections: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True)
class Arithmetic:
    line: int
    text: str


@dataclass(frozen=True)
class Pipeline:
    parts: tuple[Node, ...]
    negated: bool = False


@dataclass(frozen=True)
class Chain:
    """``first && second || third``: what comes later stands behind its operator."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class If:
    line: int
    clauses: tuple[tuple[Body, Body], ...]
    otherwise: Body


@dataclass(frozen=True)
class For:
    """``words`` None: the positional parameters."""

    line: int
    name: str
    words: tuple[Word, ...] | None
    body: Body


@dataclass(frozen=True)
class While:
    """A loop with a condition; ``step`` is the third part of ``for ((...; ...; ...))``."""

    line: int
    until: bool
    condition: Body
    body: Body
    step: str = ""


@dataclass(frozen=True)
class Case:
    line: int
    word: Word
    clauses: tuple[tuple[tuple[Word, ...], Body], ...]


@dataclass(frozen=True)
class Function:
    line: int
    name: str
    body: Body


@dataclass(frozen=True)
class Group:
    body: Body


Node = Union[Simple, Arithmetic, Pipeline, Chain, If, For, While, Case, Function, Group]
Body = tuple[Node, ...]

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.DOTALL)
_ELEMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[")
_FUNCTION_NAME = re.compile(r"[^\s=$'\"]+")
_REDIRECTIONS = {"<", ">", ">>", ">|", "<>", ">&", "<&", "&>", "&>>", "<<", "<<<"}
_CLOSERS = {"then", "else", "elif", "fi", "do", "done", "esac", "}"}
_SEPARATORS = {";", "\n", "&"}
_CASE_ENDS = {";;", ";&", ";;&"}


def statements(text: str, said: Said, line: int = 1) -> Iterator[Node]:
    """One after the other, from the top of the text. What cannot be read ends it, and is told."""
    try:
        parser = _Parser(tokens(text, line), said)
        while not parser.at_end:
            node = parser.statement()
            if node is not None:
                yield node
    except Unreadable as error:
        said.add(error.line, f"cannot be read, nor can what follows: {error.what}")


class _Parser:
    def __init__(self, source: Iterator[Token], said: Said) -> None:
        self._source = source
        self._said = said
        self._depth = 0
        self._token = next(source)

    @property
    def at_end(self) -> bool:
        return self._token.kind == "end"

    def statement(self) -> Node | None:
        """The next one; None for a separator, or for something that was out of place."""
        token = self._token
        if token.kind == "operator" and token.text in _SEPARATORS:
            self._next()
            return None
        node = self._chain()
        if node is None:
            self._said.not_understood(token.line, token.plain or "a word")
            self._next()
        return node

    def _next(self) -> Token:
        token = self._token
        if token.kind != "end":
            self._token = next(self._source)
        return token

    def _skip(self, *texts: str) -> bool:
        """Whether the next token was one of these operators or reserved words, which is passed then."""
        found = self._token.kind != "end" and self._token.plain in texts
        if found:
            self._next()
        return found

    def _lines(self) -> None:
        while self._token.kind == "operator" and self._token.text == "\n":
            self._next()

    def _body(self, *ends: str) -> Body:
        """Statements up to one of these, which is left to be read; at the end of the text whatever there is."""
        nodes: list[Node] = []
        while not self.at_end and self._token.plain not in ends:
            node = self.statement()
            if node is not None:
                nodes.append(node)
        return tuple(nodes)

    def _chain(self) -> Node | None:
        first = self._pipeline()
        if first is None:
            return None
        rest: list[tuple[str, Node]] = []
        while self._token.kind == "operator" and self._token.text in ("&&", "||"):
            operator = self._next().text
            self._lines()
            following = self._pipeline()
            if following is None:
                break
            rest.append((operator, following))
        return Chain(first, tuple(rest)) if rest else first

    def _pipeline(self) -> Node | None:
        negated = self._skip("!")
        parts = [self._command()]
        while self._token.kind == "operator" and self._token.text == "|":
            self._next()
            self._lines()
            parts.append(self._command())
        known = tuple(part for part in parts if part is not None)
        if not known:
            return None
        return known[0] if len(known) == 1 and not negated else Pipeline(known, negated)

    def _command(self) -> Node | None:
        if self._depth >= DEEPEST:
            raise Unreadable(self._token.line, "statements nested too deeply")
        self._depth += 1
        try:
            node = self._compound()
            if node is None:
                return self._simple()
            self._redirections()
            return node
        finally:
            self._depth -= 1

    def _compound(self) -> Node | None:
        token = self._token
        if token.kind == "arithmetic":
            self._next()
            return Arithmetic(token.line, token.text)
        readers = {
            "if": self._if, "for": self._for, "select": self._for, "while": self._while, "until": self._while,
            "case": self._case, "function": self._function, "{": self._group, "(": self._group,
        }  # fmt: skip
        reader = readers.get(token.plain) if token.kind != "end" else None
        return reader(self._next()) if reader else None

    def _if(self, token: Token) -> Node:
        clauses: list[tuple[Body, Body]] = []
        while True:
            condition = self._body("then", "fi")
            self._skip("then")
            clauses.append((condition, self._body("elif", "else", "fi")))
            if not self._skip("elif"):
                break
        otherwise = self._body("fi") if self._skip("else") else ()
        self._skip("fi")
        return If(token.line, tuple(clauses), otherwise)

    def _for(self, token: Token) -> Node:
        if self._token.kind == "arithmetic":
            parts = [*self._next().text.split(";"), "", ""]
            body = self._loop_body()
            loop = While(token.line, False, (Arithmetic(token.line, parts[1] or "1"),), body, parts[2])
            return Group((Arithmetic(token.line, parts[0]), loop))
        name = self._next().plain
        self._lines()
        words: list[Word] | None = None
        if self._skip("in"):
            words = []
            while self._token.kind == "word":
                words.append(self._next().word)
        return For(token.line, name, None if words is None else tuple(words), self._loop_body())

    def _while(self, token: Token) -> Node:
        condition = self._body("do", "done")
        return While(token.line, token.plain == "until", condition, self._loop_body())

    def _loop_body(self) -> Body:
        while self._token.kind == "operator" and self._token.text in _SEPARATORS:
            self._next()
        if self._skip("{"):
            body = self._body("}")
            self._skip("}")
            return body
        self._skip("do")
        body = self._body("done")
        self._skip("done")
        return body

    def _case(self, token: Token) -> Node:
        word = self._next().word
        self._lines()
        self._skip("in")
        clauses: list[tuple[tuple[Word, ...], Body]] = []
        while True:
            while self._token.kind == "operator" and self._token.text in (*_SEPARATORS, *_CASE_ENDS):
                self._next()
            if self.at_end or self._skip("esac"):
                return Case(token.line, word, tuple(clauses))
            self._skip("(")
            patterns = []
            while self._token.kind == "word":
                patterns.append(self._next().word)
                self._skip("|")
            if not self._skip(")"):
                self._said.not_understood(self._token.line, f"{self._token.plain or 'the end'} in a case")
                self._next()
                continue
            clauses.append((tuple(patterns), self._body(*_CASE_ENDS, "esac")))

    def _function(self, token: Token) -> Node:
        name = self._next().plain
        if self._skip("("):
            self._skip(")")
        return self._function_of(token.line, name)

    def _function_of(self, line: int, name: str) -> Node:
        self._lines()
        body = self._command()
        return Function(line, name, () if body is None else (body,))

    def _group(self, token: Token) -> Node:
        end = "}" if token.plain == "{" else ")"
        body = self._body(end)
        self._skip(end)
        return Group(body)

    def _simple(self) -> Node | None:
        line = self._token.line
        if self._token.kind == "word" and self._token.plain in _CLOSERS:
            return None
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirections: list[tuple[str, Word]] = []
        while True:
            redirections += self._redirections()
            if self._token.kind != "word":
                break
            name = self._token.plain
            word = self._next().word
            found = assignment(word) if not words else None
            if found:
                assignments.append(found)
            else:
                words.append(word)
            if name == "[[":
                words += self._until("]]")
            if len(words) == 1 and _FUNCTION_NAME.fullmatch(name) and self._skip("("):
                self._skip(")")
                return self._function_of(line, name)
        if not (assignments or words or redirections):
            return None
        return Simple(line, tuple(assignments), tuple(words), tuple(redirections))

    def _until(self, end: str) -> list[Word]:
        """Everything up to a closing word, operators as words."""
        words = []
        while not self.at_end:
            token = self._next()
            words.append(token.word if token.kind == "word" else (Literal(token.text, quoted=True),))
            if token.plain == end or token.text == "\n":
                break
        return words

    def _redirections(self) -> list[tuple[str, Word]]:
        found = []
        while self._token.kind == "operator" and self._token.text in _REDIRECTIONS:
            token = self._next()
            if token.text in ("<<", "<<<"):
                found.append((token.text, token.word))
            elif self._token.kind == "word":
                found.append((token.text, self._next().word))
        return found


def assignment(word: Word) -> Assignment | None:
    """The word as an assignment; None where it is none."""
    first = word[0] if word else None
    if not isinstance(first, Literal) or first.quoted:
        return None
    element = _ELEMENT.match(first.text)
    if element:
        rest = (Literal(first.text[element.end() :]), *word[1:])
        return _element(element.group(1), rest)
    found = _ASSIGNMENT.fullmatch(first.text)
    if not found:
        return None
    name, adds, value = found.groups()
    return Assignment(name, (), bool(adds), ((Literal(value),) if value else ()) + word[1:])


def _element(name: str, rest: Word) -> Assignment | None:
    """``NAME[`` is read: the subscript may hold expansions, so that what closes it stands in a later piece."""
    for position, piece in enumerate(rest):
        if isinstance(piece, Literal) and not piece.quoted and "]" in piece.text:
            before, _, after = piece.text.partition("]")
            adds = after.startswith("+=")
            if not adds and not after.startswith("="):
                return None
            subscript = (*rest[:position], Literal(before))
            return Assignment(name, subscript, adds, (Literal(after[2 if adds else 1 :]), *rest[position + 1 :]))
    return None


def elements_of(word: Word) -> tuple[Word, ...] | None:
    """The elements where the word is an array; None where it is not."""
    return word[0].elements if len(word) == 1 and isinstance(word[0], Array) else None
