"""Every key of the configuration, declared once: it drives validation, unknown-key hints and docs/configuration.md."""

from __future__ import annotations

from collections.abc import Mapping

from lvs_init.config import schema_ha
from lvs_init.config.key import BOTH, DIRECTOR, REAL_SERVER, Group, Key
from lvs_init.config.sysctl import ALLOWED
from lvs_init.config.values import (
    Address,
    AddressWithPrefix,
    Array,
    Boolean,
    Choice,
    Integer,
    Interface,
    Name,
    Netmask,
    Persistence,
    Share,
    Table,
)
from lvs_init.model.ipvs import FORWARDINGS, PROTOCOLS, SCHEDULERS

_PORT = Integer(0, 65535)
# The kernel holds them in seconds; ipvsadm takes 31 days at most and reads 0 as "leave it as it is".
_TIMEOUT = Integer(1, 31 * 86400)
_DRAIN = Integer(0, 31 * 86400)
_FORWARDING = Choice(FORWARDINGS)
_FLAGS = Choice(tuple(flag for flags in SCHEDULERS.values() for flag in flags))
_SETTINGS = ", ".join(f"`{name}`" for name in ALLOWED)
_SYSCTL = '{ "net.ipv4.vs.conntrack" = 1 }'

_TOP = (
    Key("cluster", Table("cluster"), "What the cluster is called and how it forwards.", '{ name = "web" }', BOTH),
    Key("director", Table("director"), "What the director does beside the services.", '{ interface = "eth0" }', BOTH),
    Key("realserver", Table("realserver"), "What every real server does.", '{ interface = "eth0" }', REAL_SERVER),
    Key(
        "node", Table("node", named=True), "What is different on one machine.", '{ lb1 = { interface = "ens3" } }', BOTH
    ),
    Key("ha", Table("ha"), "The pair of directors, one of which is active.", '{ nodes = ["lb1", "lb2"] }', DIRECTOR),
    Key(
        "service",
        Table("service", many=True),
        "The virtual services.",
        '[{ vip = "192.168.0.219", port = 80 }]',
        BOTH,
        required=True,
    ),
)

_CLUSTER = (
    Key(
        "name",
        Name(),
        "What messages call the cluster. Its record is named after the file.",
        '"web"',
        BOTH,
        otherwise="the file's name without its extension",
    ),
    Key("forwarding", _FORWARDING, "How services forward that do not say it themselves.", '"nat"', BOTH, default="dr"),
)

_DIRECTOR = (
    Key(
        "interface",
        Interface(label=True),
        "Carries the VIPs as its aliases `eth0:1`, `eth0:2`, ...; written with a label, the first VIP gets that label.",
        '"eth0"',
        otherwise="the interface whose network holds the VIP",
    ),
    Key(
        "dip",
        AddressWithPrefix(),
        "The address that nat real servers have as their gateway. Its prefix length counts with `dip_interface` only.",
        '"192.168.10.10"',
        BOTH,
        otherwise="none; nat services need one",
    ),
    Key(
        "dip_interface",
        Interface(),
        "Start adds the DIP here and stop removes it, so that it can move with the VIPs to another director.",
        '"eth1"',
        otherwise="the DIP is the machine's own",
    ),
    Key(
        "flush_iptables",
        Boolean(),
        "Start removes every rule of the iptables filter table and zeroes its counters, as the classic script does.",
        "true",
        default=False,
    ),
    Key(
        "clear_ipvs", Boolean(), "Start removes every IPVS service, as the classic script does.", "true", default=False
    ),
    Key(
        "restore_ip_forward",
        Boolean(),
        "Stop puts `net.ipv4.ip_forward` and what depends on it back to what it was before start.",
        "false",
        default=True,
    ),
    Key(
        "duplicate_vip",
        Choice(("warn", "refuse")),
        "What start does when another machine on the network answers for a VIP.",
        '"refuse"',
        default="warn",
    ),
    Key(
        "max_removal",
        Share(),
        "The largest share of the real servers, and of the services, that a reload takes away at once without being "
        "forced.",
        "0.25",
        default=0.5,
    ),
    Key(
        "drain_timeout",
        _DRAIN,
        "How long a real server that leaves the file may finish its connections in, at weight 0. 0: no time.",
        "3600",
        default=300,
        unit="seconds",
    ),
    Key("timeouts", Table("director.timeouts"), "How long idle connections are remembered.", "{ tcp = 7200 }"),
    Key(
        "sysctl",
        Table("director.sysctl", holds=_SETTINGS),
        "Kernel settings that start sets and stop puts back.",
        _SYSCTL,
    ),
)

