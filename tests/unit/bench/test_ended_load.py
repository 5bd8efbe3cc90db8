"""bench/load.py: what is made of a load that has ended."""

from __future__ import annotations

from bench.load import CHANGES, line, lost, services
from lvs_init.lab.steady import Became, Loss


def test_kinds_are_counted_apart_and_lost_ones_among_all():
    asking = Became(
        done={"new": {"rs1": 3, "rs2": 4}, "kept": {"rs1": 5}, "download": {}},
        lost=(Loss("kept", "broken", "TIMEOUT", "rs1", 2, 1.5), Loss("kept", "refused", "ECONNREFUSED", "", 1, 2.5)),
        asked=15,
        kept=(),
        downloads={},
        slowest=0.1,
    )
    downloading = Became(
        done={"new": {}, "kept": {}, "download": {"rs2": 1}},
        lost=(Loss("download", "broken", "ECONNRESET", "rs1", 1, 3.5),),
        asked=0,
        kept=(),
        downloads={},
        slowest=0.1,
    )
    found = lost([asking, downloading])
    assert found.lost == {"new": 0, "kept": 3, "download": 1}
    assert found.of == {"new": 7, "kept": 8, "download": 2}
    assert len(found.how) == 3
    assert " ".join(line("change", "bash", found).split()) == "change bash 0 of 7 3 of 8 1 of 2"


def test_every_change_leaves_a_service_for_those_who_ask():
    for change in CHANGES:
        assert change.first != change.second
        assert 80 in change.first
        assert 80 in change.second
        assert {1, 2} <= change.first[change.port].keys()


def test_a_table_is_told_with_its_addresses():
    (service,) = services({80: {1: 1, 3: 5}})
    assert (service.port, service.weights) == (80, {"192.168.10.11": 1, "192.168.10.13": 5})
