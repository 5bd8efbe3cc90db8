"""Something happens while clients ask: a reload, the death of a real server. What becomes of their requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.errors import LvsError
from lvs_init.lab.course import Listener
from lvs_init.lab.questions import Question, questions_of
from lvs_init.lab.rehearsal import CONFIGURATION, REALSERVER_SCRIPT, Call, Rehearsal
from lvs_init.lab.steady import Became, Course, Loss, SteadyLoad

VERSION = 1
_ROUND, _WITHIN = 60, 30.0  # requests that pass before it, and after it; seconds in which they must
_TRIES = 20  # requests that show which real servers there are
_PATIENCE = 5.0  # seconds that clients wait for an answer
_THROUGH_AN_OUTAGE = 10.0, 45.0  # the same of requests and of downloads: TCP tries ever more seldom

Told = tuple[int, list[str]]  # an exit code, and what was said


@dataclass(frozen=True)
class Act:
    """What happens, in words, and what brings it about; ``first``: what has to be waited for before."""

    what: str
    do: Callable[[], Told]
    first: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Scenario:
    """``answered``: who answered how many requests before it happened, and since. ``lost``: in words, with downloads.
    ``slowest``, ``gap``: seconds of the longest request, and of the longest time in which none was answered.
    ``downloads``: how many that had begun before came to their right end."""

    what: str
    where: str
    asked: int
    before: Mapping[str, int]
    since: Mapping[str, int]
    lost: tuple[Loss, ...]
    slowest: float
    code: int
    said: list[str] = field(default_factory=list)
    gap: float = 0.0
    downloads: int = 0
    course: Course = field(default_factory=Course)
    notes: tuple[str, ...] = ()

    @property
    def losses(self) -> int:
        """How many requests and downloads were lost."""
        return sum(loss.times for loss in self.lost)

    @property
    def ok(self) -> bool:
        """Whether it could be done and nothing was lost by it."""
        return self.code == 0 and not self.lost

    @property
    def verdict(self) -> str:
        """The outcome, in a sentence."""
        if self.code:
            return "It could not be done."
        if self.lost:
            return f"{self.losses} of {self.asked} requests were lost."
        return f"Nothing was lost of {self.asked} requests."

    @property
    def noticed(self) -> list[str]:
        """What clients noticed beside losses, a sentence each."""
        said = [f"The longest request took {self.slowest:.1f} s; nobody was answered for {self.gap:.1f} s at most."]
        if self.downloads:
            said.append(f"Downloads that had begun before and came to their right end: {self.downloads}.")
        return said

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": VERSION, "ok": self.ok, "where": self.where, "what": self.what, "asked": self.asked,
            "answered_before": dict(self.before), "answered_since": dict(self.since), "losses": self.losses,
            "lost": [asdict(loss) for loss in self.lost], "slowest": self.slowest, "gap": self.gap,
            "downloads": self.downloads, "said": self.said, "notes": self.notes, "course": asdict(self.course),
        }  # fmt: skip


def reload_under_load(rehearsal: Rehearsal, listener: Listener) -> Scenario:
    """Put the later file into the place of the first one and reload, real servers before the director, as an admin
    does. Raises LabError, LvsError."""

    later = parse(rehearsal.later, CONFIGURATION)
    known = {key.address for service in later.services for key, _ in service.realservers}

    def act() -> Told:
        for node in {**rehearsal.realservers, "": rehearsal.director}.values():
            node.write(CONFIGURATION, rehearsal.later)
        staying = [host.name for host in rehearsal.topology.realservers if known.intersection(host.rips)]
        calls = [rehearsal.call(name, REALSERVER_SCRIPT, "reload") for name in staying]
        return outcome([rehearsal.call_director("reload"), *reversed(calls)])

    return under_load(rehearsal, "reload", [Act("reload", act)], listener)


def kill_under_load(rehearsal: Rehearsal, host: str, listener: Listener) -> Scenario:
    """The server of a host ends. Raises LabError, LvsError where there is no such real server."""
    if host not in rehearsal.realservers:
        raise LvsError(f"there is no real server {host}", hint=f"there are {', '.join(rehearsal.realservers)}")

    def act() -> Told:
        rehearsal.listen(host, None)
        return 0, []

    what = f"the server of {host} ends"
    return under_load(rehearsal, what, [Act(what, act)], listener)


def outcome(calls: Sequence[Call]) -> Told:
    """The worst exit code, and all that was said."""
    ended = [call.completed for call in calls]
    said = [line for done in ended for line in (*done.stdout.splitlines(), *done.stderr.splitlines())]
    return max(done.code for done in ended), said


def under_load(
    rehearsal: Rehearsal, what: str, acts: Sequence[Act], listener: Listener, *, long: bool = False
) -> Scenario:
    """Start all of it, and act while clients ask. ``long``: downloads are under way all the time, and each request has
    a connection of its own. Raises LabError, LvsError."""
    where = rehearsal.place.where
    question = _question(rehearsal.cluster)
    listener.begin("start every node")
    failed = [call for call in rehearsal.start() if call.completed.code]
    listener.end(f"{failed[0].host} does not start" if failed else "all running", not failed)
    if failed:
        return _impossible(what, where, *outcome(failed[:1]))
    listener.begin(f"clients ask {question.address}:{question.port}")
    told = rehearsal.ask(question, _TRIES if long else 1, timeout=10.0)
    if told["errors"]:
        listener.end(_shares(told["errors"]), False)
        return _impossible(what, where, 1, [f"{question.address}:{question.port} is not served before it"])
    more: dict[str, Any] = {"timeout": _PATIENCE}
    if long:
        timeout, download_timeout = _THROUGH_AN_OUTAGE
        more = {"timeout": timeout, "download_timeout": download_timeout, "new": 4, "kept": 0}
        more["downloads"] = sorted(told["answers"])[:2]
    with SteadyLoad(rehearsal.client, question.address, question.port, **more) as load:
        before = load.advance(requests=_ROUND, within=_WITHIN)
        listener.end(_shares(before.answered), not before.losses)
        code, said = _play(acts, load, listener)
        listener.begin("wait for what is under way")
        became = load.finish()
        listener.end(f"{became.losses} lost", not became.losses)
        course = load.course()
    return Scenario(
        what, where, became.asked, before.answered, _since(before, became), became.lost, became.slowest, code, said,
        became.gap, sum(became.done["download"].values()), course,
    )  # fmt: skip


def _play(acts: Sequence[Act], load: SteadyLoad, listener: Listener) -> Told:
    """One after the other, until one fails."""
    heard: list[str] = []
    for act in acts:
        act.first()
        before = load.look()
        listener.begin(act.what)
        load.mark(act.what)
        code, said = act.do()
        load.mark("done" if code == 0 else f"exit code {code}")
        listener.end(said[0] if said else "done", code == 0)
        heard += said
        if code:
            return code, heard
        listener.begin("clients go on asking")
        after = load.advance(requests=_ROUND, within=_WITHIN)
        lost = after.losses - before.losses
        listener.end(f"{_shares(_since(before, after))}; {lost} lost", not lost)
    return 0, heard


def _impossible(what: str, where: str, code: int, said: list[str]) -> Scenario:
    return Scenario(what, where, 0, {}, {}, (), 0.0, code, said)


def _question(cluster: Cluster) -> Question:
    """What the clients ask: the first service that speaks TCP. Raises LvsError where there is none."""
    for service in cluster.services:
        for question in questions_of(service):
            if question.protocol == "tcp":
                return question
    raise LvsError("no service of the file speaks TCP, which the lab's steady load needs")


def _since(before: Became, after: Became) -> dict[str, int]:
    earlier = before.answered
    return {host: times - earlier.get(host, 0) for host, times in sorted(after.answered.items())}


def _shares(answered: Mapping[str, int]) -> str:
    return ", ".join(f"{host} {times}" for host, times in sorted(answered.items())) or "nobody answers"
