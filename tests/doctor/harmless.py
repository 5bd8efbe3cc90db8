"""Set-ups that look odd and are well: what the doctor must say nothing of."""

from __future__ import annotations

from dataclasses import dataclass

from lvs_init.lab.fault import DIRECTOR, REALSERVER, ROUTER, Act, Fault, Sight, on

_WORKS = Sight()


@dataclass(frozen=True)
class Harmless:
    """``steps``: what is done to the standing cluster. ``back``: how it is undone.

    ``joined``: a real server alone cannot tell; the director is asked, with what was collected on its real servers.
    """

    name: str
    cluster: str
    steps: tuple[Act, ...]
    back: tuple[Act, ...]
    joined: bool = False

    def as_fault(self) -> Fault:
        """The same, to be injected; it is about the cluster's plain service."""
        method = self.cluster.rstrip("6")
        family = 6 if self.cluster.endswith("6") else 4
        return Fault("", self.name, "", (method,), DIRECTOR, self.steps, self.back, _WORKS, family)


_LO_BACK = ("ip address add {vip}/{full} brd {vip} dev lo label lo:0", "ip route replace {vip}/{full} dev lo src {vip}")
_TUNNEL_BACK = ("ip address add {vip}/{full} brd {vip} dev tunl0 label tunl0:1",)
_FIREWALL_BACK = ("iptables -P INPUT ACCEPT", "iptables -F INPUT", "iptables -P FORWARD ACCEPT", "iptables -F FORWARD")

HARMLESS = (
    Harmless(
        "forward-drop-on-a-dr-director", "dr",
        on(DIRECTOR, "iptables -P FORWARD DROP"),
        on(DIRECTOR, *_FIREWALL_BACK),
    ),
    Harmless(
        "forward-drop-on-a-tun-director", "tun",
        on(DIRECTOR, "iptables -P FORWARD DROP"),
        on(DIRECTOR, *_FIREWALL_BACK),
    ),
    Harmless(
        "arp-settings-of-lo-off", "dr",
        on(REALSERVER, "sysctl -qw net.ipv4.conf.lo.arp_ignore=0 net.ipv4.conf.lo.arp_announce=0"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.lo.arp_ignore=1 net.ipv4.conf.lo.arp_announce=2"),
    ),
    Harmless(
        "arp-settings-of-the-interface-alone", "dr",
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0",
           "sysctl -qw net.ipv4.conf.{device}.arp_ignore=1 net.ipv4.conf.{device}.arp_announce=2"),
        on(REALSERVER, "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
           "sysctl -qw net.ipv4.conf.{device}.arp_ignore=0 net.ipv4.conf.{device}.arp_announce=0"),
    ),
    Harmless(
        "vip-on-dummy", "dr",
        on(REALSERVER, "ip link add dummy9 type dummy", "ip link set dummy9 up", "ip address del {vip}/{full} dev lo",
           "ip address add {vip}/{full} dev dummy9"),
        on(REALSERVER, "ip link del dummy9", *_LO_BACK),
    ),
    Harmless(
        "redirect-instead-of-the-vip", "dr",
        on(REALSERVER, "ip address del {vip}/{full} dev lo",
           "iptables -t nat -A PREROUTING -d {vip} -p tcp --dport {port} -j REDIRECT"),
        on(REALSERVER, "iptables -t nat -F PREROUTING", *_LO_BACK),
    ),
    Harmless(
        "local-route-instead-of-the-vip", "dr",
        on(REALSERVER, "ip address del {vip}/{full} dev lo", "ip route add local {vip}/{full} dev lo"),
        on(REALSERVER, "ip route del local {vip}/{full} dev lo", *_LO_BACK),
    ),
    Harmless(
        "real-server's-gateway-is-a-director-that-accepts-it", "dr",
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.{interface}.accept_local=1")
        + on(REALSERVER, "ip route replace default via {director}"),
        on(DIRECTOR, "sysctl -qw net.ipv4.conf.{interface}.accept_local=0")
        + on(REALSERVER, "ip route replace default via {router}"),
    ),
    Harmless(
        "vip-on-the-director's-lo-where-it-is-routed", "dr",
        on(DIRECTOR, "ip address del {vip}/{full} dev {facing}", "ip address add {vip}/{full} dev lo")
        + on(ROUTER, "ip route add {vip}/{full} via {director}"),
        on(ROUTER, "ip route del {vip}/{full} via {director}")
        + on(DIRECTOR, "ip address del {vip}/{full} dev lo",
             "ip address add {vip}/{full} brd {vip} dev {facing} label {facing}:1",
             "ip route replace {vip}/{full} dev {facing} src {vip}"),
    ),
    Harmless(
        "stateless-accept-before-a-stateful-firewall", "dr",
        on(DIRECTOR, "iptables -A INPUT -d {vip} -p tcp --dport {port} -j ACCEPT",
           "iptables -A INPUT -d 192.168.0.220 -p tcp --dport 443 -j ACCEPT",
           "iptables -A INPUT -d 192.168.0.221 -p tcp --dport 80 -j ACCEPT",
           "iptables -A INPUT -p icmp -j ACCEPT",
           "iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT", "iptables -P INPUT DROP"),
        on(DIRECTOR, *_FIREWALL_BACK),
    ),
    Harmless(
        "full-nat", "nat",
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.conntrack=1",
           "iptables -t nat -A POSTROUTING -m ipvs --ipvs -o {interface} -j MASQUERADE")
        + on(REALSERVER, "ip route del default"),
        on(DIRECTOR, "iptables -t nat -F POSTROUTING", "sysctl -qw net.ipv4.vs.conntrack=0")
        + on(REALSERVER, "ip route add default via {gateway}"),
        joined=True,
    ),
    Harmless(
        "stateful-forward-with-conntrack", "nat",
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.conntrack=1",
           "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "iptables -P FORWARD DROP"),
        on(DIRECTOR, *_FIREWALL_BACK, "sysctl -qw net.ipv4.vs.conntrack=0"),
    ),
    Harmless(
        "forwarding-on-two-interfaces-alone", "nat",
        on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=0",
           "sysctl -qw net.ipv4.conf.{interface}.forwarding=1 net.ipv4.conf.{facing}.forwarding=1"),
        on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=1"),
    ),
    Harmless(
        "vip-on-lo-of-a-tunnel-that-filters-nothing", "tun",
        on(REALSERVER, "sysctl -qw net.ipv4.conf.tunl0.rp_filter=0", "ip address del {vip}/{full} dev tunl0",
           "ip address add {vip}/{full} dev lo"),
        on(REALSERVER, "ip address del {vip}/{full} dev lo", *_TUNNEL_BACK,
           "sysctl -qw net.ipv4.conf.tunl0.rp_filter=2"),
    ),
)  # fmt: skip
