"""Whatever a machine is like: no rule raises, findings have one order, none comes twice."""

from __future__ import annotations

import random
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_init.config.cluster import Cluster
from lvs_init.doctor.case import ROLES, Case, roles
from lvs_init.doctor.catalogue import CATALOGUE, diagnose, diagnose_all
from lvs_init.doctor.finding import BROKEN, NOTE, SEVERITIES, Fix, addresses, by_hand
from lvs_init.doctor.finding import settings as setting
from lvs_init.doctor.merge import MERGED, effective
from lvs_init.doctor.registry import RULES
from lvs_init.doctor.snapshot import Snapshot
from lvs_init.model.network import AddressKey, Alias
from tests.machines import CLIENT, DIP, OTHER, RIP, VIP, cluster, director, real_server

CLUSTERS = [cluster("dr"), cluster("tun"), cluster("nat"), cluster("dr", service="persistence = 300")]
_WORDS = ["", "eth0", "lo", "tunl0", "eth1", "0", "1", "2", "8", "all", "default", "main", "local", "error", "unicast",
          VIP, DIP, RIP, OTHER, CLIENT, "127.0.0.1", "192.168.0.0/24", "0.0.0.0", "::", "fd00::1", "tcp", "udp", "nat",
          "dr", "tun", "local", "FAILED", "director", "realserver", "standby", "absent", "input", "drop"]  # fmt: skip
_ADDRESSES = [word for word in _WORDS if re.fullmatch(r"[\d.]{9,}|fd00::1", word)]


