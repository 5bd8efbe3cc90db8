"""The classic commands in one host, `start` and `stop` in its twin: the kernel is left the same, but for what
docs/classic.md says. Its table of differences is what the tests compare with, row by row."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from support import hosts
from support.classic import CASES, MEANWHILE, VIP, Case
from support.facts import facts, gathered

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.snapshot import Snapshot, difference

_STRANGER = "02:00:00:00:00:99"


@dataclass
class Twins:
    """The two hosts of a case. In pairs, the classic one first: what was there after start and after stop, what they
    said on stderr, which networks became local meanwhile; and what our own dry runs planned."""

    case: Case
    neighbour: Node
    classic: Node
    ours: Node
    seen: dict[str, tuple[Snapshot, Snapshot]] = field(default_factory=dict)
    said: dict[str, tuple[str, str]] = field(default_factory=dict)
    local: tuple[list[str], list[str]] = ([], [])
    planned: dict[str, list[str]] = field(default_factory=dict)

    def run(self) -> None:
        for node in (self.classic, self.ours):
            assert shell(node, self.case.foreign).stderr == ""
        self._look("before")
        self.ours.write("/etc/lvs/lvs.toml", self.case.configuration)
        self._plan("start")
        watches = [node.serve("watch:local_networks") for node in (self.classic, self.ours)]
        self.said["start"] = (shell(self.classic, self.case.start).stderr, self.script("start").check().stderr)
        classic, ours = (node.call("watch:heard", until=f"{VIP}/32") for node in (self.classic, self.ours))
        self.local = (classic, ours)
        for watch in watches:
            watch.kill()
        self._look("start")
        self._plan("second start", "start")
        for node in (self.classic, self.ours):
            assert shell(node, MEANWHILE[self.case.role]).stderr == ""
        self._plan("stop")
        self.said["stop"] = (shell(self.classic, self.case.stop).stderr, self.script("stop").check().stderr)
        self._look("stop")

    def script(self, *words: str) -> Completed:
        return self.ours.entry([f"{ROOT}/bin/lvs-{self.case.role}", *words])

    def _look(self, moment: str) -> None:
        self.seen[moment] = (hosts.snapshot(self.classic), hosts.snapshot(self.ours))

    def _plan(self, moment: str, verb: str = "") -> None:
        self.planned[moment] = self.script(verb or moment, "--dry-run").check().stdout.splitlines()


def shell(node: Node, lines: Iterable[str]) -> Completed:
    return node.run(["sh", "-s"], stdin="\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def bridges(place: Place) -> Iterator[tuple[Node, list[str]]]:
    """A wire for each of the twins, and a neighbour that is on both and believes that the VIP is somebody else's."""
    names = ["classic", "ours"]
    place.bridge(*names)
    neighbour = place.node("neighbour")
    place.joins([(neighbour, name, name, None) for name in names])
    neighbour.ip(*(f"address add 192.168.0.200/24 brd + dev {name}" for name in names))
    yield neighbour, names
    neighbour.close()
    place.unbridge(*names)


@pytest.fixture(scope="module", params=CASES.values(), ids=lambda case: case.host.replace(" ", "-"))
def twins(request: pytest.FixtureRequest, place: Place, bridges: tuple[Node, list[str]]) -> Iterator[Twins]:
    neighbour, names = bridges
    make = hosts.director if request.param.role == "director" else hosts.real_server
    pair = Twins(request.param, neighbour, *(make(place, place.node(name), name) for name in names))
    neighbour.ip(*(f"neighbour replace {VIP} lladdr {_STRANGER} nud stale dev {name}" for name in names))
    pair.run()
    yield pair
    for node in (pair.classic, pair.ours):
        node.close()


# The table of docs/classic.md


@dataclass(frozen=True)
class Row:
    hosts: tuple[str, ...]
    after: str
    script: frozenset[str]
    ours: frozenset[str]
    why: str


def table(name: str) -> list[list[str]]:
    """The cells of one of the marked tables, without its head."""
    with open(os.path.join(ROOT, "docs", "classic.md"), encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"<!-- {name}: begin -->\n(.*)<!-- {name}: end -->", text, re.DOTALL)
    assert found, f"docs/classic.md has no table {name}"
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def rows() -> list[Row]:
    return [
        Row(tuple(places.split(", ")), after, _quoted(classic), _quoted(ours), why)
        for places, after, classic, ours, why in table("left")
    ]


