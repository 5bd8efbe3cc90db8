"""lvsctl try: kept by who is there to say so, taken back by itself from whoever is cut off."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from support import clusters, hosts
from support.clusters import service

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

BRIDGE = "try"
CONFIGURATION, TRIED, TRIAL = "/etc/lvs/lvs.toml", "/root/next.toml", "/run/lvs/director-lvs.trial"
OLD = clusters.cluster("dr", service("192.168.0.219", "192.168.0.11", "192.168.0.12 2"))
#: Another weight, another VIP, a real server less.
NEW = clusters.cluster("dr", service("192.168.0.219", "192.168.0.11 5"), service("192.168.0.220", "192.168.0.11"))
SHORT, LONG = "--for=5", "--for=600"
ASKED = "Enter keeps it"


@pytest.fixture(scope="module")
def host(place: Place) -> Iterator[Node]:
    place.bridge(BRIDGE)
    node = hosts.director(place, place.node("director"), BRIDGE)
    yield node
    node.close()
    place.unbridge(BRIDGE)


@pytest.fixture
def director(host: Node) -> Iterator[Node]:
    """Started with the old file, the new one at hand; stopped and without a keeper afterwards."""
    host.write(CONFIGURATION, OLD, mode=0o640)
    host.write(TRIED, NEW)
    script(host, "start").check()
    yield host
    script(host, "stop").check()
    host.run(["rm", "-f", f"{CONFIGURATION}.old"]).check()
    host.call("support.terminal:keeper_gone")


def script(node: Node, *words: str) -> Completed:
    return node.entry([f"{ROOT}/bin/lvs-director", *words], hook="support.hooks:hurried")


def attempt(node: Node, *words: str, **more: Any) -> Completed:
    """Without a terminal, unless a hook is named."""
    ended = node.entry([f"{ROOT}/bin/lvsctl", "try", *words], **{"hook": "support.hooks:hurried", **more})
    assert "internal error" not in ended.stderr
    return ended


def at_terminal(node: Node, *words: str, then: str) -> tuple[int, str]:
    code, screen = node.call(
        "support.terminal:at", script="lvsctl", arguments=["try", *words], question=ASKED, then=then
    )
    assert "internal error" not in screen
    return code, screen


def taken_back(node: Node, before: dict[str, Any]) -> None:
    """Wait for the keeper; then all must be as it was, and applied from the configuration."""
    node.call("support.terminal:gone", path=TRIAL)
    script(node, "reload").check()  # has the mutex once the keeper has let go of it
    node.call("support.terminal:keeper_gone")
    hosts.same(node, before)
    status = script(node, "status")
    assert (status.code, "note:" in status.stdout) == (0, False)
    assert node.read(CONFIGURATION) == OLD


def test_enter_keeps_it_and_the_former_configuration(director: Node) -> None:
    director.run(["chown", "0:4", CONFIGURATION]).check()
    code, screen = at_terminal(director, LONG, TRIED, then="\n")
    assert code == 0
    assert f"{TRIED} is kept and is now {CONFIGURATION} (before: {CONFIGURATION}.old)" in screen
    assert (director.read(CONFIGURATION), director.read(f"{CONFIGURATION}.old")) == (NEW, OLD)
    for path in (CONFIGURATION, f"{CONFIGURATION}.old"):
        assert director.run(["stat", "-c", "%a %u %g", path]).check().stdout == "640 0 4\n"
    assert TRIAL not in hosts.snapshot(director)["files"]
    assert "nothing to do" in script(director, "reload").check().stdout
    assert "note:" not in script(director, "status").check().stdout


def test_ctrl_c_goes_back_at_once(director: Node) -> None:
    before = hosts.snapshot(director)
    code, _ = at_terminal(director, LONG, TRIED, then="\x03")
    assert code == 1
    taken_back(director, before)


@pytest.mark.parametrize("fate", ["hang up", "kill"])
def test_who_is_cut_off_loses_nothing(director: Node, fate: str) -> None:
    before = hosts.snapshot(director)
    code, screen = at_terminal(director, SHORT, TRIED, then=fate)
    assert code == (-signal.SIGHUP if fate == "hang up" else -signal.SIGKILL)
    assert f"{TRIED} is in effect until" in screen
    assert "192.168.0.220" in director.run(["ip", "address"]).check().stdout
    taken_back(director, before)


def test_killed_while_it_is_being_applied(director: Node) -> None:
    before = hosts.snapshot(director)
    killed = attempt(director, SHORT, TRIED, hook="support.hooks:at_event", number=4, which=signal.SIGKILL)
    assert (killed.code, director.read("/run/lab-event")[:6]) == (-signal.SIGKILL, "step 2")
    assert "192.168.0.220:80" in director.run(["ipvsadm", "-Sn"]).check().stdout
    taken_back(director, before)


def test_confirmed_from_elsewhere(director: Node) -> None:
    begun = attempt(director, LONG, TRIED)
    assert begun.code == 0
    assert "It goes back by itself, unless: lvsctl try --confirm lvs" in begun.stdout
    status = script(director, "status").check().stdout
    assert f"note: {TRIED} is on trial until" in status
    second = attempt(director, LONG, TRIED)
    assert (second.code, "is on trial until" in second.stderr) == (1, True)
    before = hosts.snapshot(director)
    for verb in ("reload", "restart", "force-reload", "try-restart"):
        refused = script(director, verb)
        assert (refused.code, "lvsctl try --confirm" in refused.stderr) == (1, True)
    hosts.same(director, before)
    assert attempt(director, "--confirm", "lvs").code == 0
    assert director.read(CONFIGURATION) == NEW
    assert "nothing to do" in script(director, "reload").check().stdout
    nothing = attempt(director, "--confirm")
    assert (nothing.code, "nothing is on trial" in nothing.stderr) == (1, True)


def test_revert_goes_back_and_stop_ends_it(director: Node) -> None:
    before = hosts.snapshot(director)
    attempt(director, LONG, TRIED).check()
    assert attempt(director, "--revert").code == 0
    taken_back(director, before)
    attempt(director, LONG, TRIED).check()
    script(director, "stop").check()
    assert TRIAL not in hosts.snapshot(director)["files"]
    script(director, "start").check()
    taken_back(director, before)


def test_start_repairs_what_is_on_trial(director: Node) -> None:
    before = hosts.snapshot(director)
    attempt(director, LONG, TRIED).check()
    tried = hosts.snapshot(director)
    director.ip("address del 192.168.0.220/32 dev eth0")
    director.run(["ipvsadm", "-d", "-t", "192.168.0.219:80", "-r", "192.168.0.11:80"]).check()
    assert "announce 192.168.0.220" in script(director, "--dry-run", "start").check().stdout
    assert f"note: {TRIED} is on trial until" in script(director, "start").check().stderr
    assert "is on trial until" in script(director, "status").check().stdout
    hosts.same(director, tried)
    assert attempt(director, "--revert").code == 0
    taken_back(director, before)


def test_an_interface_that_is_gone_keeps_nobody_from_going_back(director: Node) -> None:
    # Under nat every interface's forwarding is remembered.
    nat = clusters.cluster("nat", service("192.168.0.219", "192.168.10.11"), director='dip = "192.168.10.10"')
    director.ip("link add gone0 type dummy")
    script(director, "stop").check()
    director.write(CONFIGURATION, nat)
    script(director, "start").check()
    director.write(TRIED, nat.replace("192.168.10.11", "192.168.10.12"))
    attempt(director, LONG, TRIED).check()
    director.ip("link del gone0")
    assert attempt(director, "--revert").check().code == 0
    assert "192.168.10.11:80" in director.run(["ipvsadm", "-Sn"]).check().stdout
    assert "nothing to do" in script(director, "reload").check().stdout


def test_the_next_verb_makes_good_what_a_killed_keeper_has_left(director: Node) -> None:
    before = hosts.snapshot(director)
    attempt(director, SHORT, TRIED).check()
    director.call("support.terminal:kill_keeper")
    director.run(["sleep", "5"]).check()
    assert "192.168.0.220" in director.run(["ip", "address"]).check().stdout
    script(director, "reload").check()
    taken_back(director, before)


def test_what_is_refused(director: Node) -> None:
    before = hosts.snapshot(director)
    director.write(TRIED, NEW.replace("max_removal = 1.0", "max_removal = 0.4"))
    braked = attempt(director, LONG, TRIED)
    assert (braked.code, "would take away 1 of 2 real servers" in braked.stderr) == (1, True)
    director.write("/root/broken.toml", NEW.replace("rip", "rib"))
    broken = attempt(director, LONG, "/root/broken.toml")
    assert (broken.code, "did you mean 'rip'?" in broken.stdout) == (1, True)
    director.run(["chmod", "o+w", TRIED]).check()
    assert "is writable by everybody" in attempt(director, LONG, TRIED).stderr
    director.run(["chmod", "o-w", TRIED]).check()
    assert attempt(director, LONG, "/root/nowhere.toml").code == 6
    assert attempt(director).code == 64
    assert attempt(director, "--for=1", TRIED).code == 64
    taken_back(director, before)
    script(director, "stop").check()
    stopped = attempt(director, LONG, TRIED)
    assert (stopped.code, "so there is nothing to go back to" in stopped.stderr) == (1, True)
