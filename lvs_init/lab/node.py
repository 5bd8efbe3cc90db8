"""A host of the lab, seen from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lvs_init.lab.guest import LabError
from lvs_init.lab.window import Message

_PROMPT = 30.0  # seconds within which what needs no time of its own must be answered


class Agent(Protocol):
    """What a node needs of its place."""

    def script(self, name: str) -> list[str]: ...

    def ask(self, node: str, request: Message) -> int: ...

    def answer(self, number: int, timeout: float, host: int) -> Message: ...


@dataclass(frozen=True)
class Completed:
    """How a program ended. code: exit status, minus the signal's number where a signal ended it, 127 where there is
    no such program. seconds: as measured inside. expired: it was killed because its time was over."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float
    expired: bool

    def check(self) -> Completed:
        """Itself if the program succeeded; raises LabError with all it said if not."""
        if self.code:
            raise LabError(f"{' '.join(self.argv)}: exit {self.code}\n{self.stdout}{self.stderr}")
        return self


class Running:
    """A program or script on its way."""

    def __init__(self, node: Node, number: int, argv: Sequence[str], timeout: float | None) -> None:
        self._node = node
        self._number = number
        self._argv = tuple(argv)
        self._timeout = timeout

    def wait(self) -> Completed:
        """Wait for its end, which comes at the latest when its timeout is over."""
        patience = float("inf") if self._timeout is None else self._timeout + _PROMPT
        return Completed(self._argv, **self._node.answer(self._number, patience))

    def signal(self, which: int) -> None:
        """Send it a signal; SIGKILL goes to everything it started too, and is waited for."""
        self._node.signal(self._number, which)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)


class Serving(Running):
    """A Python generator that goes on. ready: the first value it gave."""

    def __init__(self, node: Node, number: int, function: str, ready: Any) -> None:
        super().__init__(node, number, (function,), None)
        self.ready = ready


class Calling:
    """A Python function on its way."""

    def __init__(self, node: Node, number: int, timeout: float) -> None:
        self._node = node
        self._number = number
        self._timeout = timeout

    def wait(self) -> Any:
        """What it returned. Raises LabError with the traceback where it raised."""
        return self._node.answer(self._number, self._timeout + _PROMPT)["result"]


class Node:
    """A host. Everything is run as an init system would: root, /, nothing on stdin, only PATH and TERM set."""

    def __init__(self, agent: Agent, name: str, number: int, pid: int = 0) -> None:
        self.name = name
        self.pid = pid  # as the agent sees it
        self._agent = agent
        self._number = number

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float | None = 60,
    ) -> Running:
        """Start a program and do not wait. env: its whole environment. timeout: in seconds, None for a daemon."""
        return self._begin("exec", argv, env, stdin, timeout)

    def run(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, stdin: str | None = None, timeout: float = 60
    ) -> Completed:
        return self.start(argv, env, stdin, timeout).wait()

    def start_script(
        self,
        name: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = 60,
    ) -> Running:
        """Start one of bin/* in an interpreter of its own."""
        return self.start([*self._agent.script(name), *arguments], env, stdin, timeout)

    def script(
        self,
        name: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = 60,
    ) -> Completed:
        return self.start_script(name, *arguments, env=env, stdin=stdin, timeout=timeout).wait()

    def start_entry(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = 60,
        hook: str | None = None,
        **hook_arguments: Any,
    ) -> Running:
        """Run a Python script in a fork of the agent, which saves the start of an interpreter.

        hook: "module:function" that is called in that process before the script, with hook_arguments.
        """
        return self._begin("entry", argv, env, stdin, timeout, hook=hook, hook_arguments=hook_arguments)

    def entry(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = 60,
        hook: str | None = None,
        **hook_arguments: Any,
    ) -> Completed:
        return self.start_entry(argv, env, stdin, timeout, hook, **hook_arguments).wait()

    def start_call(self, function: str, timeout: float = 60, **arguments: Any) -> Calling:
        """Call "module:function" with what JSON can carry, in a child of the host's own."""
        request = {"do": "call", "function": function, "arguments": arguments, "timeout": timeout}
        return Calling(self, self.ask(request), timeout)

    def call(self, function: str, timeout: float = 60, **arguments: Any) -> Any:
        return self.start_call(function, timeout, **arguments).wait()

    def serve(self, function: str, timeout: float = 60, **arguments: Any) -> Serving:
        """Start a generator function "module:function" and wait for its first value; it goes on until killed."""
        request = {"do": "serve", "function": function, "arguments": arguments, "timeout": timeout}
        number = self.ask(request)
        return Serving(self, number, function, self.answer(number, timeout + _PROMPT)["result"])

    def ip(self, *lines: str) -> None:
        """Run iproute2's commands (without "ip") in one process; raises LabError if one fails."""
        if lines:
            self.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n").check()

    def up(self, *interfaces: str) -> None:
        self.answer(self.ask({"do": "up", "interfaces": interfaces}), _PROMPT)

    def write(self, path: str, text: str, mode: int | None = None) -> None:
        """Write a file (or a sysctl), with the directories above it where they are missing. mode: its permissions,
        else 0644 for a new one and what it had for another."""
        self.answer(self.ask({"do": "write", "path": path, "text": text, "mode": mode}), _PROMPT)

    def read(self, path: str, start: int = 0) -> str:
        """A file's text, from that byte on. Raises LabError where it cannot be read."""
        text: str = self.answer(self.ask({"do": "read", "path": path, "start": start}), _PROMPT)["text"]
        return text

    def close(self) -> None:
        """End the host with everything that runs in it; returns when it is gone."""
        number = self._agent.ask("", {"do": "signal", "number": self._number, "signal": signal.SIGKILL})
        self._agent.answer(number, _PROMPT, 0)

    def ask(self, request: Message) -> int:
        return self._agent.ask(self.name, request)

    def answer(self, number: int, timeout: float) -> Message:
        return self._agent.answer(number, timeout, self._number)

    def signal(self, number: int, which: int) -> None:
        self.answer(self.ask({"do": "signal", "number": number, "signal": which}), _PROMPT)

    def _begin(
        self,
        what: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None,
        stdin: str | None,
        timeout: float | None,
        **more: Any,
    ) -> Running:
        request = {
            "do": what,
            "argv": [os.fspath(word) for word in argv],
            "environment": env,
            "stdin": stdin,
            "timeout": timeout,
            **more,
        }
        return Running(self, self.ask(request), argv, timeout)
