"""Reloads while clients ask and download: nothing is lost. The old ways lose under the same load."""

from __future__ import annotations

import cluster
import pytest
from cluster import VIP, do, service

from lvs_init.lab.rehearsal import Rehearsal

DELETE_FIRST = ["ipvsadm", "-D", "-t", f"{VIP}:80"]
CLEAR = ["ipvsadm", "-C"]
RS1 = '.11" }'

# Each a list of what is replaced in the first file by what.
EDITS = {
    "add": [("}]", '}, { rip = "192.168.%s.13" }]')],
    "reweight": [(RS1, '.11", weight = 5 }')],
    "drain": [(RS1, '.11", weight = 0 }')],
    "scheduler": [('"rr"', '"wlc"')],
    "persistence": [('"rr"', '"rr"\npersistence = 60')],
    "threshold that is exceeded": [(RS1, '.11", upper_threshold = 2, lower_threshold = 1 }')],
    "another service": [("[[service]]", "%s[[service]]")],
    "all": [('"rr"', '"wrr"\npersistence = 60'), (RS1, '.11", weight = 3, upper_threshold = 900 }')],
}


def edited(forwarding: str, edit: str) -> str:
    file = cluster.first(forwarding)
    for old, new in EDITS[edit]:
        assert old in file
        if new.startswith("%s"):
            new = service(forwarding, (3, 1), port=cluster.OTHER_PORT) + old
        file = file.replace(old, new.replace("%s", "10" if forwarding == "nat" else "0"), 1)
    return file


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_and_its_way_back(lab: Rehearsal, forwarding: str, edit: str) -> None:
    with cluster.load(lab) as load:
        cluster.reload(lab, load, edited(forwarding, edit))
        wanted = cluster.rules(lab)
        cluster.reload(lab, load, cluster.first(forwarding))
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
    assert {loss.how for loss in lost.lost} >= {"refused", "broken"}
    assert lost.done["download"] == {}
