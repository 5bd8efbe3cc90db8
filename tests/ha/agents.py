"""Hosts on which the resource agents are called as a cluster would, and judged by the tools of others."""

from __future__ import annotations

from pair.lab import UNPACKED
from support import clusters, hosts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

ROLES = ("director", "realserver")
AGENTS = "/usr/lib/ocf/resource.d/lvs"
VIP = "192.168.0.219"
NODE = "node1"
PAIR = f"""
[ha]
nodes = ["{NODE}", "node2"]
[[ha.link]]
type = "bcast"
interface = "eth1"
[ha.sync]
interface = "eth1"
syncid = 7
"""
#: A director alone, and one of a pair.
FILES = {
    "alone": clusters.cluster("dr", clusters.service(VIP, "192.168.0.11", "192.168.0.12 2")),
    "pair": clusters.cluster("dr", clusters.service(VIP, "192.168.0.11", "192.168.0.12 2"), more=PAIR),
}
#: Installed as make install does it: the judges call agents as nobody, too, who may not get into a checkout.
_INSTALL = f"""\
mkdir -p /usr/share/lvs-init/ocf {AGENTS}
cp -a {ROOT}/lvs_init /usr/share/lvs-init/
cp -a {ROOT}/rc.d/ocf/. /usr/share/lvs-init/ocf/
chmod -R go=rX /usr/share/lvs-init
ln -s /usr/share/lvs-init/ocf/* {AGENTS}/
"""


def build(place: Place, role: str, bridge: str) -> Node:
    """A host with the agents, the judges and files for them; nothing of a cluster runs."""
    make = hosts.director if role == "director" else hosts.real_server
    node = make(place, place.node(f"ocf-{role}"), bridge)
    node.write("/proc/sys/kernel/hostname", NODE)
    files = {f"/etc/lvs/{name}.toml": (text, "644") for name, text in FILES.items()}
    node.call("pair.board:prepare", unpacked=UNPACKED, files=files)
    node.run(["sh", "-ec", _INSTALL]).check()
    return node


def call(node: Node, role: str, action: str, level: int = 0, **parameters: str) -> Completed:
    """An action, in a fork that has what it imports already."""
    environment = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "OCF_ROOT": "/usr/lib/ocf", "OCF_RESOURCE_INSTANCE": "lvs"}
    environment.update({f"OCF_RESKEY_{name}": value for name, value in parameters.items()})
    if level:
        environment["OCF_CHECK_LEVEL"] = str(level)
    return node.entry([f"{ROOT}/rc.d/ocf/{role}", action], env=environment)


def reasons(done: Completed) -> list[str]:
    """What it gives as its reasons; the last one is what Pacemaker shows."""
    prefix = "ocf-exit-reason:"
    return [line[len(prefix) :] for line in done.stderr.splitlines() if line.startswith(prefix)]
