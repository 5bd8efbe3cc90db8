"""The control: the classic director script as a resource, and Heartbeat's files as an admin writes them by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support import classic

Files = Mapping[str, tuple[str, str]]

NODES = ("node1", "node2")
#: Both nodes have one processor together, on which scripts start interpreters: a node that is only busy must not be
#: taken for dead. On a machine with more to do than this they can be made longer.
_PACE = float(os.environ.get("LVS_HA_PACE", "1"))
KEEPALIVE, DEADTIME, INITDEAD = 0.3 * _PACE, 3 * _PACE, 9 * _PACE  # seconds
VIP = classic.VIP
_SCRIPT = """#!/bin/sh
case "$1" in
start)
{start}
;;
stop)
{stop}
;;
status)
    if [ -e /var/lock/subsys/ipvsadm ]; then echo "ipvs is running"; else echo "ipvs is stopped"; exit 3; fi ;;
esac
exit 0
"""


@dataclass(frozen=True)
class Software:
    """What a director has whenever it is switched on: files with their modes, links, and what its boot runs before
    ``init``, the init script of what decides who is active; "" where nothing does, and none of it is there."""

    files: Files
    links: Mapping[str, str] = field(default_factory=dict)
    boot: Sequence[Sequence[str]] = ()
    init: str = "/etc/init.d/heartbeat"


@dataclass(frozen=True)
class Settings:
    """links: the interfaces that heartbeats take; "hb0" is a network of its own. ping: addresses that a node must reach
    to keep its resources. forwarding: dr or nat."""

    forwarding: str = "dr"
    links: Sequence[str] = ("hb0", "eth0")
    stonith: bool = True
    auto_failback: bool = True
    ping: Sequence[str] = ()


#: Node -> interface -> its address.
ADDRESSES = {
    name: {"hb0": f"10.66.0.{number}", "eth0": f"192.168.0.{number}", "eth1": f"192.168.10.{number}"}
    for number, name in enumerate(NODES, 1)
}
DIP = classic.DIP
PLUGIN = "external/lab"


def heartbeat_files(settings: Settings, resources: str) -> Files:
    lines = [
        "use_logd off",
        "logfile /var/log/ha-log",
        "debugfile /var/log/ha-debug",
        f"keepalive {round(KEEPALIVE * 1000)}ms",
        f"warntime {round(DEADTIME / 2 * 1000)}ms",
        f"deadtime {round(DEADTIME * 1000)}ms",
        f"initdead {round(INITDEAD * 1000)}ms",
        *(f"ucast {link} {ADDRESSES[name][link]}" for link in settings.links for name in NODES),
        f"auto_failback {'on' if settings.auto_failback else 'off'}",
        *([f"stonith_host * {PLUGIN} {' '.join(NODES)}"] if settings.stonith else []),
        f"node {' '.join(NODES)}",
        *(f"ping {address}" for address in settings.ping),
        *(["respawn hacluster /usr/libexec/heartbeat/ipfail"] if settings.ping else []),
        "realtime off",
        "crm off",
    ]
    return {
        "/etc/ha.d/ha.cf": ("\n".join([*lines, ""]), "644"),
        "/etc/ha.d/haresources": (f"{NODES[0]} {resources}\n", "644"),
        "/etc/ha.d/authkeys": ("auth 1\n1 sha1 secret of the lab\n", "600"),
    }


def software(settings: Settings) -> Software:
    """The classic script, started by nobody but Heartbeat."""
    start, stop = ("\n".join(f"    {command}" for command in commands) for commands in (_CASE.start, _CASE.stop))
    script = _SCRIPT.format(start=start, stop=stop)
    return Software({**heartbeat_files(settings, "classic"), "/etc/ha.d/resource.d/classic": (script, "755")})


_CASE = classic.DR
