"""Faults between machines: of a pair of directors, and of files and wires that differ."""

from __future__ import annotations

from lvs_init.lab.fault import (
    DATAGRAM,
    DIRECTOR,
    ONE_SILENT,
    REALSERVER,
    ROUTER,
    STANDBY,
    TAKEOVER,
    TAKEOVER_BREAKS,
    UPLOAD,
    Fault,
    Sight,
    call,
    on,
)

_DR = ("dr",)
_STARTED = call(STANDBY, "lvs-director start")
_BACKUP = "ipvsadm --start-daemon backup --mcast-interface {sync} --syncid {syncid} --sync-maxlen 1024"
_MASTER = "ipvsadm --start-daemon master --mcast-interface {sync} --syncid {syncid} --sync-maxlen 1"
_STUBBORN = (
    "sysctl -qw net.{ip}.neigh.{beside}.delay_first_probe_time=600",
    "ip neigh replace {vip} lladdr {mac} dev {beside} nud reachable",
)
_FORGIVING = (
    "ip neigh flush all",
    "sysctl -qw net.{ip}.neigh.{beside}.delay_first_probe_time=5",
)
_RESOURCE = "resource.d/lvs-director"
_OVER = call(DIRECTOR, f"{_RESOURCE} stop") + call(STANDBY, f"{_RESOURCE} start")
_BACK = call(STANDBY, f"{_RESOURCE} stop") + call(DIRECTOR, f"{_RESOURCE} start")

FAULTS = (
    Fault(
        "DIR07", "", "the router still sends to the former director after a takeover", _DR, STANDBY,
        _OVER + on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=0")  # else it passes on what it gets
        + on(ROUTER, *_STUBBORN),
        on(ROUTER, *_FORGIVING) + on(DIRECTOR, "sysctl -qw net.ipv4.ip_forward=1") + _BACK,
        Sight(("TIMEOUT", "EHOSTUNREACH")), pair=True, joined=(ROUTER,), remembered=True,
    ),
    Fault(
        "V605", "", "the router still sends to the former director after a takeover, IPv6", _DR, STANDBY,
        _OVER + on(ROUTER, *_STUBBORN),
        on(ROUTER, *_FORGIVING) + _BACK,
        Sight(("TIMEOUT", "EHOSTUNREACH")), pair=True, joined=(ROUTER,), remembered=True, family=6,
    ),
    Fault(
        "SYN01", "", "the standby's sync daemon has another syncid", _DR, STANDBY,
        on(STANDBY, "ipvsadm --stop-daemon backup",
           "ipvsadm --start-daemon backup --mcast-interface {sync} --syncid 99 --sync-maxlen 1024"),
        on(STANDBY, "ipvsadm --stop-daemon backup", _BACKUP),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN02", "other", "the standby listens for connections on another interface", _DR, STANDBY,
        on(STANDBY, "ipvsadm --stop-daemon backup",
           "ipvsadm --start-daemon backup --mcast-interface {facing} --syncid {syncid} --sync-maxlen 1024"),
        on(STANDBY, "ipvsadm --stop-daemon backup", _BACKUP),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN02", "down", "the standby's interface for sync messages is down", _DR, STANDBY,
        on(STANDBY, "ip link set {sync} down"),
        on(STANDBY, "ip link set {sync} up"),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN03", "", "the standby's firewall drops sync messages", _DR, STANDBY,
        on(STANDBY, "iptables -A INPUT -p udp --dport 8848 -j DROP"),
        on(STANDBY, "iptables -F INPUT"),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN04", "", "the active director sends to four ports, and the standby listens at one", _DR, DIRECTOR,
        on(DIRECTOR, "ipvsadm --stop-daemon master", "sysctl -qw net.ipv4.vs.sync_ports=4",
           _MASTER),
        on(DIRECTOR, "ipvsadm --stop-daemon master", "sysctl -qw net.ipv4.vs.sync_ports=1",
           _MASTER),
        TAKEOVER_BREAKS, pair=True, joined=(STANDBY,),
    ),
    Fault(
        "SYN05", "", "the old protocol of sync messages does not know IPv6", _DR, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sync_version=0"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sync_version=1"),
        TAKEOVER_BREAKS, pair=True, family=6,
    ),
    Fault(
        "SYN06", "none", "no sync daemon listens on the standby", _DR, STANDBY,
        on(STANDBY, "ipvsadm --stop-daemon backup"),
        on(STANDBY, _BACKUP),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN06", "masters", "both directors send, and neither listens", _DR, STANDBY,
        on(STANDBY, "ipvsadm --stop-daemon backup", _MASTER),
        on(STANDBY, "ipvsadm --stop-daemon master", _BACKUP),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN07", "", "the standby was away while connections were opened, and nobody tells it of them again", _DR,
        DIRECTOR,
        on(STANDBY, "ipvsadm --stop-daemon backup"),
        on(STANDBY, _BACKUP)
        + on(DIRECTOR, "sysctl -qw net.ipv4.vs.sync_refresh_period=0",
             "sysctl -qw net.ipv4.vs.sync_threshold=2{blank}50"),
        Sight(TAKEOVER_BREAKS.errors, "some", TAKEOVER, late=_STARTED), pair=True, low=True,
    ),
    Fault(
        "SYN08", "", "a connection is told of from its twentieth packet on", _DR, DIRECTOR,
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sync_threshold=20{blank}50"),
        on(DIRECTOR, "sysctl -qw net.ipv4.vs.sync_threshold=2{blank}50"),
        TAKEOVER_BREAKS, pair=True, low=True,
    ),
    Fault(
        "SYN09", "", "the active director has no route to the group of the sync daemons", _DR, DIRECTOR,
        on(DIRECTOR, "ipvsadm --stop-daemon master", "ip route del default"),
        on(DIRECTOR, "ip route del 224.0.0.0/4", "ip route add default via {router}",
           _MASTER),
        TAKEOVER_BREAKS, pair=True,
    ),
    Fault(
        "SYN10", "", "the standby's table has not the service", _DR, DIRECTOR,
        on(STANDBY, "ipvsadm -D -t {vip}:{port}"),
        _STARTED,
        TAKEOVER_BREAKS, pair=True, joined=(STANDBY,), by_hand="only the admin knows which table is right",
    ),
    Fault(
        "TWO01", "", "a real server has another lvs.toml than the director", _DR, DIRECTOR,
        on(REALSERVER, "cp /etc/lvs/lvs.toml /run/lvs.toml", "sed -i s/{vip}/{vipspare}/ /etc/lvs/lvs.toml")
        + call(REALSERVER, "lvs-realserver --prune reload"),
        on(REALSERVER, "cp /run/lvs.toml /etc/lvs/lvs.toml", "rm /run/lvs.toml")
        + call(REALSERVER, "lvs-realserver --prune reload"),
        ONE_SILENT, joined=(REALSERVER,), also=("ARP07",), by_hand="only the admin knows which file is right",
    ),
    Fault(
        "TWO02", "", "a real server's interface takes smaller packets than the director sends", _DR, DIRECTOR,
        on(REALSERVER, "ip link set {device} mtu 1400"),
        on(REALSERVER, "ip link set {device} mtu 1500"),
        Sight(("TIMEOUT",), "one", UPLOAD), kind=DATAGRAM, joined=(REALSERVER,),
    ),
)  # fmt: skip
