"""Which stance a verb comes to, and what a standby wants; tests/cases/plan/pair-* tell the whole stories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, SyncDaemon
from lvs_init.model.network import AddressKey, Alias, MarkRuleKey, ModuleKey, Route, RouteKey, SysctlKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import ACTIVE, STANDBY, Entry, Record, merge
from lvs_init.model.state import Key, Value
from lvs_init.plan.stance import BACKUP, MASTER, at_rest, in_stance, stance_for

WEB = ServiceKey("tcp", "192.168.0.219", 80)
RIP = RealServerKey(WEB, "192.168.0.11", 80)
VIP, ON_LO = AddressKey("eth0", "192.168.0.219", 32), AddressKey("lo", "192.168.0.219", 32)
SETTING = SysctlKey("net/ipv4/ip_forward")
DAEMON = SyncDaemon("eth1", 7, maxlen=800)
SERVING: dict[Key, Value | None] = {
    ModuleKey("ip_vs"): "loaded",
    WEB: Service("rr"),
    RIP: RealServer(),
    MarkRuleKey("192.168.0.219", "tcp", 80, 7): "present",
    VIP: Alias("eth0:1"),
    RouteKey("eth0", "192.168.0.219"): Route("eth0:1"),
    ON_LO: None,
    SETTING: "1",
    MASTER: DAEMON,
    BACKUP: None,
}


@pytest.mark.parametrize(
    ("verb", "pair", "stance", "expected"),
    [
        ("start", False, None, ""),
        ("activate", False, "", ""),
        ("start", True, None, STANDBY),
        ("activate", True, None, ACTIVE),
        ("activate", True, STANDBY, ACTIVE),
        *((verb, True, stance, stance) for verb in ("start", "reload", "restart") for stance in (ACTIVE, STANDBY)),
        ("start", True, "", ACTIVE),  # it was started before the file had [ha], and has the VIPs
    ],
)
def test_what_a_verb_comes_to(verb: str, pair: bool, stance: str | None, expected: str) -> None:
    record = None if stance is None else Record("director", "web", stance=stance)
    assert stance_for(verb, pair, record) == expected


def test_a_warm_standby_lacks_nothing_but_what_draws_clients() -> None:
    wanted, _ = in_stance(STANDBY, SERVING, warm=True)
    missing = {key for key in SERVING if key not in wanted}
    assert missing == {RouteKey("eth0", "192.168.0.219"), ON_LO}
    assert wanted[VIP] is None and wanted[WEB] == Service("rr")
    # The kernel lets no backup's messages be shorter.
    assert wanted[MASTER] is None and wanted[BACKUP] == SyncDaemon("eth1", 7, maxlen=1024)


def test_a_cold_standby_has_no_table() -> None:
    wanted, _ = in_stance(STANDBY, SERVING, warm=False)
    assert {key for key, value in wanted.items() if value is not None} == {ModuleKey("ip_vs"), SETTING, BACKUP}


@given(st.booleans(), st.sets(st.sampled_from(sorted(SERVING, key=str))))
def test_the_record_of_either_stance_tells_all_that_an_active_one_wants(warm: bool, left: set[Key]) -> None:
    active = {key: value for key, value in SERVING.items() if key not in left}
    for stance in (ACTIVE, STANDBY, ACTIVE, STANDBY, STANDBY):
        wanted, withheld = in_stance(stance, active, warm)
        entries = {key: Entry(value, None) for key, value in wanted.items() if value is not None}
        record = Record("director", "web", entries, stance=stance, warm=warm, withheld=withheld)
        serving = record.serving
        for key in (MASTER, BACKUP):  # none is the same as none said
            serving.setdefault(key, None)
        assert serving == {MASTER: None, BACKUP: None, **active}
        active = record.serving


def test_without_a_pair_nothing_is_withheld() -> None:
    assert in_stance("", SERVING, warm=True) == (SERVING, {})


def test_a_standby_drains_nothing() -> None:
    policy = Policy(300, {WEB: 60}, frozenset([WEB]))
    rested = at_rest(Record("director", "web", drains={RIP: 9.0}, policy=policy))
    assert rested is not None and rested.drains == {} and rested.policy == Policy(0, {}, frozenset([WEB]))
    assert at_rest(None) is None


def test_a_way_that_was_cut_short_is_remembered_as_where_it_led() -> None:
    active = Record("director", "web", {VIP: Entry(Alias("eth0:1"), None)}, stance=ACTIVE)
    standby = Record("director", "web", {}, stance=STANDBY, withheld={VIP: Alias("eth0:1")})
    both = merge(active, standby)
    assert both is not None and both.stance == STANDBY
    assert VIP in both.entries, "or stop would not know that it may still be there"
