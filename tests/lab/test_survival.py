"""An open connection outlives what is done to its director, and what belongs to others is left alone."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from support.classic import NAT as CLASSIC_NAT
from support.facts import facts

from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

VIP = "192.168.0.219"
WEIGHT, SECOND = "weight = 1", '{ rip = "192.168.%s.12" }'


def cluster(forwarding: str, network: int) -> str:
    return f"""
[cluster]
forwarding = "{forwarding}"
[director]
interface = "eth0"
dip = "192.168.{network}.10"
[[service]]
vip = "{VIP}"
port = 80
scheduler = "rr"
realservers = [{{ rip = "192.168.{network}.11", {WEIGHT} }}, {SECOND % network}]
"""


def service(vip: str, port: int, rip: str) -> str:
    return f'[[service]]\nvip = "{vip}"\nport = {port}\nscheduler = "rr"\nrealservers = [{{ rip = "{rip}" }}]\n'


NAT, DR = cluster("nat", 10), cluster("dr", 0)
WEB = '[cluster]\nforwarding = "nat"\n[director]\ninterface = "eth0"\ndip = "192.168.10.10"\n' + service(
    "192.168.0.221", 80, "192.168.10.12"
)
# What others have set up on the director, before us.
FOREIGN = (
    "-A INPUT -s 203.0.113.7 -j DROP",
    "-t mangle -A PREROUTING -s 203.0.113.8 -j MARK --set-mark 9",
    "-t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22",
)
FOREIGN_SERVICES = (
    "-A -t 192.168.0.50:25 -s wlc -p 60\n-a -t 192.168.0.50:25 -r 192.168.0.60:25 -m -w 3\n-A -f 77 -s sh\n"
)

_numbers = itertools.count()


@contextlib.contextmanager
def surviving(lab: Rehearsal) -> Iterator[None]:
    """Holds a connection to each real server meanwhile; fails unless each is answered over by the same one then."""
    names = [f"held{next(_numbers)}" for _ in lab.realservers]
    held = [lab.client.serve("lvs_init.lab.traffic:hold", name=name, address=VIP) for name in names]
    yield
    answers = [lab.client.call("lvs_init.lab.traffic:ask_held", name=name) for name in names]
    for each in held:
        each.kill()
    assert answers == [each.ready for each in held]


def do(lab: Rehearsal, *words: str) -> None:
    lab.call_director(*words).completed.check()


def foreign(lab: Rehearsal) -> set[str]:
    """Every rule of iptables, and what the table has for others."""
    return {
        line
        for line in facts(lab.director.call("lvs_init.lab.snapshot:take"))
        if line.startswith("iptables") or "192.168.0.50" in line or "-f 77" in line
    }


@pytest.fixture(scope="module", params=[NAT, DR], ids=["nat", "dr"])
def lab(request: pytest.FixtureRequest, place: Place) -> Iterator[Rehearsal]:
    with Rehearsal(place, request.param, fresh=False) as lab:
        for rule in FOREIGN:
            lab.director.run(["iptables", *rule.split()]).check()
        lab.director.run(["ipvsadm", "-R"], stdin=FOREIGN_SERVICES).check()
        before = foreign(lab)
        assert len(before) == 6
        for call in lab.start():
            call.completed.check()
        yield lab
        assert foreign(lab) == before
        for call in lab.stop():
            call.completed.check()
        assert foreign(lab) == before


@pytest.mark.parametrize("verb", ["start", "restart", "reload"])
def test_a_verb_that_finds_nothing_to_do(lab: Rehearsal, verb: str) -> None:
    with surviving(lab):
        do(lab, verb)


# Each a list of what is replaced by what.
EDITS = {
    "attributes": [(WEIGHT, "weight = 5"), ('"rr"', '"wlc"'), ("port = 80", "port = 80\npersistence = 60")],
    "drained": [(WEIGHT, "weight = 0")],
    "more": [
        (", {", ', { rip = "192.168.%s.13" }, {'),
        ("[[service]]", service("192.168.0.220", 8080, "192.168.%s.11") + "[[service]]"),
    ],
}


@pytest.mark.parametrize("edit", EDITS)
def test_reload_of_an_edited_file_and_back(lab: Rehearsal, edit: str) -> None:
    edited = lab.text
    for old, new in EDITS[edit]:
        assert old in edited
        edited = edited.replace(old, new.replace("%s", "10" if lab.text == NAT else "0"), 1)
    with surviving(lab):
        lab.director.write(CONFIGURATION, edited)
        do(lab, "reload")
        lab.director.write(CONFIGURATION, lab.text)
        do(lab, "reload")


def test_restart_applies_an_edited_file(lab: Rehearsal) -> None:
    with surviving(lab):
        lab.director.write(CONFIGURATION, lab.text.replace(WEIGHT, "weight = 7"))
        do(lab, "restart")
        assert "-w 7" in lab.director.run(["ipvsadm", "-Sn"]).check().stdout
        lab.director.write(CONFIGURATION, lab.text)
        do(lab, "restart")


def test_another_cluster_comes_and_goes(lab: Rehearsal) -> None:
    lab.director.write("/etc/lvs/web.toml", WEB)
    with surviving(lab):
        do(lab, "web", "start")
        with surviving(lab):
            do(lab, "web", "stop")


def test_a_connection_can_be_broken(lab: Rehearsal) -> None:
    """Without the table the next packet is answered with a reset: what the others would see if it were touched."""
    saved = lab.director.run(["ipvsadm", "-Sn"]).check().stdout
    with pytest.raises(AssertionError, match="ECONNRESET"), surviving(lab):
        lab.director.run(["ipvsadm", "-C"]).check()
    do(lab, "start")
    with surviving(lab):
        pass
    theirs = "".join(line for line in saved.splitlines(True) if "192.168.0.50" in line or "-f 77" in line)
    lab.director.run(["ipvsadm", "-R"], stdin=theirs).check()


def test_start_takes_over_from_the_classic_script(place: Place) -> None:
    """As docs/classic.md says: no connection is lost, and stop leaves what the script had made."""
    text = NAT.replace(f'"{VIP}"', f'"{VIP}/24"')
    with Rehearsal(place, text, fresh=False) as lab:
        lab.director.run(["sh", "-s"], stdin="\n".join(CLASSIC_NAT.start)).check()
        before = facts(lab.director.call("lvs_init.lab.snapshot:take"))
        with surviving(lab):
            do(lab, "start")
            do(lab, "stop")
        after = facts(lab.director.call("lvs_init.lab.snapshot:take"))
        assert before - after == set()
        assert {line for line in after - before if not line.startswith("file ")} == set()
