"""The line of success counts what was set up."""

from __future__ import annotations

from lvs_init.config.desired import Desired
from lvs_init.config.load import parse
from lvs_init.engine.up import facts
from lvs_init.model.network import AddressKey, Alias

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
