"""A whole plan with drains, wills and live weights in it, on the kernel in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import AddressKey, Alias, MarkRuleKey, Route, RouteKey, SysctlKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import Record, merge
from lvs_init.model.state import Change, Key, State, Value, Wanted
from lvs_init.model.will import Will
from lvs_init.plan.drain import FORGET, GRACE, RESET, Moment
from lvs_init.plan.intent import Plan, plan_down, plan_up
from lvs_init.plan.interim import needs_traffic
from lvs_init.plan.order import steps
from lvs_init.plan.tend import next_due, plan_tend
from tests.kernel import Kernel
from tests.states import SERVERS, SERVICES, lives, wishes

WEB, MAIL = ServiceKey("tcp", "10.0.0.1", 80), ServiceKey("tcp", "10.0.0.2", 25)
MARKED = ServiceKey("fwmark", fwmark=7)
VIP, SECOND_VIP = AddressKey("eth0", "10.0.0.1", 32), AddressKey("eth0", "10.0.0.2", 32)
ON_LO = AddressKey("lo", "10.0.0.2", 32)
MARK = MarkRuleKey("10.0.0.2", "tcp", 25, 7)
FORWARD6 = SysctlKey("net/ipv6/conf/all/forwarding")
POLICY = Policy(300)
SETTINGS: dict[Key, Value] = {RESET: "0", FORGET: "0"}


def server(service: ServiceKey, number: int) -> RealServerKey:
    return RealServerKey(service, f"10.0.0.{10 + number}", service.port)


def service(key: ServiceKey, *numbers: int, attributes: Service = Service("rr")) -> dict[Key, Value | None]:  # noqa: B008
    return {key: attributes, **{server(key, number): RealServer("dr", 3) for number in numbers}}


class Director:
    """A kernel, a record, and what the engine does with them; as long as it lives, it does not overlook anything."""

    def __init__(self, desired: Wanted, live: State | None = None, policy: Policy = POLICY) -> None:
        self.kernel = Kernel({**SETTINGS, **(live or {})})
        self.record: Record | None = None
        self.wills: Sequence[Will] = ()
        self.up(desired, Moment(), policy)

    def up(self, desired: Wanted, moment: Moment, policy: Policy = POLICY) -> Plan:
        return self._do(plan_up(desired, self.live, self.record, policy=policy, moment=moment, wills=self.wills))

    def tend(self, moment: Moment) -> Plan:
        assert self.record is not None
        return self._do(plan_tend(self.record, self.live, (), moment, self.wills))

    def stop(self) -> None:
        assert self.record is not None
        self._carry_out(plan_down(self.record, self.live))

    @property
    def live(self) -> dict[Key, Value]:
        return dict(self.kernel.state)

    def weights(self, key: ServiceKey = WEB) -> dict[int, int]:
        return {
            int(other.address[7:]) - 10: value.weight
            for other, value in self.live.items()
            if isinstance(other, RealServerKey) and isinstance(value, RealServer) and other.service == key
        }

    def _do(self, plan: Plan) -> Plan:
        self._carry_out(plan)
        assert steps(plan.wanted, self.live, leaving=plan.leaving) == ()
        role, instance = "director", "web"
        self.record = Record(
            role, instance, plan.entries, drains=plan.drains, overruled=plan.overruled, policy=plan.policy
        )
        return plan

    def _carry_out(self, plan: Plan) -> None:
        for change in [change for step in plan.steps for change in step.changes]:
            self.kernel.do(Change(change.key, self.kernel.state.get(change.key), change.after))


def at(now: float, connections: Mapping[RealServerKey, int] | None = None, clock: float = 0.0) -> Moment:
    return Moment(now, clock, connections or {})


def test_drained_until_its_connections_are_gone() -> None:
    director = Director(service(WEB, 1, 2))
    busy = {server(WEB, 2): 5}
    plan = director.up(service(WEB, 1), at(10, busy))
    assert director.weights() == {1: 3, 2: 0}
    assert (plan.drains, plan.again) == ({server(WEB, 2): 310.0}, False)
    assert director.record is not None
    assert director.record.desired == service(WEB, 1)
    assert director.tend(at(20, busy)).steps == ()
    assert director.up(service(WEB, 1), at(30, busy)).steps == ()
    assert director.record.drains == {server(WEB, 2): 310.0}
    director.tend(at(40))
    assert director.weights() == {1: 3}
    assert (director.record.drains, set(director.record.entries)) == ({}, set(service(WEB, 1)))
    assert director.live == {**SETTINGS, **service(WEB, 1)}


def test_an_idle_one_needs_a_second_look() -> None:
    director = Director(service(WEB, 1, 2))
    assert director.up(service(WEB, 1), at(10)).again
    assert director.weights() == {1: 3, 2: 0}
    assert not director.tend(at(10)).again
    assert director.weights() == {1: 3}


def test_cut_off_clients_are_reset_for_a_while() -> None:
    director = Director(service(WEB, 1, 2))
    director.up(service(WEB, 1), at(10, {server(WEB, 2): 5}))
    plan = director.tend(at(310, {server(WEB, 2): 5}))
    assert [str(change.key) for step in plan.steps for change in step.changes] == [str(RESET), str(server(WEB, 2))]
    assert director.live[RESET] == "1"
    assert director.tend(at(310 + GRACE - 1)).steps == ()
    director.tend(at(310 + GRACE))
    assert director.live == {**SETTINGS, **service(WEB, 1)}


def test_what_the_file_says_of_a_setting_stands() -> None:
    desired = {**service(WEB, 1), RESET: "0"}
    director = Director({**desired, **service(WEB, 1, 2)})
    director.up(desired, at(10, {server(WEB, 2): 5}), Policy(0))
    assert (director.weights(), director.live[RESET]) == ({1: 3}, "0")


def test_who_comes_back_is_not_drained() -> None:
    director = Director(service(WEB, 1, 2))
    director.up(service(WEB, 1), at(10, {server(WEB, 2): 5}))
    plan = director.up(service(WEB, 1, 2), at(20, {server(WEB, 2): 5}))
    assert (director.weights(), plan.drains) == ({1: 3, 2: 3}, {})


def test_persistent_clients_go_elsewhere_meanwhile() -> None:
    persistent = Service("rr", persistence=300, netmask=32)
    director = Director(service(WEB, 1, 2, attributes=persistent))
    director.up(service(WEB, 1, attributes=persistent), at(10, {server(WEB, 2): 5}))
    assert director.live[FORGET] == "1"
    director.tend(at(20))
    assert director.live[FORGET] == "0"


def test_a_service_that_leaves_stays_until_it_is_drained() -> None:
    both: dict[Key, Value | None] = {
        **service(WEB, 1),
        **service(MAIL, 1, 2),
        VIP: Alias("eth0:1"),
        SECOND_VIP: Alias("eth0:2"),
        RouteKey("eth0", "10.0.0.2"): Route("eth0:2"),
        ON_LO: None,
        FORWARD6: "1",
    }
    before: dict[Key, Value] = {FORWARD6: "0", ON_LO: Alias("lo:0")}
    director = Director(both, before, Policy(300, {MAIL: 900}))
    first = {key: value for key, value in both.items() if key in (WEB, server(WEB, 1), VIP)}
    plan = director.up(first, at(10, {server(MAIL, 2): 1}))
    assert plan.drains == {server(MAIL, 1): 910.0, server(MAIL, 2): 910.0}
    assert director.weights(MAIL) == {1: 0, 2: 0}
    assert {SECOND_VIP, RouteKey("eth0", "10.0.0.2")} < set(director.live)
    assert (director.live[FORWARD6], ON_LO in director.live) == ("1", False)
    director.tend(at(10, {server(MAIL, 2): 1}))
    assert director.weights(MAIL) == {2: 0}
    director.up(first, at(20, {server(MAIL, 2): 1}))
    assert director.record is not None
    assert director.record.drains == {server(MAIL, 2): 910.0}
    director.tend(at(910, {server(MAIL, 2): 1}))
    assert (director.weights(MAIL), MAIL in director.live, SECOND_VIP in director.live) == ({}, True, True)
    director.tend(at(910 + GRACE))
    expected = {key: value for key, value in first.items() if value is not None}
    assert {**director.live, ON_LO: ""} == {**SETTINGS, **expected, FORWARD6: "0", ON_LO: ""}
    assert ON_LO in director.live


def test_what_a_service_that_left_does_not_need_goes_at_once() -> None:
    """Its VIP where that has moved to another interface, a setting of an interface that is gone, a cut's own."""
    moved, gone = AddressKey("eth1", "10.0.0.1", 32), SysctlKey("net/ipv4/conf/eth9/send_redirects")
    https = ServiceKey("tcp", "10.0.0.1", 443)
    both = {**service(WEB, 1, 2), **service(https, 1), VIP: Alias("eth0:1"), gone: "0"}
    director = Director(both, {gone: "1"}, Policy(300, {https: 900}))
    del director.kernel.state[gone]
    busy = {server(WEB, 2): 1, server(https, 1): 1}
    plan = director.up({**service(WEB, 1), moved: Alias("eth1:1")}, at(10, busy))
    assert director.weights(https) == {1: 0}
    assert (moved in director.live, VIP in director.live, gone in plan.wanted) == (True, False, False)
    director.tend(at(310, busy))
    assert director.live[RESET] == "1"
    director.tend(at(310 + GRACE, busy))
    assert (director.live[RESET], director.weights(https)) == ("0", {1: 0})


