"""Real servers leave without breaking anybody's connection, and whatever is timed is finished, whoever is killed."""

from __future__ import annotations

import itertools
import json
import re
import signal
import time
from collections.abc import Iterator
from typing import Callable

import pytest

from lvs_init.lab.node import Completed
from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

VIP, OTHER = "192.168.0.219", "192.168.0.220"
FIRST, SECOND = "192.168.0.11", "192.168.0.12"
SETTINGS = "/proc/sys/net/ipv4/vs/"
_numbers = itertools.count()


def service(head: str, *servers: str, more: str = "") -> str:
    listed = ", ".join(f"{{ {server} }}" for server in servers)
    return f'[[service]]\n{head}\nscheduler = "rr"\n{more}\nrealservers = [{listed}]\n'


def cluster(*rips: str, drain: int = 60, more: str = "", extra: str = "") -> str:
    """A tcp service, a persistent one, a udp one, and one by mark whose exchanges the kernel forgets after a second."""
    servers = [f'rip = "{rip}"' for rip in rips]
    return (
        f'[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\ndrain_timeout = {drain}\nmax_removal = 1.0\n'
        "[director.timeouts]\nudp = 1\n"
        + service(f'vip = "{VIP}"\nport = 80', *servers, more=more)
        + service(f'vip = "{VIP}"\nport = 81', *servers, more="persistence = 300")
        + service(f'vip = "{VIP}"\nport = 53\nprotocol = "udp"', *servers)
        + service(f'fwmark = 7\nvips = ["{VIP}"]\nmatch = [{{ protocol = "udp", port = 54 }}]', *servers)
        + extra
    )


LEAVING = service(f'fwmark = 8\nvips = ["{OTHER}"]\nmatch = [{{ protocol = "udp", port = 55 }}]', f'rip = "{SECOND}"')
BOTH = cluster(FIRST, SECOND, extra=LEAVING)


class Director:
    """The director of a rehearsal, with what these tests ask of it."""

    def __init__(self, lab: Rehearsal) -> None:
        self.lab = lab
        self.node = lab.director

    def script(self, *words: str) -> Completed:
        return self.node.entry([f"{ROOT}/bin/lvs-director", *words], env={})

    def ctl(self, *words: str) -> Completed:
        return self.node.entry([f"{ROOT}/bin/lvsctl", *words], env={})

    def apply(self, text: str, verb: str = "reload") -> str:
        self.node.write(CONFIGURATION, text)
        return self.script(verb).check().stderr

    def weights(self, service: str = f"-t {VIP}:80") -> dict[str, int]:
        """RIP -> weight, of one service as ipvsadm -Sn calls it."""
        rows = [line.split() for line in self.node.run(["ipvsadm", "-Sn"]).check().stdout.splitlines()]
        return {
            row[4].partition(":")[0]: int(row[row.index("-w") + 1])
            for row in rows
            if row[0] == "-a" and " ".join(row[1:3]) == service
        }

    def setting(self, name: str) -> str:
        return self.node.read(SETTINGS + name).strip()

    def status(self) -> str:
        return self.script("status").check().stdout

    def keeper(self) -> int:
        """The process id of the one at work; 0 for none."""
        look = "read pid rest </run/lvs/keeper.lock && test -d /proc/$pid && echo $pid"
        return int(self.node.run(["sh", "-c", look]).stdout or 0)

    def hold(self, port: int = 80) -> tuple[str, str]:
        """A connection held open: the host that answers it, and its name."""
        name = f"drain{next(_numbers)}"
        serving = self.lab.client.serve("lvs_init.lab.traffic:hold", name=name, address=VIP, port=port)
        return serving.ready, name

    def hold_both(self) -> dict[str, str]:
        """One to each of the two: host -> name."""
        held = dict(self.hold() for _ in self.lab.realservers)
        assert set(held) == set(self.lab.realservers)
        return held

    def datagrams(self, port: int, address: str = VIP, count: int = 1) -> dict[str, int]:
        """Host -> how many it has answered."""
        told = self.lab.client.call("lvs_init.lab.traffic:datagrams", address=address, port=port, count=count)
        assert not told["errors"]
        answers: dict[str, int] = told["answers"]
        return answers

    def answered(self, held: str) -> str:
        told: str = self.lab.client.call("lvs_init.lab.traffic:ask_held", name=held)
        return told

    def asked(self, count: int = 4, port: int = 80) -> set[str]:
        """Who answers new connections; "refused" and its like where nobody does."""
        told = self.lab.client.call("lvs_init.lab.traffic:requests", address=VIP, port=port, count=count)
        return {*told["answers"], *told["errors"]}


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Awaits what another process brings about and nobody announces."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def lab(place: Place) -> Iterator[Rehearsal]:
    with Rehearsal(place, BOTH, fresh=False) as lab:
        for call in lab.call_realservers("start"):
            call.completed.check()
        yield lab


