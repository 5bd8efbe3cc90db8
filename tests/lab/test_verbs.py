"""The verbs as an init system meets them: exit codes, one line of success, a sentence for everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Callable

import pytest
from support import clusters, hosts
from support.clusters import cluster, service

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

Make = Callable[[str], Node]

BRIDGE = "verbs"
DIRECTOR, REALSERVER = f"{ROOT}/bin/lvs-director", f"{ROOT}/bin/lvs-realserver"
CLOSED = {"stdout closed": ">&-", "stderr closed": "2>&-", "stdin closed": "<&-", "full disk": ">/dev/full 2>/dev/full"}


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    with hosts.one_a_role(place, BRIDGE) as nodes:
        yield nodes


@pytest.fixture
def director(nodes: dict[str, Node]) -> Iterator[Node]:
    """Configured for dr and stopped; must be as it was after the test."""
    node = nodes["director"]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    before = hosts.snapshot(node)
    yield node
    hosts.same(node, before)


def call(node: Node, role: str, *arguments: str, **more: object) -> Completed:
    """Run a script in a fork; whatever it says, it is no traceback."""
    if more:
        ended = node.entry([f"{ROOT}/bin/lvs-{role}", *arguments], **more)  # type: ignore[arg-type]
    else:
        ended = Completed((), *node.call("support.running:told", role=role, arguments=arguments), 0.0, False)
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "internal error" not in ended.stderr
    return ended


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_exit_codes_of_every_verb(nodes: dict[str, Node], role: str) -> None:
    node = nodes[role]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    before = hosts.snapshot(node)
    stopped = {"status": 3, "stop": 0, "try-restart": 0, "condrestart": 0, "reload": 7, "force-reload": 7}
    assert {verb: call(node, role, verb).code for verb in stopped} == stopped
    hosts.same(node, before)
    first = call(node, role, "start")
    assert (first.code, first.stdout.count("\n"), first.stderr) == (0, 1, "")
    assert first.stdout.startswith(f"lvs-{role} is running: ")
    up = hosts.snapshot(node)
    for verb in ("start", "status", "restart", "try-restart", "condrestart", "reload", "force-reload"):
        ended = call(node, role, verb)
        assert (ended.code, ended.stderr) == (0, ""), verb
        assert ended.stdout.startswith(f"lvs-{role} is running"), verb
    hosts.same(node, up)
    assert call(node, role, "--full", "restart").code == 0
    hosts.same(node, up)
    assert [call(node, role, verb).code for verb in ("stop", "stop", "status", "restart", "stop")] == [0, 0, 3, 0, 0]
    hosts.same(node, before)


@pytest.mark.parametrize("role", ["director", "realserver"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a verb is missing"),
        (["begin"], "unknown verb 'begin'"),
        (["start", "now"], "excess argument 'now'"),
        (["--quick", "start"], "unknown option --quick"),
        (["a/b", "start"], "'a/b' is neither"),
    ],
)
def test_wrong_usage_is_2(nodes: dict[str, Node], role: str, arguments: Sequence[str], said: str) -> None:
    ended = call(nodes[role], role, *arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert f"Usage: lvs-{role} [NAME] {{start|stop|" in ended.stderr


def test_without_root_it_is_4(director: Node) -> None:
    # The checkout may lie where nobody else may look, /root for instance.
    everywhere = "/usr/local/lvs-init"
    director.run(["mkdir", everywhere]).check()
    director.run(["cp", "-r", f"{ROOT}/bin", f"{ROOT}/lvs_init", everywhere]).check()
    director.run(["chmod", "-R", "a+rX", everywhere]).check()
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for verb in ("start", "stop", "reload", "status"):
        ended = director.run([*user, f"{everywhere}/bin/lvs-director", verb])
        assert (ended.code, ended.stdout) == (4, "")
        assert "root" in ended.stderr
    director.run(["rm", "-r", everywhere]).check()


def test_without_configuration_start_is_6_and_stop_works(director: Node) -> None:
    director.run(["rm", "/etc/lvs/lvs.toml"]).check()
    for verb in ("start", "restart"):
        ended = call(director, "director", verb)
        assert (ended.code, ended.stdout) == (6, "")
        assert "there is no configuration /etc/lvs/lvs.toml" in ended.stderr
    assert [call(director, "director", verb).code for verb in ("stop", "status", "reload")] == [0, 3, 7]
    assert call(director, "director", "web", "start").code == 6


def test_a_broken_configuration_is_6_with_every_mistake(director: Node) -> None:
    broken = (
        clusters.DR.replace("192.168.0.12", "192.168.0.712").replace("wrr", "wrong").replace("interface", "inteface")
    )
    director.write("/etc/lvs/lvs.toml", broken)
    ended = call(director, "director", "start")
    assert (ended.code, ended.stdout) == (6, "")
    for told in ("192.168.0.712", "wrong", "inteface", "service[0]", "/etc/lvs/lvs.toml"):
        assert told in ended.stderr
    assert [call(director, "director", verb).code for verb in ("status", "stop")] == [3, 0]


@pytest.mark.parametrize(
    "gone", ["rm /etc/lvs/lvs.toml", "cp /dev/null /etc/lvs/lvs.toml", "chmod 666 /etc/lvs/lvs.toml"]
)
def test_what_was_started_is_stopped_whatever_became_of_its_configuration(director: Node, gone: str) -> None:
    assert call(director, "director", "start").code == 0
    director.run(gone.split()).check()
    try:
        status = call(director, "director", "status")
        assert (status.code, status.stdout.splitlines()[0]) == (0, "lvs-director is running")
        up = hosts.snapshot(director)
        assert call(director, "director", "reload").code == 6
        hosts.same(director, up)
        assert call(director, "director", "stop").code == 0
    finally:
        director.run(["rm", "-f", "/etc/lvs/lvs.toml"]).check()


@pytest.mark.parametrize(("path", "back"), [("/etc/lvs/lvs.toml", "644"), ("/etc/lvs", "755")])
def test_what_others_can_write_is_not_trusted(director: Node, path: str, back: str) -> None:
    director.run(["chmod", "o+w", path]).check()
    ended = call(director, "director", "start")
    director.run(["chmod", back, path]).check()
    assert (ended.code, ended.stdout) == (6, "")
    assert f"{path} is writable by everybody" in ended.stderr
    assert "chmod" in ended.stderr


def test_an_interface_that_is_not_there_is_6_and_those_that_are_are_named(director: Node) -> None:
    director.write("/etc/lvs/lvs.toml", clusters.DR.replace('"eth0"', '"eth9"'))
    ended = call(director, "director", "start")
    assert (ended.code, ended.stdout) == (6, "")
    for told in ("eth9", "eth0", "eth1"):
        assert told in ended.stderr


def test_a_real_server_without_a_rip_of_its_own_is_6(nodes: dict[str, Node]) -> None:
    node = nodes["realserver"]
    node.write("/etc/lvs/lvs.toml", clusters.DR.replace("192.168.0.11", "192.168.0.15"))
    before = hosts.snapshot(node)
    ended = call(node, "realserver", "start")
    assert (ended.code, ended.stdout) == (6, "")
    assert "no real server of /etc/lvs/lvs.toml has an address of this machine" in ended.stderr
    assert [call(node, "realserver", verb).code for verb in ("status", "stop")] == [3, 0]
    hosts.same(node, before)


def test_a_full_disk_is_told_and_nothing_changes(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    node.run(["mkdir", "-p", "/run/lvs"]).check()
    node.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "tmpfs", "/run/lvs"]).check()
    try:
        node.run(["sh", "-c", "echo >/run/lvs/mutex; cat /dev/zero >/run/lvs/full"])
        before = hosts.snapshot(node)
        ended = call(node, "director", "start")
        assert (ended.code, ended.stdout) == (1, "")
        assert "No space left on device" in ended.stderr
        hosts.same(node, before)
        assert call(node, "director", "stop").code == 0
    finally:
        node.run(["umount", "/run/lvs"]).check()


@pytest.mark.parametrize("streams", CLOSED.values(), ids=CLOSED)
def test_streams_that_cannot_be_written_to_change_nothing(director: Node, streams: str) -> None:
    codes = []
    for verb in ("start", "status", "stop", "status"):
        ended = director.run(["sh", "-c", f"{DIRECTOR} {verb} {streams}"])
        assert "Traceback" not in ended.stderr
        codes.append(ended.code)
    assert codes == [0, 0, 0, 3]


def test_an_empty_environment_is_enough(director: Node) -> None:
    assert [director.script("lvs-director", verb, env={}).code for verb in ("start", "status", "stop")] == [0, 0, 0]


def test_a_configuration_is_named_by_argument_environment_or_file(director: Node) -> None:
    director.write("/etc/lvs/web.toml", clusters.DR)
    director.run(["mv", "/etc/lvs/lvs.toml", "/root/other.toml"]).check()
    ended = call(director, "director", "web", "start")  # as Heartbeat calls lvs-director::web
    assert (ended.code, ended.stdout.split(":")[0]) == (0, "lvs-director web is running")
    assert [call(director, "director", *words).code for words in (["web", "status"], ["web", "stop"])] == [0, 0]
    assert call(director, "director", "start", env={"LVS_CONFIG": "/root/other.toml"}).code == 0
    assert call(director, "director", "stop").code == 0
    director.write("/etc/default/lvs-director", "LVS_CONFIG=/root/other.toml # $(touch /root/executed)\n")
    assert call(director, "director", "start").code == 0
    assert call(director, "director", "stop").code == 0
    assert director.run(["rm", "/etc/default/lvs-director"]).check()
    assert director.run(["test", "-e", "/root/executed"]).code == 1
    assert director.run(["rm", "-r", "/etc/lvs/web.toml", "/root/other.toml"]).check()


def test_of_two_starts_at_once_the_second_waits_and_finds_nothing_to_do(director: Node) -> None:
    both = [director.start_script("lvs-director", "start") for _ in range(2)]
    ended = [running.wait() for running in both]
    assert [one.code for one in ended] == [0, 0]
    assert sorted("nothing to do" in one.stdout for one in ended) == [False, True]
    assert call(director, "director", "stop").code == 0


def test_stop_ends_a_start_that_hangs(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    before = hosts.snapshot(node)
    node.call("support.wrapper:plan", how="hang", first=3)
    started = node.start_entry([DIRECTOR, "start"])
    node.call("support.wrapper:await_strike")
    meanwhile = call(node, "director", "start", hook="support.hooks:no_patience")
    assert (meanwhile.code, "still at work" in meanwhile.stderr) == (1, True)
    status = call(node, "director", "status")
    assert status.code == 1
    stopped = call(node, "director", "stop", hook="support.hooks:no_patience")
    assert (stopped.code, stopped.stderr) == (0, "")
    assert started.wait().code != 0
    node.call("support.wrapper:remove")
    hosts.same(node, before)


def test_a_vip_that_another_machine_has_is_a_warning_or_refused(place: Place, node: Make, director: Node) -> None:
    other = node("other")
    place.join(other, BRIDGE, "eth0", "02:00:00:00:00:99")
    other.ip("address add 192.168.0.219/24 dev eth0")
    ended = call(director, "director", "start")
    assert ended.code == 0
    assert "warning: 192.168.0.219 is answered for by 02:00:00:00:00:99" in ended.stderr
    assert call(director, "director", "stop").code == 0
    before = hosts.snapshot(director)
    director.write("/etc/lvs/lvs.toml", clusters.DR.replace("[director]", '[director]\nduplicate_vip = "refuse"'))
    ended = call(director, "director", "start")
    assert (ended.code, ended.stdout) == (1, "")
    assert "192.168.0.219 is answered for by 02:00:00:00:00:99" in ended.stderr
    hosts.same(director, before)


def test_reload_of_a_real_server_keeps_vips_that_left_the_file(nodes: dict[str, Node]) -> None:
    node = nodes["realserver"]
    node.write("/etc/lvs/lvs.toml", clusters.DR)
    before = hosts.snapshot(node)
    assert call(node, "realserver", "start").code == 0
    node.write("/etc/lvs/lvs.toml", cluster("dr", service("192.168.0.219", "192.168.0.11")))
    kept = call(node, "realserver", "reload")
    assert (kept.code, "192.168.0.221" in kept.stderr) == (0, True)
    assert any(each["local"] == "192.168.0.221" for each in hosts.snapshot(node)["addresses"]["lo"])
    assert call(node, "realserver", "--prune", "reload").code == 0
    assert not any(each["local"] == "192.168.0.221" for each in hosts.snapshot(node)["addresses"]["lo"])
    assert call(node, "realserver", "stop").code == 0
    hosts.same(node, before)