def test_tending_adds_nothing_to_a_service_that_somebody_has_deleted() -> None:
    director = Director(service(WEB, 1, 2))
    director.wills = [Will("10.0.0.12", None, 0, 100.0)]
    director.tend(at(10))
    for key in (server(WEB, 1), server(WEB, 2), WEB):
        del director.kernel.state[key]
    director.wills = []
    assert director.tend(at(20)).steps == ()


def test_clear_ipvs_does_not_wait_for_what_it_clears() -> None:
    live: dict[Key, Value] = {MAIL: Service("rr"), server(MAIL, 1): RealServer("dr")}
    busy = at(10, {server(MAIL, 1): 5})
    plan = plan_up(service(WEB, 1), live, None, cleared=frozenset(live), policy=POLICY, moment=busy)
    assert plan.drains == {}
    interrupted = Record("director", "web", plan.entries, policy=POLICY)
    again = plan_up(service(WEB, 1), live, interrupted, cleared=frozenset(live), policy=POLICY, moment=busy)
    assert again.drains == {}
    assert again.wanted[MAIL] is None


def test_a_marked_service_keeps_its_marks() -> None:
    marked = {**service(MARKED, 1), MARK: "present", SECOND_VIP: Alias("eth0:2"), VIP: Alias("eth0:1")}
    director = Director({**marked, **service(WEB, 1)})
    director.up({**service(WEB, 1), VIP: Alias("eth0:1")}, at(10, {server(MARKED, 1): 1}))
    assert {MARKED, MARK, SECOND_VIP} < set(director.live)
    director.tend(at(20))
    assert not {MARKED, MARK, SECOND_VIP} & set(director.live)


