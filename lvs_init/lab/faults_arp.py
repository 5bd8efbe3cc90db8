"""Faults of ARP and of the VIP's place on real servers (and of IPv6's neighbour discovery)."""

from __future__ import annotations

from lvs_init.lab.fault import (
    ALL_SILENT,
    DIRECTOR,
    LEAKS,
    ONE_SILENT,
    POISONS,
    REALSERVER,
    WORKS,
    Fault,
    on,
)

_BOTH = ("dr", "tun")
_QUIET = "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"
_TO_DUMMY = (
    "ip link add dummy9 type dummy",
    "ip link set dummy9 up",
    "ip address del {vip}/{full} dev lo",
    "ip address add {vip}/{full} dev dummy9",
)
_FROM_DUMMY = (
    "ip link del dummy9",
    "ip address add {vip}/{full} brd {vip} dev lo label lo:0",
    "ip route replace {vip}/{full} dev lo src {vip}",
)
_BACK_ON_LO = (
    "ip address del {vip}/{full} dev lo",
    "ip address add {vip}/{full} brd {vip} dev lo label lo:0",
    "ip route replace {vip}/{full} dev lo src {vip}",
)

FAULTS = (
    Fault(
        "ARP01", "lo-only", "a real server has arp_ignore on lo alone, so it answers ARP for the VIP", _BOTH,
        REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.{device}.arp_ignore=0",
           "sysctl -qw net.ipv4.conf.lo.arp_ignore=1"),
        on(REALSERVER, _QUIET),
        LEAKS, near=True,
    ),
    Fault(
        "ARP01", "all-3", "all.arp_ignore=3 defeats the 1 of the interface, for the larger of the two counts", _BOTH,
        REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=3 net.ipv4.conf.{device}.arp_ignore=1"),
        on(REALSERVER, _QUIET, "sysctl -qw net.ipv4.conf.{device}.arp_ignore=0"),
        LEAKS, near=True,
    ),
    Fault(
        "ARP01", "interface", "the interface has arp_ignore=5, which the kernel takes for 0", _BOTH, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.{device}.arp_ignore=5"),
        on(REALSERVER, _QUIET, "sysctl -qw net.ipv4.conf.{device}.arp_ignore=0"),
        LEAKS, near=True,
    ),
    Fault(
        "ARP01", "default", "an interface that came later took arp_ignore=3 from conf.default", _BOTH, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.default.arp_ignore=3",
           "ip link add link {device} name later9 type macvlan mode bridge", "ip link set later9 up",
           "ip address add {spare}/24 dev later9"),
        on(REALSERVER, "ip link del later9", "sysctl -qw net.ipv4.conf.default.arp_ignore=0", _QUIET),
        LEAKS, near=True,
    ),
    Fault(
        "ARP01", "dummy", "the VIP is on a dummy interface, and arp_ignore is 0", ("dr",), REALSERVER,
        on(REALSERVER, *_TO_DUMMY, "sysctl -qw net.ipv4.conf.all.arp_ignore=0"),
        on(REALSERVER, *_FROM_DUMMY, _QUIET),
        LEAKS,
    ),
    Fault(
        "ARP02", "zero", "arp_announce=0: a real server's ARP requests say that it has the VIP", _BOTH, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_announce=0 net.ipv4.conf.{device}.arp_announce=0"),
        on(REALSERVER, _QUIET),
        POISONS, near=True,
    ),
    Fault(
        "ARP02", "one", "arp_announce=1 is too low where the VIP is in the interface's own subnet", _BOTH, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_announce=1 net.ipv4.conf.{device}.arp_announce=0"),
        on(REALSERVER, _QUIET),
        POISONS, near=True,
    ),
    Fault(
        "ARP03", "", "a real server has the VIP on its network interface: no setting keeps that one silent", _BOTH,
        REALSERVER,
        on(REALSERVER, "ip address add {vip}/{full} dev {device}"),
        on(REALSERVER, "ip address del {vip}/{full} dev {device}"),
        LEAKS, near=True,
    ),
    Fault(
        "ARP03", "alias", "a real server has the VIP as an alias of its network interface and nowhere else", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo",
           "ip address add {vip}/{full} dev {device} label {device}:7"),
        on(REALSERVER, "ip address del {vip}/{full} dev {device}", *_BACK_ON_LO),
        LEAKS,
    ),
    Fault(
        "ARP04", "", "a real server has the VIP on an interface that announces its addresses (arp_notify)", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip address add {vip}/{full} dev {device}", "sysctl -qw net.ipv4.conf.{device}.arp_notify=1"),
        on(REALSERVER, "ip address del {vip}/{full} dev {device}", "sysctl -qw net.ipv4.conf.{device}.arp_notify=0"),
        LEAKS, also=("ARP03",),
    ),
    Fault(
        "ARP05", "", "the VIP is a /24 on lo: a real server takes its whole network for its own", ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo", "ip address add {vip}/24 dev lo",
            "sysctl -qw net.ipv4.conf.all.rp_filter=2"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.rp_filter=0", "ip address del {vip}/24 dev lo", *_BACK_ON_LO),
        ONE_SILENT,
    ),
    Fault(
        "ARP05", "beside", "the VIP is on lo twice, as a /32 and as a /24", ("dr",), REALSERVER,
        on(REALSERVER, "ip address add {vip}/24 dev lo", "sysctl -qw net.ipv4.conf.all.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.rp_filter=0", "ip address del {vip}/24 dev lo", *_BACK_ON_LO),
        ONE_SILENT,
    ),
    Fault(
        "ARP06", "", "ifconfig without a netmask has given the VIP on lo that of its class", ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo", "ifconfig lo:0 {vip} up",
            "sysctl -qw net.ipv4.conf.all.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.rp_filter=0", "ip address del {vip}/24 dev lo", *_BACK_ON_LO),
        ONE_SILENT, also=("ARP05",),
    ),
    Fault(
        "ARP07", "", "the VIP is missing on a real server", ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo"),
        on(REALSERVER, *_BACK_ON_LO),
        ONE_SILENT,
    ),
    Fault(
        "ARP07", "forwarding", "the VIP is missing on a real server that forwards: packets go round until they die",
        ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo", "sysctl -qw net.ipv4.ip_forward=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.ip_forward=0", *_BACK_ON_LO),
        ONE_SILENT,
    ),
    Fault(
        "ARP07", "tunnel", "the VIP is missing on a real server's tunl0", ("tun",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev tunl0"),
        on(REALSERVER, "ip address add {vip}/{full} brd {vip} dev tunl0 label tunl0:1"),
        ONE_SILENT, also=("TUN03",),
    ),
    Fault(
        "ARP07", "ipv6", "the VIP is missing on a real server, IPv6", ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo"),
        on(REALSERVER, "ip address add {vip}/{full} dev lo"),
        ONE_SILENT, family=6,
    ),
    Fault(
        "ARP08", "", "a machine that is no real server any more still has the VIP, and answers for it", ("dr",),
        REALSERVER,
        on(REALSERVER, "cp /etc/lvs/lvs.toml /run/lvs.toml", "sed -i s/{{[^}}]*{rip}\"[^}}]*}},// /etc/lvs/lvs.toml",
           "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.{device}.arp_ignore=0")
        + on(DIRECTOR, "ipvsadm -d -t {vip}:{port} -r {rip}:{port}"),
        on(REALSERVER, "cp /run/lvs.toml /etc/lvs/lvs.toml", "rm /run/lvs.toml", _QUIET, *_BACK_ON_LO)
        + on(DIRECTOR, "ipvsadm -a -t {vip}:{port} -r {rip}:{port} -g -w 1"),
        LEAKS, also=("ARP01",), rebuild=True,
    ),
    Fault(
        "ARP09", "", "ifconfig has put another address in the place of the VIP's label", ("dr",), REALSERVER,
        on(REALSERVER, "ifconfig lo:0 10.66.66.66 netmask 255.255.255.255"),
        on(REALSERVER, "ip address del 10.66.66.66/32 dev lo", *_BACK_ON_LO),
        ONE_SILENT, also=("ARP07",),
    ),
    Fault(
        "ARP10", "", "a VIP is secondary to another one, and goes when that one goes", ("dr",), DIRECTOR,
        on(DIRECTOR, "ip link add dummy9 type dummy", "ip link set dummy9 up",
           "ip address add {vip}/24 dev dummy9 noprefixroute", "ip address add {vip2}/24 dev dummy9 noprefixroute"),
        on(DIRECTOR, "ip link del dummy9"),
        WORKS,
    ),
    Fault(
        "ARP11", "", "lo is down on a real server: its own addresses no longer answer there", ("dr",), REALSERVER,
        on(REALSERVER, "ip link set lo down"),
        on(REALSERVER, "ip link set lo up", *_BACK_ON_LO),
        WORKS, rebuild=True,  # the host routes of all VIPs on lo go with it
    ),
    Fault(
        "ARP11", "ipv6", "lo was down on a real server, so its IPv6 VIP is gone and stays so", ("dr",), REALSERVER,
        on(REALSERVER, "ip link set lo down"),
        on(REALSERVER, "ip link set lo up", "ip address add {vip}/{full} dev lo"),
        ONE_SILENT, family=6, also=("ARP07", "V603"),
    ),
    Fault(
        "ARP12", "", "arp_ignore=8 hides a real server's own address as well", ("dr", "nat"), REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.{device}.arp_ignore=8"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.{device}.arp_ignore=0"),
        ONE_SILENT,
    ),
    Fault(
        "ARP13", "", "a machine answers for the VIP as a proxy, for it has a route to it", ("nat",), REALSERVER,
        on(REALSERVER, "ip link add dummy9 type dummy", "ip link set dummy9 up", "ip route add {vip}/32 dev dummy9",
           "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.neigh.{device}.proxy_delay=0",
           "sysctl -qw net.ipv4.conf.{device}.proxy_arp=1", "tc qdisc add dev {device} root netem delay 20ms"),
        on(REALSERVER, "tc qdisc del dev {device} root", "ip link del dummy9",
           "sysctl -qw net.ipv4.conf.{device}.proxy_arp=0", "sysctl -qw net.ipv4.ip_forward=0"),
        POISONS, one_network=True, near=True,
    ),
    Fault(
        "ARP14", "", "arp_filter: the director says nothing where its own way to the asker is another one", ("dr",),
        DIRECTOR,
        on(DIRECTOR, "ip link add dummy9 type dummy", "ip link set dummy9 up", "ip route add {router}/32 dev dummy9",
           "sysctl -qw net.ipv4.conf.all.arp_filter=1"),
        on(DIRECTOR, "ip link del dummy9", "sysctl -qw net.ipv4.conf.all.arp_filter=0"),
        ALL_SILENT,
    ),
    Fault(
        "ARP15", "", "a real server's ARP settings on the director, whose VIP is on lo: nobody answers for it", ("dr",),
        DIRECTOR,
        on(DIRECTOR, "ip address del {vip}/{full} dev {facing}", "ip address add {vip}/{full} dev lo",
           "sysctl -qw net.ipv4.conf.all.arp_ignore=1"),
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.all.arp_ignore=0", "ip address del {vip}/{full} dev lo",
           "ip address add {vip}/{full} brd {vip} dev {facing} label {facing}:1",
           "ip route replace {vip}/{full} dev {facing} src {vip}"),
        ALL_SILENT, also=("DIR01",),
    ),
    Fault(
        "V601", "", "a real server has the IPv6 VIP on its network interface and answers for it", ("dr",), REALSERVER,
        on(REALSERVER, "ip address add {vip}/{full} dev {device} nodad"),
        on(REALSERVER, "ip address del {vip}/{full} dev {device}"),
        LEAKS, family=6,
    ),
    Fault(
        "V602", "", "the IPv6 VIP is a /64 on lo: a real server takes its network for its own", ("dr",), REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev lo", "ip address add {vip}/64 dev lo",
           "ip -6 route flush cache"),
        on(REALSERVER, "ip address del {vip}/64 dev lo", "ip address add {vip}/{full} dev lo"),
        WORKS, family=6,
    ),
    Fault(
        "V603", "", "lo went down and up: a real server has lost its IPv6 VIP", ("dr",), REALSERVER,
        on(REALSERVER, "ip link set lo down", "ip link set lo up"),
        on(REALSERVER, "ip address add {vip}/{full} dev lo"),
        ONE_SILENT, family=6, also=("ARP07",),
    ),
    Fault(
        "V604", "", "a firewall asks by which way it would answer (rpfilter), and that is another interface", ("dr",),
        REALSERVER,
        on(REALSERVER, "ip link add link {device} name second9 type macvlan mode bridge", "ip link set second9 up",
           "ip address add {spare}/64 dev second9 nodad", "ip -6 route replace default via {router} dev second9",
           "ip6tables -t raw -A PREROUTING -m rpfilter --invert -j DROP"),
        on(REALSERVER, "ip6tables -t raw -F PREROUTING", "ip link del second9",
           "ip -6 route replace default via {router} dev {device}"),
        ONE_SILENT, family=6, by_hand="only the admin knows what that firewall is for",
    ),
    Fault(
        "V606", "", "IPv6 is disabled on a real server's lo, so it has no VIP", ("dr",), REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv6.conf.lo.disable_ipv6=1"),
        on(REALSERVER, "sysctl -qw net.ipv6.conf.lo.disable_ipv6=0", "ip address add {vip}/{full} dev lo"),
        ONE_SILENT, family=6, also=("ARP07",),
    ),
)  # fmt: skip
