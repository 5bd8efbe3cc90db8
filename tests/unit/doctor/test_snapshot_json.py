"""Snapshots of other machines: what goes out comes back, and nothing else gets in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lvs_init.doctor.plain import LONGEST_TEXT, MOST_ITEMS
from lvs_init.doctor.snapshot import VERSION, Program, Snapshot, snapshot_from_plain, snapshot_to_plain
from lvs_init.model.firewall import Chain, Firewall, Match, Rule, Table
from tests.machines import cluster, director, real_server


@pytest.mark.parametrize("forwarding", ["dr", "tun", "nat"])
@pytest.mark.parametrize("make", [director, real_server])
def test_it_comes_back_as_it_was(forwarding: str, make: Any) -> None:
    machine = make(cluster(forwarding))
    assert snapshot_from_plain(json.loads(json.dumps(snapshot_to_plain(machine)))) == machine


def test_a_firewall_comes_back() -> None:
    rule = Rule("-A INPUT -j DROP", (Match("protocol", ("tcp",), True),), "drop")
    machine = Snapshot(
        "a", firewall=Firewall((Table("ip", "filter", {"INPUT": Chain("INPUT", "input", rules=(rule,))}),))
    )
    assert snapshot_from_plain(json.loads(json.dumps(snapshot_to_plain(machine)))) == machine


def plain(**fields: Any) -> dict[str, Any]:
    return {"version": VERSION, "snapshot": {"node": "a", **fields}}


@pytest.mark.parametrize(
    "data",
    [
        None, [], 7, {}, {"version": VERSION}, {"version": VERSION + 1, "snapshot": {"node": "a"}},
        {"version": True, "snapshot": {"node": "a"}}, {"version": VERSION, "snapshot": {}},
        plain(node=7), plain(uid="0"), plain(uid=True), plain(uid=1 << 70), plain(container=1), plain(kernel=None),
        plain(unknown=1), plain(interfaces={}), plain(interfaces=[{}]), plain(interfaces=[{"name": "a", "odd": 1}]),
        plain(interfaces=["eth0"]), plain(sysctls=[]), plain(sysctls={"a": 1}), plain(counters={"a": "1"}),
        plain(kernel="\x1b[2Jgone"), plain(kernel="caf\u00e9"), plain(kernel="two\nlines"),
        plain(sysctls={"\x1b": "1"}), plain(clients=["nobody"]),
        plain(addresses=[{"interface": "eth0", "address": "10.0.0.300", "prefix": 32}]),
        plain(addresses=[{"interface": "eth0", "address": "10.0.0.3", "prefix": 33}]),
        plain(addresses=[{"interface": "eth0", "address": "FD00::1", "prefix": 64}]),
        plain(routes=[{"to": "somewhere"}]),
        plain(routes=[{"to": "10.0.0.0/99"}]),
        plain(routes=[{"to": "default", "via": "x"}]),
        plain(routes=[{"to": "default", "table": "main;reboot"}]), plain(interfaces=[{"name": "eth0;reboot"}]),
        plain(interfaces=[{"name": "-batch"}]), plain(interfaces=[{"name": "../../../kernel"}]),
        plain(addresses=[{"interface": "$(reboot)", "address": "10.0.0.1", "prefix": 24}]),
        plain(answers=[{"to": "10.0.0.1", "device": "`reboot`"}]),
        plain(answers=[{"to": "10.0.0"}]), plain(neighbours=[{"address": "", "device": "eth0"}]),
        plain(listeners=[{"protocol": "tcp", "address": "0.0.0.0", "port": 65536}]),
        plain(services=[{"protocol": "x", "address": "", "port": 0, "fwmark": 1, "family": 4, "scheduler": "rr"}]),
        plain(services=[{"protocol": "tcp", "address": "", "port": 0, "fwmark": 1, "family": 4, "scheduler": "rr"}]),
        plain(kernel="a" * (LONGEST_TEXT + 1)), plain(clients=["a"] * MOST_ITEMS), plain(uid=1.5),
    ],
)  # fmt: skip
def test_what_is_none_is_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        snapshot_from_plain(data)


def test_what_this_machine_says_is_cleaned_before_it_is_shown() -> None:
    machine = Snapshot("a", programs=(Program(1, "\x1b[31mred"),))
    assert snapshot_from_plain(snapshot_to_plain(machine)).programs == (Program(1, "?[31mred"),)
