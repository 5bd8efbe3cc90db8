"""Reloads while clients ask and download: nothing is lost. The old ways lose under the same load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import cluster
import pytest
from cluster import OTHER_PORT, VIP, do, first, service, text

from lvs_init.lab.rehearsal import Rehearsal

DELETE_FIRST = ["ipvsadm", "-D", "-t", f"{VIP}:80"]
CLEAR = ["ipvsadm", "-C"]
Edit = Callable[[str], str]  # makes a file for a way of forwarding


def of_service(more: str, servers: Sequence[int] = (1, 2)) -> Edit:
    return lambda forwarding: text(forwarding, service(forwarding, servers, more=more))


def of_rs1(keys: str, file: Edit = first) -> Edit:
    return lambda forwarding: file(forwarding).replace('.11" }', f'.11", {keys} }}')


def another_service(forwarding: str) -> str:
    return text(forwarding, service(forwarding), service(forwarding, (3, 1), port=OTHER_PORT))


EDITS = {
    "add": of_service('scheduler = "rr"', servers=(1, 2, 3)),
    "reweight": of_rs1("weight = 5"),
    "drain": of_rs1("weight = 0"),
    "scheduler": of_service('scheduler = "wlc"'),
    "persistence": of_service('scheduler = "rr"\npersistence = 60'),
    "threshold that is exceeded": of_rs1("upper_threshold = 2, lower_threshold = 1"),
    "another service": another_service,
    "all": of_rs1("weight = 3, upper_threshold = 900", of_service('scheduler = "wrr"\npersistence = 60')),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_and_its_way_back(lab: Rehearsal, forwarding: str, edit: str) -> None:
    with cluster.load(lab) as load:
        cluster.reload(lab, load, EDITS[edit](forwarding))
        wanted = cluster.rules(lab)
        cluster.reload(lab, load, first(forwarding))
        cluster.assert_nothing_lost(load.finish())

    with cluster.load(lab, timeout=3) as load:
        lost = cluster.replace(lab, load, DELETE_FIRST, wanted)
    do(lab, "reload")
    assert lost.losses, "the same change loses nothing when the service is deleted first: then this test shows nothing"


def test_nothing_is_lost_without_a_change_and_much_by_a_table_that_is_cleared(lab: Rehearsal) -> None:
    with cluster.load(lab) as load:
        for verb in ("reload", "start", "restart"):
            do(lab, verb)
            load.advance(requests=5, sips=2)
        cluster.assert_nothing_lost(load.finish())
    with cluster.load(lab, timeout=3) as load:
        lost = cluster.replace(lab, load, CLEAR, cluster.rules(lab))
    # What was begun before goes on, or is lost, by how soon the table is back.
    assert "refused" in {loss.how for loss in lost.lost}
