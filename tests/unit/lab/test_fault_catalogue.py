"""The faults as data: each has a name of its own, fits a cluster, and all its words are known there."""

from __future__ import annotations

import re

import pytest

from lvs_init.config.load import parse
from lvs_init.lab.fault import CLIENT, DIRECTOR, KERNEL, OTHER, REALSERVER, ROUTER, STANDBY, Fault
from lvs_init.lab.faults import FAULTS, named
from lvs_init.lab.injection import aim
from lvs_init.lab.standing import CLUSTERS
from lvs_init.lab.topology import topology_of

PARSED = {name: parse(text, f"{name}.toml") for name, text in CLUSTERS.items()}


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z]+\d\d?\d?(-[a-z0-9_-]+)?", name) for name in names)


def test_faults_are_found_by_code_and_by_name() -> None:
    assert {fault.variant for fault in named("arp05")} == {"", "beside"}
    assert [fault.name for fault in named("ARP01-all-3")] == ["ARP01-all-3"]
    assert named("ARP99") == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_fits_a_standing_cluster(fault: Fault) -> None:
    fitting = []
    for name, cluster in PARSED.items():
        if fault.pair and cluster.ha is None:
            continue
        found = aim(fault, cluster, topology_of(cluster, pair=fault.pair))
        if found:
            fitting.append(name)
            for act in (*fault.inject, *fault.undo):
                act.words.format(**found.names)
                assert act.host in (DIRECTOR, STANDBY, REALSERVER, OTHER, ROUTER, CLIENT, KERNEL)
    assert fitting


def test_the_words_are_those_of_the_cluster() -> None:
    cluster = PARSED["nat"]
    found = aim(named("NAT02-other")[0], cluster, topology_of(cluster))
    assert found
    assert found.host == "rs1"
    assert found.names["vip"] == "192.168.0.219"
    assert (found.names["rip"], found.names["other"]) == ("192.168.10.11", "192.168.10.12")
    assert (found.names["interface"], found.names["facing"]) == ("eth1", "eth0")
    assert (found.names["gateway"], found.names["director"]) == ("192.168.10.10", "192.168.10.10")
    assert found.names["spare"] not in ("", "192.168.10.10", "192.168.10.11", "192.168.10.12")
    other = aim(named("NAT02-other")[0], cluster, topology_of(cluster), "rs2")
    assert other and other.names["rip"] == "192.168.10.12"