def _quoted(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize("moment", ["start", "stop"])
def test_everything_is_equal_but_for_what_is_listed(twins: Twins, moment: str) -> None:
    classic, ours = (facts(each) for each in twins.seen[moment])
    listed = [row for row in rows() if twins.case.host in row.hosts and row.after == moment]
    assert all(row.why and row.script | row.ours for row in listed)
    assert gathered(classic - ours) == frozenset(itertools.chain(*(row.script for row in listed)))
    assert gathered(ours - classic) == frozenset(itertools.chain(*(row.ours for row in listed)))


def test_every_row_is_about_a_case() -> None:
    for row in rows():
        assert row.after in ("start", "stop") and set(row.hosts) <= set(CASES)


def test_stop_leaves_what_was_there_before_but_for_what_was_cleared(twins: Twins) -> None:
    before, after = (facts(twins.seen[moment][1]) for moment in ("before", "stop"))
    gone, come = before - after, after - before
    if twins.case.role == "director":
        flushed = {"-A INPUT -s 203.0.113.7/32 -j DROP", "-A FORWARD -j own"}
        cleared = {line for line in gone if line.startswith("ipvsadm rules: ")}
        assert len(cleared) == 3 and all("192.168.0.50:25" in line or "-f 77" in line for line in cleared)
        assert gone - cleared == {f"iptables -t filter {rule}" for rule in flushed}
        come.remove("ipvsadm rules: -A -u 192.168.0.51:53 -s rr")
    else:
        assert gone == set()
    assert come == {"iptables -t filter -A INPUT -s 203.0.113.9/32 -j DROP"}


# The differences on the way, which the final states do not show: a test each, by the first cell of its row


def position(lines: Iterable[str], *words: str) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(words))


def order(lines: Iterable[str]) -> bool:
    """Whether the table is changed before the VIP."""
    lines = list(lines)
    return position(lines, "ipvsadm") < position(lines, "ifconfig eth0:1", "ip address")


def table_before_vip(twins: Twins) -> None:
    assert order(twins.planned["start"]) and not order(twins.case.start)


def vip_before_table(twins: Twins) -> None:
    assert not order(twins.planned["stop"]) and order(twins.case.stop)


def announcement(twins: Twins) -> None:
    show = ["ip", "neighbour", "show", VIP, "dev"]
    macs = {name: twins.neighbour.run([*show, name]).stdout for name in ("classic", "ours")}
    assert _STRANGER in macs["classic"] and "lladdr" in macs["ours"] and _STRANGER not in macs["ours"]


def second_start(twins: Twins) -> None:
    assert twins.planned["second start"] == [f"# lvs-{twins.case.role}: nothing to do"]
    assert {"ipvsadm -C", "iptables -F"} <= set(twins.case.start)


def policy(twins: Twins) -> None:
    try:
        assert shell(twins.ours, ["iptables -P INPUT DROP"]).stderr == ""
        before = hosts.snapshot(twins.ours)
        refused = twins.script("start")
        assert refused.code == 1 and "INPUT" in refused.stderr
        assert difference(before, hosts.snapshot(twins.ours)) == []
    finally:
        shell(twins.ours, ["iptables -P INPUT ACCEPT"])


def quiet_stop(twins: Twins) -> None:
    assert "SIOCDELRT: No such process" in twins.said["stop"][0]
    assert "route" not in twins.said["stop"][1]


def loopback_stays_up(twins: Twins) -> None:
    assert "ifconfig lo down" in twins.case.start
    assert not [line for line in twins.planned["start"] if re.search(r"\blo (down|up)\b", line)]


def no_network_on_lo(twins: Twins) -> None:
    classic, ours = twins.local
    assert "192.168.0.0/24" in classic
    assert set(ours) == {f"{VIP}/32"}


ON_THE_WAY = {
    "Order of start": table_before_vip,
    "Order of stop": vip_before_table,
    "Announcement": announcement,
    "Second start": second_start,
    "Policy DROP": policy,
    "Errors of stop": quiet_stop,
    "lo down and up": loopback_stays_up,
    "Netmask on lo": no_network_on_lo,
}


def test_every_difference_on_the_way_is_listed_with_its_reason() -> None:
    listed = table("way")
    assert [row[0] for row in listed] == list(ON_THE_WAY)
    assert all(len(row) == 5 and all(row) and set(row[1].split(", ")) <= set(CASES) for row in listed)


def test_the_way_differs_as_listed(twins: Twins) -> None:
    for name, places, *_ in table("way"):
        if twins.case.host in places.split(", "):
            ON_THE_WAY[name](twins)
