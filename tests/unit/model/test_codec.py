"""Records on disk: what is written is what is read, and what was never a record is refused with a known error."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model import codec
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey, SyncDaemon, SyncDaemonKey, TimeoutKey, Tunnel
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTable,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.policy import Policy
from lvs_init.model.record import Announcing, Entry, Record
from lvs_init.model.state import Key, Value
from lvs_init.model.will import Will
from tests.tables import tables

words = st.text(max_size=12)
numbers = st.integers(0, 2**32)
others: st.SearchStrategy[tuple[Key, st.SearchStrategy[Any]]] = st.one_of(
    st.tuples(st.builds(AddressKey, words, words, numbers), st.just(st.builds(Alias, words, words))),
    st.tuples(st.builds(RouteKey, words, words), st.just(st.builds(Route, words))),
    st.tuples(st.builds(LinkKey, words), st.just(st.sampled_from(("up", "down")))),
    st.tuples(st.builds(SysctlKey, words), st.just(words)),
    st.tuples(st.builds(TimeoutKey, words), st.just(numbers)),
    st.tuples(st.builds(SyncDaemonKey, words), st.just(st.builds(SyncDaemon, words, numbers, words, numbers))),
    st.tuples(st.builds(ModuleKey, words), st.just(st.just("loaded"))),
    st.tuples(st.builds(MarkRuleKey, words, words, numbers, numbers), st.just(st.just("present"))),
    st.tuples(st.just(FilterTableKey()), st.just(st.builds(FilterTable, st.lists(words, max_size=3).map(tuple)))),
)


services = st.builds(ServiceKey, words, words, numbers, numbers, st.sampled_from((4, 6)))
policies = st.builds(
    Policy, numbers, st.dictionaries(services, numbers, max_size=2), st.frozensets(services, max_size=2)
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    entries: dict[Key, Entry] = {}
    for key, value in draw(tables(max_size=3)).items():
        entries[key] = Entry(
            value, draw(st.sampled_from((None, value))), transient=draw(st.booleans()), interim=draw(st.booleans())
        )
    for key, values in draw(st.lists(others, max_size=5)):
        maybe = st.none() | values
        entries[key] = Entry(draw(maybe), draw(maybe), tuple(draw(st.lists(maybe, max_size=2))), draw(st.booleans()))
    return Record(
        draw(words), draw(words), entries, draw(words), draw(words), draw(words),
        *(tuple(draw(st.lists(words, max_size=2))) for _ in ("degraded", "gateways", "lost")), draw(st.booleans()),
        tuple(draw(st.lists(words, max_size=2))),
        drains={key: draw(st.floats(0, 1e9)) for key in entries if isinstance(key, RealServerKey)},
        overruled={key: entry.applied for key, entry in entries.items() if isinstance(entry.applied, RealServer)},
        policy=draw(policies),
        stance=draw(words),
        warm=draw(st.booleans()),
        withheld={key: draw(st.none() | values) for key, values in draw(st.lists(others, max_size=2))},
        announcing=Announcing(
            draw(numbers), draw(st.floats(0, 9)), draw(numbers), draw(st.floats(0, 1e9)),
            tuple(draw(st.lists(st.builds(AddressKey, words, words, numbers), max_size=2))),
        ),
    )  # fmt: skip


@given(records())
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert codec.record_from_plain(json.loads(json.dumps(codec.record_to_plain(record)))) == record


@given(records())
def test_a_record_from_before_there_were_pairs_is_still_understood(record: Record) -> None:
    """Of a director that is running while it is upgraded."""
    plain = json.loads(json.dumps(codec.record_to_plain(record)))
    for name in ("stance", "warm", "withheld", "announcing"):
        del plain[name]
    earlier = codec.record_from_plain({**plain, "version": 2})
    assert earlier == replace(record, stance="", warm=True, withheld={}, announcing=Announcing())


@given(records())
def test_every_field_of_a_record_is_written(record: Record) -> None:
    assert set(codec.record_to_plain(record)) == {"version", *(field.name for field in fields(Record))}


@pytest.mark.parametrize("tunnel", [None, Tunnel("gue", 5555, "remcsum")])
def test_a_value_alone(tunnel: Tunnel | None) -> None:
    key = codec.key_from_plain(["realserver", ["tcp", "10.0.0.1", 80, 0, 4], "10.0.0.2", 80])
    value: Value = RealServer("tun", 0, 10, 5, tunnel)
    assert codec.value_from_plain(key, json.loads(json.dumps(codec.value_to_plain(value)))) == value
    assert codec.kind_of(key) == "realserver"


def broken(data: Any, path: list[int], thing: Any) -> Any:
    """The data with something else at a place that the numbers lead to."""
    if not path or not isinstance(data, (dict, list)) or not data:
        return thing
    if isinstance(data, dict):
        name = sorted(data)[path[0] % len(data)]
        return {**data, name: broken(data[name], path[1:], thing)}
    position = path[0] % len(data)
    return [*data[:position], broken(data[position], path[1:], thing), *data[position + 1 :]]


RUBBISH = st.sampled_from((None, True, 7, -1, 1.5, "", "x", [], [[]], {}, {"x": 1}, [None, None]))


@given(records(), st.lists(st.integers(0, 20), max_size=5), RUBBISH)
def test_what_was_never_a_record_is_refused_or_still_one(record: Record, path: list[int], thing: Any) -> None:
    data = broken(codec.record_to_plain(record), path, thing)
    try:
        read = codec.record_from_plain(data)
    except (ValueError, KeyError, IndexError, TypeError):
        return
    json.dumps(codec.record_to_plain(read))
    assert hash(tuple(read.entries.values())) is not None
    assert isinstance(read.holder, str)


@pytest.mark.parametrize("address", [None, 5])
def test_a_service_without_an_address_was_never_one(address: object) -> None:
    record = Record("director", "web", policy=Policy(live_weights=frozenset({ServiceKey("tcp", "10.0.0.1", 80)})))
    data = codec.record_to_plain(record)
    data["policy"]["live_weights"][0][1] = address
    with pytest.raises(ValueError, match="no address of a service"):
        codec.record_from_plain(data)


def test_another_version_is_not_understood() -> None:
    data = {**codec.record_to_plain(Record("director", "web")), "version": codec.VERSION + 1}
    with pytest.raises(ValueError, match="version"):
        codec.record_from_plain(data)


real_servers = st.builds(RealServerKey, services, words, numbers)
wills = st.builds(
    Will, words, st.none() | numbers, numbers, st.floats(0, 1e10), st.floats(0, 1e6), st.none() | st.floats(0, 1e10),
    st.dictionaries(real_servers, numbers, max_size=2),
)  # fmt: skip


@given(wills)
def test_a_will_comes_back_as_it_was(will: Will) -> None:
    assert codec.will_from_plain(json.loads(json.dumps(codec.will_to_plain(will)))) == will


@given(wills, st.lists(st.integers(0, 20), max_size=5), RUBBISH)
def test_what_was_never_a_will_is_refused_or_still_one(will: Will, path: list[int], thing: Any) -> None:
    try:
        read = codec.will_from_plain(broken(codec.will_to_plain(will), path, thing))
    except (ValueError, KeyError, IndexError, TypeError):
        return
    json.dumps(codec.will_to_plain(read))
    assert isinstance(read.subject, str)