_TIMEOUTS = (
    Key("tcp", _TIMEOUT, "Idle TCP connections.", "7200", otherwise="the kernel's (900)", unit="seconds"),
    Key("tcpfin", _TIMEOUT, "TCP connections after a FIN.", "60", otherwise="the kernel's (120)", unit="seconds"),
    Key("udp", _TIMEOUT, "UDP exchanges.", "30", otherwise="the kernel's (300)", unit="seconds"),
)

_REALSERVER = (
    Key(
        "interface",
        Interface(),
        "The interface on which requests for the VIPs arrive: its ARP flags are set.",
        '"eth0"',
        REAL_SERVER,
        otherwise="every interface that could answer for a VIP",
    ),
    Key(
        "sysctl",
        Table("realserver.sysctl", holds=_SETTINGS),
        "Kernel settings that start sets and stop puts back.",
        '{ "net.ipv4.conf.all.log_martians" = 1 }',
        REAL_SERVER,
    ),
)

_NODE = (
    Key("interface", Interface(label=True), "Instead of `interface` in `[director]`.", '"ens3"'),
    Key("dip", AddressWithPrefix(), "Instead of `dip` in `[director]`.", '"192.168.10.20"', BOTH),
    Key("dip_interface", Interface(), "Instead of `dip_interface` in `[director]`.", '"ens4"'),
    Key("realserver_interface", Interface(), "Instead of `interface` in `[realserver]`.", '"ens3"', REAL_SERVER),
    Key(
        "ha_interfaces",
        Table("node.ha_interfaces", holds="an interface of `[ha]` = what it is called here"),
        "What the interfaces of `[[ha.link]]` and `[ha.sync]` are called on this machine.",
        '{ eth1 = "ens5" }',
    ),
)

_SERVICE = (
    Key(
        "vip",
        AddressWithPrefix(),
        "The virtual IP address. A prefix length is for services that forward by nat alone.",
        '"192.168.0.219"',
        BOTH,
        otherwise="required without `fwmark`",
    ),
    Key(
        "port",
        _PORT,
        "The port that clients ask for. 0 means every port and needs `persistence`.",
        "80",
        otherwise="required without `fwmark`",
    ),
    Key("protocol", Choice(PROTOCOLS), "The transport protocol.", '"udp"', default="tcp"),
    Key(
        "fwmark",
        Integer(1, 2**32 - 1),
        "Instead of `vip`, `port` and `protocol`: the service is whatever carries this firewall mark.",
        "7",
        otherwise="none",
    ),
    Key(
        "vips",
        Array(AddressWithPrefix()),
        "With `fwmark`: the VIPs that both sides carry. They give the service its address family.",
        '["192.168.0.219", "192.168.0.220"]',
        BOTH,
        otherwise="required with `fwmark`",
    ),
    Key(
        "match",
        Table("service.match", many=True),
        "With `fwmark`: what start marks on its way to the VIPs. Left out, marking is up to you.",
        '[{ protocol = "tcp", port = 80 }, { protocol = "tcp", port = 443 }]',
    ),
    Key("scheduler", Choice(tuple(SCHEDULERS)), "How real servers are chosen; see ipvsadm(8).", '"wrr"', default="wlc"),
    Key(
        "scheduler_flags",
        Array(_FLAGS),
        "Options of the schedulers sh (`sh-fallback`, `sh-port`) and mh (`mh-fallback`, `mh-port`).",
        '["sh-port"]',
        otherwise="none",
    ),
    Key(
        "persistence",
        Persistence(),
        "How long after its last connection a client comes back to the same real server.",
        "600",
        otherwise="no persistence",
        unit="seconds",
    ),
    Key(
        "persistence_netmask",
        Netmask(),
        "With `persistence`: clients that this mask cannot tell apart share a real server.",
        '"255.255.255.0"',
        otherwise="each client by itself",
    ),
    Key(
        "persistence_engine",
        Choice(("sip",)),
        "With `persistence`, udp only: clients are told apart by the SIP call instead of their address.",
        '"sip"',
        otherwise="none",
    ),
    Key(
        "one_packet",
        Boolean(),
        "Each packet is scheduled for itself. For udp, or a firewall mark that only udp carries.",
        "true",
        default=False,
    ),
    Key(
        "forwarding",
        _FORWARDING,
        "How its real servers get their packets, unless they say it themselves.",
        '"nat"',
        BOTH,
        otherwise="as in `[cluster]`",
    ),
    Key(
        "drain_timeout",
        _DRAIN,
        "Instead of `drain_timeout` in `[director]`. Not for udp and one-packet services: there is no end to wait for.",
        "28800",
        otherwise="as in `[director]`",
        unit="seconds",
    ),
    Key(
        "weights",
        Choice(("file", "live")),
        "`live`: another program sets the weights. The file's are for real servers that are new in the table.",
        '"live"',
        default="file",
    ),
    Key("interface", Interface(), "Carries this service's VIPs.", '"eth2"', otherwise="as in `[director]`"),
    Key(
        "realservers",
        Table("service.realservers", many=True),
        "The real servers. Without any, clients are refused.",
        '[{ rip = "192.168.0.11" }]',
        BOTH,
    ),
)

