"""What becomes of a real server that leaves: by its weight, its connections and the time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.plan.drain import FORGET, GRACE, RESET, Drains, Moment, decide, settings, sharing

NOW, LATER, EARLIER = 1000.0, 1300.0, 990.0
TCP, UDP = ServiceKey("tcp", "10.0.0.1", 80), ServiceKey("udp", "10.0.0.1", 53)
DELETED = None


@dataclass(frozen=True)
class Case:
    """A real server before, and what is decided: its weight (None: deleted), its deadline (None: forgotten)."""

    weight: int
    connections: int
    expected: int | None
    deadline: float | None
    latest: float = LATER
    so_far: float | None = None
    service: ServiceKey = TCP
    attributes: Service = Service("rr")  # noqa: RUF009 - frozen
    again: bool = False


CASES = {
    "busy": Case(3, 5, 0, LATER),
    "idle: one more look": Case(3, 0, 0, LATER, again=True),
    "draining": Case(0, 5, 0, LATER, so_far=LATER),
    "drained": Case(0, 0, DELETED, None, so_far=LATER),
    "its deadline stands": Case(0, 5, 0, 1100.0, so_far=1100.0),
    "a shorter timeout counts": Case(0, 5, 0, 1100.0, latest=1100.0, so_far=LATER),
    "its time is over": Case(0, 5, DELETED, NOW, so_far=EARLIER),
    "its time is over to the second": Case(0, 5, DELETED, NOW, so_far=NOW),
    "somebody gave it a weight again": Case(2, 5, 0, LATER, so_far=LATER),
    "somebody gave it a weight again, too late": Case(2, 5, DELETED, NOW, so_far=EARLIER),
    "at once": Case(3, 5, DELETED, NOW, latest=NOW),
    "at once, idle": Case(3, 0, DELETED, None, latest=NOW),
    "udp": Case(3, 5, DELETED, NOW, service=UDP),
    "udp, idle": Case(3, 0, DELETED, None, service=UDP),
    "one packet": Case(3, 0, DELETED, None, attributes=Service("rr", one_packet=True)),
    "dh goes on choosing it": Case(3, 5, DELETED, NOW, attributes=Service("dh")),
    "sctp": Case(3, 5, 0, LATER, service=ServiceKey("sctp", "10.0.0.1", 80)),
    "firewall mark": Case(3, 5, 0, LATER, service=ServiceKey("fwmark", fwmark=7)),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    key = RealServerKey(case.service, "10.0.0.11", 80)
    server = RealServer("nat", case.weight, upper=9)
    drains = decide(
        {key: case.latest},
        {case.service: case.attributes},
        {key: server},
        {} if case.so_far is None else {key: case.so_far},
        Moment(NOW, connections={key: case.connections}),
    )
    assert drains.values == {key: None if case.expected is None else RealServer("nat", case.expected, upper=9)}
    assert drains.deadlines == ({} if case.deadline is None else {key: case.deadline})
    assert drains.again is case.again
    assert drains.cut is (case.expected is None and case.deadline is not None)


@pytest.mark.parametrize(
    ("deadline", "remembered"), [(NOW, True), (NOW - GRACE + 1, True), (NOW - GRACE, False), (LATER, False)]
)
def test_who_was_cut_off_is_remembered_for_a_while(deadline: float, remembered: bool) -> None:
    """Who has gone before its time was taken away by somebody else: nobody was cut off by us."""
    key = RealServerKey(TCP, "10.0.0.11", 80)
    drains = decide({}, {}, {}, {key: deadline}, Moment(NOW))
    assert drains == Drains({}, {key: deadline} if remembered else {}, False)
    assert drains.cut is remembered


def test_settings_for_a_while() -> None:
    key = RealServerKey(TCP, "10.0.0.11", 80)
    plain, persistent = {TCP: Service("rr")}, {TCP: Service("rr", persistence=300)}
    draining = Drains({key: RealServer("dr", 0)}, {key: LATER}, False)
    cut = Drains({key: None}, {key: NOW}, False)
    assert settings(draining, [key], plain) == []
    assert settings(draining, [key], persistent) == [FORGET]
    assert settings(cut, [], persistent) == [RESET]
    assert settings(Drains({}, {}, False), [key], persistent) == [FORGET]


@pytest.mark.parametrize(
    ("service", "flags"),
    [
        (Service("sh", ("sh-port",)), ("sh-fallback", "sh-port")),
        (Service("sh", ("sh-fallback",)), ("sh-fallback",)),
        (Service("rr"), ()),
        (Service("mh", ("mh-port",)), ("mh-fallback", "mh-port")),
    ],
)
def test_a_scheduler_by_address_looks_further_meanwhile(service: Service, flags: tuple[str, ...]) -> None:
    assert sharing(service).flags == flags
