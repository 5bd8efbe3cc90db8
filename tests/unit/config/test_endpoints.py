"""Where a real server's own services can be asked for."""

from __future__ import annotations

from lvs_init.config.endpoints import endpoints
from lvs_init.config.load import parse

FILE = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
dip = "192.168.10.10"
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "192.168.0.219"
port = 53
protocol = "udp"
realservers = [{ rip = "192.168.0.11" }]
[[service]]
vip = "192.168.0.220"
port = 80
forwarding = "nat"
realservers = [{ rip = "192.168.10.11", port = 8080 }]
[[service]]
fwmark = 7
vips = ["192.168.0.221", "192.168.0.222"]
match = [{ protocol = "tcp", port = 443 }, { protocol = "udp", port = 500 }]
realservers = [{ rip = "192.168.0.11" }]
[[service]]
fwmark = 8
vips = ["192.168.0.223"]
realservers = [{ rip = "192.168.0.11" }]
"""
VIPS = {f"192.168.0.{number}" for number in range(219, 224)}


def test_on_the_vip_by_direct_routing_on_the_rip_under_nat() -> None:
    cluster = parse(FILE, "/etc/lvs/lvs.toml")
    assert endpoints(cluster, ("192.168.0.11", "192.168.10.11"), VIPS) == [
        ("192.168.0.219", 80),
        ("192.168.10.11", 8080),
        ("192.168.0.221", 443),
        ("192.168.0.222", 443),
    ]


def test_another_machine_s_services_and_vips_that_are_not_here_are_not_asked_for() -> None:
    cluster = parse(FILE, "/etc/lvs/lvs.toml")
    assert endpoints(cluster, ("192.168.0.12",), VIPS) == [("192.168.0.219", 80)]
    assert endpoints(cluster, ("192.168.0.11",), VIPS - {"192.168.0.219", "192.168.0.221"}) == [("192.168.0.222", 443)]
    assert endpoints(cluster, ("192.168.0.13",), VIPS) == []