def mutated(value: Any, chance: random.Random) -> Any:
    """The same kind of thing, with a little of it different: of its own type, as everything that is read is."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _field(field, getattr(value, field.name), chance) for field in fields(value)}
        )
    if isinstance(value, tuple):
        kept = [mutated(each, chance) for each in value if chance.random() > 0.1]
        return tuple(kept + kept[:1] if chance.random() < 0.1 else kept)
    if isinstance(value, dict):
        return {name: mutated(each, chance) for name, each in value.items() if chance.random() > 0.05}
    if chance.random() > 0.1:
        return value
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice([0, 1, 24, 32, 80, 443, 70000])
    return chance.choice(_WORDS) if isinstance(value, str) else value


def _field(field: Any, value: Any, chance: random.Random) -> Any:
    if field.name in ("address", "to", "local", "prefix"):  # addresses are addresses, whoever sent them
        if field.name == "prefix":
            return chance.choice([value, 24, 32])
        return chance.choice([value, value, value, *_ADDRESSES]) if value in _ADDRESSES else value
    if field.name in ("protocol", "forwarding"):
        return chance.choice(
            [value, *{"protocol": ("tcp", "udp"), "forwarding": ("dr", "nat", "tun", "local")}[field.name]]
        )
    if "None" in str(field.type) and chance.random() < 0.1:
        return None
    return mutated(value, chance)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 3), st.integers(0, 1 << 32), st.sampled_from([director, real_server]))
def test_no_machine_is_too_odd(which: int, seed: int, make: Any) -> None:
    of: Cluster = CLUSTERS[which]
    machine: Snapshot = mutated(make(of), random.Random(seed))
    for here in (roles(of, machine), *(frozenset({role}) for role in ROLES)):
        case = Case(of, machine, here)
        found = diagnose(case)
        assert found == diagnose(case)
        assert [each.order for each in found] == sorted(each.order for each in found)
        assert len({(each.code, each.about) for each in found}) == len(found)
        assert all(each.code in CATALOGUE and each.severity in SEVERITIES for each in found)
        assert all(text.isascii() for each in found for text in (each.seen, each.why, each.fix.text))
        assert all(each.seen and each.why for each in found)


def test_several_machines_are_told_apart() -> None:
    of = cluster("dr")
    down = tuple(replace(each, up=not each.loopback) for each in real_server(of).interfaces or ())
    machines = [replace(real_server(of), node=name, interfaces=down) for name in ("rs1", "rs2")]
    found = diagnose_all([Case(of, each, roles(of, each)) for each in machines])
    assert [each.node for each in found if each.code == "ARP11"] == ["rs1", "rs2"]


def test_every_entry_is_complete_and_has_a_rule_or_a_reason() -> None:
    for code, entry in CATALOGUE.items():
        assert re.fullmatch(r"[A-Z]+\d\d|V6\d\d", code)
        assert entry.where and entry.methods and entry.symptom and entry.cause and entry.cure, code
        assert [bool(entry.not_seen), code in RULES, entry.joined].count(True) == 1, code


#: Linux 6.1 include/linux/inetdevice.h, a row each: name, all, interface, what holds.
@pytest.mark.parametrize(
    ("name", "everywhere", "here", "holds"),
    [
        ("arp_ignore", "0", "1", 1), ("arp_ignore", "3", "1", 3), ("arp_announce", "2", "0", 2),
        ("rp_filter", "1", "2", 2),
        ("arp_notify", "0", "0", 0), ("send_redirects", "0", "1", 1), ("send_redirects", "1", "0", 1),
        ("send_redirects", "0", "0", 0), ("proxy_arp", "1", "0", 1), ("accept_local", "0", "1", 1),
        ("promote_secondaries", "0", "0", 0), ("accept_source_route", "1", "0", 0),
        ("accept_source_route", "1", "1", 1),
        ("forwarding", "1", "0", 0), ("forwarding", "0", "1", 1), ("medium_id", "7", "3", 3),
    ],
)  # fmt: skip
def test_what_holds_of_all_and_a_device(name: str, everywhere: str, here: str, holds: int) -> None:
    values = {f"net/ipv4/conf/all/{name}": everywhere, f"net/ipv4/conf/eth0.100/{name}": here}
    assert name in MERGED and effective(name, "eth0.100", values) == holds
    assert effective(name, "eth0.100:1", values) == holds  # an alias has no settings of its own


@pytest.mark.parametrize(
    ("forwarding", "everywhere", "here", "holds"),
    [("1", "1", "0", 0), ("1", "1", "1", 1), ("0", "1", "0", 1), ("0", "0", "0", 0)],
)
def test_redirects_are_believed_by_all_and_or_the_device(
    forwarding: str, everywhere: str, here: str, holds: int
) -> None:
    values = {"all/accept_redirects": everywhere, "eth0/accept_redirects": here, "eth0/forwarding": forwarding}
    assert (
        effective("accept_redirects", "eth0", {f"net/ipv4/conf/{name}": value for name, value in values.items()})
        == holds
    )


def test_what_is_not_seen_is_unknown() -> None:
    assert effective("arp_ignore", "eth0", {"net/ipv4/conf/all/arp_ignore": "1"}) is None
    assert effective("arp_ignore", "eth0", {"net/ipv4/conf/eth0/arp_ignore": "1"}) is None
    assert (
        effective("arp_ignore", "eth0", {"net/ipv4/conf/all/arp_ignore": "1", "net/ipv4/conf/eth0/arp_ignore": "x"})
        is None
    )


def test_fixes_are_commands_and_wishes_at_once() -> None:
    one = setting({"net/ipv4/conf/all/arp_ignore": "1"})
    assert one.text == "sysctl -w net.ipv4.conf.all.arp_ignore=1"
    two = addresses([(AddressKey("lo", VIP, 24), None), (AddressKey("lo", VIP, 32), Alias("lo:0", VIP))])
    assert two.text.splitlines() == [
        f"ip address del {VIP}/24 dev lo",
        f"ip address add {VIP}/32 broadcast {VIP} label lo:0 dev lo",
    ]
    assert (one + two).wanted == one.wanted + two.wanted
    assert (one + by_hand("and ask")).wanted == () and (Fix() + one).text == one.text


def test_the_worst_comes_first() -> None:
    assert SEVERITIES.index(BROKEN) == 0 and SEVERITIES[-1] == NOTE


def test_rules_are_read_from_no_machine() -> None:
    folder = Path(__file__).parents[3] / "lvs_init" / "doctor"
    assert not any("import os" in path.read_text() for path in folder.glob("*.py"))
