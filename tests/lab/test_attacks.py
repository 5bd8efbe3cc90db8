"""What nobody does on purpose: damaged records, full disks, planted directories, one cluster in the other's way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from support import clusters, heartbeat, hosts
from support.clusters import cluster, service

from lvs_init.engine.channel import VARIABLE
from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

BRIDGE = "attacks"
#: For tests that put something in ipvsadm's place.
BY_IPVSADM = {"PATH": "/usr/bin:/bin", VARIABLE: "ipvsadm"}
WEB = cluster("dr", service("192.168.0.229", "192.168.0.11"), more='sysctl = { "net.ipv4.vs.conntrack" = 1 }')
MAIL = cluster("dr", service("192.168.0.230", "192.168.0.11", port=25))


@pytest.fixture(scope="module")
def hosts_there(place: Place) -> Iterator[tuple[Node, Node]]:
    place.bridge(BRIDGE)
    both = (
        hosts.director(place, place.node("director"), BRIDGE),
        hosts.real_server(place, place.node("rs1"), BRIDGE),
    )
    yield both
    for node in both:
        node.close()
    place.unbridge(BRIDGE)


@pytest.fixture
def director(hosts_there: tuple[Node, Node]) -> Iterator[Node]:
    """Stopped, with three clusters; must be as it was after the test."""
    node = hosts_there[0]
    for name, text in (("lvs", clusters.DR), ("web", WEB), ("mail", MAIL)):
        node.write(f"/etc/lvs/{name}.toml", text)
    before = hosts.snapshot(node)
    yield node
    hosts.same(node, before)


def call(node: Node, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
    ended = node.entry([f"{ROOT}/bin/lvs-director", *arguments], env=env)
    assert "internal error" not in ended.stderr
    return ended


def test_a_stop_that_fails_for_one_cluster_stops_the_others(director: Node) -> None:
    assert call(director, "web", "mail", "start").code == 0
    setting = "/proc/sys/net/ipv4/vs/conntrack"
    director.run(["mount", "--bind", setting, setting]).check()
    director.run(["mount", "-o", "remount,ro,bind", setting]).check()
    failed = call(director, "stop")
    assert (failed.code, failed.stdout) == (1, "lvs-director mail is stopped\n")
    assert "lvs-director web: " in failed.stderr and "net.ipv4.vs.conntrack: is '1', should be '0'" in failed.stderr
    assert call(director, "mail", "status").code == 3
    director.run(["umount", setting]).check()
    assert call(director, "stop").code == 0


def test_named_clusters_are_each_what_the_verb_makes_them(director: Node) -> None:
    assert call(director, "start", "stop").code == 2
    assert call(director, "web", "start").code == 0
    reloaded = call(director, "web", "mail", "reload")
    assert (reloaded.code, "lvs-director mail is stopped, so there is nothing to reload" in reloaded.stdout) == (
        7,
        True,
    )
    assert call(director, "web", "mail", "restart").code == 0
    assert call(director, "mail", "status").code == 0
    assert call(director, "stop").code == 0


def test_a_full_disk_keeps_nobody_from_stopping(director: Node) -> None:
    assert call(director, "start").code == 0
    director.run(["dd", "if=/dev/zero", "of=/run/filled", "bs=64k"])
    assert call(director, "start").code == 0, "there is nothing to do and so nothing to write"
    assert call(director, "stop").code == 0
    director.run(["rm", "/run/filled"]).check()


@pytest.mark.parametrize("damage", ["echo garbage >", "truncate -s 40 ", 'sed -i s/version.:[0-9]/version\\":9/ '])
def test_a_record_that_cannot_be_read_is_no_finished_stop(director: Node, damage: str) -> None:
    assert call(director, "start").code == 0
    record = "/run/lvs/director-lvs.record"
    saved = director.read(record)
    director.run(["sh", "-c", f"{damage}{record}"]).check()
    stopped = call(director, "stop")
    assert (stopped.code, stopped.stdout) == (1, "")
    assert record in stopped.stderr and "ip address" in stopped.stderr
    director.write(record, saved)
    assert call(director, "stop").code == 0


def test_a_record_that_is_gone_is_told_of(director: Node) -> None:
    assert call(director, "start").code == 0
    saved = director.read("/run/lvs/director-lvs.record")
    director.run(["rm", "-r", "/run/lvs"]).check()
    stopped = call(director, "stop")
    assert (stopped.code, "without a record" in stopped.stderr) == (0, True)
    director.write("/run/lvs/director-lvs.record", saved)
    assert call(director, "stop").code == 0


def test_a_planted_lock_directory_is_worth_a_warning(director: Node) -> None:
    director.run(["sh", "-c", "rm -rf /var/lock/subsys; install -d -o 1000 /var/lock/subsys"]).check()
    for verb in ("start", "stop"):
        ended = call(director, verb)
        assert (ended.code, "belongs to user id 1000" in ended.stderr) == (0, True), verb
    director.run(["rm", "-r", "/run/lock/subsys"]).check()


def test_a_monitor_that_looks_during_a_reload_sees_it_running(director: Node) -> None:
    assert call(director, "start").code == 0
    director.write("/etc/lvs/lvs.toml", clusters.DR_CHANGED)
    director.run(["mkfifo", "/run/here", "/run/go"]).check()
    waiting = '#!/bin/sh\n[ $1 != -R ] || { echo >/run/here; read go </run/go; }\nexec /usr/sbin/ipvsadm "$@"\n'
    director.write("/usr/local/sbin/ipvsadm", waiting, 0o755)
    reload = director.start_entry([f"{ROOT}/bin/lvs-director", "reload"], env=BY_IPVSADM)
    director.run(["cat", "/run/here"]).check()
    seen = call(director, "status")
    director.run(["rm", "/usr/local/sbin/ipvsadm"]).check()
    director.run(["sh", "-c", "echo >/run/go"]).check()
    assert reload.wait().code == 0
    assert (seen.code, seen.stdout.splitlines()[0]) == (0, "lvs-director is running")
    assert "is at work on it" in seen.stdout and heartbeat.agree(0, seen.stdout)
    assert call(director, "stop").code == 0
    director.run(["rm", "/run/here", "/run/go"]).check()


def test_a_duplicate_is_refused_but_for_a_cluster_manager(director: Node, hosts_there: tuple[Node, Node]) -> None:
    refuse = cluster("dr", service("192.168.0.229", "192.168.0.11"), director='duplicate_vip = "refuse"')
    director.write("/etc/lvs/web.toml", refuse)
    hosts_there[1].ip("address add 192.168.0.229/32 dev eth0")
    assert call(director, "web", "start").code == 1
    started = call(director, "web", "start", env={"PATH": "/usr/bin:/bin", "HA_CURHOST": "director"})
    assert (started.code, "is answered for by" in started.stderr) == (0, True)
    assert call(director, "web", "stop").code == 0
    hosts_there[1].ip("address del 192.168.0.229/32 dev eth0")


def test_a_full_restart_that_fails_says_that_it_is_stopped(director: Node) -> None:
    assert call(director, "start").code == 0
    shown = call(director, "--full", "--dry-run", "restart")
    assert (shown.code, "ip address del 192.168.0.219/32 dev eth0" in shown.stdout) == (0, True)
    director.write("/usr/local/sbin/ipvsadm", '#!/bin/sh\n[ $1 != -R ] || exit 3\nexec /usr/sbin/ipvsadm "$@"\n', 0o755)
    # What is emptied by hand need not be emptied by stop, so the start is what fails.
    director.run(["/usr/sbin/ipvsadm", "-C"]).check()
    failed = call(director, "--full", "restart", env=BY_IPVSADM)
    director.run(["rm", "/usr/local/sbin/ipvsadm"]).check()
    assert (failed.code, "it is stopped now" in failed.stderr) == (1, True)
    assert "everything is as it was before" not in failed.stderr
    assert call(director, "status").code == 3


@pytest.mark.parametrize("changed", ["all/arp_ignore=0", "all/arp_announce=1", "eth0/arp_ignore=3"])
def test_a_real_server_that_became_loud_is_partial(hosts_there: tuple[Node, Node], changed: str) -> None:
    """Also where the settings were right before the start, and where a second setting defeats the first."""
    node = hosts_there[1]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    kept = [f"net/ipv4/conf/{name}" for name in ("all/arp_ignore=1", "all/arp_announce=2", "eth0/arp_ignore=0")]
    node.run(["sysctl", "-qw", *kept]).check()
    before = hosts.snapshot(node)

    def role(verb: str) -> Completed:
        return node.entry([f"{ROOT}/bin/lvs-realserver", verb])

    assert (role("start").code, role("status").code) == (0, 0)
    node.run(["sysctl", "-qw", "net/ipv4/conf/eth0/arp_ignore=2"]).check()
    assert role("status").code == 0
    node.run(["sysctl", "-qw", *kept, f"net/ipv4/conf/{changed}"]).check()
    seen = role("status")
    assert (seen.code, changed.partition("/")[2].partition("=")[0] in seen.stdout) == (1, True)
    node.run(["sysctl", "-qw", *kept]).check()
    assert (role("status").code, role("stop").code) == (0, 0)
    hosts.same(node, before)


def test_two_clusters_outlive_an_interface(director: Node) -> None:
    """Its forwarding was both clusters' to put back."""
    director.ip("link add veth7 type dummy")
    assert call(director, "web", "mail", "start").code == 0
    director.ip("link delete dev veth7")
    assert call(director, "web", "mail", "reload").code == 0
    assert call(director, "status").code == 0
    assert [call(director, name, "stop").code for name in ("web", "mail")] == [0, 0]


def test_the_interface_may_have_the_vip_with_another_prefix_length(director: Node) -> None:
    director.ip("address add 192.168.0.229/24 dev eth0")
    assert call(director, "web", "start").code == 0
    addresses = director.run(["ip", "-br", "address", "show", "dev", "eth0"]).stdout
    assert "192.168.0.229/24" in addresses and "192.168.0.229/32" in addresses
    assert call(director, "stop").code == 0
    director.ip("address del 192.168.0.229/24 dev eth0")
