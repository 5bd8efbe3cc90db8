"""Follows a script as a shell would that is called with "start", and hands every command on instead of running it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Callable

from lvs_init.importing.arithmetic import calculate
from lvs_init.importing.conditions import Verdict, judge, matches, negation
from lvs_init.importing.printing import printed
from lvs_init.importing.said import UNKNOWN, Said, gap, gaps, shown
from lvs_init.importing.shell_syntax import (
    Arithmetic,
    Assignment,
    Body,
    Case,
    Chain,
    For,
    Function,
    If,
    Node,
    Pipeline,
    Simple,
    While,
    assignment,
    statements,
)
from lvs_init.importing.shell_values import TooMuch, Variables

MOST_ROUNDS = 10000  # of one loop
_EFFORT = 40_000_000  # characters: some seconds
_COST = 50  # of a command, in characters
_DEEPEST = 30
_WRAPPERS = {"sudo", "exec", "command", "builtin", "nohup", "time", "env"}
# Commands that are run for their answer.
_ASKING = {"arping", "cmp", "diff", "egrep", "fgrep", "grep", "id", "lsmod", "pgrep", "pidof", "ping", "type", "which"}


@dataclass(frozen=True)
class Call:
    """A command with its words known as far as the text tells. ``unsure``: it stands behind a condition that is not.

    ``stdin``: what it reads, "" where that is not known; ``reads``: a file instead; ``writes``: files it writes to.
    """

    line: int
    argv: tuple[str, ...]
    stdin: str = ""
    reads: str = ""
    writes: tuple[str, ...] = ()
    unsure: bool = False

    @property
    def name(self) -> str:
        """The program without its directory."""
        return self.argv[0].rpartition("/")[2]

    @property
    def unknown(self) -> list[str]:
        return [name for word in self.argv for name in gaps(word)]

    def __str__(self) -> str:
        return " ".join(self.argv)


class _Leaving(Exception):
    """break, continue, return, exit."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Walk:
    """``do`` gets each command; ``said`` what cannot be followed. Afterwards ``variables`` holds what was assigned."""

    def __init__(self, do: Callable[[Call], None], said: Said, arguments: tuple[str, ...] = ("start",)) -> None:
        self.variables = Variables(self._substituted, _EFFORT)
        self.variables.positional = list(arguments)
        self._do = do
        self._said = said
        self._functions: dict[str, Body] = {}
        self._unsure = 0
        self._depth = 0
        self._line = 1
        self._printed = ""
        self._built_in: dict[str, Callable[[Call, Simple], Verdict]] = {
            **dict.fromkeys((":", "true"), self._do_true),
            "false": self._do_false,
            **dict.fromkeys(("echo", "printf", "cat"), self._do_print),
            **dict.fromkeys(("test", "[", "[["), self._do_test),
            **dict.fromkeys(("export", "readonly", "declare", "typeset", "local"), self._do_declare),
            "let": self._do_let,
            "unset": self._do_unset,
            "read": self._do_read,
            "shift": self._do_shift,
            "set": self._do_set,
            "eval": self._do_eval,
            **dict.fromkeys(("break", "continue", "return", "exit"), self._do_leave),
        }

    def run(self, text: str) -> None:
        """Follow a whole script. Never raises."""
        try:
            for node in statements(text, self._said):
                self._node(node)
        except _Leaving as leaving:
            # break and continue outside of a loop do nothing, but then the text is not what it seemed
            if leaving.how in ("break", "continue"):
                self._said.not_understood(self._line, f"{leaving.how} outside of a loop")
        except (TooMuch, RecursionError):
            self._said.add(self._line, "is where reading ended: the script does more than can be followed")

    def _body(self, body: Body) -> Verdict:
        verdict: Verdict = True
        for node in body:
            verdict = self._node(node)
        return verdict

    def _node(self, node: Node) -> Verdict:
        self.variables.spend(_COST)
        if isinstance(node, Simple):
            return self._simple(node, "")
        if isinstance(node, Arithmetic):
            number = calculate(self.variables.inside(node.text), self.variables.texts)
            return None if number is None else number != 0
        if isinstance(node, Pipeline):
            verdict = self._pipeline(node)
            return negation(verdict) if node.negated else verdict
        if isinstance(node, Chain):
            return self._chain(node)
        if isinstance(node, If):
            return self._if(node)
        if isinstance(node, For):
            return self._for(node)
        if isinstance(node, While):
            return self._while(node)
        if isinstance(node, Case):
            return self._case(node)
        if isinstance(node, Function):
            self._functions[node.name] = node.body
            return True
        return self._body(node.body)

    def _perhaps(self, body: Body) -> Verdict:
        """A body that may be run or not: what it does is taken, what it leaves is not left."""
        self._unsure += 1
        try:
            return self._body(body)
        except _Leaving:
            return None
        finally:
            self._unsure -= 1

    def _pipeline(self, node: Pipeline) -> Verdict:
        text = ""
        verdict: Verdict = True
        for part in node.parts:
            if isinstance(part, Simple):
                verdict = self._simple(part, text, piped=part is not node.parts[-1])
                text = self._printed
            else:
                verdict = self._perhaps((part,))
                text = ""
        return verdict if len(node.parts) == 1 else None

    def _chain(self, node: Chain) -> Verdict:
        verdict = self._node(node.first)
        for operator, following in node.rest:
            wanted = operator == "&&"
            if verdict is None:
                self._perhaps((following,))
            elif verdict == wanted:
                verdict = self._node(following)
        return verdict

    def _if(self, node: If) -> Verdict:
        unsure = False
        for condition, body in node.clauses:
            verdict = self._body(condition)
            if verdict is None:
                unsure = True
                self._perhaps(body)
            elif verdict:
                return self._perhaps(body) if unsure else self._body(body)
        return self._perhaps(node.otherwise) if unsure else self._body(node.otherwise)

    def _for(self, node: For) -> Verdict:
        if node.words is None:
            values = list(self.variables.positional)
        else:
            values = [field for word in node.words for field in self.variables.fields(word)]
        for value in values:
            self.variables.texts[node.name] = value
            if not self._round(node.body):
                break
        return True

    def _round(self, body: Body) -> bool:
        """Whether the loop goes on."""
        try:
            self._body(body)
        except _Leaving as leaving:
            if leaving.how == "break":
                return False
            if leaving.how != "continue":
                raise
        return True

    def _while(self, node: While) -> Verdict:
        for _ in range(MOST_ROUNDS):
            verdict = self._body(node.condition)
            if verdict is None:
                self._perhaps(node.body)
                return None
            if verdict == node.until or not self._round(node.body):
                return True
            if node.step:
                calculate(self.variables.inside(node.step), self.variables.texts)
        self._said.add(node.line, f"is a loop without an end: {MOST_ROUNDS} rounds were followed")
        return None

    def _case(self, node: Case) -> Verdict:
        word = self.variables.text(node.word)
        if UNKNOWN in word:
            self._said.add(node.line, f"is a case of {gaps(word)[0]}, which is not known: none of it was read")
            return None
        for patterns, body in node.clauses:
            if any(matches(self.variables.text(pattern), word) for pattern in patterns):
                return self._body(body)
        return True

    # Commands

    def _simple(self, node: Simple, stdin: str, piped: bool = False) -> Verdict:
        self._line, self._printed = node.line, ""
        argv = [field for word in node.words for field in self.variables.fields(word)]
        if not argv:
            for each in node.assignments:
                self._assign(each)
            return True
        while len(argv) > 1 and argv[0] in _WRAPPERS and not argv[1].startswith("-"):
            del argv[0]
        if argv[0] == "action" and len(argv) > 2:  # Red Hat's init functions: a text, then the command
            del argv[:2]
        reads = ""
        writes = []
        for operator, word in node.redirections:
            text = self.variables.text(word)
            if operator in ("<<", "<<<"):
                stdin = text
            elif operator == "<":
                reads = text
            elif operator in (">", ">>", ">|", "&>", "&>>") and text != "/dev/null":
                writes.append(text)
        call = Call(node.line, tuple(argv), stdin, reads, tuple(writes), self._unsure > 0)
        built_in = self._built_in.get(call.name)
        if built_in is not None:
            verdict: Verdict = built_in(call, node)
        elif call.name in self._functions:
            return self._function(call)
        else:
            verdict = None if call.name in _ASKING else True
        if not piped and (built_in is None or writes):
            self._do(call)
        return verdict

    def _assign(self, assigned: Assignment) -> None:
        before = self.variables.texts.get(assigned.name)
        self.variables.assign(*assigned)
        after = self.variables.texts.get(assigned.name)
        if self._unsure and before is not None and after is not None and after != before:
            known = f"{assigned.name} is taken to be '{shown(after)}'"
            self._said.add(self._line, f"stands behind a condition that the text does not decide: {known}")

    def _function(self, call: Call) -> Verdict:
        if self._depth >= _DEEPEST:
            self._said.add(call.line, f"is where functions call each other without an end: {call.name}")
            return None
        positional, self.variables.positional = self.variables.positional, list(call.argv[1:])
        self._depth += 1
        try:
            return self._body(self._functions[call.name])
        except _Leaving as leaving:
            if leaving.how != "return":
                raise
            return None
        finally:
            self._depth -= 1
            self.variables.positional = positional

    def _substituted(self, text: str) -> str:
        """What a command prints, for the few whose answer the text alone tells."""
        answer = ""
        nodes = list(islice(statements(text, Said(), self._line), 2))
        parts = nodes[0].parts if nodes and isinstance(nodes[0], Pipeline) else tuple(nodes[:1])
        for part in parts if len(nodes) == 1 else ():
            words = part.words if isinstance(part, Simple) else ()
            argv = [field for word in words for field in self.variables.fields(word)]
            known = printed(argv, answer)
            if known is None:
                break
            answer = known
        else:
            if parts:
                return answer.rstrip("\n")
        return gap(f"$({text.split(maxsplit=1)[0] if text.strip() else ''})")

    # Built-in commands

    def _do_true(self, call: Call, node: Simple) -> Verdict:
        return True

    def _do_false(self, call: Call, node: Simple) -> Verdict:
        return False

    def _do_print(self, call: Call, node: Simple) -> Verdict:
        self._printed = call.stdin if call.name == "cat" else printed(call.argv) or ""
        return True

    def _do_test(self, call: Call, node: Simple) -> Verdict:
        words = call.argv[1:]
        if call.argv[0] in ("[", "[[") and words[-1:] == (("]]" if call.argv[0] == "[[" else "]"),):
            words = words[:-1]
        return judge(words, patterns=call.argv[0] == "[[")

    def _do_declare(self, call: Call, node: Simple) -> Verdict:
        for word in node.words[1:]:
            found = assignment(word)
            if found:
                self._assign(found)
        return True

    def _do_let(self, call: Call, node: Simple) -> Verdict:
        number = None
        for text in call.argv[1:]:
            number = calculate(text, self.variables.texts)
        return None if number is None else number != 0

    def _do_unset(self, call: Call, node: Simple) -> Verdict:
        for name in call.argv[1:]:
            self.variables.texts.pop(name, None)
            self.variables.arrays.pop(name, None)
        return True

    def _do_read(self, call: Call, node: Simple) -> Verdict:
        for name in call.argv[1:]:
            if not name.startswith("-"):
                self.variables.texts[name] = gap(f"${name}")
        return None

    def _do_shift(self, call: Call, node: Simple) -> Verdict:
        number = call.argv[1] if len(call.argv) > 1 else "1"
        del self.variables.positional[: int(number[:6]) if number.isascii() and number.isdecimal() else 0]
        return True

    def _do_set(self, call: Call, node: Simple) -> Verdict:
        if call.argv[1:2] == ("--",):
            self.variables.positional = list(call.argv[2:])
        return True

    def _do_eval(self, call: Call, node: Simple) -> Verdict:
        if self._depth >= _DEEPEST:
            return None
        self._depth += 1
        try:
            return self._body(tuple(statements(" ".join(call.argv[1:]), self._said, call.line)))
        finally:
            self._depth -= 1

    def _do_leave(self, call: Call, node: Simple) -> Verdict:
        raise _Leaving(call.name)
