"""A pair of directors, two real servers and a client, in a place of the lab.

client, node1, node2: eth0 on the LAN
rs1, rs2: eth0 on the LAN, with the VIP for direct routing; under nat on a network behind the directors, their eth1
node1, node2: hb0 on a network of their own, pwr0 on that of the power switch
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from types import TracebackType

from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node
from lvs_init.lab.place import ROOT, Place
from pair import power
from pair.control import ADDRESSES, DIP, NODES, PLUGIN, VIP, Files, Software

UNPACKED = os.path.join(ROOT, "build/ha/root")
INSIDE = ("pair.board", "pair.eyes", "pair.power")  # what hosts call of it
CLIENT_ADDRESS = "192.168.0.100"
SERVERS = {"rs1": "192.168.0.11", "rs2": "192.168.0.12"}  # their RIPs for direct routing
#: A takeover is Heartbeat's deadtime, its scripts and ours; the first one waits ten seconds more (RQSTDELAY).
#: Nothing takes nearly as long, but on a machine that has much else to do.
PATIENCE = 180.0
_TAKEOVER = "/usr/share/heartbeat/hb_takeover"
_WIRES = {"eth0": "lan", "eth1": "srv", "hb0": "hb", "pwr0": "pwr"}  # a director's interfaces
LOG = "/var/log/ha-log"
#: First in the PATH of Heartbeat's scripts: the thirty seconds after a failed start (ResourceManager) are three.
_SLEEP = '#!/bin/sh\n[ "$1" = 30 ] && set -- 3\nexec /bin/sleep "$@"\n'
_CALM = 3  # looks in succession

#: Hosts and bridges of one place need names of their own, however many pairs there are.
_numbers = itertools.count(1)


class Pair:
    """A context manager. ``nodes``: the directors that are on, by name. ``cuts``: the links that nothing passes.
    ``forwarding``: what the real servers are set up for, dr or nat."""

    def __init__(self, place: Place, software: Software, forwarding: str = "dr") -> None:
        """``software``: of both directors."""
        self.place = place
        self.nodes: dict[str, Node] = {}
        self.servers: dict[str, Node] = {}
        self.cuts: set[tuple[str, str]] = set()
        self._stopped: set[str] = set()  # nodes that are on, without what decides who is active
        self.client: Node
        self._software = software
        self.forwarding = forwarding
        self._number = next(_numbers)
        self.home = f"/run/pair{self._number}"
        self.switch_address = f"10.99.{self._number}.254"
        self._bridges = {name: f"{name}{self._number}" for name in ("lan", "srv", "hb", "pwr")}
        self._ports: dict[tuple[str, str], tuple[str, str]] = {}  # (host, interface) -> its port and its bridge
        self._port_numbers = itertools.count(1)
        self._stack = contextlib.ExitStack()

    # Building

    def __enter__(self) -> Pair:
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._build()
            stack.pop_all()  # what has been built is taken down by __exit__ from here on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self.nodes):
            self.kill(name)
        for node in (*self.servers.values(), self.client):
            node.close()
        self._power.kill()
        self.place.unbridge(*self._bridges.values())

    def _build(self) -> None:
        self.place.bridge(*self._bridges.values())
        self._stack.callback(self.place.unbridge, *self._bridges.values())
        # Else a bridge has the least MAC of its ports, another one whenever a node dies: and the one who is alive asks
        # the power switch in vain until its ARP cache has forgotten that, for a minute.
        power_line = self._bridges["pwr"]
        self.place.switch.ip(
            f"link set dev {power_line} address 02:00:00:{self._number:02x}:ff:ff",
            f"address add {self.switch_address}/24 dev {power_line}",
        )
        self.place.switch.write(f"{self.home}/marks", "")
        self._power = self.place.switch.serve("pair.power:serve", home=self.home, address=self.switch_address)
        self._stack.callback(self._power.kill)
        self.place.switch.run(["modprobe", "-a", "ip_vs", "ip_vs_rr", "ip_vs_wlc"]).check()
        self.client = self._host("client", [("eth0", "lan")], f"address add {CLIENT_ADDRESS}/24 brd + dev eth0")
        for number, name in enumerate(SERVERS, 1):
            self.servers[name] = node = self._real_server(name, number)
            node.serve("lvs_init.lab.server:serve")

    def _real_server(self, name: str, number: int) -> Node:
        if self.forwarding == "nat":
            setup = f"address add 192.168.10.1{number}/24 brd + dev eth0", f"route add default via {DIP}"
            return self._host(name, [("eth0", "srv")], *setup)
        setup = f"address add 192.168.0.1{number}/24 brd + dev eth0", f"address add {VIP}/32 dev lo"
        node = self._host(name, [("eth0", "lan")], *setup)
        for key, value in (("arp_ignore", "1"), ("arp_announce", "2")):
            node.write(f"/proc/sys/net/ipv4/conf/all/{key}", value)
        return node

    def _host(self, name: str, wires: Sequence[tuple[str, str]], *setup: str) -> Node:
        """wires: an interface, and the bridge that it is in."""
        node = self.place.node(f"{name}.{self._number}")
        self._stack.callback(node.close)
        node.write("/proc/sys/kernel/hostname", name)
        lines = []
        for interface, bridge in wires:
            port = f"{bridge}{self._number}-{next(self._port_numbers)}"
            self._ports[name, interface] = (port, self._bridges[bridge])
            lines.append(
                f"link add name {port} up master {self._bridges[bridge]} type veth peer name {interface} "
                f"netns {node.pid} address {self._mac(name, interface)}"
            )
        self.place.switch.ip(*lines)
        node.up(*(interface for interface, _ in wires))
        node.ip(*setup)
        return node

    def _mac(self, name: str, interface: str) -> str:
        host = ("client", *SERVERS, *NODES).index(name)
        return f"02:00:00:{self._number:02x}:{host:02x}:{tuple(_WIRES).index(interface):02x}"

    def owner(self, mac: str) -> str:
        """The node that has an interface with it; the MAC itself where it is nobody's."""
        return next((name for name in NODES for wire in _WIRES if self._mac(name, wire) == mac), mac)

    def believed(self, node: Node, address: str) -> str:
        """Whose the address is, by a host's ARP cache."""
        told = node.run(["ip", "neighbour", "show", address]).check().stdout
        return self.owner(told.partition("lladdr ")[2].split()[0])

    def reached_at(self, name: str) -> str:
        """A director's address in the power switch's network, where the lab's own namespace is, too."""
        return f"10.99.{self._number}.{NODES.index(name) + 1}"

    @property
    def runs_heartbeat(self) -> bool:
        return self._software.init.endswith("/heartbeat")

    # What happens to it

    def switch_on(self, *names: str) -> None:
        """Power, and the boot as far as it is needed here: all but Heartbeat is there."""
        for name in names:
            own = ADDRESSES[name]
            self.nodes[name] = node = self._host(
                name,
                list(_WIRES.items()),
                *(f"address add {address}/24 brd + dev {interface}" for interface, address in own.items()),
                f"address add {self.reached_at(name)}/24 brd + dev pwr0",
                "route add default via 192.168.0.254",
            )
            files = {**self._of_the_cluster(), **self._software.files}
            unpacked = UNPACKED if self._software.init else ""
            node.call("pair.board:prepare", unpacked=unpacked, files=files, links=self._software.links)
            self.place.switch.write(f"{self.home}/{name}", str(node.pid))
            for command in self._software.boot:
                node.run(command).check()

    def _of_the_cluster(self) -> Files:
        if not self._software.init:
            return {}
        switch = {"address": self.switch_address, "port": power.PORT}
        return {
            f"/usr/lib/stonith/plugins/{PLUGIN}": (power.PLUGIN.format(**switch), "755"),
            "/usr/sbin/reboot": (power.REBOOT.format(**switch), "755"),
            "/usr/libexec/heartbeat/sleep": (_SLEEP, "755"),
        }

    def start(self, *names: str) -> None:
        """By the init script, on all of them at once."""
        self._stopped.difference_update(names)
        script = self._software.init
        for running in [self.nodes[name].start([script, "start"], timeout=PATIENCE) for name in names]:
            running.wait().check()

    def stop(self, name: str) -> None:
        """By the init script; returns when it has ended."""
        self.nodes[name].run([self._software.init, "stop"], timeout=PATIENCE).check()
        self._stopped.add(name)

    def kill(self, name: str) -> None:
        """kill -9 of its process 1, and so of all that it runs."""
        self.place.switch.call("pair.power:end", home=self.home, name=name)
        self.bury(name)

    def bury(self, name: str) -> None:
        """It is dead, whoever killed it: its name is free again."""
        self.nodes.pop(name).close()
        self._stopped.discard(name)
        for interface in _WIRES:
            del self._ports[name, interface]
            self.cuts.discard((name, interface))

    def take_over(self, name: str) -> None:
        """An admin asks for all resources on this node."""
        self.nodes[name].run([_TAKEOVER, "all"]).check()

    def fail(self, name: str) -> None:
        """No command works there any more."""
        self.nodes[name].call("support.wrapper:plan", how="fail", first=1, last=1 << 20)

    def mend(self, name: str) -> None:
        self.nodes[name].call("support.wrapper:remove")

    def cut(self, name: str, interface: str) -> None:
        """Nothing goes through any more, and neither end sees that its link is down."""
        self.place.switch.ip(f"link set dev {self._ports[name, interface][0]} nomaster")
        self.cuts.add((name, interface))

    def join(self, name: str, interface: str) -> None:
        port, bridge = self._ports[name, interface]
        self.place.switch.ip(f"link set dev {port} master {bridge}")
        self.cuts.discard((name, interface))

    # What is seen of it

    def await_holders(self, *names: str, timeout: float = PATIENCE) -> float:
        """Returns when exactly these nodes have the VIP, and when that was on the lab's clock."""
        with self._explained():
            found: float = self.place.switch.call(
                "pair.eyes:await_holders",
                timeout=timeout + 5, home=self.home, address=VIP, wanted=names, patience=timeout,
            )  # fmt: skip
        return found

    def await_one(self) -> None:
        """Returns when only one of them has the VIP."""
        with self._explained():
            self.place.switch.call(
                "pair.eyes:await_one", timeout=PATIENCE + 5, home=self.home, address=VIP, patience=PATIENCE
            )

    def holders(self) -> list[str]:
        found: list[str] = self.place.switch.call("pair.eyes:holders", home=self.home, address=VIP)
        return found

    def await_log(self, name: str, text: str) -> None:
        """Until Heartbeat on that node has written it."""
        self.nodes[name].call("pair.eyes:await_text", timeout=PATIENCE + 5, path=LOG, text=text, patience=PATIENCE)

    def await_mark(self) -> list[str]:
        """Until the power switch has done something; what that was."""
        with self._explained():
            self.place.switch.call(
                "pair.eyes:await_text", timeout=PATIENCE + 5, path=f"{self.home}/marks", text="node", patience=PATIENCE
            )
        return self.marks()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What does not come to pass is raised with the ends of Heartbeat's logs, for people who look for why."""
        try:
            yield
        except LabError as error:
            told = [str(error), f"== power switch: {self.marks()}"]
            for name, node in self.nodes.items():
                told += [f"== {name}: {self.resources(name)}", node.run(["tail", "-n", "80", LOG]).stdout]
            raise AssertionError("\n".join(told)) from error

    def await_link(self, name: str, peer: str, interface: str, state: str) -> None:
        """Until Heartbeat on a node says so of its link to the other."""
        self.await_log(name, f"Link {peer}:{interface} {state}")

    def marks(self) -> list[str]:
        """What the power switch has done so far: "reset node2"."""
        return [line.split(maxsplit=2)[2] for line in self.place.switch.read(f"{self.home}/marks").splitlines()]

    def forget(self) -> None:
        """From here on marks() and await_log() tell of what is done later."""
        self.place.switch.write(f"{self.home}/marks", "")
        for node in self.nodes.values():
            node.write(LOG, "")

    def resources(self, name: str) -> str:
        """What Heartbeat says that the node holds: none, local, foreign, all or transition."""
        return self.nodes[name].run(["cl_status", "rscstatus"]).stdout.strip()

    def whole(self, active: str) -> None:
        """Whatever has happened before: all links are there, both nodes are on, and this one is active."""
        self.bury_the_dead()
        for cut in sorted(self.cuts):
            self.join(*cut)
        for name in self.nodes:
            self.mend(name)
        self.switch_on(*(name for name in NODES if name not in self.nodes))
        self.start(*(name for name in NODES if self.resources(name) == ""))
        self.settle()
        if self.holders() != [active]:
            self.take_over(active)
        self.await_holders(active)
        self.settle()

    def bury_the_dead(self) -> None:
        """Whom the power switch has ended."""
        for name in list(self.nodes):
            if not self.place.switch.call("pair.power:alive", home=self.home, name=name):
                self.bury(name)

    def settle(self) -> None:
        """Wait until neither node is about to take or give anything."""
        deadline = time.monotonic() + PATIENCE
        calm = 0
        while calm < _CALM:
            told = {name: self.resources(name) for name in self.nodes if name not in self._stopped}
            calm = calm + 1 if all(each in ("none", "local", "foreign", "all") for each in told.values()) else 0
            with self._explained():
                if time.monotonic() > deadline:
                    raise LabError(f"Heartbeat does not come to rest: {told}")