@pytest.fixture
def director(lab: Rehearsal) -> Iterator[Director]:
    """Started; in the end it is stopped, whatever is under way, and nothing may be left of it."""
    director = Director(lab)
    before = lab.director.call("support.state:quick")
    director.apply(BOTH, "start")
    yield director
    director.script("stop").check()
    until(lambda: not lab.director.run(["pgrep", "-f", "lvs_init keeper"]).stdout)
    lab.director.run(["rm", "-f", "/var/lib/lvs/director-lvs.will"]).check()
    assert lab.director.call("support.state:quick") == before


def test_a_real_server_that_leaves_is_drained(director: Director) -> None:
    held = director.hold_both()
    gone, persistent = director.hold(81)
    rips = {director.lab.host_of(rip): rip for rip in (FIRST, SECOND)}
    left, stays = rips.pop(gone), next(iter(rips.values()))
    other = director.lab.host_of(stays)
    assert director.datagrams(54, count=2) == {gone: 1, other: 1}
    assert director.datagrams(55, OTHER) == {director.lab.host_of(SECOND): 1}
    said = director.apply(cluster(stays))
    assert f"{left}:80 of tcp {VIP}:80: gets no new connections" in said
    assert director.weights() == director.weights(f"-t {VIP}:81") == {stays: 1, left: 0}
    assert director.weights(f"-u {VIP}:53") == {stays: 1}
    assert director.answered(held[gone]) == director.answered(persistent) == gone
    assert director.asked() == director.asked(port=81) == {other}
    assert re.search(rf"draining real server {left}:80 of tcp {VIP}:80: 1 connection, \d+ s left", director.status())
    until(lambda: bool(director.keeper()))
    until(lambda: director.weights("-f 7") == {stays: 1})
    until(lambda: director.weights("-f 8") == {})
    assert OTHER not in director.node.run(["ip", "address"]).check().stdout
    assert director.setting("expire_quiescent_template") == "1"
    director.apply(BOTH)
    assert director.weights() == {FIRST: 1, SECOND: 1}
    assert director.asked() == {gone, other}
    assert director.answered(held[gone]) == director.answered(persistent) == gone
    assert director.setting("expire_quiescent_template") == "0"


def test_the_deadline_cuts(director: Director) -> None:
    held = director.hold_both()
    second = director.lab.host_of(SECOND)
    director.apply(cluster(FIRST, drain=2))
    until(lambda: director.weights() == {FIRST: 1})
    assert director.answered(held[second]) == "ECONNRESET"
    assert director.setting("expire_nodest_conn") == "1"
    assert "was cut off" in director.status()


def test_no_time_at_all(director: Director) -> None:
    held = director.hold_both()
    director.apply(cluster(FIRST, drain=0))
    assert director.weights() == {FIRST: 1}
    assert director.answered(held[director.lab.host_of(SECOND)]) == "ECONNRESET"


def test_a_killed_keeper_is_made_good(director: Director) -> None:
    held = director.hold_both()
    second = director.lab.host_of(SECOND)
    director.apply(cluster(FIRST))
    until(lambda: bool(director.keeper()))
    keeper = director.keeper()
    look = f"readlink /proc/{keeper}/fd/*; cut -d ' ' -f 6 /proc/{keeper}/stat"
    *files, session = director.node.run(["sh", "-c", look]).check().stdout.split()
    assert files[:3] == ["/dev/null"] * 3
    assert (session, "/run/lvs/mutex" in files) == (str(keeper), False)
    director.node.run(["kill", "-KILL", str(keeper)]).check()
    assert "no keeper is at work" in director.status()
    told = json.loads(director.ctl("drain", FIRST, "--json").check().stdout)
    assert [row["weight"] for row in told["servers"]] == [0, 0, 0, 0]
    assert director.weights() == {FIRST: 0, SECOND: 0}
    until(lambda: bool(director.keeper()))
    another = director.keeper()
    director.apply(cluster(FIRST, drain=1))
    until(lambda: director.weights() == {FIRST: 0})
    assert director.answered(held[second]) == "ECONNRESET"
    assert director.keeper() == another


