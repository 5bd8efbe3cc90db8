"""The keys of ``[ha]``: a pair of directors under Heartbeat or Pacemaker."""

from __future__ import annotations

from lvs_init.config.key import Group, Key
from lvs_init.config.values import (
    Address,
    Array,
    Boolean,
    Choice,
    Device,
    Integer,
    Interface,
    Multicast,
    NodeName,
    Seconds,
    Table,
)

_TIME = Seconds(0.1, 3600)

_HA = (
    Key(
        "nodes",
        Array(NodeName()),
        "The two directors, the preferred one first.",
        '["lb1", "lb2"]',
        required=True,
    ),
    Key(
        "link",
        Table("ha.link", many=True),
        "The ways that heartbeats take; two, on different interfaces, are the least that is sound.",
        '[{ type = "bcast", interface = "eth1" }]',
    ),
    Key("keepalive", _TIME, "From one heartbeat to the next.", "0.5", default=1, unit="seconds"),
    Key(
        "warntime",
        _TIME,
        "Without a heartbeat for so long, the log tells.",
        "2",
        otherwise="half of `deadtime`",
        unit="seconds",
    ),
    Key(
        "deadtime",
        _TIME,
        "Without a heartbeat for so long, a node is taken for dead.",
        "30",
        default=10,
        unit="seconds",
    ),
    Key(
        "initdead",
        _TIME,
        "The same after Heartbeat's start, when networks may still come up; at least twice `deadtime`.",
        "120",
        otherwise="twice `deadtime`, at least 60",
        unit="seconds",
    ),
    Key("udpport", Integer(1, 65535), "Where Heartbeat sends to and listens.", "695", default=694),
    Key(
        "ping",
        Array(Address()),
        "Addresses of others, such as the gateway: the node that reaches fewer of them gives its resources away.",
        '["192.168.0.1"]',
        otherwise="none",
    ),
    Key(
        "auto_failback",
        Boolean(),
        "Whether the resources go back to the first node when it is there again, which clients notice once more.",
        "true",
        default=False,
    ),
    Key(
        "stonith",
        Table("ha.stonith", many=True),
        "What turns off a node that no longer answers, before the other takes over.",
        '[{ type = "external/ssh", parameters = { hostlist = "lb1 lb2" } }]',
    ),
    Key(
        "vips",
        Choice(("lvs", "ipaddr2")),
        "Who adds and removes the VIPs: lvs-director, or the cluster's own script IPaddr2. Never both.",
        '"ipaddr2"',
        default="lvs",
    ),
    Key(
        "warm_standby",
        Boolean(),
        "Whether the standby has the table already, with the weights of the active one.",
        "false",
        default=True,
    ),
    Key(
        "announce_count",
        Integer(1, 60),
        "How often a node that became active tells its neighbours where the VIPs are now.",
        "10",
        default=5,
    ),
    Key("announce_interval", _TIME, "From one such announcement to the next.", "2", default=1, unit="seconds"),
    Key("sync", Table("ha.sync"), "The IPVS sync daemon: connections survive the failover.", '{ interface = "eth1" }'),
)

_LINK = (
    Key(
        "type",
        Choice(("ucast", "bcast", "mcast")),
        "Heartbeats to the peer's address, to everybody on the network, or to a multicast group.",
        '"ucast"',
        required=True,
    ),
    Key(
        "interface",
        Interface(),
        "The interface, on both nodes unless `ha_interfaces` says else.",
        '"eth1"',
        required=True,
    ),
    Key(
        "addresses",
        Table("ha.link.addresses", holds="a node = its address on this link"),
        "Each node's own address on this link. Corosync takes its rings from here, so ucast is what serves both.",
        '{ lb1 = "10.0.0.1", lb2 = "10.0.0.2" }',
        otherwise="required for ucast",
    ),
    Key("group", Multicast(), "mcast: the group.", '"239.255.81.1"', otherwise="required for mcast"),
    Key("ttl", Integer(1, 255), "mcast: how many routers a heartbeat may pass, and one.", "2", default=1),
)

_STONITH = (
    Key("type", Device(), "What kind of device it is.", '"external/ipmi"', required=True),
    Key(
        "node",
        NodeName(),
        "The node that it turns off; the other one calls it.",
        '"lb2"',
        otherwise="it can turn off both",
    ),
    Key(
        "parameters",
        Table("ha.stonith.parameters", holds="names of `stonith -t TYPE -n`, or of the agent = strings or integers"),
        "What the device wants to know. They may hold passwords: keep the file to root then.",
        '{ hostlist = "lb1 lb2" }',
    ),
)

_SYNC = (
    Key("interface", Interface(), "The interface on which it sends and listens.", '"eth1"', required=True),
    Key(
        "syncid", Integer(0, 255), "Tells pairs apart that share a network; a backup with 0 takes all.", "17", default=0
    ),
    Key("group", Multicast(both=True), "The group that it sends to.", '"239.255.81.2"', default="224.0.0.81"),
    Key("port", Integer(1, 65535), "The UDP port.", "8850", default=8848),
    Key("ttl", Integer(1, 255), "How many routers a message may pass, and one.", "2", default=1),
    # ipvsadm 1.31 takes 1 to 65535 less the heads of IP and UDP.
    Key(
        "maxlen",
        Integer(1, 65507),
        "The longest message. No longer on the master than on the backup.",
        "1400",
        otherwise="what fits the interface",
        unit="bytes",
    ),
    # The ranges are those of Linux 6.1 net/netfilter/ipvs/ip_vs_ctl.c and ip_vs_sync.c.
    Key(
        "threshold",
        Integer(0, 65534),
        "A connection is told of at this packet of its client's. Must be below `period`, unless that is 0.",
        "2",
        otherwise="the kernel's (3)",
        unit="packets",
    ),
    Key(
        "period",
        Integer(0, 65535),
        "And again each time so many more have come; 0: only when something changes.",
        "100",
        otherwise="the kernel's (50)",
        unit="packets",
    ),
    Key(
        "refresh_period",
        Integer(0, 86400),
        "Tell nothing new of a connection earlier than after so long. 0: by packets alone.",
        "10",
        otherwise="the kernel's (0)",
        unit="seconds",
    ),
    Key("retries", Integer(0, 3), "How often one message is sent again.", "1", otherwise="the kernel's (0)"),
    Key(
        "ports",
        Integer(1, 64),
        "How many ports and threads it has, a power of two, the same on both nodes.",
        "4",
        otherwise="the kernel's (1)",
    ),
)

TABLES = {
    "ha": Group("[ha]", "The pair of directors. Without it a director is on its own.", _HA),
    "ha.link": Group("[[ha.link]]", "A way that heartbeats take.", _LINK),
    "ha.stonith": Group("[[ha.stonith]]", "A device that turns a node off.", _STONITH),
    "ha.sync": Group("[ha.sync]", "The IPVS sync daemon, master on the active node, backup on the other.", _SYNC),
}
