"""Runs that were cut short, and who inherits what."""

from __future__ import annotations

from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey
from lvs_init.model.network import AddressKey, RouteKey, SysctlKey
from lvs_init.model.record import Entry, Record, merge

FORWARD = SysctlKey("net/ipv4/ip_forward")
ROUTE = RouteKey("lo", "192.168.0.219")
VIP = AddressKey("lo", "192.168.0.219", 32)


def record(key: object, entry: Entry) -> Record:
    return Record("director", "web", {key: entry})  # type: ignore[dict-item]


def test_without_a_journal_the_record_stands() -> None:
    kept = record(FORWARD, Entry("1", "0"))
    assert merge(kept, None) is kept
    assert merge(None, None) is None


def test_a_first_run_that_was_cut_short_is_all_there_is() -> None:
    merged = merge(None, record(FORWARD, Entry("1", "0")))
    assert merged == record(FORWARD, Entry("1", "0"))


def test_what_was_there_before_the_first_run_counts_and_both_values_are_ours() -> None:
    merged = merge(record(FORWARD, Entry("1", "0")), record(FORWARD, Entry("2", "1")))
    assert merged == record(FORWARD, Entry("2", "0", ("1",)))
    assert merged is not None
    entry = merged.entries[FORWARD]
    assert [entry.wrote(value) for value in ("0", "1", "2", None)] == [False, True, True, False]
    again = merge(merged, record(FORWARD, Entry("3", "2")))
    assert again is not None
    assert again.entries[FORWARD] == Entry("3", "0", ("1", "2"))


def test_what_is_here_for_a_while_only_is_what_the_later_run_says() -> None:
    kept, interim = record(VIP, Entry("1", None)), record(VIP, Entry("1", None, interim=True))
    for earlier, later in ((kept, interim), (interim, kept)):
        merged = merge(earlier, later)
        assert merged is not None
        assert merged.entries == later.entries


def test_drains_and_what_is_overruled_of_both_runs_count() -> None:
    service = ServiceKey("tcp", "10.0.0.1", 80)
    one, other = (RealServerKey(service, f"10.0.0.{number}", 80) for number in (11, 12))
    heavy, light = RealServer(weight=9), RealServer(weight=1)
    earlier = Record("director", "web", {one: Entry(light, None)}, drains={one: 1.0}, overruled={one: heavy})
    later = Record("director", "web", {other: Entry(light, None)}, drains={other: 2.0}, overruled={other: heavy})
    merged = merge(earlier, later)
    assert merged is not None
    assert (merged.drains, merged.overruled) == ({one: 1.0, other: 2.0}, {one: heavy, other: heavy})
    merged = merge(earlier, Record("director", "web", {one: Entry(light, None)}))
    assert merged is not None
    assert (merged.drains, merged.overruled, merged.desired) == ({one: 1.0}, {}, {one: light})


def test_a_key_that_the_new_run_does_not_know_is_not_forgotten() -> None:
    merged = merge(record(FORWARD, Entry("1", "0")), Record("director", "web"))
    assert merged is not None
    assert merged.entries == {FORWARD: Entry("1", "0")}
