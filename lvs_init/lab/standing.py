"""Clusters of each kind, into which faults are put: in tests, and where `lvsctl lab --fault` is given no file."""

from __future__ import annotations

_DR = """
[cluster]
name = "standing"
forwarding = "dr"
[director]
interface = "eth0"
[director.sysctl]
"net.ipv4.vs.sloppy_tcp" = "1"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "192.168.0.220"
port = 443
scheduler = "rr"
persistence = 300
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
fwmark = 7
vips = ["192.168.0.221"]
match = [{ protocol = "tcp", port = 80 }]
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
"""


def _simple(forwarding: str, vip: str, rips: tuple[str, str], dip: str = "") -> str:
    servers = ", ".join(f'{{ rip = "{rip}" }}' for rip in rips)
    return f"""
[cluster]
name = "standing"
forwarding = "{forwarding}"
[director]
interface = "eth0"
{f'dip = "{dip}"' if dip else ""}
[[service]]
vip = "{vip}"
port = 80
scheduler = "rr"
realservers = [{servers}]
"""


#: With IPv6 beside IPv4, and a network of the two directors' own. The least maxlen sends each message at once.
_PAIR = """
[cluster]
name = "standing"
forwarding = "dr"
[director]
interface = "eth0"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12" }]
[[service]]
vip = "fd00:10::219"
port = 80
scheduler = "rr"
realservers = [{ rip = "fd00:10::11" }, { rip = "fd00:10::12" }]
[ha]
nodes = ["lb1", "lb2"]
announce_count = 1
[[ha.link]]
type = "bcast"
interface = "eth1"
[ha.sync]
interface = "eth1"
syncid = 17
maxlen = 1
threshold = 2
"""

_DNS = 'port = 53\nprotocol = "udp"\none_packet = true'

#: Name -> file. Of tun's real servers one is on the VIP's own network. In nat-one VIP, DIP and RIPs are on one network.
#: Of pair there are both directors.
CLUSTERS = {
    "dr": _DR,
    "dr6": _simple("dr", "fd00:10::219", ("fd00:10::11", "fd00:10::12")),
    "nat": _simple("nat", "192.168.0.219", ("192.168.10.11", "192.168.10.12"), "192.168.10.10"),
    "nat6": _simple("nat", "fd00:10::219", ("fd00:20::11", "fd00:20::12"), "fd00:20::10"),
    "nat-one": _simple("nat", "192.168.0.219", ("192.168.0.11", "192.168.0.12"), "192.168.0.1"),
    "udp": _simple("dr", "192.168.0.219", ("192.168.0.11", "192.168.0.12")).replace("port = 80", _DNS),
    "pair": _PAIR,
    "tun": _simple("tun", "192.168.0.219", ("192.168.0.11", "192.168.20.12")),
}
