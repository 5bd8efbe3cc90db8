"""What somebody else has changed, what is not ours, and why a change is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import AddressKey, Alias, SysctlKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Change, Key, Value
from lvs_init.plan.drift import Drift, cause, drifts, foreign
from lvs_init.plan.intent import Plan, plan_up

WEB, THEIRS = ServiceKey("tcp", "192.168.0.219", 80), ServiceKey("tcp", "10.9.9.9", 1)
ONE, TWO = (RealServerKey(WEB, f"192.168.0.1{n}", 80) for n in (1, 2))
VIP, FLAG = AddressKey("eth0", "192.168.0.219", 32), SysctlKey("net/ipv4/conf/all/arp_ignore")
FILE: dict[Key, Value] = {WEB: Service("rr"), ONE: RealServer(), TWO: RealServer(), VIP: Alias("eth0:1"), FLAG: "1"}
RECORD = Record("director", "lvs", {key: Entry(value, None) for key, value in FILE.items()})


def plan(live: dict[Key, Value]) -> Plan:
    return plan_up(dict(FILE), live, RECORD)


def found(live: dict[Key, Value], record: Record | None = RECORD) -> list[Drift]:
    return list(drifts(record, live, plan(live)))


def test_nothing_has_drifted() -> None:
    assert found(FILE) == []
    assert found({**FILE, VIP: Alias()}) == []  # what an alias is called is nobody's business
    assert found({}, None) == []


@pytest.mark.parametrize(
    ("key", "live"), [(ONE, RealServer(weight=9)), (ONE, None), (WEB, Service("wlc")), (VIP, None), (FLAG, "0")]
)
def test_what_was_changed_by_hand(key: Key, live: Value | None) -> None:
    state = {**FILE, key: live} if live is not None else {other: value for other, value in FILE.items() if other != key}
    assert found(state) == [Drift(key, FILE[key], live, True)]


def test_of_a_service_that_is_gone_its_real_servers_are_not_told() -> None:
    state = {key: value for key, value in FILE.items() if key not in (WEB, ONE, TWO)}
    assert [drift.key for drift in found(state)] == [WEB]


def test_a_stranger_in_a_service_of_ours() -> None:
    stranger = RealServerKey(WEB, "192.168.0.99", 80)
    assert found({**FILE, stranger: RealServer()}) == [Drift(stranger, None, RealServer(), True)]


def test_another_value_that_keeps_quiet_is_none() -> None:
    quiet = Record("realserver", "lvs", {FLAG: Entry("1", "0")}, asked=("eth0",))
    assert list(drifts(quiet, {FLAG: "2"}, Plan((), {}))) == []
    assert len(list(drifts(quiet, {FLAG: "0"}, Plan((), {})))) == 1


def test_a_weight_that_somebody_else_looks_after_is_none() -> None:
    record = replace(RECORD, policy=Policy(live_weights=frozenset({WEB})))
    assert list(drifts(record, {**FILE, ONE: RealServer(weight=9)}, Plan((), {}))) == []
    assert len(list(drifts(record, {**FILE, ONE: RealServer("nat", weight=9)}, Plan((), {})))) == 1


def test_what_another_role_keeps_away_is_none() -> None:
    live = {key: value for key, value in FILE.items() if key != VIP}
    assert list(drifts(RECORD, live, plan(live), [VIP])) == []


def test_foreign_services_are_named_with_their_owner() -> None:
    live: dict[Key, Value] = {**FILE, THEIRS: Service("wlc"), RealServerKey(THEIRS, "10.9.9.8", 1): RealServer()}
    mail = Record("director", "mail", {THEIRS: Entry(Service("wlc"), None)})
    (nobodys,) = foreign(live, plan(live), RECORD, [])
    assert (nobodys.key, nobodys.servers, nobodys.holder) == (THEIRS, 1, "")
    assert [each.holder for each in foreign(live, plan(live), RECORD, [mail])] == ["director mail"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(ONE, None, RealServer()), "is missing"),
        (Change(ONE, RealServer(weight=9), RealServer()), "somebody changed it"),
        (Change(ONE, RealServer(), RealServer(weight=5)), "changed in the file"),
        (Change(RealServerKey(WEB, "192.168.0.13", 80), None, RealServer()), "new in the file"),
        (Change(RealServerKey(WEB, "192.168.0.99", 80), RealServer(), None), "not in the file"),
        (Change(TWO, RealServer(), None), "left the file"),
    ],
)
def test_causes(change: Change, why: str) -> None:
    assert cause(change, Plan((), {}), RECORD) == why
