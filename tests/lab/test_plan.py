"""lvsctl plan on a machine; the brake of reload; other programs that write the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import clusters, heartbeat, hosts
from support.clusters import service

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

BRIDGE = "plan"
WEB = "192.168.0.219"
FILE = clusters.cluster("dr", service(WEB, "192.168.0.11", "192.168.0.12 2"), service("192.168.0.221", "192.168.0.11"))
#: As FILE, where the brake is on.
BRAKED = FILE.replace("max_removal = 1.0\n", "")


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    with hosts.one_a_role(place, BRIDGE) as nodes:
        yield nodes


@pytest.fixture
def director(nodes: dict[str, Node]) -> Iterator[Node]:
    """Started, and stopped afterwards."""
    node = nodes["director"]
    node.write("/etc/lvs/lvs.toml", BRAKED)
    script(node, "start").check()
    yield node
    script(node, "stop").check()


def script(node: Node, *words: str) -> Completed:
    return node.entry([f"{ROOT}/bin/lvs-director", *words], hook="support.hooks:hurried")


def plan(node: Node, *words: str) -> Completed:
    ended = node.entry([f"{ROOT}/bin/lvsctl", "plan", *words])
    assert "internal error" not in ended.stderr
    return ended


def told(node: Node, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan(node, "--json", *words).stdout)
    return found


def test_nothing_to_do(director: Node) -> None:
    ended = plan(director)
    assert (ended.code, ended.stdout, ended.stderr) == (
        0,
        "lvs-director: reload of /etc/lvs/lvs.toml: nothing to do\n",
        "",
    )


def test_what_was_changed_by_hand_is_shown_and_reload_puts_it_right(director: Node) -> None:
    director.run(["ipvsadm", "-e", "-t", f"{WEB}:80", "-r", "192.168.0.12", "-g", "-w", "9"]).check()
    director.run(["ipvsadm", "-d", "-t", f"{WEB}:80", "-r", "192.168.0.11"]).check()
    director.run(["ipvsadm", "-A", "-t", "10.9.9.9:1", "-s", "rr"]).check()
    director.run(["ip", "address", "del", "192.168.0.221/32", "dev", "eth0"]).check()
    before = hosts.snapshot(director)
    ended = plan(director)
    hosts.same(director, before)
    assert ended.code == 2
    said = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    one, two = (f"real server 192.168.0.1{n}:80 of tcp {WEB}:80" for n in (1, 2))
    for line in (
        f"+ {one} is missing forwarding dr, weight 1",
        f"~ {two} somebody changed it weight 9 -> 2",
        f"-a -t {WEB}:80 -r 192.168.0.11:80 -g -w 1",
        f"{one} is gone is put right",
        f"{two} weight 2 -> 9 is put right",
        "address 192.168.0.221/32 on eth0 is gone is put right",
        "192.168.0.221 is announced on eth0",
        "tcp 10.9.9.9:1 rr, 0 real servers",
    ):
        assert line in said
    machine = told(director)
    assert [drift["key"] for drift in machine["drifted"]] == [one, two, "address 192.168.0.221/32 on eth0", *(
        drift["key"] for drift in machine["drifted"] if "host route" in drift["key"]
    )]  # fmt: skip
    assert machine["foreign"] == [{"key": "tcp 10.9.9.9:1", "scheduler": "rr", "real_servers": 0, "of": ""}]
    script(director, "reload").check()
    assert plan(director).code == 0
    director.run(["ipvsadm", "-D", "-t", "10.9.9.9:1"]).check()


def test_a_file_from_elsewhere_is_meant_for_the_cluster_that_runs(director: Node) -> None:
    director.write("/root/next.toml", BRAKED.replace("weight = 2", "weight = 7"))
    before = hosts.snapshot(director)
    ended = plan(director, "/root/next.toml")
    hosts.same(director, before)
    assert ended.code == 2
    assert "reload of /root/next.toml: 1 step (so far /etc/lvs/lvs.toml)" in ended.stdout
    assert "weight 2 -> 7" in ended.stdout
    director.write("/etc/lvs/web.toml", clusters.cluster("dr", service("192.168.0.229", "192.168.0.11")))
    assert told(director, "web")["verb"] == "start"
    script(director, "web", "start").check()
    unsure = plan(director, "/root/next.toml")
    assert (unsure.code, unsure.stdout) == (6, "")
    assert "may be meant for any of lvs, web" in unsure.stderr
    assert told(director, "--cluster", "lvs", "/root/next.toml")["instance"] == "lvs"
    script(director, "web", "stop").check()


def test_what_is_planned_is_what_is_done(director: Node) -> None:
    director.write("/etc/lvs/lvs.toml", BRAKED.replace("weight = 2", "weight = 7").replace("221", "222"))
    commands = [command for step in told(director)["steps"] for command in step["commands"]]
    shown = script(director, "--dry-run", "reload").check().stdout
    for command in commands:
        assert " ".join(command["argv"]) in shown
        assert command["stdin"] in shown
    script(director, "reload").check()
    assert plan(director).code == 0


def test_the_role_is_the_one_that_fits_the_machine(nodes: dict[str, Node]) -> None:
    for role, node in nodes.items():
        node.write("/etc/lvs/lvs.toml", FILE)
        planned = told(node)
        assert (planned["role"], planned["verb"], planned["todo"]) == (role, "start", True)
    other = told(nodes["realserver"], "--role", "director")
    assert (other["role"], other["verb"]) == ("director", "start")


def test_exit_codes(director: Node) -> None:
    director.write("/etc/lvs/lvs.toml", BRAKED.replace("weight = 2", "wieght = 2"))
    broken = plan(director)
    assert (broken.code, "did you mean 'weight'?" in broken.stdout) == (1, True)
    assert plan(director, "/nowhere.toml").code == 6
    assert plan(director, "--role").code == 64
    director.run(["rm", "/etc/lvs/lvs.toml"]).check()
    assert plan(director).code == 6


FEWER = BRAKED.replace(', { rip = "192.168.0.12", weight = 2 }', "").replace(
    service("192.168.0.221", "192.168.0.11"), ""
)


@pytest.mark.parametrize("verb", ["reload", "force-reload"])
def test_a_reload_that_takes_away_too_much_is_refused(director: Node, verb: str) -> None:
    director.write("/etc/lvs/lvs.toml", FEWER)
    before = hosts.snapshot(director)
    warned = plan(director)
    assert (warned.code, "reload refuses this unless forced" in warned.stdout) == (2, True)
    assert "would take away 2 of 3 real servers and 1 of 2 services" in script(director, "--dry-run", verb).stderr
    refused = script(director, verb)
    hosts.same(director, before)
    assert (refused.code, refused.stdout) == (1, "")
    for line in (
        "would take away 2 of 3 real servers and 1 of 2 services at once; max_removal allows 50%",
        "\n  tcp 192.168.0.221:80\n",
        f"\n  real server 192.168.0.12:80 of tcp {WEB}:80\n",
        "--force",
    ):
        assert line in refused.stderr
    assert script(director, "--force", verb).check().stderr == ""
    assert told(director)["todo"] is False


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_start_and_restart_do_not_brake(director: Node, verb: str) -> None:
    director.write("/etc/lvs/lvs.toml", FEWER)
    assert script(director, verb).code == 0


def test_the_key_can_say_that_it_is_meant(director: Node) -> None:
    director.write("/etc/lvs/lvs.toml", FEWER.replace("[director]", '[director]\nmax_removal = "67%"'))
    assert script(director, "reload").code == 0


def test_other_programs_that_write_the_table_are_named(director: Node) -> None:
    director.run(["cp", "/bin/sleep", "/root/keepalived"]).check()
    other = director.start(["/root/keepalived", "60"], timeout=None)
    try:
        for verb in ("start", "reload"):
            ended = script(director, verb)
            assert ended.code == 0
            assert "warning: keepalived (process " in ended.stderr
        assert "keepalived (process " in plan(director).stdout
        status = script(director, "status")
        assert (status.code, status.stderr) == (0, "")
        assert "note: keepalived (process " in status.stdout
        assert heartbeat.agree(status.code, status.stdout)
    finally:
        other.kill()
    assert "keepalived" not in script(director, "status").stdout
