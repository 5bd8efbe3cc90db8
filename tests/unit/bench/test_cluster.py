"""bench/cluster.py: everybody is told the same cluster."""

from __future__ import annotations

import re

import pytest

from bench.cluster import FORWARDING, GROWING, HUGE, MANY, MIDDLE, SMALL, WIDE, Cluster
from bench.inside import difference
from bench.words import ipvsadm_lines, keepalived_conf, ldirectord_cf, lvs_toml
from lvs_init.config.load import parse

ALL = (SMALL, MIDDLE, MANY, WIDE, *GROWING, HUGE)


def told(cluster: Cluster) -> set[tuple[str, int, str, int]]:
    """VIP, port, RIP and weight of every real server."""
    return {
        (*cluster.address(service), rip, weight)
        for service in cluster.all
        for rip, weight in cluster.weights(service).items()
    }


@pytest.mark.parametrize("cluster", ALL, ids=str)
def test_every_service_has_an_address_and_real_servers_of_its_own_number(cluster: Cluster):
    assert len({cluster.address(service) for service in cluster.all}) == cluster.services
    assert len(told(cluster)) == cluster.realservers


def test_services_share_vips_where_they_are_said_to():
    assert len(WIDE.vips(WIDE.all)) == 1000
    assert len(HUGE.vips(HUGE.all)) == 100
    assert {len(cluster.vips(cluster.all)) for cluster in GROWING} == {20}


def test_real_servers_are_shared_where_they_are_said_to_be():
    assert len({rip for _, _, rip, _ in told(MANY)}) == 20
    assert len({rip for _, _, rip, _ in told(HUGE)}) == 20000


def test_the_changed_weight_is_that_of_one_real_server():
    before, after = Cluster(5, 2), Cluster(5, 2, changed=7)
    assert [weight for *_, weight in told(after) - told(before)] == [7]


@pytest.mark.parametrize("cluster", [SMALL, Cluster(5, 3, ports=2, changed=4), MIDDLE], ids=str)
def test_all_words_for_it_say_the_same(cluster: Cluster):
    wanted = told(cluster)
    services = cluster.told(cluster.all)
    lines = "\n".join(ipvsadm_lines(services, FORWARDING))
    assert set(re.findall(r"-a -t (\S+):(\d+) -r (\S+):\d+ -g -w (\d+)", lines)) == strings(wanted)
    parts = keepalived_conf(services, FORWARDING).split("virtual_server ")[1:]
    found = {
        (*service.split()[:2], *server)
        for service in parts
        for server in re.findall(r"real_server (\S+) \d+ \{\n  weight (\d+)", service)
    }
    assert found == strings(wanted)
    parts = ldirectord_cf(services, FORWARDING).split("virtual=")[1:]
    found = {
        (*service.split()[0].split(":"), *server)
        for service in parts
        for server in re.findall(r"real=(\S+):\d+ gate (\d+)", service)
    }
    assert found == strings(wanted)
    loaded = parse(lvs_toml(services, FORWARDING), "bench.toml")
    assert {
        (service.key.address, service.key.port, key.address, server.weight)
        for service in loaded.services
        for key, server in service.realservers
    } == wanted


def strings(rows: set[tuple[str, int, str, int]]) -> set[tuple[str, ...]]:
    return {tuple(map(str, row)) for row in rows}


def test_the_parts_are_the_whole():
    parts = [service for number in range(WIDE.parts) for service in WIDE.part(number)]
    assert parts == list(WIDE.all)
    assert WIDE.part(WIDE.parts) == WIDE.part(0)


def test_the_recipe_of_a_part_has_a_process_for_each_thing():
    recipe = WIDE.recipe(WIDE.part(1)).splitlines()
    assert len(recipe) == 2 + 25 * 4
    assert len(WIDE.recipe_away(WIDE.part(1)).splitlines()) == 1 + 25 + 2


def test_a_table_that_is_not_as_wanted_is_told_with_the_first_difference():
    cluster = Cluster(2, 1)
    full = {
        cluster.address(1): ("wlc", {"192.168.64.1": (3, 1)}),
        cluster.address(2): ("wlc", {"192.168.64.2": (3, 1)}),
    }
    assert difference(full, cluster, cluster.all) == ""
    assert difference({}, cluster, []) == ""
    assert "1 services" in difference(full, cluster, [1])
    assert "2 services" in difference({}, cluster, cluster.all)
    other = {**full, cluster.address(1): ("rr", full[cluster.address(1)][1])}
    assert "'rr'" in difference(other, cluster, cluster.all)