def test_by_hand(director: Director) -> None:
    held = director.hold_both()
    first, second = director.lab.host_of(FIRST), director.lab.host_of(SECOND)
    for _ in range(2):
        assert "drained, 1 connection left" in director.ctl("drain", f"{SECOND}:80").check().stdout
    assert director.weights() == {FIRST: 1, SECOND: 0}
    assert director.weights(f"-u {VIP}:53") == {FIRST: 1, SECOND: 1}
    assert director.asked() == {first}
    assert director.answered(held[second]) == second
    for verb in ("reload", "restart", "start"):
        director.apply(BOTH, verb)
        assert director.weights() == {FIRST: 1, SECOND: 0}
    assert f"{SECOND}:80 is drained by hand since" in director.status()
    assert not director.keeper()
    # A reboot: the kernel has forgotten all, and so has /run.
    director.node.run(["ipvsadm", "-C"]).check()
    director.node.ip(*(f"address del {vip}/32 dev eth0" for vip in (VIP, OTHER)))
    director.node.run(["iptables", "-t", "mangle", "-F"]).check()
    director.node.run(["sh", "-c", "rm -r /run/lvs; sysctl -qw net.ipv4.ip_forward=0"]).check()
    assert (
        f"{FIRST}:80 in tcp {VIP}:80: counts when lvs is started" in director.ctl("weight", FIRST, "5").check().stdout
    )
    assert f"note: {FIRST} has weight 5 by hand since" in director.script("start").check().stderr
    assert director.weights() == {FIRST: 5, SECOND: 0}
    director.ctl("undrain", FIRST).check()
    assert director.node.run(["stat", "-c", "%a %n", "/var/lib/lvs", "/var/lib/lvs/director-lvs.will"]).stdout == (
        "700 /var/lib/lvs\n600 /var/lib/lvs/director-lvs.will\n"
    )
    assert "weight 1 as in the file" in director.ctl("undrain", SECOND).check().stdout
    assert director.weights() == {FIRST: 1, SECOND: 1}
    assert director.asked() == {first, second}


def test_who_is_not_there_cannot_be_drained(director: Director) -> None:
    told = director.ctl("drain", "192.168.0.77")
    assert (told.code, told.stdout) == (1, "")
    assert f"no real server 192.168.0.77\n  -> there are {FIRST}:80, {SECOND}:80, " in told.stderr
    assert director.ctl("weight", FIRST, "65536").code == 64


def test_a_drain_by_hand_ends_at_its_time_whoever_is_killed(director: Director) -> None:
    held = director.hold_both()
    second = director.lab.host_of(SECOND)
    waiting = director.node.start_script("lvsctl", "drain", f"{SECOND}:80", "--timeout", "10", "--wait", env={})
    until(lambda: director.weights() == {FIRST: 1, SECOND: 0})
    until(lambda: bool(director.keeper()))
    waiting.signal(signal.SIGKILL)
    assert director.answered(held[second]) == second
    until(lambda: director.weights() == {FIRST: 1})
    assert director.answered(held[second]) == "ECONNRESET"
    director.apply(BOTH)
    assert director.weights() == {FIRST: 1}
    director.ctl("undrain", f"{SECOND}:80").check()
    assert director.weights() == {FIRST: 1, SECOND: 1}


def test_a_weight_by_hand_little_by_little(director: Director) -> None:
    assert "weight 9" in director.ctl("weight", f"{SECOND}:80", "9").check().stdout
    assert director.weights() == {FIRST: 1, SECOND: 9}
    told = director.ctl("weight", f"{SECOND}:80", "3", "--over", "3", "--wait").check().stdout
    assert "on its way to 3 in 3 s" in told
    assert director.weights() == {FIRST: 1, SECOND: 3}
    director.apply(BOTH)
    assert director.weights() == {FIRST: 1, SECOND: 3}
    assert f"{SECOND}:80 has weight 3 by hand" in director.status()
    director.ctl("undrain", f"{SECOND}:80").check()
    assert director.weights() == {FIRST: 1, SECOND: 1}


def test_weights_that_somebody_else_looks_after(director: Director) -> None:
    director.apply(cluster(FIRST, more='weights = "live"'))
    director.node.run(["ipvsadm", "-e", "-t", f"{VIP}:80", "-r", f"{FIRST}:80", "-g", "-w", "7"]).check()
    for verb in ("reload", "restart"):
        director.apply(cluster(FIRST, SECOND, more='weights = "live"'), verb)
        assert director.weights() == {FIRST: 7, SECOND: 1}
    assert "note: real server" not in director.status()
    director.ctl("drain", FIRST).check()
    assert director.weights() == {FIRST: 0, SECOND: 1}
    director.ctl("undrain", FIRST).check()
    assert director.weights() == {FIRST: 1, SECOND: 1}  # the file's: what the checker wants by now nobody knows
