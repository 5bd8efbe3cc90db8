"""Something happens while clients ask: a reload, the death of a real server. What becomes of their requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.errors import LvsError
from lvs_init.lab.course import Listener
from lvs_init.lab.questions import Question, questions_of
from lvs_init.lab.rehearsal import CONFIGURATION, REALSERVER_SCRIPT, Rehearsal
from lvs_init.lab.steady import Became, Loss, SteadyLoad

VERSION = 1
_ROUND = 60  # requests that pass before it, and after it


@dataclass(frozen=True)
class Scenario:
    """``answered``: who answered how many requests before it happened, and since. ``lost``: in words."""

    what: str
    where: str
    asked: int
    before: Mapping[str, int]
    since: Mapping[str, int]
    lost: tuple[Loss, ...]
    slowest: float
    code: int
    said: list[str] = field(default_factory=list)

    @property
    def losses(self) -> int:
        """How many requests were lost."""
        return sum(loss.times for loss in self.lost)

    @property
    def ok(self) -> bool:
        """Whether it could be done and no request was lost by it."""
        return self.code == 0 and not self.lost

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": VERSION, "ok": self.ok, "where": self.where, "what": self.what, "asked": self.asked,
            "answered_before": dict(self.before), "answered_since": dict(self.since), "losses": self.losses,
            "lost": [asdict(loss) for loss in self.lost], "slowest": self.slowest, "said": self.said,
        }  # fmt: skip


def reload_under_load(rehearsal: Rehearsal, listener: Listener) -> Scenario:
    """Put the later file into the place of the first one and reload, real servers before the director, as an admin
    does. Raises LabError, LvsError."""

    later = parse(rehearsal.later, CONFIGURATION)
    known = {key.address for service in later.services for key, _ in service.realservers}

    def act() -> tuple[int, list[str]]:
        for node in {**rehearsal.realservers, "": rehearsal.director}.values():
            node.write(CONFIGURATION, rehearsal.later)
        staying = [host.name for host in rehearsal.topology.realservers if known.intersection(host.rips)]
        calls = [rehearsal.call(name, REALSERVER_SCRIPT, "reload") for name in staying]
        calls.append(rehearsal.call_director("reload"))
        ended = [call.completed for call in calls]
        said = [line for done in reversed(ended) for line in (*done.stdout.splitlines(), *done.stderr.splitlines())]
        return max(done.code for done in ended), said

    return _under_load(rehearsal, "reload", act, listener)


def kill_under_load(rehearsal: Rehearsal, host: str, listener: Listener) -> Scenario:
    """The server of a host ends. Raises LvsError where there is no such real server."""
    if host not in rehearsal.realservers:
        raise LvsError(f"there is no real server {host}", hint=f"there are {', '.join(rehearsal.realservers)}")

    def act() -> tuple[int, list[str]]:
        rehearsal.listen(host, None)
        return 0, []

    return _under_load(rehearsal, f"the server of {host} ends", act, listener)


def _under_load(
    rehearsal: Rehearsal, what: str, act: Callable[[], tuple[int, list[str]]], listener: Listener
) -> Scenario:
    question = _question(rehearsal.cluster)
    listener.begin("start every node")
    failed = [call for call in rehearsal.start() if call.completed.code]
    listener.end(f"{failed[0].host} does not start" if failed else "all running", not failed)
    if failed:
        done = failed[0].completed
        return Scenario(what, rehearsal.place.where, 0, {}, {}, (), 0.0, done.code, done.stderr.splitlines())
    listener.begin(f"clients ask {question.address}:{question.port}")
    with SteadyLoad(rehearsal.client, question.address, question.port, timeout=5.0) as load:
        before = load.advance(requests=_ROUND)
        listener.end(_shares(before.answered), not before.losses)
        listener.begin(what)
        code, said = act()
        listener.end(said[0] if said else "done", code == 0)
        listener.begin("clients go on asking")
        load.advance(requests=_ROUND)
        became = load.finish()
    since = _since(before, became)
    listener.end(f"{_shares(since)}; {became.losses} lost", not became.losses)
    return Scenario(
        what, rehearsal.place.where, became.asked, before.answered, since, became.lost, became.slowest, code, said
    )


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
