"""Faults of direct routing and of firewalls."""

from __future__ import annotations

from lvs_init.lab.fault import (
    ALL_SILENT,
    CLIENT,
    DIRECTOR,
    DOWNLOAD,
    ONE_SILENT,
    REALSERVER,
    ROUTER,
    Fault,
    Sight,
    on,
)

_ANY = ("dr", "tun", "nat")
_DIRECT = ("dr", "tun")
_FLUSH_INPUT = ("{iptables} -P INPUT ACCEPT", "{iptables} -F INPUT")
_HANGS = Sight(("TIMEOUT", "ECONNRESET"))

FAULTS = (
    Fault(
        "DR04", "", "a real server's gateway is the director, which drops what comes from its own VIP", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip route replace default via {director}"),
        on(REALSERVER, "ip route replace default via {router}"),
        ONE_SILENT, by_hand="only the admin knows the router", probe=True,
    ),
    Fault(
        "DR04", "ipv6", "a real server's gateway is the director, IPv6", ("dr",), REALSERVER,
        on(REALSERVER, "ip -6 route replace default via {director}"),
        on(REALSERVER, "ip -6 route replace default via {router}"),
        ONE_SILENT, family=6, by_hand="only the admin knows the router", probe=True,
    ),
    Fault(
        "DR05", "", "a real server has no route to clients", ("dr", "tun"), REALSERVER,
        on(REALSERVER, "ip route del default"),
        on(REALSERVER, "ip route replace default via {gateway}"),
        ONE_SILENT, by_hand="only the admin knows the router",
    ),
    Fault(
        "DR05", "rule", "a rule for what comes from the VIP leads nowhere", ("dr",), REALSERVER,
        on(REALSERVER, "ip rule add from {vip} lookup 199 priority 199", "ip route add unreachable default table 199"),
        on(REALSERVER, "ip rule del priority 199", "ip route flush table 199"),
        ONE_SILENT, by_hand="only the admin knows what the rule is for",
    ),
    Fault(
        "DR06", "all", "rp_filter=1, and answers leave by another interface than requests arrive by", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip link add link {device} name second9 type macvlan mode bridge", "ip link set second9 up",
           "ip address add {spare}/24 dev second9", "ip route replace default via {router} dev second9",
           "sysctl -qw net.ipv4.conf.all.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{device}.rp_filter=0",
           "ip link del second9",
           "ip route replace default via {router}"),
        ONE_SILENT,
    ),
    Fault(
        "DR06", "interface", "rp_filter=1 on the interface alone, and answers leave by another one", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip link add link {device} name second9 type macvlan mode bridge", "ip link set second9 up",
           "ip address add {spare}/24 dev second9", "ip route replace default via {router} dev second9",
           "sysctl -qw net.ipv4.conf.{device}.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{device}.rp_filter=0",
           "ip link del second9",
           "ip route replace default via {router}"),
        ONE_SILENT,
    ),
    Fault(
        "DR07", "", "a stateful firewall on the director, which sees one direction only", ("dr",), DIRECTOR,
        on(DIRECTOR, "iptables -A INPUT -p tcp --syn -j ACCEPT",
           "iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT", "iptables -A INPUT -p tcp -j DROP"),
        on(DIRECTOR, *_FLUSH_INPUT),
        _HANGS, also=("DR08",),
    ),
    Fault(
        "DR08", "rule", "the director's firewall drops requests before IPVS sees them", _ANY, DIRECTOR,
        on(DIRECTOR, "iptables -A INPUT -p tcp -d {vip} --dport {port} -j DROP"),
        on(DIRECTOR, *_FLUSH_INPUT),
        ALL_SILENT,
    ),
    Fault(
        "DR08", "policy", "the director's firewall drops whatever is not named", _ANY, DIRECTOR,
        on(DIRECTOR, "iptables -A INPUT -i lo -j ACCEPT", "iptables -A INPUT -p tcp --dport 22 -j ACCEPT",
           "iptables -P INPUT DROP"),
        on(DIRECTOR, *_FLUSH_INPUT),
        ALL_SILENT,
    ),
    Fault(
        "DR08", "ipv6", "the director's IPv6 firewall drops requests", ("dr", "nat"), DIRECTOR,
        on(DIRECTOR, "ip6tables -A INPUT -p tcp -d {vip} --dport {port} -j DROP"),
        on(DIRECTOR, *_FLUSH_INPUT),
        ALL_SILENT, family=6,
    ),
    Fault(
        "DR09", "rule", "a real server's firewall drops what is for the VIP", _DIRECT, REALSERVER,
        on(REALSERVER, "iptables -A INPUT -p tcp -d {vip} --dport {port} -j DROP"),
        on(REALSERVER, *_FLUSH_INPUT),
        ONE_SILENT,
    ),
    Fault(
        "DR09", "policy", "a real server's firewall knows its RIP alone", ("dr",), REALSERVER,
        on(REALSERVER, "iptables -A INPUT -p tcp -d {rip} --dport {port} -j ACCEPT", "iptables -P INPUT DROP"),
        on(REALSERVER, *_FLUSH_INPUT),
        ONE_SILENT,
    ),
    Fault(
        "DR09", "proto4", "a real server's firewall drops IP in IP", ("tun",), REALSERVER,
        on(REALSERVER, "iptables -A INPUT -p 4 -j DROP"),
        on(REALSERVER, *_FLUSH_INPUT),
        ONE_SILENT,
    ),
    Fault(
        "DR10", "", "the director drops ICMP, so nobody tells real servers of a narrow path", ("dr",), DIRECTOR,
        on(ROUTER, "ip link set {outside} mtu 1000")
        + on(DIRECTOR, "iptables -A INPUT -p icmp -j DROP"),
        on(DIRECTOR, *_FLUSH_INPUT) + on(ROUTER, "ip link set {outside} mtu 1500")
        + on(REALSERVER, "ip route flush cache"),
        Sight(("TIMEOUT",), "all", DOWNLOAD),
    ),
    Fault(
        "DR11", "", "the client's packets have just one hop left when they reach the director", ("dr",), DIRECTOR,
        on(CLIENT, "sysctl -qw net.ipv4.ip_default_ttl=2"),
        on(CLIENT, "sysctl -qw net.ipv4.ip_default_ttl=64"),
        ALL_SILENT, by_hand="the client is the one to be set right", low=True,
    ),
)  # fmt: skip
