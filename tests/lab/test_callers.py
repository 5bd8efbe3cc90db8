"""Everybody who calls an init script brings another environment; none of it may matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from support import clusters, hosts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

pytestmark = pytest.mark.either_channel

BRIDGE = "callers"
LINK = "/etc/rc3.d/S11lvs-director"
BARE = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "TERM": "linux"}
STRANGE = {
    "PATH": "",
    "LANG": "tr_TR.ISO-8859-9",
    "LC_ALL": "ja_JP.SJIS",
    "LANGUAGE": "xx",
    "HOME": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONIOENCODING": "utf-16",
    "PYTHONCOERCECLOCALE": "0",
    "IFS": "/",
}
#: Who calls: what a shell does first, how the script is called, the environment.
CALLERS: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "rc": ("cd /; umask 077", LINK, BARE),
    "everything closed": ("cd /etc/rc3.d; umask 000; exec <&- >&- 2>&-", "./S11lvs-director", BARE),
    "nothing set": ("cd /tmp", "/etc/init.d/lvs-director", {}),
    "a strange user": ("umask 777", "/etc/init.d/lvs-director", STRANGE),
}


@pytest.fixture(scope="module")
def host(place: Place) -> Iterator[Node]:
    """A director whose script stands where a Red Hat has it."""
    place.bridge(BRIDGE)
    node = hosts.director(place, place.node("director"), BRIDGE)
    node.run(["mkdir", "-p", "/etc/rc3.d", "/etc/init.d"]).check()
    node.run(["ln", "-s", f"{ROOT}/bin/lvs-director", "/etc/init.d/lvs-director"]).check()
    node.run(["ln", "-s", "../init.d/lvs-director", LINK]).check()
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    yield node
    node.close()
    place.unbridge(BRIDGE)


def call(node: Node, caller: str, verb: str) -> Completed:
    before, script, environment = CALLERS[caller]
    return node.run(["/bin/sh", "-c", f"{before}; {script} {verb}"], env=environment)


@pytest.mark.parametrize("caller", CALLERS)
def test_who_calls_does_not_matter(host: Node, caller: str) -> None:
    assert host.run(["test", "-e", "/dev/log"]).code == 1
    before = hosts.snapshot(host)
    started = call(host, caller, "start")
    assert (started.code, started.stderr) == (0, "")
    modes = ["/run/lvs", "/run/lvs/director-lvs.record", "/run/lvs/mutex", "/var/lock/subsys/lvs-director"]
    assert host.run(["stat", "-c", "%a", *modes]).stdout.split() == ["700", "600", "600", "644"]
    status = call(host, caller, "status")
    assert (status.code, status.stderr) == (0, "")
    stopped = call(host, caller, "stop")
    assert (stopped.code, stopped.stderr) == (0, "")
    if "closed" not in caller:
        assert started.stdout.startswith("lvs-director is running: ")
        assert status.stdout.splitlines()[0] == "lvs-director is running"
        assert stopped.stdout == "lvs-director is stopped\n"
    assert call(host, caller, "status").code == 3
    hosts.same(host, before)


def test_service_restarts_it_fully(host: Node) -> None:
    before = hosts.snapshot(host)
    assert host.run(["service", "lvs-director", "start"]).code == 0
    up = hosts.snapshot(host)
    restarted = host.run(["service", "lvs-director", "--full-restart"])
    assert (restarted.code, restarted.stderr) == (0, "")
    assert restarted.stdout.splitlines()[0] == "lvs-director is stopped"
    assert restarted.stdout.splitlines()[1].startswith("lvs-director is running: ")
    hosts.same(host, up)
    assert host.run(["service", "lvs-director", "stop"]).code == 0
    hosts.same(host, before)
