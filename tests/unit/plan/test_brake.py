"""The brake counts what the file wanted so far and does not want any more."""

from __future__ import annotations

import pytest

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Key, Value
from lvs_init.plan.brake import removal

WEB, MAIL = ServiceKey("tcp", "192.168.0.219", 80), ServiceKey("tcp", "192.168.0.219", 25)


def table(**servers: int) -> dict[Key, Value]:
    """``web=4``: the service with so many real servers."""
    state: dict[Key, Value] = {}
    for name, count in servers.items():
        key = WEB if name == "web" else MAIL
        state[key] = Service()
        state.update({RealServerKey(key, f"192.168.0.{n}", key.port): RealServer() for n in range(11, 11 + count)})
    return state


def record(state: dict[Key, Value]) -> Record:
    return Record("director", "lvs", {key: Entry(value, None) for key, value in state.items()})


@pytest.mark.parametrize(
    ("before", "after", "limit", "too_much", "told"),
    [
        ({"web": 4}, {"web": 4}, 0.5, False, "nothing"),
        ({"web": 4}, {"web": 4}, 0.0, False, "nothing"),
        ({"web": 4}, {"web": 2}, 0.5, False, "2 of 4 real servers"),
        ({"web": 4}, {"web": 1}, 0.5, True, "3 of 4 real servers"),
        ({"web": 4}, {"web": 0}, 1.0, False, "4 of 4 real servers"),
        ({"web": 4}, {"web": 3}, 0.0, True, "1 of 4 real servers"),
        ({"web": 1, "mail": 3}, {"web": 1}, 0.5, True, "3 of 4 real servers and 1 of 2 services"),
        ({"web": 3, "mail": 1}, {"web": 3}, 0.5, False, "1 of 4 real servers and 1 of 2 services"),
        ({"web": 0}, {"mail": 0}, 0.5, True, "1 of 1 service"),
    ],
)
def test_shares(before: dict[str, int], after: dict[str, int], limit: float, too_much: bool, told: str) -> None:
    found = removal(record(table(**before)), table(**after), limit)
    assert (found.too_much, str(found)) == (too_much, told)


def test_a_first_start_takes_nothing_away() -> None:
    assert not removal(None, table(web=2), 0.0).too_much


def test_what_drains_since_an_earlier_reload_is_not_counted_again() -> None:
    known = record(table(web=4))
    draining = {key: Entry(entry.applied, None, interim=True) for key, entry in list(known.entries.items())[3:]}
    found = removal(Record("director", "lvs", {**known.entries, **draining}), table(web=2), 0.0)
    assert str(found) == "nothing"


def test_the_list_has_no_real_servers_of_a_service_that_leaves() -> None:
    found = removal(record(table(web=1, mail=3)), table(web=0), 0.5)
    assert [str(key) for key in found.keys] == [
        "tcp 192.168.0.219:25",
        "real server 192.168.0.11:80 of tcp 192.168.0.219:80",
    ]
