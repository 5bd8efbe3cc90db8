"""Every attribute is edited in place on the real kernel, and what somebody has changed by hand is repaired."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from support import clusters, hosts
from support.clusters import cluster
from support.facts import facts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place
from tests import edits
from tests.edits import server, service, vip

SCHEDULER, TUNNEL = "scheduler", "tunnel port"


@pytest.fixture(scope="module")
def director(place: Place) -> Iterator[Node]:
    """Started with the file as it is before the edits."""
    place.bridge("reload")
    node = hosts.director(place, place.node("director"), "reload")
    node.run(["modprobe", "-a", "ip_vs_sh", "ip_vs_mh", "ip_vs_lc", "ip_vs_pe_sip"]).check()
    before = hosts.snapshot(node)
    node.write("/etc/lvs/lvs.toml", edits.file(edits.ALL, after=False))
    script(node, "start").check()
    yield node
    script(node, "stop").check()
    hosts.same(node, before)
    node.close()
    place.unbridge("reload")


def script(node: Node, *words: str) -> Completed:
    return node.entry([f"{ROOT}/bin/lvs-director", *words], hook="support.hooks:every_tunnel")


def planned(node: Node, verb: str) -> list[str]:
    """The lines for ipvsadm -R."""
    shown = script(node, verb, "--dry-run").check().stdout
    return [line for line in shown.splitlines() if line.startswith(("-A ", "-a ", "-E ", "-e ", "-D ", "-d "))]


@pytest.fixture(scope="module")
def edited(director: Node) -> dict[str, list[str]]:
    """All attributes edited by one reload: what was planned, and the table as ipvsadm shows it afterwards."""
    assert planned(director, "reload") == []
    director.write("/etc/lvs/lvs.toml", edits.file(edits.ALL, after=True))
    lines = planned(director, "reload")
    script(director, "reload").check()
    assert planned(director, "reload") == []
    return {"planned": lines, **hosts.snapshot(director)["ipvs"]}


@pytest.mark.parametrize("name", edits.ALL)
def test_an_attribute_is_edited_in_place(edited: dict[str, list[str]], name: str) -> None:
    about = re.compile(rf"-. {re.escape(service(name))}( |$)")
    assert [line for line in edited["planned"] if about.match(line)] == [edits.line(name)]
    assert [line for line in edited["rules"] if about.match(line)] == edits.rules(name)
    assert [line for line in edited["thresholds"] if f" {vip(name)}]:80 " in line or f" {vip(name)}:80 " in line] == (
        edits.thresholds(name)
    )


def test_timeouts_are_set(edited: dict[str, list[str]]) -> None:
    assert "2000 120 30" in " ".join(" ".join(edited["timeout"]).split())


AT, RIP = service(SCHEDULER), server(SCHEDULER)
DRIFTS = {
    "a real server was deleted": f"ipvsadm -d {AT} -r {RIP}",
    "a weight was changed": f"ipvsadm -e {AT} -r {RIP} -g -w 9",
    "thresholds were changed": f"ipvsadm -e {AT} -r {RIP} -g -w 1 -x 9 -y 3",
    "a forwarding was changed": f"ipvsadm -e {AT} -r {RIP} -m -w 1",
    "a tunnel was changed": f"ipvsadm -e {service(TUNNEL)} -r {server(TUNNEL)} -i -w 1 --tun-type gre --tun-csum",
    "a scheduler was changed": f"ipvsadm -E {AT} -s rr -p 77",
    "a stranger came into a service": f"ipvsadm -a {AT} -r 192.168.0.99:80 -g -w 1",
    "a service was deleted": f"ipvsadm -D {AT}",
    "everything was deleted": "ipvsadm -C",
    "timeouts were changed": "ipvsadm --set 77 0 0",
    "a VIP was removed": f"ip address del {vip(SCHEDULER)}/32 dev eth0",
    "a route was removed": f"route del -host {vip(SCHEDULER)} dev eth0",
    "an IPv6 VIP was removed": f"ip address del {vip('scheduler of IPv6')}/128 dev eth0",
    "forwarding was switched off": "sysctl -q -w net.ipv4.ip_forward=0",
}


@pytest.fixture(scope="module")
def right(director: Node) -> set[str]:
    """What start leaves."""
    script(director, "start").check()
    return facts(hosts.snapshot(director))


@pytest.mark.parametrize("drift", DRIFTS)
def test_reload_repairs_what_was_changed_by_hand(director: Node, right: set[str], drift: str) -> None:
    director.run(DRIFTS[drift].split()).check()
    assert "nothing to do" not in script(director, "reload").check().stdout
    assert facts(hosts.snapshot(director)) ^ right == set()


def test_what_a_killed_reload_left_is_made_good(director: Node, right: set[str]) -> None:
    """Killed when the table has changed and the VIPs have not; then the file says something else again."""
    one, two = "192.168.0.240", "192.168.0.241"
    files = {
        "first": cluster("dr", clusters.service(one, "192.168.0.11", "192.168.0.12")),
        "killed": cluster("dr", clusters.service(one, "192.168.0.13"), clusters.service(two, "192.168.0.11")),
        "last": cluster("dr", clusters.service(one, "192.168.0.11 9", "192.168.0.13 3")),
    }
    director.write("/etc/lvs/web.toml", files["first"])
    script(director, "web", "start").check()
    director.write("/etc/lvs/web.toml", files["killed"])
    command = [f"{ROOT}/bin/lvs-director", "--force", "web", "reload"]
    killed = director.entry(command, hook="support.hooks:at_event", number=4, which=signal.SIGKILL)
    assert (killed.code, director.read("/run/lab-event")[:6]) == (-signal.SIGKILL, "step 2")
    director.write("/etc/lvs/web.toml", files["last"])
    script(director, "web", "start").check()
    snapshot = hosts.snapshot(director)
    assert [line for line in snapshot["ipvs"]["rules"] if one in line or two in line] == [
        f"-A -t {one}:80 -s wrr",
        f"-a -t {one}:80 -r 192.168.0.11:80 -g -w 9",
        f"-a -t {one}:80 -r 192.168.0.13:80 -g -w 3",
    ]
    assert not [fact for fact in facts(snapshot) if two in fact]
    script(director, "web", "stop").check()
    assert facts(hosts.snapshot(director)) ^ right == set()
