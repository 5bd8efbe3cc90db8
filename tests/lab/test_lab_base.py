"""The lab itself: hosts are apart, joined only by their bridges, and whatever runs in them is told and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Callable

import pytest

from lvs_init.errors import NotInstalled
from lvs_init.lab import guest
from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node
from lvs_init.lab.place import ROOT, SYSTEM_PYTHON, Place, choose, open_place
from lvs_init.lab.snapshot import difference

pytestmark = pytest.mark.either_channel

MakeNode = Callable[[str], Node]
MakeBridge = Callable[[str], str]


@pytest.fixture
def pair(place: Place, node: MakeNode, bridge: MakeBridge) -> tuple[Node, Node]:
    """Two hosts on one link, 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2."""
    left, right = node("left"), node("right")
    lan = bridge("lan")
    place.joins([(left, lan, "eth0", "02:00:00:00:00:01"), (right, lan, "eth0", "02:00:00:00:00:02")])
    for number, each in enumerate((left, right), 1):
        each.ip(
            f"address add 10.0.0.{number}/24 brd + dev eth0",
            f"address add fd00::{number}/64 dev eth0 nodad",
        )
    return left, right


def test_a_program_runs_as_an_init_system_would_run_it(node: MakeNode) -> None:
    host = node("plain")
    done = host.run(["sh", "-c", "env; pwd; umask; cat; ls /proc/self/fd; echo oops >&2; exit 3"])
    assert done.code == 3
    assert done.stderr == "oops\n"
    lines = done.stdout.split()
    assert {"PATH=/sbin:/usr/sbin:/bin:/usr/bin", "TERM=dumb", "/", "0022"} <= set(lines)
    assert not [line for line in lines if line.startswith(("HOME=", "LANG", "LC_", "PYTHON"))]
    assert lines[-4:-1] == ["0", "1", "2"]  # and the one that ls itself has open


def test_environment_and_stdin_are_those_given(node: MakeNode) -> None:
    done = node("plain").run(["/bin/sh", "-c", "echo $A$TERM; cat"], env={"A": "1"}, stdin="a\u00e9\n")
    assert done.stdout == "1\na\u00e9\n"  # dash sets no TERM


def test_a_program_that_is_not_there_is_told(node: MakeNode) -> None:
    done = node("plain").run(["no-such-program"])
    assert (done.code, done.stderr) == (127, "no-such-program: No such program in PATH\n")


def test_hosts_have_their_own_names_files_processes_and_interfaces(node: MakeNode) -> None:
    left, right = node("left"), node("right")
    for each in (left, right):
        for path in ("/run/mark", "/etc/lvs/lvs.toml", "/var/lib/lvs/mark", "/var/lock/subsys/mark"):
            each.write(path, each.name)
        each.write("/usr/local/sbin/mark", f"#!/bin/sh\necho {each.name} $(hostname)\n", 0o755)
    for each in (left, right):
        assert each.read("/etc/lvs/lvs.toml") == each.read("/run/lock/subsys/mark") == each.name
        assert each.run(["/usr/local/sbin/mark"]).stdout == f"{each.name} {each.name}\n"
        # Once a test has loaded a tunnel's module, every new host has that tunnel's fallback device.
        assert set(each.call("os:listdir", path="/sys/class/net")) - {"tunl0", "ip6tnl0"} == {"lo"}
        assert each.run(["ip", "-br", "link"]).stdout.split()[:2] == ["lo", "UNKNOWN"]
        assert not os.path.exists("/usr/local/sbin/mark")


def test_entry_runs_a_script_like_an_interpreter_of_its_own(node: MakeNode) -> None:
    host = node("plain")
    text = "import os, sys\nprint(sys.argv, dict(os.environ), os.getcwd(), __name__, sys.stdin.read())\nsys.exit(4)\n"
    host.write("/root/script", "#!/usr/bin/python3\n" + text, 0o755)
    forked = host.entry(["/root/script", "start"], env={"LC_CTYPE": "C.UTF-8"}, stdin="in")
    fresh = host.run(["/root/script", "start"], env={"LC_CTYPE": "C.UTF-8"}, stdin="in")
    assert (forked.code, forked.stdout, forked.stderr) == (fresh.code, fresh.stdout, fresh.stderr)
    assert forked.code == 4


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("raise SystemExit('no')", 1, "no\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import atexit; atexit.register(print, 'bye'); print('said')", 0, ""),
    ],
)
def test_entry_ends_as_the_script_does(node: MakeNode, text: str, code: int, said: str) -> None:
    host = node("plain")
    host.write("/root/script", text)
    done = host.entry(["/root/script"])
    assert done.code == code
    assert done.stderr.endswith(said)
    assert done.stdout == ("said\nbye\n" if "atexit" in text else "")


def test_entry_calls_its_hook_first(node: MakeNode) -> None:
    host = node("plain")
    host.write("/root/script", "import os; print(os.environ.get('HOOKED'))")
    done = host.entry(["/root/script"], hook="os:putenv", key="A", value="B")
    assert done.code == 1 and "putenv" in done.stderr  # its arguments are by name, which putenv refuses
    assert host.entry(["/root/script"], hook="os:mkdir", path="/root/hooked").stdout == "None\n"
    assert host.call("os:listdir", path="/root/hooked") == []


def test_a_call_tells_its_result_or_its_traceback(node: MakeNode) -> None:
    host = node("plain")
    assert host.call("os.path:join", a="x") == "x"
    with pytest.raises(LabError, match=r"(?s)Traceback.*FileNotFoundError.*'/nowhere'"):
        host.call("os:listdir", path="/nowhere")


def test_what_hangs_is_killed_with_all_it_started(node: MakeNode) -> None:
    host = node("plain")
    started = time.monotonic()
    done = host.run(["sh", "-c", "echo begun; setsid sleep 97 & sleep 98; :"], timeout=1)
    assert (done.expired, done.code, done.stdout) == (True, -signal.SIGKILL, "begun\n")
    assert time.monotonic() - started < 20
    assert "sleep" not in host.run(["ps", "ax"]).stdout
    with pytest.raises(LabError, match="did not end in time"):
        host.call("signal:pause", timeout=1)


def test_many_things_run_at_once_and_can_be_signalled(node: MakeNode) -> None:
    host = node("plain")
    sleepers = [host.start(["sleep", "60"]) for _ in range(3)]
    assert host.run(["echo", "x" * 100_000]).stdout == "x" * 100_000 + "\n"
    for which, sleeper in zip((signal.SIGTERM, signal.SIGINT, signal.SIGKILL), sleepers):
        sleeper.signal(which)
        assert sleeper.wait().code == -which


def test_hosts_on_one_bridge_reach_each_other(pair: tuple[Node, Node]) -> None:
    left, right = pair
    right.serve("lvs_init.lab.server:serve", tcp=[80], udp=[53])
    for address in ("10.0.0.2", "fd00::2"):
        asked = left.call("lvs_init.lab.traffic:requests", address=address, count=2)
        assert asked == {"answers": {"right": 2}, "errors": {}}
        asked = left.call("lvs_init.lab.traffic:requests", address=address, count=3, keepalive=True)
        assert asked == {"answers": {"right": 3}, "errors": {}}
        asked = left.call("lvs_init.lab.traffic:datagrams", address=address, port=53)
        assert asked == {"answers": {"right": 1}, "errors": {}}
    refused = left.call("lvs_init.lab.traffic:requests", address="10.0.0.2", port=81)
    assert refused == {"answers": {}, "errors": {"ECONNREFUSED": 1}}
    log = right.call("lvs_init.lab.server:served")
    assert len(log) == 12
    assert {(line["protocol"], line["client"], line["address"], line["port"]) for line in log} == {
        ("tcp", "10.0.0.1", "10.0.0.2", 80),
        ("tcp", "fd00::1", "fd00::2", 80),
        ("udp", "10.0.0.1", "10.0.0.2", 53),
        ("udp", "fd00::1", "fd00::2", 53),
    }


def test_a_held_connection_tells_when_it_is_cut(pair: tuple[Node, Node]) -> None:
    left, right = pair
    server = right.serve("lvs_init.lab.server:serve")
    held = left.serve("lvs_init.lab.traffic:hold", name="one", address="10.0.0.2")
    assert held.ready == "right"
    assert left.call("lvs_init.lab.traffic:ask_held", name="one") == "right"
    server.kill()
    assert left.call("lvs_init.lab.traffic:ask_held", name="one") in ("EOF", "ECONNRESET")


def test_probes_find_who_has_an_address(pair: tuple[Node, Node]) -> None:
    left, _ = pair
    probes = {"who_answers_arp": ("10.0.0.2", "10.0.0.3"), "who_answers_ns": ("fd00::2", "fd00::3")}
    for probe, (there, nowhere) in probes.items():
        for address, macs in ((there, ["02:00:00:00:00:02"]), (nowhere, [])):
            found = left.call(f"lvs_init.lab.probe:{probe}", interface="eth0", address=address)
            assert found == macs, (probe, address)


def test_ipvs_balances_one_to_one(place: Place, node: MakeNode, bridge: MakeBridge) -> None:
    client, director, first, second = (node(name) for name in ("client", "director", "rs1", "rs2"))
    outside, inside = bridge("outside"), bridge("inside")
    place.joins(
        [
            (client, outside, "eth0", None),
            (director, outside, "eth0", None),
            (director, inside, "eth1", None),
            (first, inside, "eth0", None),
            (second, inside, "eth0", None),
        ]
    )
    client.ip("address add 192.168.0.1/24 brd + dev eth0")
    director.ip("address add 192.168.0.219/24 brd + dev eth0", "address add 10.1.0.1/24 brd + dev eth1")
    director.write("/proc/sys/net/ipv4/ip_forward", "1")
    for number, server in ((11, first), (12, second)):
        server.ip(f"address add 10.1.0.{number}/24 brd + dev eth0", "route add default via 10.1.0.1")
        server.serve("lvs_init.lab.server:serve")
    rules = "-A -t 192.168.0.219:80 -s rr\n" + "".join(
        f"-a -t 192.168.0.219:80 -r 10.1.0.{number}:80 -m\n" for number in (11, 12)
    )
    director.run(["ipvsadm", "-R"], stdin=rules).check()
    asked = client.call("lvs_init.lab.traffic:requests", address="192.168.0.219", count=4)
    assert asked == {"answers": {"rs1": 2, "rs2": 2}, "errors": {}}
    taken = director.call("lvs_init.lab.snapshot:take")
    assert taken["ipvs"]["rules"][0].startswith("-A -t 192.168.0.219:80 -s rr")


def test_a_snapshot_sees_every_change_and_nothing_else(pair: tuple[Node, Node]) -> None:
    host, _ = pair
    before = host.call("lvs_init.lab.snapshot:take")
    assert difference(before, host.call("lvs_init.lab.snapshot:take")) == []
    host.ip("address add 10.0.0.9/32 dev lo label lo:0", "route add 10.9.0.0/16 via 10.0.0.2", "link set lo mtu 9000")
    host.run(["iptables", "-A", "INPUT", "-s", "10.0.0.7", "-j", "DROP"]).check()
    host.write("/proc/sys/net/ipv4/conf/eth0/arp_ignore", "1")
    host.write("/var/lock/subsys/lvs-director", "")
    lines = "\n".join(difference(before, host.call("lvs_init.lab.snapshot:take")))
    for seen in (
        "links/lo/mtu: 65536 -> 9000",
        '"label": "lo:0"',
        '"dst": "10.9.0.0/16"',
        "sysctls/net.ipv4.conf.eth0.arp_ignore: 0 -> 1",
        "-A INPUT -s 10.0.0.7/32 -j DROP",
        "files: + /var/lock/subsys/lvs-director",
    ):
        assert seen in lines
    host.ip("address del 10.0.0.9/32 dev lo", "route del 10.9.0.0/16", "link set lo mtu 65536")
    host.run(["iptables", "-D", "INPUT", "-s", "10.0.0.7", "-j", "DROP"]).check()
    host.write("/proc/sys/net/ipv4/conf/eth0/arp_ignore", "0")
    host.run(["rm", "-r", "/var/lock/subsys"]).check()
    assert difference(before, host.call("lvs_init.lab.snapshot:take")) == []


def test_a_host_starts_with_the_kernels_own_values(node: MakeNode) -> None:
    values = node("plain").call("lvs_init.lab.snapshot:take")["sysctls"]
    for name, value in (("rp_filter", "0"), ("accept_redirects", "1"), ("send_redirects", "1"), ("forwarding", "0")):
        for interface in ("all", "default", "lo"):
            assert values[f"net.ipv4.conf.{interface}.{name}"] == value, (interface, name)


def test_a_closed_host_is_gone_with_its_interfaces(place: Place, node: MakeNode, bridge: MakeBridge) -> None:
    lan = bridge("lan")
    host = place.node("brief")
    place.join(host, lan, "eth0")
    sleeper = host.start(["setsid", "sleep", "96"])
    host.close()
    with pytest.raises(LabError, match="the host has ended"):
        sleeper.wait()
    assert "sleep 96" not in place.switch.run(["ps", "ax"]).stdout
    place.node("brief").close()  # the name is free again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces in this kernel")
def test_this_kernel_can_be_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest, "why_not_here", lambda: None)  # hosts need no ip_vs, so neither does this
    interfaces = os.listdir("/sys/class/net")
    with open_place("here") as place:
        host = place.node("one")
        place.bridge("lan")
        place.join(host, "lan", "eth0")
        host.write("/etc/lvs/mark", "")
        assert sorted(host.call("os:listdir", path="/sys/class/net")) == ["eth0", "lo"]
        assert host.call("socket:gethostname") == "one"
        assert host.call("lvs_init.lab.snapshot:take")["sysctls"]["net.ipv4.conf.default.rp_filter"] == "0"
        assert os.listdir("/sys/class/net") == interfaces
        assert not os.path.exists("/etc/lvs/mark")


def test_no_place_at_all_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest, "why_not_here", lambda: "not root")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotInstalled, match=r"not root.*linux\.uml is not installed") as caught:
        choose()
    assert "apt-get install user-mode-linux" in caught.value.hint


CHILD = """
import sys, time
sys.path.insert(0, {root!r})
from lvs_init.lab.place import open_place
with open_place("guest") as place:
    place.node("one").start(["sleep", "95"])
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(guest.why_no_guest() is not None, reason=str(guest.why_no_guest()))
@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_guest_leaves_nothing_behind(how: str, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    if how == "closed":
        with open_place("guest") as place:
            place.node("one")
            assert _guests_in(tmp_path)
    else:
        with subprocess.Popen([sys.executable, "-c", CHILD.format(root=ROOT)], stdout=subprocess.PIPE) as child:
            assert child.stdout and child.stdout.readline() == b"open\n"
            assert _guests_in(tmp_path)
            child.kill()
    deadline = time.monotonic() + 20
    while (left := [*_guests_in(tmp_path), *os.listdir(tmp_path)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _guests_in(directory: os.PathLike[str]) -> list[str]:
    """The processes of guests whose files are in this directory."""
    processes = subprocess.run(["ps", "axww", "-o", "pid=,args="], stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in processes.stdout.splitlines() if "linux.uml" in line and os.fspath(directory) in line]


def test_both_generations_of_sh_run_the_lab(places: Callable[[str], Place]) -> None:
    generations = [
        places(interpreter).switch.run([interpreter, "-c", "import sh; print(sh.__version__)"]).stdout[:2]
        for interpreter in (SYSTEM_PYTHON, sys.executable)
    ]
    assert generations == ["1.", "2."]
