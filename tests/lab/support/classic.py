"""The commands of the classic bash scripts, and the configuration that says the same."""

from __future__ import annotations

from dataclasses import dataclass

VIP, DIP = "192.168.0.219", "192.168.10.10"


@dataclass(frozen=True)
class Case:
    """A host, what others have set up there before, the classic commands and the configuration that says the same."""

    host: str  # as docs/classic.md calls it
    role: str
    foreign: tuple[str, ...]
    start: tuple[str, ...]
    stop: tuple[str, ...]
    configuration: str


_FOREIGN_ON_DIRECTOR = (
    "iptables -A INPUT -s 203.0.113.7 -j DROP",
    "iptables -N own",
    "iptables -A FORWARD -j own",
    "iptables -t mangle -A PREROUTING -s 203.0.113.8 -j MARK --set-mark 9",
    "iptables -t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22",
    "ipvsadm -A -t 192.168.0.50:25 -s rr",
    "ipvsadm -a -t 192.168.0.50:25 -r 192.168.0.60:25 -m",
    "ipvsadm -A -f 77 -s wlc",
    "ipvsadm --set 800 100 200",
)
_CLEARING = ("echo 1 > /proc/sys/net/ipv4/ip_forward", "iptables -F", "iptables -Z", "ipvsadm -C")
_LOCKING = ("mkdir -p /var/lock/subsys", "touch /var/lock/subsys/ipvsadm")
_STOPPING = (
    "echo 0 > /proc/sys/net/ipv4/ip_forward",
    "ipvsadm -C",
    "ifconfig eth0:1 down",
    f"route del {VIP}",
    "rm -f /var/lock/subsys/ipvsadm",
)
_DIRECTOR = f"""
[cluster]
forwarding = "{{}}"
[director]
interface = "eth0"
dip = "{DIP}"
flush_iptables = true
clear_ipvs = true
[[service]]
vip = "{{}}"
port = 80
scheduler = "{{}}"
realservers = [{{{{ rip = "{{}}" }}}}, {{{{ rip = "{{}}", weight = {{}} }}}}]
"""

NAT = Case(
    "NAT director",
    "director",
    (
        *_FOREIGN_ON_DIRECTOR,
        "echo 1 > /proc/sys/net/ipv4/conf/eth1/forwarding",
        "echo 0 > /proc/sys/net/ipv4/conf/all/accept_redirects",
    ),
    (
        f"ifconfig eth0:1 {VIP} netmask 255.255.255.0 up",
        *_CLEARING,
        f"ipvsadm -A -t {VIP}:80 -s rr",
        f"ipvsadm -a -t {VIP}:80 -r 192.168.10.11 -m",
        f"ipvsadm -a -t {VIP}:80 -r 192.168.10.12 -m",
        *_LOCKING,
    ),
    _STOPPING,
    _DIRECTOR.format("nat", f"{VIP}/24", "rr", "192.168.10.11", "192.168.10.12", 1),
)
DR = Case(
    "DR director",
    "director",
    (*_FOREIGN_ON_DIRECTOR, "echo 1 > /proc/sys/net/ipv4/ip_forward"),
    (
        f"ifconfig eth0:1 {VIP} broadcast {VIP} netmask 255.255.255.255 up",
        f"route add -host {VIP} dev eth0:1",
        *_CLEARING,
        f"ipvsadm -A -t {VIP}:80 -s wlc",
        f"ipvsadm -a -t {VIP}:80 -r 192.168.0.11 -g -w 1",
        f"ipvsadm -a -t {VIP}:80 -r 192.168.0.12 -g -w 2",
        *_LOCKING,
    ),
    _STOPPING,
    _DIRECTOR.format("dr", VIP, "wlc", "192.168.0.11", "192.168.0.12", 2),
)
REALSERVER = Case(
    "DR real server",
    "realserver",
    (
        "ip address add 10.99.0.1/32 dev lo label lo:5",
        "ip address add 2001:db8:99::1/128 dev lo",
        "ip route add 10.98.0.0/16 dev lo",
        "echo 1 > /proc/sys/net/ipv4/conf/lo/arp_announce",
        "iptables -A INPUT -s 203.0.113.7 -j DROP",
    ),
    (
        "ifconfig lo down",
        "ifconfig lo up",
        "echo 1 > /proc/sys/net/ipv4/conf/lo/arp_ignore",
        "echo 2 > /proc/sys/net/ipv4/conf/lo/arp_announce",
        "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore",
        "echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce",
        f"ifconfig lo:0 {VIP} broadcast {VIP} netmask 255.255.255.255 up",
        f"route add -host {VIP} dev lo:0",
    ),
    (
        "ifconfig lo:0 down",
        "echo 0 > /proc/sys/net/ipv4/conf/lo/arp_ignore",
        "echo 0 > /proc/sys/net/ipv4/conf/lo/arp_announce",
        "echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore",
        "echo 0 > /proc/sys/net/ipv4/conf/all/arp_announce",
    ),
    DR.configuration,
)
CASES = {case.host: case for case in (NAT, DR, REALSERVER)}

# What other programs do between start and stop.
MEANWHILE = {
    "director": ("ipvsadm -A -u 192.168.0.51:53 -s rr", "iptables -A INPUT -s 203.0.113.9 -j DROP"),
    "realserver": ("iptables -A INPUT -s 203.0.113.9 -j DROP",),
}
