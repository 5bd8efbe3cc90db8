"""Corosync and Pacemaker on the nodes of a pair: started as two services, told what to do, asked what they see."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from pair.control import ADDRESSES, NODES, VIP, Software
from pair.lab import SERVERS, Pair

from lvs_init.lab.node import Node
from lvs_init.lab.place import ROOT
from lvs_init.lab.rehearsal import CONFIGURATION
from lvs_init.lab.tracked import tracked
from pacemaker_pair import fencing

LINK = "hb0"
_ENVIRONMENT = {
    "PATH": "/sbin:/usr/sbin:/bin:/usr/bin",
    "TERM": "dumb",
    "PCMK_logfile": "/var/log/pacemaker/pacemaker.log",
    "PCMK_logfacility": "none",
}
#: What the packages make when they are installed.
_DIRECTORIES = """\
install -d /var/lib/corosync /var/log/corosync /var/log/cluster /var/log/crmsh
install -d -o hacluster -g haclient -m 750 /var/log/pacemaker /var/lib/pacemaker
cd /var/lib/pacemaker
install -d -o hacluster -g haclient -m 750 blackbox cib cores pengine
install -o hacluster -g haclient -m 600 /root/cib.xml cib
"""
#: For the lab alone, which has neither control groups nor syslog.
_LAB = """
system {
    move_to_root_cgroup: no
}
logging {
    to_syslog: no
    to_logfile: yes
    logfile: /var/log/corosync/corosync.log
}
"""
_COROSYNC = "/etc/corosync/corosync.conf"
_KEY = ("/etc/corosync/authkey", "a key of the lab, which is known to all who read this, and so is none. " * 4)
#: Else the two wait for 20 seconds for one that decides already, when neither does.
_CIB = """\
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="4s"/>
</cluster_property_set></crm_config><nodes/><resources/><constraints/></configuration><status/></cib>
"""
#: An established connection is kept for 900 seconds from its last packet on. Of one without packets nobody is told.
_IN_USE = 880
_LOOK_EVERY = 0.3  # seconds; a look is a process that asks three others


def configuration(switch: str) -> str:
    """The file of both directors. switch: the power switch's address."""
    rings = ", ".join(f'{node} = "{ADDRESSES[node][LINK]}"' for node in NODES)
    servers = ", ".join(f'{{ rip = "{rip}" }}' for rip in SERVERS.values())
    devices = "\n".join(
        f'[[ha.stonith]]\ntype = "fence_lab"\nnode = "{node}"\nparameters = {{ ip = "{switch}", plug = "{node}" }}\n'
        for node in NODES
    )
    return f"""\
[cluster]
forwarding = "dr"

[director]
interface = "eth0"

[[service]]
vip = "{VIP}"
port = 80
scheduler = "rr"
realservers = [{servers}]

[ha]
nodes = ["{NODES[0]}", "{NODES[1]}"]
keepalive = 0.5
warntime = 1
deadtime = 3
announce_count = 3
announce_interval = 0.5

[[ha.link]]
type = "ucast"
interface = "{LINK}"
addresses = {{ {rings} }}

{devices}
[ha.sync]
interface = "{LINK}"
syncid = 7
threshold = 1
period = 10
"""


SOFTWARE = Software(
    files={fencing.PATH: (fencing.AGENT, "755"), _KEY[0]: (_KEY[1], "400"), "/root/cib.xml": (_CIB, "600")},
    links={f"/usr/lib/ocf/resource.d/lvs/{agent}": f"{ROOT}/rc.d/ocf/{agent}" for agent in ("director", "realserver")},
    boot=(("sh", "-ec", _DIRECTORIES),),
)


@dataclass(frozen=True)
class Seen:
    """What the cluster says: nodes by what they are, the director's instances by their role, the name of its clone."""

    online: frozenset[str]
    standby: frozenset[str]
    promoted: frozenset[str]
    unpromoted: frozenset[str]
    failed: tuple[str, ...]  # "operation on node: what came of it"
    clone: str