def test_tending_leaves_alone_what_is_not_timed() -> None:
    director = Director(service(WEB, 1, 2, 3))
    director.up(service(WEB, 1, 3), at(10, {server(WEB, 2): 5}))
    director.kernel.state[server(WEB, 1)] = RealServer("dr", 8)
    del director.kernel.state[server(WEB, 3)]
    director.kernel.state[server(WEB, 4)] = RealServer("dr", 2)
    director.tend(at(20))
    assert director.weights() == {1: 8, 4: 2}
    director.up(service(WEB, 1, 3), at(30))
    assert director.weights() == {1: 3, 3: 3, 4: 0}
    director.tend(at(30))
    assert director.weights() == {1: 3, 3: 3}


def test_a_will_rules_until_it_is_withdrawn() -> None:
    director = Director(service(WEB, 1, 2))
    director.wills = [Will("10.0.0.12", None, 0, 100.0, until=200.0)]
    director.tend(at(10, clock=100.0))
    assert director.weights() == {1: 3, 2: 0}
    assert director.record is not None
    assert director.record.desired == service(WEB, 1, 2)
    assert director.up(service(WEB, 1, 2), at(20, clock=150.0)).steps == ()
    director.tend(at(30, {server(WEB, 2): 5}, clock=200.0))
    assert (director.weights(), director.live[RESET]) == ({1: 3}, "1")
    director.up(service(WEB, 1, 2), at(500, clock=500.0))
    assert (director.weights(), director.live[RESET]) == ({1: 3}, "0")
    director.wills = []
    director.tend(at(600, clock=600.0))
    assert director.weights() == {1: 3, 2: 3}
    assert director.record.overruled == {}


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_a_scheduler_by_address_falls_back_meanwhile(scheduler: str) -> None:
    desired = service(WEB, 1, 2, attributes=Service(scheduler))
    director = Director(desired)
    director.wills = [Will("10.0.0.12", None, 0, 100.0)]
    director.tend(at(10))
    assert director.live[WEB] == Service(scheduler, (f"{scheduler}-fallback",))
    assert director.record is not None
    assert director.record.desired == desired
    director.wills = []
    director.tend(at(10))
    assert director.live == {**SETTINGS, **desired}