_MATCH = (
    Key("protocol", Choice(PROTOCOLS), "The transport protocol.", '"tcp"', otherwise="all"),
    Key("port", _PORT, "The port that clients ask for; 0 for all. Needs `protocol`.", "443", default=0),
)

_REALSERVERS = (
    Key("rip", Address(loopback=True), "The real server's own address.", '"192.168.0.11"', BOTH, required=True),
    Key(
        "port",
        _PORT,
        "The port on which it serves. Only nat can change it.",
        "8080",
        otherwise="the service's; with `fwmark` the one that the client asked for",
    ),
    Key("weight", Integer(0, 65535), "Its share of new connections. 0: drained.", "2", default=1),
    Key("forwarding", _FORWARDING, "How it gets its packets.", '"tun"', BOTH, otherwise="as in its service"),
    Key(
        "upper_threshold",
        Integer(0, 65535),
        "No new ones above this; 0: no limit.",
        "1000",
        default=0,
        unit="connections",
    ),
    Key(
        "lower_threshold",
        Integer(0, 65535),
        "After too many: new ones again below this; 0: below three quarters of `upper_threshold`.",
        "800",
        default=0,
        unit="connections",
    ),
    Key("tunnel", Table("service.realservers.tunnel"), "With tun: how packets are wrapped.", '{ type = "ipip" }', BOTH),
)

_TUNNEL = (
    Key("type", Choice(("ipip", "gue", "gre")), "What packets are wrapped in.", '"ipip"', BOTH, default="ipip"),
    Key(
        "port",
        Integer(1, 65535),
        "gue: the port on which the real server unwraps.",
        "6080",
        BOTH,
        otherwise="required for gue",
    ),
    Key(
        "checksum",
        Choice(("nocsum", "csum", "remcsum")),
        "gue and gre: without a checksum, with one, or (gue) with remote checksum offload.",
        '"csum"',
        default="nocsum",
    ),
)

TABLES: Mapping[str, Group] = {
    "": Group("", "The tables of the file.", _TOP),
    "cluster": Group("[cluster]", "The cluster as a whole.", _CLUSTER),
    "director": Group("[director]", "The director.", _DIRECTOR),
    "director.timeouts": Group("[director.timeouts]", "IPVS's timeouts, one set for the whole machine.", _TIMEOUTS),
    "realserver": Group("[realserver]", "Every real server.", _REALSERVER),
    "node": Group("[node.NAME]", "The machine whose `uname -n` is NAME. Quote a name with dots.", _NODE),
    **schema_ha.TABLES,
    "service": Group("[[service]]", "A virtual service.", _SERVICE),
    "service.match": Group("match = [{ ... }]", "What a firewall-mark service is made of.", _MATCH),
    "service.realservers": Group("realservers = [{ ... }]", "A real server of a service.", _REALSERVERS),
    "service.realservers.tunnel": Group("tunnel = { ... }", "How a tun real server is reached.", _TUNNEL),
}

#: Table -> name -> key.
KEYS: Mapping[str, Mapping[str, Key]] = {
    table: {key.name: key for key in group.keys} for table, group in TABLES.items()
}
#: Table -> the names of the keys that must be there.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    table: tuple(key.name for key in group.keys if key.required) for table, group in TABLES.items()
}


def nearest(table: str, name: str) -> str:
    """A hint for a key that the table does not know: the nearest one that it knows, or where the key belongs."""
    known = KEYS[table]
    homes = [group.heading for home, group in TABLES.items() if group.heading and name in KEYS[home]]
    if homes:
        return f"it belongs in {' or '.join(homes)}"
    import difflib  # only a mistake pays for it

    # At 0.5 "flush" still finds "flush_iptables".
    close = difflib.get_close_matches(name[:64].lower(), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known are {', '.join(known)}"