class Stack:
    """``pair``: its nodes may be off; boot() switches them on."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._marks = 0  # of the power switch, that are known
        self._corosync = ""

    # Machines

    def boot(self, *names: str) -> None:
        """Power, the file, and both services; they need some seconds more."""
        self.pair.switch_on(*names)
        for name in names:
            node = self.pair.nodes[name]
            node.write(CONFIGURATION, configuration(self.pair.switch_address))
            self._corosync = self._corosync or self._printed("corosync") + _LAB
            node.write(_COROSYNC, self._corosync)
            self.start(node)

    def _printed(self, tool: str) -> str:
        return self._node().script("lvsctl", "ha", "pacemaker", "--tool", tool).check().stdout

    def configure(self) -> None:
        """The commands for crm, on one node, as an admin would paste them."""
        self._node().run(["sh", "-e"], stdin=self._printed("crm"), timeout=120).check()

    @staticmethod
    def start(node: Node) -> None:
        node.start(["corosync", "-f"], timeout=None)
        node.start(["pacemakerd"], env=_ENVIRONMENT, timeout=None)

    # Orders

    def tell(self, *command: str, on: str | None = None, timeout: float = 60) -> str:
        """A command of the cluster's own, on any node that is on; what it said."""
        return self._node(on).run(command, timeout=timeout).check().stdout

    def _node(self, name: str | None = None) -> Node:
        return self.pair.nodes[name or next(iter(self.pair.nodes))]

    # What is seen

    @property
    def active(self) -> str:
        """The node that is promoted, once it is exactly one and the other is its standby."""
        (name,) = self.until_whole().promoted
        return name

    @property
    def clone(self) -> str:
        """The name of the director's clone."""
        return self.until(lambda seen: bool(seen.clone)).clone

    def look(self) -> Seen | None:
        """None while the cluster does not answer."""
        said = self._node().run(["crm_mon", "--one-shot", "--output-as=xml"])
        return None if said.code else parse(said.stdout)

    def until(self, wanted: Callable[[Seen], bool], seconds: float = 120) -> Seen:
        """Look until what is seen is what is wanted. Raises TimeoutError with both nodes' logs."""
        deadline = time.monotonic() + seconds
        seen = None
        while time.monotonic() < deadline:
            seen = self.look()
            if seen and wanted(seen):
                return seen
            time.sleep(_LOOK_EVERY)
        raise TimeoutError(f"after {seconds:.0f} s the cluster still says {seen}\n{self.logs()}")

    def until_whole(self, seconds: float = 180) -> Seen:
        """Until one node is promoted and the other one is not."""
        return self.until(lambda seen: len(seen.promoted) == 1 and len(seen.unpromoted) == 1, seconds)

    def until_heard(self, standby: str, seconds: float = 60) -> None:
        """Until the standby knows every connection that stays open: the sync daemon tells of them some seconds late."""
        deadline = time.monotonic() + seconds
        active = self.pair.nodes[next(name for name in self.pair.nodes if name != standby)]
        lasting = _open_connections(active, _IN_USE)
        while missing := lasting - _open_connections(self.pair.nodes[standby]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{standby} has not heard of {missing}")
            time.sleep(_LOOK_EVERY)
            lasting &= _open_connections(active, _IN_USE)

    def fenced(self) -> list[str]:
        """Whom the power switch has ended since it was asked last."""
        marks = self.pair.marks()
        news, self._marks = marks[self._marks :], len(marks)
        return [mark.split()[1] for mark in news]

    def until_fenced(self, seconds: float = 120) -> list[str]:
        deadline = time.monotonic() + seconds
        while len(self.pair.marks()) == self._marks:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody was fenced in {seconds:.0f} s\n{self.logs()}")
            time.sleep(_LOOK_EVERY)
        return self.fenced()

    def logs(self) -> str:
        """The ends of all logs, for people who look for what went wrong."""
        told = []
        for name, node in self.pair.nodes.items():
            script = "tail -n 80 /var/log/pacemaker/pacemaker.log; tail -n 20 /var/log/corosync/corosync.log"
            said = node.run(["sh", "-c", script])
            told.append(f"== {name}\n{said.stdout}{said.stderr}")
        return "\n".join(told)


def _open_connections(node: Node, least: int = 0) -> set[tuple[str, int, str]]:
    """What IPVS knows as established: client, port, and the real server. least: seconds that it is still to be kept."""
    return {
        (each.client, each.client_port, each.realserver)
        for each in tracked(node)
        if each.state == "ESTABLISHED" and each.seconds >= least
    }


def parse(text: str) -> Seen:
    """The XML of crm_mon 2.1."""
    tree = ET.fromstring(text)
    nodes = [each for each in tree.iterfind("nodes/node") if each.get("online") == "true"]
    roles: dict[str, set[str]] = {}
    for resource in tree.iterfind("resources/clone/resource"):
        if resource.get("active") == "true" and resource.get("failed") == "false":
            names = {node.get("name", "") for node in resource.iterfind("node")}
            roles.setdefault(resource.get("role", ""), set()).update(names)
    return Seen(
        online=frozenset(each.get("name", "") for each in nodes if each.get("pending") != "true"),
        standby=frozenset(each.get("name", "") for each in nodes if each.get("standby") == "true"),
        promoted=frozenset(roles.get("Promoted", roles.get("Master", set()))),
        unpromoted=frozenset(roles.get("Unpromoted", roles.get("Slave", set()))),
        failed=tuple(
            f"{each.get('op_key')} on {each.get('node')}: {each.get('exitstatus')} ({each.get('exitreason')})"
            for each in tree.iterfind("failures/failure")
        ),
        clone=next((each.get("id", "") for each in tree.iterfind("resources/clone")), ""),
    )
