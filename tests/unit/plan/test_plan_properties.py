"""What must hold for every machine, every wish and every moment at which a run may be cut short."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import AddressKey, FilterTableKey, ModuleKey, SysctlKey
from lvs_init.model.record import Record, merge
from lvs_init.model.state import Change, Key, State, Value, Wanted, apply, same
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, clobbered
from lvs_init.plan.intent import Plan, plan_back, plan_down, plan_up
from lvs_init.plan.order import steps
from tests.kernel import Kernel
from tests.states import ADDRESSES, RULES, SERVERS, SERVICES, directors, lives, record_of, wishes

any_wish = st.one_of(wishes(), directors())
cuts = st.integers(0, 60)


def changes(plan: Plan) -> list[Change]:
    return [change for step in plan.steps for change in step.changes]


def carry_out(plan: Plan, kernel: Kernel, cut: int | None = None) -> None:
    """Every change; the kernel's own rewriting of settings may run ahead of the plan's view of them."""
    for change in changes(plan)[:cut]:
        kernel.do(Change(change.key, kernel.state.get(change.key), change.after))


def start(kernel: Kernel, desired: Wanted, record: Record | None, others: list[Record] | None = None) -> Record:
    plan = plan_up(desired, kernel.state, record, others or [])
    carry_out(plan, kernel)
    assert steps(plan.wanted, kernel.state, leaving=plan.leaving) == ()
    assert_holds(desired, kernel.state)
    return record_of(plan)


def stop(kernel: Kernel, record: Record, others: list[Record] | None = None) -> None:
    plan = plan_down(record, kernel.state, others or [])
    carry_out(plan, kernel)
    assert steps(plan.wanted, kernel.state, leaving=plan.leaving) == ()


def cut_short(kernel: Kernel, desired: Wanted, record: Record | None, cut: int) -> Record:
    plan = plan_up(desired, kernel.state, record)
    carry_out(plan, kernel, cut)
    merged = merge(record, record_of(plan, complete=False))
    assert merged is not None
    return merged


def assert_holds(desired: Wanted, state: State) -> None:
    wrong = [str(key) for key, value in desired.items() if not same(key, state.get(key), value)]
    assert wrong == []


def restorable(state: State) -> dict[Key, Value]:
    """Everything but modules; and what an address is called is nobody's business."""
    return {
        key: "there" if isinstance(key, AddressKey) else value
        for key, value in state.items()
        if not isinstance(key, ModuleKey)
    }


@given(lives())
def test_nothing_to_do_where_everything_is_as_it_shall_be(live: State) -> None:
    assert steps(live, live) == ()
    assert plan_up(live, live, None).steps == ()


@given(lives(), any_wish)
def test_a_start_leads_where_it_shall_and_a_second_one_finds_nothing_to_do(live: State, desired: Wanted) -> None:
    kernel = Kernel(live)
    record = start(kernel, desired, None)
    again = plan_up(desired, kernel.state, record)
    assert again.steps == ()
    assert record_of(again).entries == record.entries
    assert again.left_alone == ()


@given(lives(), any_wish)
def test_the_pure_twin_of_the_kernel_gets_there_too(live: State, desired: Wanted) -> None:
    todo = plan_up(desired, live, None)
    after = apply(live, {change.key: change.after for change in changes(todo)})
    assert_holds(todo.wanted, after)


@given(lives(), lives())
def test_any_machine_can_become_any_other(one: State, other: State) -> None:
    wanted: dict[Key, Value | None] = {**dict.fromkeys(one), **other}
    kernel = Kernel(one)
    todo = steps(wanted, one)
    carry_out(Plan(todo, wanted), kernel)
    assert steps(wanted, kernel.state) == ()


@given(lives(), any_wish)
def test_nothing_is_done_twice_or_for_nothing(live: State, desired: Wanted) -> None:
    todo = changes(plan_up(desired, live, None))
    assert len({change.key for change in todo}) == len(todo)
    switched = [change.key for change in todo if change.key in (IPV4_FORWARD, IPV6_FORWARD)]
    settings = [key for key in live if isinstance(key, SysctlKey)]
    rewritten = {key for master in switched for key in clobbered(master, settings)}
    idle = {change.key for change in todo if same(change.key, change.before, change.after)}
    assert idle <= rewritten


@given(lives(), any_wish)
def test_a_stop_gives_back_what_the_start_found(live: State, desired: Wanted) -> None:
    kernel = Kernel(live)
    stop(kernel, start(kernel, desired, None))
    assert restorable(kernel.state) == restorable(live)


@given(lives(), any_wish, any_wish)
def test_a_stop_after_a_reload_gives_back_what_the_start_found(live: State, first: Wanted, second: Wanted) -> None:
    kernel = Kernel(live)
    record = start(kernel, second, start(kernel, first, None))
    stop(kernel, record)
    assert restorable(kernel.state) == restorable(live)


@given(lives(), any_wish, any_wish, cuts, cuts)
def test_a_stop_after_runs_that_were_cut_short(
    live: State, first: Wanted, second: Wanted, cut: int, cut_again: int
) -> None:
    kernel = Kernel(live)
    record = cut_short(kernel, first, None, cut)
    record = cut_short(kernel, second, record, cut_again)
    stop(kernel, record)
    assert restorable(kernel.state) == restorable(live)


