"""A service without anybody to serve it is told of only where moving it could help."""

from __future__ import annotations

from dataclasses import replace

from lvs_init.commands.proc_ip_vs import ProcServer, ProcService, ProcTable
from lvs_init.engine.serving import unserved
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import Entry, Record

WEB = ServiceKey("tcp", "192.168.0.219", 80)
MAIL = ServiceKey("tcp", "192.168.0.219", 25)


def record(**weights: int) -> Record:
    """A director that has given the web's real servers these weights; mail has one of weight 1."""
    entries = {WEB: Entry(Service(), None), MAIL: Entry(Service(), None)}
    given = [*((WEB, f"192.168.0.{name[1:]}", weight) for name, weight in weights.items()), (MAIL, "192.168.0.11", 1)]
    for service, address, weight in given:
        entries[RealServerKey(service, address, service.port)] = Entry(RealServer("dr", weight), None)
    return Record("director", "lvs", entries)


def table(*weights: int) -> ProcTable:
    """What the kernel has: the web's real servers with these weights."""

    def service(key: ServiceKey, *having: int) -> ProcService:
        servers = (ProcServer(f"192.168.0.1{n}", key.port, "dr", weight, 0, 0) for n, weight in enumerate(having, 1))
        return ProcService(key, "wlc", False, False, tuple(servers))

    return ProcTable({WEB: service(WEB, *weights), MAIL: service(MAIL, 1)})


def test_a_service_whose_real_servers_all_lost_their_weight() -> None:
    assert list(unserved(record(r11=1, r12=2), table(0, 0))) == [
        "service tcp 192.168.0.219:80 has no real server with a weight above 0"
    ]
    assert list(unserved(record(r11=1), table())) != []


def test_one_is_enough() -> None:
    assert list(unserved(record(r11=1, r12=2), table(0, 2))) == []


def test_weights_of_0_that_were_given_so_are_nobody_s_fault() -> None:
    assert list(unserved(record(r11=0, r12=0), table(0, 0))) == []


def test_who_looks_after_the_weights_knows_why() -> None:
    looked_after = replace(record(r11=1), policy=Policy(live_weights=frozenset([WEB])))
    assert list(unserved(looked_after, table(0))) == []


def test_a_service_that_is_missing_has_been_told_of() -> None:
    assert list(unserved(record(r11=1), ProcTable({}))) == []
