"""A cluster built of a configuration's text, in a place: its hosts, driven as an init system and a client would.

with open_place() as place, Rehearsal(place, text) as rehearsal:
    rehearsal.start()
    rehearsal.request(count=6)
    rehearsal.counts()  # {"rs1": 2, "rs2": 4}
    rehearsal.stop()
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from lvs_init.config.cluster import Cluster, VirtualService
from lvs_init.config.load import parse
from lvs_init.lab.node import Completed, Node, Serving
from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.questions import Question, ports_of, questions_of
from lvs_init.lab.server import LOG
from lvs_init.lab.snapshot import Snapshot
from lvs_init.lab.topology import CLIENT, ROUTER, Host, Topology, topology_of
from lvs_init.model.address import family_of

CONFIGURATION = "/etc/lvs/lvs.toml"
DIRECTOR_SCRIPT, REALSERVER_SCRIPT = "lvs-director", "lvs-realserver"
#: The director as a resource of Heartbeat: start makes it active, stop a standby.
RESOURCE = "resource.d/lvs-director"

#: Family -> the module and the device that take IP in IP apart.
_RECEIVERS = {4: ("ipip", "tunl0"), 6: ("ip6_tunnel", "ip6tnl0")}

Logged = dict[str, Any]

#: Hosts and bridges of one place need names of their own, however many rehearsals there are.
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """An init script that was called on a host."""

    host: str
    script: str
    verb: str
    completed: Completed


class Rehearsal:
    """A context manager: the hosts are there, configured and serving inside it, and gone after it.

    ``nodes``: every host by its name; ``client``, ``director``, ``router`` (None where there is none), ``realservers``:
    the same by what they are. A director that is a real server too is in both. Of a pair ``director`` is the one that
    is active first.
    """

    client: Node
    director: Node
    router: Node | None

    def __init__(
        self,
        place: Place,
        text: str,
        *,
        director: str | None = None,
        fresh: bool = True,
        later: str = "",
        pair: bool = False,
    ) -> None:
        """``text``: the configuration. ``director``: the ``[node.NAME]`` to direct as. ``later``: one that is to
        replace it; there are hosts for both, and those of the second alone have that one. ``pair``: with both
        directors of ``[ha]``; else with one that is active.

        ``fresh``: run the init scripts in interpreters of their own, as an init system does; False: in forks of one
        that has its modules already, which takes a third of the time.
        Raises ConfigurationError, or CannotBuild where no hosts can be made of it.
        """
        self.place = place
        self.text = text
        self.cluster: Cluster = parse(text, CONFIGURATION)
        self.later = later
        self._hosted = both(self.cluster, parse(later, CONFIGURATION)) if later else self.cluster
        self.topology: Topology = topology_of(self._hosted, director, pair=pair)
        self.nodes: dict[str, Node] = {}
        self.realservers: dict[str, Node] = {}
        self.states: dict[str, str] = {}  # host -> what is being done with it, or what its script has said last
        self._serving: dict[str, Serving] = {}
        self._fresh = fresh
        self._pair = pair
        self._number = next(_numbers)
        self._bridges = {name: f"lab{self._number}-{name}" for name in self.topology.segments}
        self._seen: Counter[str] = Counter()

    # Building

    def __enter__(self) -> Rehearsal:
        try:
            self._build()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _build(self) -> None:
        for host in self.topology.hosts:
            self.nodes[host.name] = self.place.node(f"{host.name}.{self._number}")
        self.place.bridge(*self._bridges.values())
        self.place.joins(
            [
                (self.nodes[host.name], self._bridges[wire.segment], wire.interface, wire.mac)
                for host in self.topology.hosts
                for wire in host.wires
            ]
        )
        self.client, self.router = self.nodes[CLIENT], self.nodes.get(ROUTER)
        self.director = self.nodes[self.topology.director.name]
        self.realservers = {host.name: self.nodes[host.name] for host in self.topology.realservers}
        self.place.switch.run(["modprobe", "-a", *modules_of(self._hosted)]).check()
        for host in self.topology.hosts:
            self._settle(host)

    def _settle(self, host: Host) -> None:
        node = self.nodes[host.name]
        node.write("/proc/sys/kernel/hostname", host.name)
        if host.forwards:
            node.write("/proc/sys/net/ipv4/ip_forward", "1")
            node.write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
        node.ip(*host.setup, *(self._tried_once() if host.rips else ()))
        if host.directs or host.rips:
            known = {key.address for service in self.cluster.services for key, _ in service.realservers}
            node.write(CONFIGURATION, self.text if host.directs or known.intersection(host.rips) else self.later)
        if host.directs:
            self._mark_as_the_admin(node)
        if host.rips:
            node.write(LOG, "")
            self.listen(host.name)

    def listen(self, host: str, at: str | None = "", careless: bool = False) -> None:
        """From now on the server of the host listens at this address; "": at all of them; None: at none. careless: as
        lab/server.py has it."""
        if host in self._serving:
            self._serving.pop(host).kill()
        if at is not None:
            ports = ports_of(self._hosted, self.topology.host(host).rips or tuple(self._rips()))
            serve = "lvs_init.lab.server:serve"
            self._serving[host] = self.nodes[host].serve(
                serve, tcp=ports["tcp"], udp=ports["udp"], at=at, careless=careless
            )

    def _rips(self) -> Iterator[str]:
        return (rip for host in self.topology.hosts for rip in host.rips)

    def _tried_once(self) -> Iterator[str]:
        """A receiver of tunnels gets its IPv6 settings when it first goes up, and keeps them for ever."""
        for family in sorted({service.key.family for service in self.cluster.services if "tun" in service.forwardings}):
            yield f"link set {_RECEIVERS[family][1]} up"
            yield f"link set {_RECEIVERS[family][1]} down"

    def _mark_as_the_admin(self, node: Node) -> None:
        """A firewall-mark service without ``match`` says that somebody else marks its packets: here, we."""
        for service in self.cluster.services:
            if service.key.protocol == "fwmark" and service.match is None:
                for vip in service.vips:
                    program = "ip6tables" if family_of(vip.address) == 6 else "iptables"
                    rule = ["-d", vip.address, "-j", "MARK", "--set-mark", str(service.key.fwmark)]
                    node.run([program, "-t", "mangle", "-A", "PREROUTING", *rule]).check()

    def _close(self) -> None:
        self.place.meanwhile = None
        for node in self.nodes.values():
            node.close()
        self.place.unbridge(*self._bridges.values())

    # Driving

    def start(self) -> list[Call]:
        """Start the real servers, then the director; of a pair both, and make the first one active."""
        calls = self.call_realservers("start")
        if not self._pair:
            return [*calls, self.call_director("start")]
        calls += [self.call(host.name, DIRECTOR_SCRIPT, "start") for host in self.topology.directors]
        return [*calls, self.call(self.topology.director.name, RESOURCE, "start")]

    def status(self) -> list[Call]:
        return [self.call_director("status"), *self.call_realservers("status")]

    def stop(self) -> list[Call]:
        """Stop the director, then the real servers."""
        return [self.call_director("stop"), *self.call_realservers("stop")]

    def call_director(self, *arguments: str) -> Call:
        """``lvs-director ARGUMENTS``, the verb last."""
        return self.call(self.topology.director.name, DIRECTOR_SCRIPT, *arguments)

    def call_realservers(self, *arguments: str) -> list[Call]:
        return [self.call(name, REALSERVER_SCRIPT, *arguments) for name in self.realservers]

    def call(self, host: str, script: str, *arguments: str) -> Call:
        """One of bin/* on a host, with nothing in its environment but what the place has for all, and no terminal."""
        environment = self.place.environment
        node = self.nodes[host]
        self.states[host] = f"{script} {' '.join(arguments)} ..."
        # The boot script makes a standby, which serves nobody: a director alone is made active, as Heartbeat does it.
        alone = self.cluster.ha is not None and not self._pair
        activate = alone and script == DIRECTOR_SCRIPT and arguments[-1] == "start"
        program = _resource_script() if activate or script == RESOURCE else script
        if self._fresh:
            completed = node.script(program, *arguments, env=environment)
        else:
            completed = node.entry([os.path.join(ROOT, "bin", program), *arguments], env=environment)
        said = completed.stdout.splitlines() or completed.stderr.splitlines()
        self.states[host] = said[0] if said else f"{script} {arguments[-1]}: exit code {completed.code}"
        return Call(host, script, arguments[-1], completed)

    # Asking

    def request(
        self, service: int = 0, count: int = 1, source: str | None = None, timeout: float = 3.0
    ) -> dict[str, dict[str, int]]:
        """Ask the service at that place in the file, each of its VIPs and ports ``count`` times.

        ``source``: the client's address to ask from. Returns {"answers": {host: times}, "errors": {name: times}}.
        """
        told: dict[str, Counter[str]] = {"answers": Counter(), "errors": Counter()}
        for question in questions_of(self.cluster.services[service]):
            for kind, counts in self.ask(question, count, source, timeout).items():
                told[kind].update(counts)
        return {kind: dict(counts) for kind, counts in told.items()}

    def ask(
        self, question: Question, count: int = 1, source: str | None = None, timeout: float = 3.0
    ) -> dict[str, dict[str, int]]:
        """As request(), but one VIP and port."""
        function = "requests" if question.protocol == "tcp" else "datagrams"
        told: dict[str, dict[str, int]] = self.client.call(
            f"lvs_init.lab.traffic:{function}",
            timeout=60 + count * timeout,
            address=question.address,
            port=question.port,
            count=count,
            source=source,
        )
        return told

    def logged(self) -> dict[str, list[Logged]]:
        """What each real server has been asked since the last call: protocol, client, address, port."""
        news: dict[str, list[Logged]] = {}
        for name, node in self.realservers.items():
            lines = node.read(LOG).splitlines()
            news[name] = [json.loads(line) for line in lines[self._seen[name] :]]
            self._seen[name] = len(lines)
        return news

    def counts(self) -> dict[str, int]:
        """The number of them, 0 for who was asked nothing. The same news are told once, here or there."""
        return {name: len(lines) for name, lines in self.logged().items()}

    # Looking

    def snapshots(self) -> dict[str, Snapshot]:
        """Everything of every host that a start could change."""
        calls = {name: node.start_call("lvs_init.lab.snapshot:take") for name, node in self.nodes.items()}
        return {name: call.wait() for name, call in calls.items()}

    def owners(self) -> dict[str, list[str]]:
        """VIP -> the hosts that answer its network when it asks who has it, as MACs where they are none of ours."""
        calls = {}
        for vip, watch in self.topology.watches.items():
            function = "who_answers_ns" if ":" in vip else "who_answers_arp"
            calls[vip] = self.nodes[watch.host].start_call(
                f"lvs_init.lab.probe:{function}", interface=watch.interface, address=vip
            )
        return {vip: [self.topology.owner_of(mac) for mac in call.wait()] for vip, call in calls.items()}

    def host_of(self, rip: str) -> str:
        """The name of the host with that RIP."""
        return next(host.name for host in self.topology.hosts if rip in host.rips)


def _resource_script() -> str:
    """Absolute: what Heartbeat calls, in a checkout and installed."""
    checkout = os.path.join(ROOT, "rc.d", RESOURCE)
    return checkout if os.path.exists(checkout) else os.path.join(ROOT, RESOURCE)


def both(first: Cluster, second: Cluster) -> Cluster:
    """A cluster with every service of two, so that hosts can be made for both."""
    return replace(first, services=(*first.services, *(each for each in second.services if each not in first.services)))


def modules_of(cluster: Cluster) -> list[str]:
    """Kernel modules that starting either role loads: what they add to a host is there before it is compared."""
    names = ["ip_vs"]
    for service in cluster.services:
        names += _modules_of(service)
    return list(dict.fromkeys(names))


def _modules_of(service: VirtualService) -> list[str]:
    names = [f"ip_vs_{service.service.scheduler}"]
    if service.service.engine:
        names.append(f"ip_vs_pe_{service.service.engine}")
    if "tun" in service.forwardings:
        names.append(_RECEIVERS[service.key.family][0])
    if service.match:
        names += ["xt_mark"]
    return names
