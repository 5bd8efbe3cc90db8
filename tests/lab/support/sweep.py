"""Sweeps: one verb again and again, interrupted each time one command or event later, until nothing is left to hit.

Each runs inside the host that it is about and returns how many cases it tried and what was wrong with them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from lvs_init.lab.snapshot import Snapshot, difference
from support import heartbeat, hooks, wrapper
from support.running import Ended, configure, run
from support.state import quick

MOST = 99  # more commands or events than any verb has
_EVENT = "/run/lab-event"


@dataclass
class Life:
    """A role's life with two files: start with the first, reload with the second, stop."""

    role: str
    first: str
    second: str
    verb: str = "start"
    cases: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    where: str = ""
    stopped: Snapshot = field(default_factory=dict)
    running: Snapshot = field(default_factory=dict)
    changed: Snapshot = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See the states of an undisturbed life."""
        configure(self.first)
        self.stopped = quick()
        self.must("start")
        self.running = quick()
        configure(self.second)
        self.must("reload")
        self.changed = quick()
        self.must("stop")
        self.same("after an undisturbed stop", self.stopped)

    @property
    def before(self) -> Snapshot:
        """The state in which the verb is called."""
        return self.stopped if self.verb == "start" else self.running

    @property
    def after(self) -> Snapshot:
        """The state that the verb is for."""
        return {"start": self.running, "reload": self.changed, "stop": self.stopped}[self.verb]

    def enter(self) -> None:
        """Bring the host, which is stopped or as it should be, to where the verb is called."""
        now = quick()
        if now != self.before:
            configure(self.first)
            if now != self.stopped:
                self.must("stop")
            if self.verb != "start":
                self.must("start")
            self.same("on the way back to the beginning", self.before)
        configure(self.second if self.verb == "reload" else self.first)
        if os.path.exists(_EVENT):
            os.unlink(_EVENT)

    def count(self, number: int, what: str) -> None:
        self.cases[self.verb] = self.cases.get(self.verb, 0) + 1
        self.where = f"{self.verb}, {number}: {what}"

    def must(self, verb: str) -> None:
        """Run a verb that has to succeed."""
        ended = run(self.role, verb)
        if ended.code:
            self.complain(f"then {verb}: exit {ended.code}: {ended.stderr}")

    def same(self, when: str, wanted: Snapshot) -> None:
        """The host must look like this."""
        for line in difference(wanted, quick()):
            self.complain(f"{when}: {line}")

    def complain(self, text: str) -> None:
        self.wrong.append(f"{self.where}: {text}")

    def told(self) -> dict[str, object]:
        """End it and say what was found."""
        configure(self.first)
        self.must("stop")
        self.same("at the end", self.stopped)
        return {"cases": self.cases, "wrong": self.wrong}


def failing(
    role: str,
    first: str,
    second: str,
    verbs: Sequence[str],
    how: str = "fail",
    only: str = "",
    for_good: bool = False,
    with_sh: Sequence[str] = (),
    channel: str | None = None,
    stride: int = 1,
) -> dict[str, object]:
    """Every k-th command goes wrong. ``only``: of those that begin so. ``for_good``: and all after it.

    ``with_sh``: the verbs that are run with the runner's own sh. ``channel``: as in ``run``. ``stride``: only one of so
    many is hit.
    """
    life = Life(role, first, second)
    for life.verb in verbs:
        for number in range(1, MOST, stride):
            life.enter()
            wrapper.plan(how, number, 1 << 20 if for_good else number, only)
            before = hooks.impatient if how == "hang" else None
            ended = run(role, life.verb, before=before, brisk=life.verb not in with_sh, channel=channel)
            hit, calls = wrapper.struck(), wrapper.calls()
            wrapper.remove()
            if not hit:
                break
            life.count(number, f"'{calls[number - 1][:60]}' {how}")
            _judge_told(life, ended, calls[number - 1].split()[0], how)
            _judge_state(life, ended, for_good)
    return life.told()


def _judge_told(life: Life, ended: Ended, tool: str, how: str) -> None:
    """The exit code, and what the admin reads."""
    if ended.code not in (0, 1) or "Traceback" in ended.stderr or "internal error" in ended.stderr:
        life.complain(f"exit {ended.code}: {ended.stderr}")
    named = {
        "fail": (f"exit code {wrapper.CODE}", wrapper.SAID, tool),
        "hang": ("was killed", "without an answer", tool),
    }
    for text in named.get(how, ()) if ended.code else ():
        if text not in ended.stderr:
            life.complain(f"'{text}' is not in {ended.stderr}")


def _judge_state(life: Life, ended: Ended, for_good: bool) -> None:
    """Done, or as it was; what neither a start nor its undo could do, stop does once the commands work again."""
    if ended.code == 0:
        _complete(life, ended)
    elif life.verb != "stop" and not for_good:
        life.same("exit 1", life.before)
    else:
        if quick() != life.before and "left over" not in ended.stderr and life.verb != "stop":
            life.complain(f"nothing is said of what is left over: {ended.stderr}")
        life.must("stop")
        life.same("stopped again", life.stopped)


def killed_at_events(role: str, first: str, second: str, verbs: Sequence[str], stride: int = 1) -> dict[str, object]:
    """SIGKILL when the k-th event begins, that is after all before it; then start or stop, in turns.

    ``stride``: only one of so many is hit.
    """
    life = Life(role, first, second)
    for life.verb in verbs:
        for turn, number in enumerate(range(1, MOST, stride)):
            if not _kill(life, number, ("start", "stop")[turn % 2], number, ""):
                break
    return life.told()


def killed_at_commands(
    role: str,
    first: str,
    second: str,
    verbs: Sequence[str],
    how: str,
    only: str = "",
    channel: str | None = None,
    stride: int = 1,
) -> dict[str, object]:
    """SIGKILL "before" the k-th command, which goes on alone, or with half of it applied ("half-kill").

    Then start or stop, in turns. ``stride``: only one of so many is hit.
    """
    life = Life(role, first, second)
    for life.verb in verbs:
        for turn, number in enumerate(range(1, MOST, stride)):
            if not _kill(life, number, ("stop", "start")[turn % 2], 0, how, only, channel):
                break
    return life.told()


def _kill(life: Life, number: int, then: str, event: int, how: str, only: str = "", channel: str | None = None) -> bool:
    """One case. False where the verb came to its end first."""
    life.enter()
    if event:
        ended = run(life.role, life.verb, before=lambda: hooks.at_event(event, signal.SIGKILL))
    else:
        wrapper.plan(how, number, only=only)
        ended = run(life.role, life.verb, brisk=life.verb != "start", channel=channel)
        calls = wrapper.calls()
        wrapper.remove()
    if ended.code != -signal.SIGKILL:
        if ended.code:
            life.complain(f"not killed at {number}: exit {ended.code}: {ended.stderr}")
        return False
    what = _event() if event else f"'{calls[number - 1][:60]}' {how}"
    life.count(number, f"killed at {what}, then {then}")
    if how != "before":  # then whoever comes next has to wait, and must not be given time
        _judge_between(life)
    _follow(life, then)
    return True


def _follow(life: Life, then: str) -> None:
    """Who comes after a kill makes everything good."""
    life.must(then)
    if then == "stop":
        life.same("stopped", life.stopped)
    else:
        life.same("started", life.changed if life.verb == "reload" else life.running)


def telling(role: str, first: str, second: str, verbs: Sequence[str], how: str, stride: int = 1) -> dict[str, object]:
    """Every k-th change that the kernel is told of over netlink goes wrong, as hooks.at_message has it.

    After a kill comes start or stop, in turns. ``stride``: only one of so many is hit.
    """
    life = Life(role, first, second)
    for life.verb in verbs:
        for turn, number in enumerate(range(1, MOST, stride)):
            life.enter()
            before = partial(hooks.at_message, number, how)
            ended = run(role, life.verb, before=before, channel="netlink")
            if not _event():
                break
            life.count(number, f"{_event()} {how}")
            if how.startswith("kill"):
                _judge_between(life)
                _follow(life, ("stop", "start")[turn % 2])
            else:
                _judge_answered(life, ended, how)
    return life.told()


def _judge_answered(life: Life, ended: Ended, how: str) -> None:
    """Done, or as it was."""
    reason = {"refused": "Memory allocation problem", "lost": "made to fail"}[how]
    if ended.code not in (0, 1) or "Traceback" in ended.stderr or "internal error" in ended.stderr:
        life.complain(f"exit {ended.code}: {ended.stderr}")
    if ended.code == 1:
        if reason not in ended.stderr:
            life.complain(f"'{reason}' is not in {ended.stderr}")
        life.same("exit 1", life.before)
    else:
        _complete(life, ended, reason)


#: What is said where not all was done though it was no failure: of a bad real server, and of those that left the file.
_REST = ("left out", "real servers that left the file are still there")


def _complete(life: Life, ended: Ended, reason: str = "") -> None:
    """After exit 0 all is done; or it is said what is not, and the next start does it."""
    if any(text in ended.stderr for text in _REST) and reason in ended.stderr:
        life.must("start")
    life.same("exit 0", life.after)


def _event() -> str:
    if not os.path.exists(_EVENT):
        return ""
    with open(_EVENT, encoding="utf-8") as file:
        return file.read()


def _judge_between(life: Life) -> None:
    """Status after the kill: of one mind with Heartbeat, and 0 only where everything is there.

    What is drained may be there besides: the file has let go of it.
    """
    status = run(life.role, "status")
    if status.code not in (0, 1, 2, 3) or not heartbeat.agree(status.code, status.stdout):
        life.complain(f"status: exit {status.code}: {status.stdout}{status.stderr}")
    now = quick()
    serves = any(
        all({*state[part]} <= {*now[part]} for part in ("ipvs", "addresses", "links"))
        for state in (life.running, life.changed)
    )
    if status.code == 0 and not serves:
        life.complain(f"status says that it runs: {status.stdout}")


def signalled(role: str, first: str, second: str, verbs: Sequence[str]) -> dict[str, object]:
    """SIGTERM or SIGINT, in turns, at every event: undone and exit 1; a stop, and what has only to be remembered, ends.

    A reload that is remembered may have real servers to look at a second time: they are the next one's.
    """
    life = Life(role, first, second)
    for life.verb in verbs:
        remembered = False
        for event in range(1, MOST):
            life.enter()
            number = (signal.SIGINT, signal.SIGTERM)[event % 2]
            ended = run(role, life.verb, before=partial(hooks.at_event, event, number))
            if not _event():
                break
            life.count(event, f"signal {number} at {_event()}")
            remembered = remembered or _event() == "record"
            if ended.code == 1 and life.verb != "stop":
                if f"interrupted by signal {number}" not in ended.stderr:
                    life.complain(ended.stderr)
                life.same("exit 1", life.before)
            elif ended.code == 0 and (life.verb == "stop" or remembered):
                if life.verb == "reload":
                    life.must("reload")
                life.same("exit 0", life.after)
            else:
                life.complain(f"exit {ended.code}: {ended.stderr}")
    return life.told()
