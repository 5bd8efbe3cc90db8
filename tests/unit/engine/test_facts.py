"""What a run tells besides its steps: the line of success, and what was emptied for good."""

from __future__ import annotations

from lvs_init.config.desired import Desired
from lvs_init.config.load import parse
from lvs_init.engine.up import facts, lost
from lvs_init.model.ipvs import Service, ServiceKey
from lvs_init.model.network import AddressKey, Alias, FilterTable, FilterTableKey
from lvs_init.model.record import Entry
from lvs_init.model.state import Key
from lvs_init.plan.intent import Plan

CLUSTER = parse(
    b"""
[director]
dip = "192.168.10.10"
dip_interface = "eth1"
[[service]]
vip = "192.168.0.219"
port = 80
forwarding = "nat"
realservers = [{ rip = "192.168.10.11" }]
""",
    "lvs.toml",
)


def test_the_dip_is_no_vip() -> None:
    addresses = [AddressKey("eth0", "192.168.0.219", 32), AddressKey("eth1", "192.168.10.10", 24)]
    services = {service.key: service.service for service in CLUSTER.services}
    desired = Desired(wanted={**services, **{key: Alias("x") for key in addresses}})
    assert facts(CLUSTER, desired) == "1 service, 1 VIP"


def test_a_real_server_under_nat_has_nothing_to_set_up_and_says_so() -> None:
    assert facts(CLUSTER, Desired(nat=True)) == "nothing to set up under nat"


def test_what_a_start_emptied_for_good_is_told() -> None:
    foreign, rules = ServiceKey("tcp", "192.168.0.1", 25), FilterTable(("*filter", "-A INPUT -j ACCEPT", "COMMIT"))
    flushed = FilterTable(("*filter", "COMMIT"))
    entries: dict[Key, Entry] = {
        foreign: Entry(None, Service("rr"), transient=True),
        FilterTableKey(): Entry(flushed, rules, transient=True),
        ServiceKey("tcp", "192.168.0.219", 80): Entry(Service("rr"), None),
    }
    assert lost(Plan((), {}, entries=entries)) == [
        "clear_ipvs removed tcp 192.168.0.1:25 at start, which stop does not bring back",
        "flush_iptables emptied the filter table at start, which stop does not bring back",
    ]
    assert lost(Plan((), {}, entries={FilterTableKey(): Entry(flushed, flushed, transient=True)})) == []
