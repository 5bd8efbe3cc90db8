"""The contest: everybody sets up the same clusters on one director of one guest, in turns."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace

from bench.cluster import FORWARDING, GROWING, HUGE, MANY, MIDDLE, OWN_ADDRESS, SMALL, WIDE, Cluster
from bench.contenders import KEEPALIVED_ARGV, KEEPALIVED_CONF, LDIRECTORD_ARGV, LDIRECTORD_CF, RECIPE
from bench.numbers import (
    BASH,
    EMPTY,
    FLOOR,
    KEEPALIVED,
    LDIRECTORD,
    OURS,
    PYTHON,
    RESTORE,
    THOUSAND_BY_FOUR,
    Measured,
    Samples,
    again,
    reload,
    start,
    status,
    stop,
)
from bench.words import INTERFACE, ipvsadm_lines, keepalived_conf, ldirectord_cf, lvs_toml
from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node
from lvs_init.lab.place import ROOT, SYSTEM_PYTHON, Place
from lvs_init.lab.rehearsal import CONFIGURATION

PAIRS = 3  # of status and its rivals in each round: they are so short that noise hits them hardest
HUGE_ROUNDS = 3  # in which the largest cluster takes part
LEAST = 120.0  # seconds that ldirectord is given, at least
_LIMIT = 120.0  # seconds that anybody else may take


class Contest:
    """Runs rounds in a guest. ``tell`` hears what is done next.

    Everybody gets a new host for each work. Not only is it clean: on one where a table of 20000 real servers has been
    cleared, the kernel looks through all of them for each that is added within the next two minutes
    (ip_vs_trash_get_dest), and whoever comes second takes five times as long.
    """

    def __init__(self, place: Place, tell: Callable[[str], None]) -> None:
        self.measured: Measured = {}
        self._place = place
        self._tell = tell
        self._stage = ""
        place.bridge("lan")
        place.switch.run(["modprobe", "-a", "ip_vs", "ip_vs_wlc"]).check()
        self._beside = self._open("beside")

    def warm_up(self) -> None:
        """Every program once, so that what is read from disk and compiled is there for all."""
        self._stage = "warm-up"
        pid = self._ldirectord(self._beside, SMALL, _LIMIT)
        self._beside.write("/run/ldirectord.bench.cf.pid", f"{pid}\n")  # not written by one in the foreground
        self._beside.run(["kill", "-STOP", str(pid)]).check()  # it is there, but takes no time from anybody
        self._small(0)
        self._keepalived(SMALL)
        self._ours_alone(SMALL, change=True)
        self.measured.clear()

    def round(self, number: int) -> None:
        """Every work but ldirectord's start, once by every contender. ``number`` counts from 0."""
        self._stage = f"round {number + 1}"
        self._small(number)
        self._versus_bash(MIDDLE, number)
        self._versus_bash(WIDE, number)
        self._ours_alone(MANY)
        self._restore(MANY)
        self._keepalived(MANY)
        for cluster in GROWING:
            self._ours_alone(cluster, change=True)
        self._keepalived(THOUSAND_BY_FOUR)
        if number < HUGE_ROUNDS:
            self._ours_alone(HUGE)
            self._keepalived(HUGE)
            self._floor(HUGE)

    def once(self, limit: float) -> None:
        """What takes so long that it is done a single time, and no longer than ``limit`` seconds."""
        self._stage = "once"
        with self._host() as node:
            self._ldirectord(node, MANY, limit)

    # Clusters

    def _small(self, number: int) -> None:
        self._versus_bash(SMALL, number, meanwhile=self._statuses)

    def _statuses(self, node: Node) -> None:
        for _ in range(PAIRS):
            self._interpreter(node)
            self._director(node, status(SMALL), "status")
            self._run(self._beside, status(SMALL), LDIRECTORD, [*LDIRECTORD_ARGV, "status"])
        self._director(node, again(SMALL), "start")

    def _versus_bash(self, cluster: Cluster, number: int, meanwhile: Callable[[Node], None] | None = None) -> None:
        with self._host() as node:
            self._ours(node, cluster)
            if meanwhile:
                meanwhile(node)
            self._director(node, stop(cluster), "stop")
            self._verify(node, OURS, cluster)
        with self._host() as node:
            part = cluster.part(number)
            self._bash(node, start(cluster), cluster.recipe(part), cluster.parts)
            self._verify(node, BASH, cluster, part, cluster.vips(part))
            self._bash(node, stop(cluster), cluster.recipe_away(part), cluster.parts)
            self._verify(node, BASH, cluster)

    def _ours_alone(self, cluster: Cluster, change: bool = False) -> None:
        with self._host() as node:
            self._ours(node, cluster)
            if change:
                changed = replace(cluster, changed=2)
                node.write(CONFIGURATION, lvs_toml(changed.told(changed.all), FORWARDING))
                self._director(node, reload(cluster), "reload")
                self._verify(node, OURS, changed, cluster.all, cluster.vips(cluster.all))

    # Contenders

    def _ours(self, node: Node, cluster: Cluster) -> None:
        node.write(CONFIGURATION, lvs_toml(cluster.told(cluster.all), FORWARDING))
        self._interpreter(node)
        self._director(node, start(cluster), "start")
        self._verify(node, OURS, cluster, cluster.all, cluster.vips(cluster.all))

    def _director(self, node: Node, work: str, verb: str) -> None:
        self._run(node, work, OURS, [os.path.join(ROOT, "bin", "lvs-director"), verb])

    def _interpreter(self, node: Node) -> None:
        self._run(node, EMPTY, PYTHON, [SYSTEM_PYTHON, "-c", "pass"])

    def _bash(self, node: Node, work: str, script: str, parts: int) -> None:
        node.write(RECIPE, script)
        self._run(node, work, BASH, ["/bin/bash", RECIPE], parts)

    def _restore(self, cluster: Cluster) -> None:
        with self._host() as node:
            node.write(RECIPE, "".join(f"{line}\n" for line in ipvsadm_lines(cluster.told(cluster.all), FORWARDING)))
            self._run(node, start(cluster), RESTORE, ["/bin/bash", "-c", f"exec /sbin/ipvsadm -R < {RECIPE}"])
            self._verify(node, RESTORE, cluster, cluster.all)

    def _keepalived(self, cluster: Cluster) -> None:
        with self._host() as node:
            node.write(KEEPALIVED_CONF, keepalived_conf(cluster.told(cluster.all), FORWARDING))
            pid = self._fill(node, KEEPALIVED, KEEPALIVED_ARGV, cluster, _LIMIT)
            if cluster is THOUSAND_BY_FOUR:
                changed = replace(cluster, changed=2)
                node.write(KEEPALIVED_CONF, keepalived_conf(changed.told(changed.all), FORWARDING))
                work = reload(cluster)
                self._say(work, KEEPALIVED)
                seconds = node.call("bench.inside:reload", _LIMIT, pid=pid, cluster=asdict(changed), limit=_LIMIT)
                self._count(work, KEEPALIVED, seconds)
                self._verify(node, KEEPALIVED, changed, cluster.all)

    def _ldirectord(self, node: Node, cluster: Cluster, limit: float) -> int:
        node.write(LDIRECTORD_CF, ldirectord_cf(cluster.told(cluster.all), FORWARDING))
        return self._fill(node, LDIRECTORD, [*LDIRECTORD_ARGV, "start"], cluster, limit)

    def _floor(self, cluster: Cluster) -> None:
        with self._host() as node:
            self._say(start(cluster), FLOOR)
            self._count(start(cluster), FLOOR, node.call("bench.inside:floor", cluster=asdict(cluster)))
            self._verify(node, FLOOR, cluster, cluster.all)

    # Measuring

    @contextlib.contextmanager
    def _host(self) -> Iterator[Node]:
        node = self._open("director")
        try:
            yield node
        finally:
            node.close()

    def _open(self, name: str) -> Node:
        """A host with an interface and everything that is run in it counted, in a guest with nothing else to do."""
        node = self._place.node(name)
        self._place.join(node, "lan", INTERFACE)
        node.ip(f"address add {OWN_ADDRESS} brd + dev {INTERFACE}")
        node.call("bench.accounting:begin")
        node.call("bench.inside:quiet")
        return node

    def _fill(self, node: Node, contender: str, argv: Sequence[str], cluster: Cluster, limit: float) -> int:
        self._say(start(cluster), contender)
        done = node.call("bench.inside:fill", limit + 60, argv=argv, cluster=asdict(cluster), limit=limit)
        samples = self._count(start(cluster), contender, done["seconds"] or limit)
        samples.over = done["seconds"] is None
        return int(done["pid"])

    def _run(self, node: Node, work: str, contender: str, argv: Sequence[str], parts: int = 1) -> None:
        self._say(work, contender)
        done = node.call("bench.inside:run", _LIMIT, argv=argv)
        if done["code"]:
            raise LabError(f"{work}: {' '.join(argv)}: exit {done['code']}\n{done['said']}")
        samples = self._count(work, contender, done["seconds"], parts)
        samples.programs = 1 + (done["programs"] - 1) * parts
        samples.peak = max(samples.peak, done["peak"])

    def _count(self, work: str, contender: str, seconds: float, parts: int = 1) -> Samples:
        samples = self.measured.setdefault((work, contender), Samples())
        samples.seconds.append(seconds * parts)
        return samples

    def _say(self, work: str, contender: str) -> None:
        self._tell(f"{self._stage}: {work}: {contender}")

    def _verify(
        self, node: Node, contender: str, cluster: Cluster, services: Sequence[int] = (), vips: Sequence[str] = ()
    ) -> None:
        """Who has not done the work has not won. Raises LabError."""
        wrong = node.call("bench.inside:verify", cluster=asdict(cluster), services=list(services))
        listing = node.run(["ip", "-4", "-o", "address", "show", "dev", INTERFACE]).check().stdout
        routes = node.read("/proc/net/route").count("FFFFFFFF")
        addresses = listing.count("/32")
        if wrong or (addresses, routes) != (len(vips), len(vips)):
            raise LabError(
                f"{contender}, {cluster}: {addresses} VIPs and {routes} host routes, {len(vips)} wanted; {wrong}"
            )
