"""A foreign service goes on through everything that is done to ours, and nothing foreign is changed."""

from __future__ import annotations

from collections.abc import Iterator

import cluster
import pytest
from cluster import do, service, text
from support.classic import NAT as CLASSIC
from support.facts import facts

from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal
from lvs_init.lab.steady import SteadyLoad

ADDRESS = "192.168.0.50"
# Their own port of the real servers: by nat a client that uses one source port for two services of one real server's
# port is one and the same connection to that real server, and the later resets the earlier.
SERVICES = f"""-A -t {ADDRESS}:25 -s rr
-a -t {ADDRESS}:25 -r 192.168.10.11:443 -m -w 1
-a -t {ADDRESS}:25 -r 192.168.10.12:443 -m -w 1
-A -f 77 -s sh
"""
RULES = (
    "-A INPUT -s 203.0.113.7 -j DROP",
    "-t mangle -A PREROUTING -s 203.0.113.8 -j MARK --set-mark 9",
    "-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22",
)
FIRST = text("nat", service("nat"))
CHANGED = text("nat", service("nat", (3, 1), more='scheduler = "wlc"'), service("nat", port=cluster.OTHER_PORT))


@pytest.fixture
def lab(place: Place) -> Iterator[Rehearsal]:
    """Our director is stopped; a mail service that nobody has told it of runs on its machine."""
    with cluster.rehearsal(place, "nat") as lab:
        lab.director.write(CONFIGURATION, FIRST)
        lab.director.write("/proc/sys/net/ipv4/ip_forward", "1")
        lab.director.ip(f"address add {ADDRESS}/32 dev eth0")
        for rule in RULES:
            lab.director.run(["iptables", *rule.split()]).check()
        lab.director.run(["ipvsadm", "-R"], stdin=SERVICES).check()
        yield lab


def foreign(lab: Rehearsal) -> set[str]:
    """Every rule of iptables, and what the table has for others."""
    return {
        line
        for line in facts(lab.director.call("lvs_init.lab.snapshot:take"))
        if line.startswith("iptables") or ADDRESS in line or "-f 77" in line
    }


def mail(lab: Rehearsal, timeout: float = 30) -> SteadyLoad:
    return cluster.load(lab, address=ADDRESS, port=25, timeout=timeout)


def test_start_reload_restart_and_stop_leave_it_alone(lab: Rehearsal) -> None:
    before = foreign(lab)
    assert len(before) >= len(RULES) + len(SERVICES.splitlines())
    with mail(lab) as theirs:
        do(lab, "start")
        theirs.advance(requests=8, sips=1)
        with cluster.load(lab, downloads=["rs1"]) as ours:
            cluster.reload(lab, ours, CHANGED)
            assert foreign(lab) == before
            do(lab, "restart")
            ours.advance(requests=8, sips=1)
        do(lab, "stop")
        theirs.advance(requests=8, sips=1)
        became = theirs.finish()
    assert became.losses == 0, str(became)
    assert became.done["download"] == {"rs1": 1, "rs2": 1}
    assert foreign(lab) == before


def test_the_classic_script_does_not(lab: Rehearsal) -> None:
    before = foreign(lab)
    with mail(lab, timeout=5) as theirs:
        lab.director.run(["sh", "-s"], stdin="\n".join(CLASSIC.start)).check()
        theirs.advance(requests=8)
        became = theirs.finish()
    assert {loss.how for loss in became.lost} == {"refused", "broken"}
    assert foreign(lab) != before
