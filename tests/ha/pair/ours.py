"""Our director as Heartbeat's resource: one lvs.toml, and Heartbeat's files written from it by lvsctl."""

from __future__ import annotations

import os

from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.rehearsal import CONFIGURATION
from pair import power
from pair.control import ADDRESSES, DEADTIME, DIP, INITDEAD, KEEPALIVE, NODES, PLUGIN, VIP, Settings, Software
from pair.lab import UNPACKED

SCRIPT = os.path.join(ROOT, "bin/lvs-director")
RESOURCE = "/etc/ha.d/resource.d/lvs-director"
_FILES = {"ha.cf": "644", "haresources": "644", "authkeys": "600"}
#: For the lab alone: it has no log daemon, and its one processor none to spare for a daemon that goes first.
_LAB = "\nlogfile /var/log/ha-log\ndebugfile /var/log/ha-debug\nrealtime off\n"


def text(settings: Settings) -> str:
    """lvs.toml, the same on both nodes."""
    links = "".join(
        f'[[ha.link]]\ntype = "ucast"\ninterface = "{link}"\naddresses = {{ '
        + ", ".join(f'{name} = "{ADDRESSES[name][link]}"' for name in NODES)
        + " }\n"
        for link in settings.links
    )
    stonith = f'[[ha.stonith]]\ntype = "{PLUGIN}"\nparameters = {{ hostlist = "{" ".join(NODES)}" }}\n'
    return f"""
[cluster]
name = "web"
forwarding = "{settings.forwarding}"
[director]
interface = "eth0"
{_DIP if settings.forwarding == "nat" else ""}
[ha]
nodes = {list(NODES)}
keepalive = {KEEPALIVE}
warntime = {DEADTIME / 2}
deadtime = {DEADTIME}
initdead = {INITDEAD}
ping = {list(settings.ping)}
auto_failback = {str(settings.auto_failback).lower()}
{links}{stonith if settings.stonith else ""}
[ha.sync]
interface = "hb0"
syncid = 7
{_SERVICE.format(10 if settings.forwarding == "nat" else 0)}
""".replace("'", '"')


_DIP = f'dip = "{DIP}/24"\ndip_interface = "eth1"'
_SERVICE = f"""
[[service]]
vip = "{VIP}"
port = 80
scheduler = "wlc"
realservers = [{{{{ rip = "192.168.{{0}}.11", weight = 1 }}}}, {{{{ rip = "192.168.{{0}}.12", weight = 2 }}}}]
"""


def software(place: Place, settings: Settings) -> Software:
    configuration = text(settings)
    made = _heartbeat_files(place, configuration)
    files = {
        CONFIGURATION: (configuration, "644"),
        **{f"/etc/ha.d/{name}": (text, _FILES[name]) for name, text in made.items()},
    }
    links = {RESOURCE: os.path.join(ROOT, "rc.d/resource.d/lvs-director"), "/etc/init.d/lvs-director": SCRIPT}
    return Software(files, links, boot=[("/etc/init.d/lvs-director", "start")])


def alone(settings: Settings) -> Software:
    """The file alone: nothing of Heartbeat is there, nothing is run at boot, and no keeper goes on after a takeover."""
    brief = text(settings).replace("[ha]\n", "[ha]\nannounce_count = 1\n", 1)
    return Software({CONFIGURATION: (brief, "644")}, init="")


def _heartbeat_files(place: Place, configuration: str) -> dict[str, str]:
    """What lvsctl makes of it, on a machine that has the plugin."""
    writer = place.node("writer")
    try:
        plugin = power.PLUGIN.format(address="127.0.0.1", port=power.PORT)
        files = {f"/usr/lib/stonith/plugins/{PLUGIN}": (plugin, "755"), CONFIGURATION: (configuration, "644")}
        writer.call("pair.board:prepare", unpacked=UNPACKED, files=files)
        writer.script("lvsctl", "ha", "heartbeat", "--out", "/run/made").check()
        made = {name: writer.read(f"/run/made/{name}") for name in _FILES}
    finally:
        writer.close()
    return {**made, "ha.cf": made["ha.cf"] + _LAB}
