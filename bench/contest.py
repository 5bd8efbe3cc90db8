"""The contest: everybody sets up the same clusters on one director of one guest, in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.cluster import CLUSTERS, CONFIGURATION, INTERFACE, OWN_ADDRESS, Cluster
from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node
from lvs_init.lab.place import SYSTEM_PYTHON, Place

OURS, BASH, RESTORE, PYTHON = "lvs-init", "bash", "ipvsadm -R", "python3 -c pass"
PAIRS = 3  # of status and the interpreter alone in each round: both are so short that noise hits them hardest
_SCRIPT = "/run/recipe"


@dataclass
class Samples:
    """What one contender took for one work: seconds of each run, and programs run, itself included."""

    seconds: list[float] = field(default_factory=list)
    processes: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


#: (work, contender) -> what was measured: ("start, 1 x 2", "bash").
Measured = dict[tuple[str, str], Samples]


def director(place: Place) -> Node:
    """A host with an interface, the modules loaded, and everything to be run counted."""
    place.bridge("lan")
    node = place.node("director")
    place.join(node, "lan", INTERFACE)
    node.ip(f"address add {OWN_ADDRESS} brd + dev {INTERFACE}")
    node.run(["modprobe", "-a", "ip_vs", "ip_vs_wlc"]).check()
    node.call("bench.accounting:begin")
    return node


class Contest:
    """Runs rounds on a node. ``tell`` hears what is done next."""

    def __init__(self, node: Node, tell: Callable[[str], None]) -> None:
        self.measured: Measured = {}
        self._node = node
        self._tell = tell
        self._stage = ""

    def warm_up(self) -> None:
        """Everything once with the smallest cluster, so that what is read from disk and compiled is there for all."""
        self._stage = "warm-up"
        self._cluster(CLUSTERS[0], 0)
        self.measured.clear()

    def round(self, number: int) -> None:
        """Every work once by every contender. ``number`` counts from 0."""
        self._stage = f"round {number + 1}"
        for cluster in CLUSTERS:
            self._cluster(cluster, number)

    def _cluster(self, cluster: Cluster, number: int) -> None:
        start, stop, part = f"start, {cluster}", f"stop, {cluster}", cluster.part(number)
        self._bash(start, cluster.recipe(part), cluster.parts)
        self._verify(BASH, cluster.rules(part), len(part))
        self._bash(stop, cluster.recipe_away(part), cluster.parts)
        self._verify(BASH, [], 0)

        rules = cluster.rules(cluster.all)
        self._run(start, RESTORE, ["/sbin/ipvsadm", "-R"], stdin="".join(f"{rule}\n" for rule in rules))
        self._verify(RESTORE, rules, 0)
        self._node.run(["ipvsadm", "-C"]).check()
        self._verify(RESTORE, [], 0)

        self._node.write(CONFIGURATION, cluster.configuration())
        self._director(start, "start")
        self._verify(OURS, rules, cluster.services)
        if cluster is CLUSTERS[0]:
            for _ in range(PAIRS):
                self._run(f"status, {cluster}", PYTHON, [SYSTEM_PYTHON, "-c", "pass"])
                self._director(f"status, {cluster}", "status")
            self._run(f"start again, {cluster}", PYTHON, [SYSTEM_PYTHON, "-c", "pass"])
            self._director(f"start again, {cluster}", "start")
        self._director(stop, "stop")
        self._verify(OURS, [], 0)

    def _bash(self, work: str, script: str, parts: int) -> None:
        self._node.write(_SCRIPT, script)
        self._run(work, BASH, ["/bin/bash", _SCRIPT], parts=parts)

    def _director(self, work: str, verb: str) -> None:
        self._tell(f"{self._stage}: {work}: {OURS}")
        self._count(work, OURS, self._node.script("lvs-director", verb, env={}, timeout=120).check().seconds)

    def _run(self, work: str, contender: str, argv: Sequence[str], stdin: str | None = None, parts: int = 1) -> None:
        self._tell(f"{self._stage}: {work}: {contender}")
        seconds = self._node.run(argv, env={}, stdin=stdin, timeout=120).check().seconds
        self._count(work, contender, seconds, parts)

    def _count(self, work: str, contender: str, seconds: float, parts: int = 1) -> None:
        samples = self.measured.setdefault((work, contender), Samples())
        samples.seconds.append(seconds * parts)
        samples.processes = 1 + (self._node.call("bench.accounting:collect") - 1) * parts

    def _verify(self, contender: str, rules: Sequence[str], vips: int) -> None:
        """Who has not done the work has not won. Raises LabError."""
        table = sorted(line.strip() for line in self._node.run(["ipvsadm", "-Sn"]).check().stdout.splitlines())
        listing = self._node.run(["ip", "-4", "-o", "address", "show", "dev", INTERFACE]).check().stdout
        routes = self._node.read("/proc/net/route").count("FFFFFFFF")
        addresses = listing.count("/32")
        if (table, addresses, routes) != (list(rules), vips, vips):
            raise LabError(
                f"{contender} left {len(table)} rules, {addresses} VIPs and {routes} host routes; "
                f"{len(rules)}, {vips} and {vips} were wanted"
            )
        self._node.call("bench.accounting:collect")
