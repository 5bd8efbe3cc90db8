"""Faults of network address translation and of tunnels."""

from __future__ import annotations

from lvs_init.lab.fault import (
    AGAIN,
    ALL_SILENT,
    CLIENT,
    DIRECTOR,
    FUNCTION,
    KERNEL,
    ONE_REFUSED,
    ONE_SILENT,
    OTHER,
    REALSERVER,
    ROUTER,
    SERVE,
    UPLOAD,
    WORKS,
    Act,
    Fault,
    Sight,
    on,
)

_NAT = ("nat",)
_TUN = ("tun",)
_SERVICE = "-t {vip}:{port}"
_FLUSH_FORWARD = ("{iptables} -P FORWARD ACCEPT", "{iptables} -F FORWARD", "sysctl -qw net.ipv4.vs.conntrack=0")
_ROUND = "tc qdisc add dev {device} root netem delay 20ms"
_STRAIGHT = "tc qdisc del dev {device} root"

FAULTS = (
    Fault(
        "NAT01", "all", "the director does not forward, so answers end there", _NAT, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=1"),
        ALL_SILENT,
    ),
    Fault(
        "NAT01", "interface", "the director does not forward what comes from the real servers' side", _NAT, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.{interface}.forwarding=0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.{interface}.forwarding=1"),
        ALL_SILENT,
    ),
    Fault(
        "NAT01", "ipv6", "the director does not forward IPv6", _NAT, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv6.conf.all.forwarding=0"),
        on(DIRECTOR, "sysctl -qw net.ipv6.conf.all.forwarding=1"),
        ALL_SILENT, family=6, also=("V608",),
    ),
    Fault(
        "NAT02", "other", "a real server's gateway is not the director", _NAT, REALSERVER,
        on(REALSERVER, "ip route replace default via {spare}"),
        on(REALSERVER, "ip route replace default via {gateway}"),
        ONE_SILENT,
    ),
    Fault(
        "NAT02", "none", "a real server has no gateway", _NAT, REALSERVER,
        on(REALSERVER, "ip route del default"),
        on(REALSERVER, "ip route replace default via {gateway}"),
        ONE_SILENT,
    ),
    Fault(
        "NAT02", "ipv6", "a real server's gateway is not the director, IPv6", _NAT, REALSERVER,
        on(REALSERVER, "ip -6 route replace default via {spare}"),
        on(REALSERVER, "ip -6 route replace default via {gateway}"),
        ONE_SILENT, family=6,
    ),
    Fault(
        "NAT03", "", "a real server is on the clients' network and answers them past the director", _NAT, REALSERVER,
        on(REALSERVER, "ip address add {vipspare}/24 dev {device}"),
        on(REALSERVER, "ip address del {vipspare}/24 dev {device}"),
        ONE_SILENT,
    ),
    Fault(
        "NAT04", "", "on one network the director tells real servers of the nearer gateway, and one believes it", _NAT,
        DIRECTOR,
        on(OTHER, "sysctl -qw net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.{device}.accept_redirects=0")
        + on(REALSERVER, _ROUND) + on(ROUTER, "tc qdisc add dev {beside} root netem delay 20ms")
        + on(DIRECTOR, "sysctl -qw net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.{interface}.send_redirects=1",
             "tc qdisc add dev {interface} root netem delay 20ms"),
        on(DIRECTOR, "tc qdisc del dev {interface} root",
           "sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.{interface}.send_redirects=0")
        + on(ROUTER, "tc qdisc del dev {beside} root")
        + on(REALSERVER, _STRAIGHT, "ip route flush cache",
             "sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.{device}.accept_redirects=1")
        + on(OTHER, "sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.{device}.accept_redirects=1"),
        Sight(("TIMEOUT", "ECONNRESET"), "one", AGAIN), one_network=True,
        by_hand="what a real server has learnt is to be forgotten there as well",
    ),
    Fault(
        "NAT05", "policy", "the director's firewall forwards nothing, so no answer gets out", _NAT, DIRECTOR,
        on(DIRECTOR, "iptables -P FORWARD DROP"),
        on(DIRECTOR, *_FLUSH_FORWARD),
        ALL_SILENT,
    ),
    Fault(
        "NAT05", "established", "the firewall forwards what it knows, and without vs.conntrack it knows no answer",
        _NAT, DIRECTOR,
        on(DIRECTOR, "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
           "iptables -P FORWARD DROP"),
        on(DIRECTOR, *_FLUSH_FORWARD),
        ALL_SILENT,
    ),
    Fault(
        "NAT05", "invalid", "the firewall drops invalid packets, and without vs.conntrack every answer is one", _NAT,
        DIRECTOR,
        on(DIRECTOR, "iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP"),
        on(DIRECTOR, *_FLUSH_FORWARD),
        ALL_SILENT,
    ),
    Fault(
        "NAT06", "", "full NAT: answers are to come back by a masquerade that does nothing without vs.conntrack", _NAT,
        DIRECTOR,
        on(DIRECTOR, "iptables -t nat -A POSTROUTING -m ipvs --ipvs -o {interface} -j MASQUERADE")
        + on(REALSERVER, "ip route del default"),
        on(DIRECTOR, "iptables -t nat -F POSTROUTING", "sysctl -qw net.ipv4.vs.conntrack=0")
        + on(REALSERVER, "ip route replace default via {gateway}"),
        ONE_SILENT,
    ),
    Fault(
        "NAT07", "", "the table of tracked connections is full", _NAT, DIRECTOR,
        (*on(DIRECTOR, "iptables -A INPUT -m conntrack --ctstate INVALID"),
         Act(DIRECTOR, "lvs_init.lab.attempt:reach address={rip} port={port}", FUNCTION),
         Act(DIRECTOR, "lvs_init.lab.attempt:reach address={other} port={port}", FUNCTION),
         *on(KERNEL, "sysctl -qw net.netfilter.nf_conntrack_max=1")),
        on(KERNEL, "sysctl -qw net.netfilter.nf_conntrack_max=16384") + on(DIRECTOR, "iptables -F INPUT"),
        ALL_SILENT, by_hand="the limit is the kernel's, out of a namespace's reach",
    ),
    Fault(
        "NAT08", "", "rp_filter=1, and the director's way to clients is another interface than they come by", _NAT,
        DIRECTOR,
        on(DIRECTOR, "ip link add link {facing} name second9 type macvlan mode bridge",
           # Else the client hears there of the VIP, and goes that way.
           "sysctl -qw net.ipv4.conf.second9.arp_ignore=1 net.ipv4.conf.second9.arp_announce=2",
           "ip link set second9 up",
           "ip address add {vipspare}/24 dev second9", "ip route add {client}/32 dev second9",
           "sysctl -qw net.ipv4.conf.all.rp_filter=1"),
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{facing}.rp_filter=0",
           "ip link del second9"),
        ALL_SILENT,
    ),
    Fault(
        "NAT09", "", "FTP by nat without the module that looks into it", _NAT, DIRECTOR,
        on(DIRECTOR, "cp /etc/lvs/lvs.toml /run/lvs.toml", "sed -i s/^port.*/port=21/ /etc/lvs/lvs.toml"),
        on(DIRECTOR, "cp /run/lvs.toml /etc/lvs/lvs.toml", "rm /run/lvs.toml") + on(KERNEL, "rmmod ip_vs_ftp"),
        WORKS,
    ),
    Fault(
        "V608", "", "the director forwards IPv6, so it heeds no router that advertises itself: no way to clients",
        _NAT, DIRECTOR,
        (*on(DIRECTOR, "sysctl -qw net.ipv6.conf.{facing}.accept_ra=1"),
         *on(CLIENT, "ip address add {outsider}/128 dev lo", "ip route add {vip}/128 dev eth0 src {outsider}"),
         Act(CLIENT, "lvs_init.lab.advertising:advertise interface=eth0", SERVE)),
        on(CLIENT, "ip route del {vip}/128 dev eth0", "ip address del {outsider}/128 dev lo")
        + on(DIRECTOR, "ip -6 route flush proto ra", "sysctl -qw net.ipv6.conf.{facing}.accept_ra=2"),
        ALL_SILENT, family=6,
    ),
    Fault(
        "TUN01", "", "the module ipip is not loaded: nobody there takes tunnels apart", _TUN, REALSERVER,
        on(KERNEL, "rmmod ipip") + on(DIRECTOR, f"ipvsadm -d {_SERVICE} -r {{other}}:{{port}}"),
        on(KERNEL, "modprobe ipip") + on(DIRECTOR, f"ipvsadm -a {_SERVICE} -r {{other}}:{{port}} {{by}} -w 1"),
        Sight(("ENOPROTOOPT", "ECONNREFUSED")), also=("ARP07",), rebuild=True,
    ),
    Fault(
        "TUN02", "", "tunl0 is down on a real server", _TUN, REALSERVER,
        on(REALSERVER, "ip link set tunl0 down"),
        on(REALSERVER, "ip link set tunl0 up"),
        ONE_REFUSED,
    ),
    Fault(
        "TUN03", "interface", "rp_filter=1 on tunl0 drops whatever comes out of the tunnel", _TUN, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.tunl0.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.tunl0.rp_filter=2"),
        ONE_SILENT,
    ),
    Fault(
        "TUN03", "all", "all.rp_filter=1 counts for tunl0 as well", _TUN, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.tunl0.rp_filter=0 net.ipv4.conf.all.rp_filter=1"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.tunl0.rp_filter=2 net.ipv4.conf.all.rp_filter=0"),
        ONE_SILENT,
    ),
    Fault(
        "TUN03", "lo", "rp_filter=2 drops as well where tunl0 has no address, for the VIP is on lo", _TUN, REALSERVER,
        on(REALSERVER, "ip address del {vip}/{full} dev tunl0", "ip address add {vip}/{full} dev lo"),
        on(REALSERVER, "ip address del {vip}/{full} dev lo",
           "ip address add {vip}/{full} brd {vip} dev tunl0 label tunl0:1",
           "sysctl -qw net.ipv4.conf.tunl0.rp_filter=2 net.ipv4.conf.all.rp_filter=0"),
        ONE_SILENT,
    ),
    Fault(
        "TUN03", "default", "a tunnel that came later took rp_filter=1 from conf.default", _TUN, REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.default.rp_filter=1",
           "ip link add name later9 type ipip local {rip}", "ip link set later9 up"),
        on(REALSERVER, "ip link del later9", "sysctl -qw net.ipv4.conf.default.rp_filter=0"),
        ONE_SILENT,
    ),
    Fault(
        "TUN04", "", "a real server has the VIP on tunl0 and answers ARP for it on its network interface", _TUN,
        REALSERVER,
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.{device}.arp_ignore=0"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=1"),
        Sight(leak=True), also=("ARP01",), near=True,
    ),
    Fault(
        "TUN05", "", "a full packet does not fit into the tunnel, and the client does not hear of it", _TUN, DIRECTOR,
        on(CLIENT, "iptables -A INPUT -p icmp -j DROP"),
        on(CLIENT, "iptables -F INPUT") + on(DIRECTOR, "sysctl -qw net.ipv4.vs.pmtu_disc=1"),
        Sight(("TIMEOUT",), "all", UPLOAD), low=True,
    ),
    Fault(
        "TUN07", "", "the director sends tunnels of a kind that real servers do not take apart", _TUN, DIRECTOR,
        on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} -i -w 1 --tun-type gue --tun-port 6080"),
        on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} -i -w 1"),
        Sight(("ECONNREFUSED", "TIMEOUT", "EHOSTUNREACH"), "one"),
    ),
    Fault(
        "TUN08", "", "the director has a tunl0 with the VIP, which it needs for nothing", _TUN, DIRECTOR,
        on(DIRECTOR, "ip link set tunl0 up", "ip address add {vip}/{full} dev tunl0"),
        on(DIRECTOR, "ip address del {vip}/{full} dev tunl0", "ip link set tunl0 down"),
        WORKS, low=True, rebuild=True,
    ),
)  # fmt: skip
