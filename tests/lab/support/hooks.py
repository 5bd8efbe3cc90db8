"""What happens to a run from inside: called in its process before the script."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, BinaryIO

from lvs_init.config import realserver_table
from lvs_init.engine.run import Engine
from lvs_init.errors import SystemFailure
from lvs_init.system import arp
from lvs_init.system.mutex import Mutex
from lvs_init.system.netlink import Family, Request
from lvs_init.system.runner import ENVIRONMENT, Command, Completed, Runner


def at_event(number: int, which: int) -> None:
    """The process sends itself a signal when this event (counted from 1) is announced, and leaves a note of which."""
    seen = 0

    def listen(event: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            with open("/run/lab-event", "w", encoding="utf-8") as file:
                file.write(event)
            os.kill(os.getpid(), which)

    original = Engine.at_work

    def at_work(self: Engine, verb: str) -> Any:
        self.listen = listen
        return original(self, verb)

    Engine.at_work = at_work  # type: ignore[method-assign]


def at_message(number: int, how: str) -> None:
    """Something happens at this change (counted from 1) that the kernel is told of over netlink, and leaves a note.

    "kill" comes before it, "kill after" it; it is "refused", or done but its answer is "lost".
    """
    seen = 0
    original = Family.tell

    def tell(self: Family, requests: Iterable[Request]) -> dict[int, int]:
        nonlocal seen
        refused = {}
        for place, request in enumerate(requests):  # one at a time, so that it can be between two of them
            seen += 1
            if seen == number:
                with open("/run/lab-event", "w", encoding="utf-8") as file:
                    file.write(f"message {number}")
                if how == "refused":
                    refused[place] = errno.ENOMEM
                    continue
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
            for code in original(self, [request]).values():
                refused[place] = code
            if seen == number and how == "kill after":
                os.kill(os.getpid(), signal.SIGKILL)
            if seen == number and how == "lost":
                raise SystemFailure("made to fail")
        return refused

    Family.tell = tell  # type: ignore[method-assign]


def impatient(seconds: float = 1.0) -> None:
    """Commands get this long."""
    original = Runner.run
    Runner.run = lambda self, command: original(self, replace(command, timeout=seconds))  # type: ignore


def hurried() -> None:
    """Nobody else is on the wire, so there is nothing to wait for when asking who has an address."""
    original = arp.Probe.answers
    arp.Probe.answers = lambda self, seconds=0.0: original(self, 0.01)  # type: ignore[method-assign]


def brisk() -> None:
    """Commands start by vfork, as the runner starts them in all else: a fifth of the time that sh takes in a guest."""

    def _run(self: Runner, path: str, command: Command) -> Completed:
        with _memory() as stdin, _memory() as stdout, _memory() as stderr:
            stdin.write(command.stdin.encode())
            stdin.seek(0)
            child = subprocess.Popen(
                [path, *command.argv[1:]], stdin=stdin, stdout=stdout, stderr=stderr, env=ENVIRONMENT, cwd="/",
                start_new_session=True, pass_fds=tuple(self._keep_open),
            )  # fmt: skip
            watch = os.pidfd_open(child.pid)  # Popen's own waiting with a limit sleeps up to 50 ms too long
            timed_out = not select.select([watch], [], [], command.timeout)[0]
            os.close(watch)
            if timed_out:
                os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
            said = [os.pread(file.fileno(), 1 << 24, 0).decode("utf-8", "replace") for file in (stdout, stderr)]
            return Completed(command.argv, code, said[0], said[1], timed_out)

    Runner._run = _run  # type: ignore[method-assign]


def _memory() -> BinaryIO:
    return open(os.memfd_create("stream"), "w+b", buffering=0)


def no_patience() -> None:
    """The mutex is waited for only this long, and who holds it is killed as soon."""
    Mutex.acquire.__defaults__ = (1.0, *Mutex.acquire.__defaults__[1:])  # type: ignore[index]
    Mutex.terminate_holder.__defaults__ = (1.0,)


def every_tunnel() -> None:
    """The configuration takes kinds of tunnels that no traffic has been sent through: the table knows them."""
    realserver_table.TRAFFIC_TESTED_TUNNELS = ("ipip", "gue", "gre")
