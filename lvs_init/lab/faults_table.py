"""Faults of connections, timers and marks."""

from __future__ import annotations

from lvs_init.lab.fault import (
    ALL_REFUSED,
    ALL_SILENT,
    CLIENT,
    DATAGRAM,
    DIRECTOR,
    FUNCTION,
    IDLE,
    KEPT,
    MARKED,
    PERSISTENT,
    WORKS,
    Act,
    Fault,
    Sight,
    on,
)

_ANY = ("dr", "tun", "nat")
_SERVICE = "-t {vip}:{port}"

FAULTS = (
    Fault(
        "CON01", "", "a drained real server keeps its persistent clients", ("dr",), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.expire_quiescent_template=0",
           f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 1"),
        Sight(still=True), kind=PERSISTENT,
    ),
    Fault(
        "CON02", "", "a real server was taken away, and its open connections hang", ("nat",), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -d {_SERVICE} -r {{rip}}:{{port}}"),
        on(DIRECTOR, f"ipvsadm -a {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 1",
           "sysctl -qw net.ipv4.vs.expire_nodest_conn=0"),
        Sight(("TIMEOUT",), "all", KEPT), low=True,
    ),
    Fault(
        "CON04", "", "IPVS forgets idle connections after two seconds", ("nat",), DIRECTOR,
        on(DIRECTOR, "ipvsadm --set 2 0 0"),
        on(DIRECTOR, "ipvsadm --set 900 0 0"),
        Sight(("ECONNRESET", "EOF", "TIMEOUT"), "all", IDLE),
    ),
    Fault(
        "CON05", "", "nearly all persistent clients have come to one real server", ("dr",), DIRECTOR,
        (*on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{other}}:{{port}} {{by}} -w 0"),
         Act(CLIENT, "lvs_init.lab.attempt:crowd address={vip} port={port} first={clientspare}", FUNCTION),
         *on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{other}}:{{port}} {{by}} -w 1")),
        on(DIRECTOR, f"ipvsadm -E {_SERVICE} -s rr"),
        WORKS, kind=PERSISTENT, by_hand="it is a matter of the file", rebuild=True,
    ),
    Fault(
        "CON06", "drop_packet", "IPVS drops every packet: drop_packet=3 with am_droprate=1", _ANY, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.am_droprate=1", "sysctl -qw net.ipv4.vs.drop_packet=3"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.drop_packet=0", "sysctl -qw net.ipv4.vs.am_droprate=10"),
        ALL_SILENT,
    ),
    Fault(
        "CON07", "", "a name service whose questions are taken for connections", ("dr",), DIRECTOR,
        on(DIRECTOR, "ipvsadm -E -u {vip}:{port} -s rr"),
        on(DIRECTOR, "ipvsadm -E -u {vip}:{port} -s rr -o"),
        WORKS, kind=DATAGRAM, by_hand="it is a matter of the file", low=True,
    ),
    Fault(
        "CON08", "", "nobody marks the packets of a firewall-mark service", ("dr",), DIRECTOR,
        on(DIRECTOR, "iptables -t mangle -F PREROUTING"),
        on(DIRECTOR, "iptables -t mangle -F PREROUTING",
           "iptables -t mangle -A PREROUTING -d {vip}/32 -p tcp -m tcp --dport {port} -m comment "
           "--comment lvs-init -j MARK "
           "--set-xmark {mark}/0xffffffff"),
        ALL_REFUSED, kind=MARKED,
    ),
    Fault(
        "CON12", "", "a service takes every port of its VIP", ("dr",), DIRECTOR,
        on(DIRECTOR, "cp /etc/lvs/lvs.toml /run/lvs.toml", "sed -i s/^port.*443/port=0/ /etc/lvs/lvs.toml"),
        on(DIRECTOR, "cp /run/lvs.toml /etc/lvs/lvs.toml", "rm /run/lvs.toml"),
        Sight(), kind=PERSISTENT, by_hand="it may be meant so", low=True,
    ),
    Fault(
        "CON10", "", "run_estimation=0: every counter and rate stands still", _ANY, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.run_estimation=0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.run_estimation=1"),
        WORKS, low=True,
    ),
)  # fmt: skip
