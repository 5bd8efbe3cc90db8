"""Faults of the director's addresses, routes and table."""

from __future__ import annotations

from lvs_init.lab.fault import (
    ALL_REFUSED,
    ALL_SILENT,
    DAEMON,
    DIRECTOR,
    EXTRA_SILENT,
    KEPT,
    ONE_SILENT,
    REALSERVER,
    ROUTER,
    SERVE,
    WORKS,
    Act,
    Fault,
    Sight,
    call,
    on,
)

_SERVICE = "-t {vip}:{port}"
_VIP_BACK = (
    "ip address add {vip}/{full} brd {vip} dev {facing} label {facing}:1",
    "ip route replace {vip}/{full} dev {facing} src {vip}",
)

FAULTS = (
    Fault(
        "DIR01", "", "the VIP is missing on the director", ("dr", "tun"), DIRECTOR,
        on(DIRECTOR, "ip address del {vip}/{full} dev {facing}"),
        on(DIRECTOR, *_VIP_BACK),
        ALL_SILENT,
    ),
    Fault(
        "DIR01", "ipv6", "the VIP is missing on the director, IPv6", ("dr", "nat"), DIRECTOR,
        on(DIRECTOR, "ip address del {vip}/{full} dev {facing}"),
        on(DIRECTOR, "ip address add {vip}/{full} dev {facing} nodad"),
        ALL_SILENT, family=6,
    ),
    Fault(
        "DIR02", "", "the VIP came before the director's own address and is the source of what it sends", ("dr",),
        DIRECTOR,
        on(DIRECTOR, "ip address del {vip}/{full} dev {facing}", "ip address del {director}/24 dev {facing}",
           "ip address add {vip}/24 brd + dev {facing} label {facing}:1",
           "ip address add {director}/24 brd + dev {facing}", "ip route replace default via {router}"),
        (),
        ALL_SILENT, rebuild=True,
    ),
    Fault(
        "DIR03", "", "a program on the director connects to the VIP, as a health check might", ("dr",), DIRECTOR,
        (Act(DIRECTOR, "lvs_init.lab.attempt:knock address={vip} port={port}", SERVE),),
        (),
        Sight(ALL_SILENT.errors, asker=DIRECTOR), by_hand="only the admin knows that program", low=True,
        remembered=True,  # else its question for a real server is what nobody answers
    ),
    Fault(
        "DIR04", "", "the director forwards by nat to its own loopback address", ("nat",), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -a {_SERVICE} -r 127.0.0.1:{{port}} -m"),
        on(DIRECTOR, f"ipvsadm -d {_SERVICE} -r 127.0.0.1:{{port}}"),
        EXTRA_SILENT,
    ),
    Fault(
        "DIR06", "", "a second machine has the VIP as well: split brain", ("dr",), DIRECTOR,
        on(ROUTER, "ip address add {vip}/{full} dev lo"),
        on(ROUTER, "ip address del {vip}/{full} dev lo"),
        ALL_REFUSED, by_hand="the other machine is the one to be stopped", probe=True,
    ),
    Fault(
        "DIR08", "", "systemd-networkd has taken the VIP away", ("dr",), DIRECTOR,
        (*on(DIRECTOR, "cp /bin/sleep /run/systemd-networkd"), Act(DIRECTOR, "/run/systemd-networkd 600", DAEMON),
         *on(DIRECTOR, "ip address del {vip}/{full} dev {facing}")),
        on(DIRECTOR, "rm /run/systemd-networkd", *_VIP_BACK),
        ALL_SILENT, also=("DIR01",),
    ),
    Fault(
        "DIR10", "", "somebody has cleared the table, and open connections end", ("dr", "nat"), DIRECTOR,
        on(DIRECTOR, "ipvsadm -C"),
        call(DIRECTOR, "lvs-director start"),
        Sight(("ECONNRESET", "EOF"), "all", KEPT),
    ),
    Fault(
        "CON11", "", "a real server that is a backup director too schedules, for backup_only is 0", ("dr",),
        REALSERVER,
        on(REALSERVER, f"ipvsadm -A {_SERVICE} -s rr", f"ipvsadm -a {_SERVICE} -r {{director}}:{{port}} -g",
           "ipvsadm --start-daemon backup --mcast-interface {device} --syncid 9"),
        on(REALSERVER, "ipvsadm --stop-daemon backup", f"ipvsadm -D {_SERVICE}",
           "sysctl -qw net.ipv4.vs.backup_only=0"),
        ONE_SILENT,
    ),
    Fault(
        "DIR11", "", "a real server has an IPVS table for the VIP and sends requests round in circles", ("dr",),
        REALSERVER,
        on(REALSERVER, f"ipvsadm -A {_SERVICE} -s rr", f"ipvsadm -a {_SERVICE} -r {{director}}:{{port}} -g"),
        on(REALSERVER, f"ipvsadm -D {_SERVICE}"),
        ONE_SILENT,
    ),
    Fault(
        "DIR12", "weights", "every real server has weight 0", ("dr", "nat"), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 0",
           f"ipvsadm -e {_SERVICE} -r {{other}}:{{port}} {{by}} -w 0"),
        on(DIRECTOR, f"ipvsadm -e {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 1",
           f"ipvsadm -e {_SERVICE} -r {{other}}:{{port}} {{by}} -w 1"),
        ALL_REFUSED,
    ),
    Fault(
        "DIR12", "empty", "the service has no real servers", ("dr",), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -d {_SERVICE} -r {{rip}}:{{port}}", f"ipvsadm -d {_SERVICE} -r {{other}}:{{port}}"),
        on(DIRECTOR, f"ipvsadm -a {_SERVICE} -r {{rip}}:{{port}} {{by}} -w 1",
           f"ipvsadm -a {_SERVICE} -r {{other}}:{{port}} {{by}} -w 1"),
        ALL_REFUSED,
    ),
    Fault(
        "DIR13", "", "the file wants a scheduler that this kernel does not have", ("dr", "nat"), DIRECTOR,
        on(DIRECTOR, "cp /etc/lvs/lvs.toml /run/lvs.toml",
           "sed -i s/^scheduler.*/scheduler=\"twos\"/ /etc/lvs/lvs.toml"),
        on(DIRECTOR, "cp /run/lvs.toml /etc/lvs/lvs.toml", "rm /run/lvs.toml"),
        WORKS, by_hand="only the admin can choose another one",
    ),
    Fault(
        "DIR14", "", "a setting of the file is not the kernel's: lost when ip_vs was loaded anew", ("dr",), DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sloppy_tcp=0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sloppy_tcp=1"),
        WORKS,
    ),
    Fault(
        "DIR16", "unreachable", "the director has no route to a real server", ("dr", "tun", "nat"), DIRECTOR,
        on(DIRECTOR, "ip route add unreachable {rip}/32"),
        on(DIRECTOR, "ip route del unreachable {rip}/32"),
        ONE_SILENT,
    ),
    Fault(
        "DIR16", "dead", "a real server is not on the wire", ("dr", "nat"), DIRECTOR,
        on(REALSERVER, "ip link set {device} down"),
        on(REALSERVER, "ip link set {device} up", "ip route replace default via {gateway}"),
        ONE_SILENT, by_hand="the real server is the one to be looked at",
    ),
    Fault(
        "DIR17", "", "a real server of direct routing is behind a router", ("dr",), DIRECTOR,
        on(DIRECTOR, f"ipvsadm -a {_SERVICE} -r {{client}}:{{port}} -g"),
        on(DIRECTOR, f"ipvsadm -d {_SERVICE} -r {{client}}:{{port}}"),
        EXTRA_SILENT,
    ),
)  # fmt: skip