@given(lives(), any_wish, any_wish, cuts)
def test_a_start_after_a_reload_that_was_cut_short(live: State, first: Wanted, second: Wanted, cut: int) -> None:
    kernel = Kernel(live)
    record = cut_short(kernel, second, start(kernel, first, None), cut)
    record = start(kernel, first, record)
    stop(kernel, record)
    assert restorable(kernel.state) == restorable(live)


@given(lives(), any_wish, cuts)
def test_a_stop_that_was_cut_short(live: State, desired: Wanted, cut: int) -> None:
    for verb in ("stop", "start"):
        kernel = Kernel(live)
        record = start(kernel, desired, None)
        carry_out(plan_down(record, kernel.state), kernel, cut)
        if verb == "start":
            record = start(kernel, desired, record)
        stop(kernel, record)
        assert restorable(kernel.state) == restorable(live)


@given(lives(), any_wish, any_wish, cuts)
def test_an_undo_gives_back_what_the_run_found(live: State, first: Wanted, second: Wanted, cut: int) -> None:
    kernel = Kernel(live)
    record = start(kernel, first, None)
    for desired, known in ((second, record), (second, None)):
        before = dict(kernel.state)
        plan = plan_up(desired, before, known)
        carry_out(plan, kernel, cut)
        carry_out(plan_back(plan, before, kernel.state), kernel)
        assert restorable(kernel.state) == restorable(before)


@given(lives(), any_wish, any_wish)
def test_no_service_is_left_without_a_real_server_on_the_way(live: State, first: Wanted, second: Wanted) -> None:
    kernel = Kernel(live)
    record: Record | None = None
    for desired in (first, second):
        before = [key for key in SERVICES if kernel.serves(key)]
        kernel.starved.clear()
        record = start(kernel, desired, record)
        lasting = {key for key in before if kernel.serves(key)}
        assert not lasting & set(kernel.starved)


def test_a_weight_that_moves_leaves_nobody_in_between() -> None:
    """Every way from one set of weights of three real servers to another; None: not there."""
    service, servers = SERVICES[0], SERVERS[SERVICES[0]]
    tables: list[dict[Key, Value]] = [
        {key: RealServer(weight=weight) for key, weight in zip(servers, weights) if weight is not None}
        for weights in itertools.product((None, 0, 1), repeat=3)
    ]
    for before, after in itertools.product(tables, tables):
        kernel = Kernel({service: Service("rr"), **before})
        carry_out(plan_up({service: Service("rr"), **after}, kernel.state, None), kernel)
        assert kernel.starved == [] or not kernel.serves(service), (before, after)


@given(lives(), wishes(SERVICES[:1]), wishes(SERVICES[1:], ADDRESSES[:2]), st.booleans())
def test_two_clusters_may_come_and_go_in_any_order(
    live: State, one: Wanted, two: Wanted, first_goes_first: bool
) -> None:
    kernel = Kernel(live)
    first = start(kernel, one, None)
    second = start(kernel, two, None, [first])
    assert plan_up(one, kernel.state, first, [second]).steps == ()
    leaving, staying, desired = (first, second, two) if first_goes_first else (second, first, one)
    stop(kernel, leaving, [staying])
    assert_holds(desired, kernel.state)
    for master in (IPV4_FORWARD, IPV6_FORWARD):
        if master in desired and live[master] == "0":
            settings = [key for key in live if isinstance(key, SysctlKey)]
            guarded = [key for key in clobbered(master, settings) if key.path.endswith("forwarding")]
            assert {kernel.state[key] for key in guarded} == {"1"}
    assert plan_up(desired, kernel.state, staying).steps == ()
    stop(kernel, staying)
    assert restorable(kernel.state) == restorable(live)


@given(lives(), wishes(SERVICES[:1]), cuts, st.booleans())
def test_what_clear_and_flush_took_returns_only_where_the_start_does_not_end(
    live: State, desired: Wanted, cut: int, ends: bool
) -> None:
    def first_start(kernel: Kernel, record: Record | None) -> Plan:
        known = record.entries if record else {}
        table = [key for key in (*kernel.state, *known) if isinstance(key, (ServiceKey, RealServerKey))]
        cleared = {key for key in table if getattr(key, "service", key) not in desired}
        return plan_up(desired, kernel.state, record, cleared=frozenset(cleared), flushed=RULES[0])

    kernel = Kernel(live)
    plan = first_start(kernel, None)
    carry_out(plan, kernel, cut)
    record = merge(None, record_of(plan, complete=False))
    expected = dict(live)
    if ends:
        plan = first_start(kernel, record)
        carry_out(plan, kernel)
        assert steps(plan.wanted, kernel.state) == ()
        record = record_of(plan)
        expected[FilterTableKey()] = RULES[0]
        for key in live:
            if isinstance(key, (ServiceKey, RealServerKey)) and getattr(key, "service", key) not in desired:
                del expected[key]
    assert record is not None
    stop(kernel, record)
    assert restorable(kernel.state) == restorable(expected)