def test_weights_that_somebody_else_looks_after() -> None:
    policy = Policy(300, live_weights=frozenset([WEB]))
    director = Director(service(WEB, 1, 2), policy=policy)
    director.kernel.state[server(WEB, 1)] = RealServer("dr", 8)
    plan = director.up(service(WEB, 1, 2, 4), at(10), policy)
    assert (director.weights(), len(plan.steps)) == ({1: 8, 2: 3, 4: 3}, 1)
    director.wills = [Will("10.0.0.11", None, 0, 100.0)]
    director.tend(at(20))
    assert director.weights() == {1: 0, 2: 3, 4: 3}
    director.wills = []
    director.tend(at(30))  # to the file's weight, not to that of the last reload
    assert director.weights() == {1: 3, 2: 3, 4: 3}
    director.up(service(WEB, 1), at(30, {server(WEB, 2): 1}), policy)
    director.up(service(WEB, 1, 2), at(40), policy)
    assert director.weights() == {1: 3, 2: 3}


def test_a_weight_on_its_way_brings_nobody_back_who_was_deleted_by_hand() -> None:
    director = Director(service(WEB, 1, 2))
    director.wills = [Will("10.0.0.12", None, 9, 100.0, over=6.0)]
    director.tend(at(10, clock=100.0))
    del director.kernel.state[server(WEB, 2)]
    director.tend(at(14, clock=104.0))
    director.tend(at(20, clock=110.0))
    assert director.weights() == {1: 3}
    assert director.record is not None
    assert next_due(director.record, director.wills, at(30, clock=120.0), {}) is None


def test_stop_takes_away_what_is_still_drained() -> None:
    both = {**service(WEB, 1, 2), **service(MAIL, 1), SECOND_VIP: Alias("eth0:2")}
    director = Director(both)
    director.up(service(WEB, 1), at(10, {server(WEB, 2): 5, server(MAIL, 1): 1}), Policy(300))
    director.tend(at(310, {server(WEB, 2): 5}))
    director.stop()
    assert director.live == SETTINGS


def test_a_run_that_was_cut_short_forgets_no_drain() -> None:
    director = Director(service(WEB, 1, 2, 3))
    director.up(service(WEB, 1, 2), at(10, {server(WEB, 3): 5}))
    plan = plan_up(service(WEB, 1), director.live, director.record, policy=POLICY, moment=at(20, {server(WEB, 2): 5}))
    journal = Record("director", "web", plan.entries, drains=plan.drains, policy=POLICY)
    director.record = merge(director.record, journal)
    assert director.record is not None
    assert director.record.drains == {server(WEB, 2): 320.0, server(WEB, 3): 310.0}
    director.tend(at(20, {server(WEB, 2): 5}))
    assert director.weights() == {1: 3, 2: 0}


