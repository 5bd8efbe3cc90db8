"""--dry-run prints what start does: run by sh on a fresh host it leaves the same kernel state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable

import pytest
from support import clusters, hosts
from support.clusters import cluster, service

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from lvs_init.lab.snapshot import Snapshot

Make = Callable[[str], Node]

BRIDGE = "dry-run"
CASES = {
    "nat": ("director", clusters.NAT),
    "dr": ("director", clusters.DR),
    "fwmark": ("director", clusters.MARK),
    "10 VIPs": ("director", clusters.MANY),
    "clears and flushes": (
        "director",
        cluster("dr", service("192.168.0.219", "192.168.0.11"), director="clear_ipvs = true\nflush_iptables = true"),
    ),
    "real server dr": ("realserver", clusters.DR),
    "real server tun": ("realserver", clusters.TUN),
}


@pytest.fixture(scope="module")
def wire(place: Place) -> Iterator[str]:
    place.bridge(BRIDGE)
    yield BRIDGE
    place.unbridge(BRIDGE)


def _fresh(place: Place, node: Node, role: str, wire: str, text: str) -> Node:
    made = hosts.director(place, node, wire) if role == "director" else hosts.real_server(place, node, wire)
    made.write("/etc/lvs/lvs.toml", text)
    if "flush" in text:
        made.run(["iptables", "-A", "INPUT", "-s", "192.168.0.66", "-j", "DROP"]).check()
        made.run(["ipvsadm", "-A", "-t", "192.168.0.1:25", "-s", "rr"]).check()
    return made


def _kernel(node: Node) -> Snapshot:
    taken = hosts.snapshot(node)
    del taken["files"]
    return taken


@pytest.mark.parametrize("what", CASES)
def test_what_is_printed_does_what_start_does(place: Place, node: Make, wire: str, what: str) -> None:
    role, text = CASES[what]
    printed = _fresh(place, node("printed"), role, wire, text)
    before = hosts.snapshot(printed)
    shown = printed.script(f"lvs-{role}", "--dry-run", "start").check()
    assert shown.stderr == ""
    hosts.same(printed, before)
    said = printed.run(["sh", "-e"], stdin=shown.stdout).check()
    assert said.stderr == ""
    started = _fresh(place, node("started"), role, wire, text)
    started.script(f"lvs-{role}", "start").check()
    assert _kernel(printed) == _kernel(started)
    for verb in ("start", "reload", "restart"):
        assert started.script(f"lvs-{role}", "--dry-run", verb).check().stdout.endswith("nothing to do\n")


def test_stop_and_reload_can_be_rehearsed_too(place: Place, node: Make, wire: str) -> None:
    host = _fresh(place, node("director"), "director", wire, clusters.DR)
    before = _kernel(host)
    host.script("lvs-director", "start").check()
    up = hosts.snapshot(host)
    stopping = host.script("lvs-director", "--dry-run", "stop").check().stdout
    hosts.same(host, up)
    host.run(["sh", "-e"], stdin=stopping).check()
    assert _kernel(host) == before
    host.script("lvs-director", "start").check()
    hosts.same(host, up)
    host.write("/etc/lvs/lvs.toml", clusters.DR_CHANGED)
    reloading = host.script("lvs-director", "--dry-run", "reload").check().stdout
    hosts.same(host, up)
    host.script("lvs-director", "reload").check()
    changed = _kernel(host)
    host.write("/etc/lvs/lvs.toml", clusters.DR)
    host.script("lvs-director", "--full", "restart").check()
    hosts.same(host, up)
    host.run(["sh", "-e"], stdin=reloading).check()
    assert _kernel(host) == changed


@pytest.mark.parametrize("what", ["nat", "10 VIPs", "real server tun"])
def test_without_net_tools_the_state_is_the_same(place: Place, node: Make, wire: str, what: str) -> None:
    role, text = CASES[what]
    states = []
    for tools in (True, False):
        host = _fresh(place, node(f"tools-{tools}"), role, wire, text)
        if not tools:
            host.run(["rm", "/usr/sbin/ifconfig", "/usr/sbin/route"]).check()
        before = hosts.snapshot(host)
        host.script(f"lvs-{role}", "start").check()
        states.append(hosts.snapshot(host))
        host.script(f"lvs-{role}", "stop").check()
        hosts.same(host, before)
    assert states[0] == states[1]
