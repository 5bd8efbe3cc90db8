"""What doctor does besides naming a fault: it sets things right and back, hears the network, and joins machines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest
from standing_clusters import Standing

from lvs_init.lab.node import Node

pytestmark = pytest.mark.xdist_group("dr")

BIN = os.path.join(Path(__file__).parents[2], "bin")
VIP = "192.168.0.219"


@pytest.fixture
def lab(standing: Callable[[str], Standing]) -> Any:
    stands = standing("dr")
    yield stands.lab
    assert stands.settle(set(stands.lab.nodes)) == []


def ask(lab: Any, host: str, *words: str) -> Any:
    return lab.nodes[host].entry([os.path.join(BIN, "lvsctl"), "doctor", *words], env=lab.place.environment)


def codes(told: Any) -> list[str]:
    return [each["code"] for each in json.loads(told.stdout)["findings"] if each["severity"] != "note"]


def test_what_is_set_right_can_be_taken_back(lab: Any) -> None:
    node: Node = lab.nodes["rs1"]
    ill = ["sysctl -qw net.ipv4.conf.all.arp_ignore=0", f"ip address add {VIP}/24 dev lo"]
    node.run(["sh", "-ec", "\n".join(ill)]).check()
    told = ask(lab, "rs1", "--fix", "--yes")
    assert told.code == 0, told.stderr
    assert ask(lab, "rs1").stdout.endswith("nothing is wrong\n")
    back = told.stdout.partition("this takes it back:\n")[2]
    assert len(back.splitlines()) == 2
    node.run(["sh", "-ec", back]).check()
    # A network on lo is local altogether: nobody there is answered any more, and asked on eth0 all of it is.
    assert codes(ask(lab, "rs1", "--json")) == ["ARP01", "ARP05", "ARP09"]
    node.run(["sh", "-ec", f"sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip address del {VIP}/24 dev lo"]).check()


def test_without_root_nothing_is_set(lab: Any) -> None:
    before = lab.nodes["rs1"].run(["sysctl", "-n", "net.ipv4.conf.all.arp_ignore"]).stdout
    told = lab.nodes["rs1"].run(["setpriv", "--reuid", "65534", "--", "python3", f"{BIN}/lvsctl", "doctor", "--fix"])
    assert told.code == 4, told.stderr
    assert lab.nodes["rs1"].run(["sysctl", "-n", "net.ipv4.conf.all.arp_ignore"]).stdout == before


#: Says that the VIP is here, until it is ended.
ANNOUNCING = f"""
import sys, time
sys.path.insert(0, {os.path.dirname(BIN)!r})
from lvs_init.system import arp
while True:
    arp.announce([("eth0", "{VIP}")], rounds=1)
    time.sleep(0.1)
"""


def test_a_real_server_that_announces_the_vip_is_heard(lab: Any) -> None:
    speaking = lab.nodes["rs1"].start(["python3", "-c", ANNOUNCING])
    told = ask(lab, lab.topology.director.name, "--json", "--listen", "1.5")
    speaking.kill()
    for node in lab.nodes.values():  # what they have heard would hide what holds
        node.run(["ip", "neigh", "flush", "all"]).check()
    assert codes(told) == ["ARP04"]


def test_two_machines_are_judged_together(lab: Any) -> None:
    collected = ask(lab, "rs1", "--collect")
    assert collected.code == 0, collected.stderr
    name = lab.topology.director.name
    director: Node = lab.nodes[name]
    director.write("/run/rs1.json", collected.stdout)
    lab.nodes["rs1"].run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=0"]).check()
    director.write("/run/rs1-ill.json", ask(lab, "rs1", "--collect").stdout)
    lab.nodes["rs1"].run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]).check()
    assert codes(ask(lab, name, "--json", "--with", "/run/rs1.json")) == []
    told = ask(lab, name, "--json", "--with", "/run/rs1-ill.json")
    assert [
        (each["code"], each["node"]) for each in json.loads(told.stdout)["findings"] if each["severity"] == "broken"
    ] == [("ARP01", "rs1")]
    director.run(["rm", "/run/rs1.json", "/run/rs1-ill.json"]).check()


def test_start_says_what_keeps_traffic_away(lab: Any) -> None:
    node: Node = lab.nodes["rs1"]
    node.run(["ip", "address", "add", "192.168.0.77/24", "dev", "lo"]).check()
    told = node.entry([os.path.join(BIN, "lvs-realserver"), "start"], env=lab.place.environment)
    node.run(["ip", "address", "del", "192.168.0.77/24", "dev", "lo"]).check()
    assert told.code == 0
    assert "warning: ARP05: 192.168.0.77/24 is on lo" in told.stderr
    quiet = node.entry([os.path.join(BIN, "lvs-realserver"), "start"], env=lab.place.environment)
    assert (quiet.code, quiet.stderr) == (0, "")