@pytest.mark.parametrize(
    ("now", "connections", "weight", "expected"),
    [(20, 5, 0, 310), (20, 0, 0, 20), (20, 5, 2, 20), (20, 0, None, 20), (400, 5, 0, 310), (311, 0, None, 310 + GRACE)],
)
def test_when_a_drain_is_due(now: float, connections: int, weight: int | None, expected: float) -> None:
    record = Record("director", "web", drains={server(WEB, 2): 310.0})
    weights = {} if weight is None else {server(WEB, 2): weight}
    assert next_due(record, [], at(now, {server(WEB, 2): connections}), weights) == expected


def test_when_a_will_is_due() -> None:
    director = Director(service(WEB, 1, 2))
    assert director.record is not None
    director.wills = [Will("10.0.0.12", None, 0, 100.0)]
    director.tend(at(1000, clock=100.0))
    assert next_due(director.record, director.wills, at(1000, clock=100.0), {}) is None
    director.wills = [Will("10.0.0.12", None, 9, 100.0, over=6.0)]
    director.tend(at(1000, clock=100.0))
    assert next_due(director.record, director.wills, at(1000, clock=100.0), {}) == 1001.0
    assert next_due(director.record, director.wills, at(1050, clock=150.0), {}) == 1050.0
    director.tend(at(1050, clock=150.0))
    assert director.weights() == {1: 3, 2: 9}
    assert next_due(director.record, director.wills, at(1050, clock=150.0), {}) is None


def test_traffic_is_counted_only_where_it_matters() -> None:
    director = Director(service(WEB, 1, 2))
    wanted, live, record = service(WEB, 1, 2), director.live, director.record
    foreign: dict[Key, Value] = {MAIL: Service("rr"), server(MAIL, 1): RealServer("dr")}
    assert not needs_traffic(wanted, {**live, **foreign}, record, ())
    assert not needs_traffic(wanted, live, record, [Will("10.0.0.12", None, 0, 1.0)])
    assert needs_traffic(wanted, live, record, [Will("10.0.0.12", None, 0, 1.0, until=2.0)])
    assert needs_traffic(service(WEB, 1), live, record, ())
    assert needs_traffic(service(MAIL, 1), live, record, ())


everybody = [key for service in SERVICES for key in SERVERS[service]]
traffic = st.dictionaries(st.sampled_from(everybody), st.integers(0, 2))


@given(lives(), wishes(), wishes(), st.lists(traffic, min_size=1, max_size=3))
def test_whatever_the_traffic_it_ends_as_without_drains_and_stop_restores(
    live: State, first: Wanted, second: Wanted, seen: Sequence[Mapping[RealServerKey, int]]
) -> None:
    gentle = Director(first, live)
    at_once = Director(first, live, Policy(0))
    at_once.up(second, at(10), Policy(0))
    gentle.up(second, at(10, seen[0]))
    for number, connections in enumerate(seen[1:], 1):
        gentle.tend(at(10 + number, connections))
    gentle.tend(at(320, seen[-1]))
    gentle.tend(at(320 + GRACE))
    again = gentle.tend(at(330 + GRACE))
    assert again.steps == ()
    assert _same(gentle.live) == _same(at_once.live)
    assert gentle.record is not None
    assert at_once.record is not None
    assert replace(gentle.record, policy=Policy()).drains == {}
    assert _same(gentle.record.desired) == _same(at_once.record.desired)
    gentle.stop()
    at_once.stop()
    assert _same(gentle.live) == _same(at_once.live)


def _same(state: Mapping[Key, Value | None]) -> dict[Key, Value | None]:
    """Without labels, which depend on who was there first."""
    return {key: "there" if isinstance(value, (Alias, Route)) else value for key, value in state.items()}
