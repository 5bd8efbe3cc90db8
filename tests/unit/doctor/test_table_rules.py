"""The table, its writers, and the director as a host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lvs_init.doctor.snapshot import (
    Connections,
    Interface,
    Listener,
    LiveServer,
    Neighbour,
    PersistedSetting,
    Program,
    Route,
    RouteAnswer,
    Snapshot,
)
from tests.machines import DIP, OTHER, RIP, VIP, altered, cluster, codes, director, judged, real_server

DR, NAT = cluster("dr"), cluster("nat")


def with_servers(*servers: LiveServer, of: Any = DR) -> Snapshot:
    machine = director(of)
    (service,) = machine.services or ()
    return altered(machine, of, services=(replace(service, servers=servers),))


def answered(machine: Snapshot, **changes: Any) -> Snapshot:
    """Another answer to where the first real server is."""
    answers = tuple(replace(each, **changes) if each.to == RIP else each for each in machine.answers or ())
    return replace(machine, answers=answers)


@pytest.mark.parametrize("forwarding", ["nat", "dr"])
def test_a_local_real_server_on_loopback(forwarding: str) -> None:
    of = NAT if forwarding == "nat" else DR
    machine = with_servers(LiveServer("127.0.0.1", 80, forwarding, 1), of=of)
    assert codes(judged(machine, of), "broken") == ["DIR04"]
    listening = replace(machine, listeners=(Listener("tcp", "0.0.0.0", 80),))
    assert codes(judged(listening, of), "broken") == (["DIR04"] if forwarding == "nat" else [])


@pytest.mark.parametrize(("where", "served"), [(DIP, False), (VIP, True), ("0.0.0.0", True), ("::", True)])
def test_a_local_real_server_has_to_listen_for_the_vip(where: str, served: bool) -> None:
    machine = replace(with_servers(LiveServer(DIP, 80, "dr", 1)), listeners=(Listener("tcp", where, 80),))
    assert codes(judged(machine, DR), "broken") == ([] if served else ["DIR04"])


def test_a_daemon_behind_the_service() -> None:
    assert codes(judged(replace(director(DR), listeners=(Listener("tcp", "0.0.0.0", 80),)), DR)) == ["DIR05"]
    assert judged(replace(director(DR), listeners=(Listener("tcp", DIP, 80), Listener("udp", VIP, 80))), DR) == []


def test_second_writers() -> None:
    machine = replace(director(DR), programs=(Program(7, "ldirectord"), Program(8, "sshd")))
    assert codes(judged(machine, DR)) == ["DIR09"]
    live = cluster("dr", service='weights = "live"')
    assert codes(judged(replace(machine), live), "risk") == []


def test_a_service_that_somebody_removed() -> None:
    foreign = replace((director(DR).services or ())[0], port=81, servers=())
    found = judged(altered(director(DR), DR, services=(foreign,)), DR)
    assert codes(found, "broken") == ["DIR09"]
    assert found[0].fix.text == "lvs-director start"


def test_a_table_that_somebody_cleared() -> None:
    found = judged(altered(director(DR), DR, services=()), DR)
    assert codes(found, "broken") == ["DIR10"]
    assert found[0].fix.text == "lvs-director start"


def test_a_real_server_that_balances() -> None:
    machine = replace(real_server(DR), services=director(DR).services)
    found = judged(machine, DR)
    assert codes(found, "broken") == ["DIR11"]
    assert found[0].fix.text == f"ipvsadm -D -t {VIP}:80"


@pytest.mark.parametrize(
    ("servers", "fix"),
    [
        ((), f"ipvsadm -a -t {VIP}:80 -r {RIP}:80 -g -w 1\nipvsadm -a -t {VIP}:80 -r {OTHER}:80 -g -w 1"),
        ((LiveServer(RIP, 80, "dr", 0),),
         f"ipvsadm -e -t {VIP}:80 -r {RIP}:80 -g -w 1\nipvsadm -a -t {VIP}:80 -r {OTHER}:80 -g -w 1"),
        ((LiveServer(RIP, 80, "dr", 1, 2, 3, upper=5), LiveServer(OTHER, 80, "dr", 1, 5, upper=5)),
         "# raise the thresholds (upper_threshold), or add real servers"),
    ],
)  # fmt: skip
def test_nobody_to_send_to(servers: tuple[LiveServer, ...], fix: str) -> None:
    found = judged(with_servers(*servers), DR)
    assert codes(found, "broken") == ["DIR12"]
    assert found[0].fix.text == fix


def test_a_drained_real_server_is_none_of_ours() -> None:
    assert judged(with_servers(LiveServer(RIP, 80, "dr", 0), LiveServer(OTHER, 80, "dr", 1)), DR) == []


def test_no_such_scheduler() -> None:
    machine = replace(director(DR), services=(), started=(), modules={"ip_vs": "loaded", "ip_vs_rr": "absent"})
    assert codes(judged(machine, DR), "will-break") == ["DIR13"]
    unknown = replace(machine, modules={})
    assert codes(judged(unknown, DR), "will-break") == []


def test_settings_that_did_not_last() -> None:
    said = (
        PersistedSetting("/etc/sysctl.d/a.conf", "net/ipv4/vs/conntrack", "0"),
        PersistedSetting("/etc/sysctl.d/b.conf", "net/ipv4/vs/conntrack", "1"),
        PersistedSetting("/etc/sysctl.d/b.conf", "net/ipv4/vs/absent", "1"),
    )
    machine = replace(director(DR), persisted=said)
    found = judged(altered(machine, DR, settings={"net/ipv4/vs/conntrack": "0"}), DR)
    assert codes(found, "risk") == ["DIR14"]
    assert found[0].fix.text == "sysctl -w net.ipv4.vs.conntrack=1"
    of = cluster("dr", director='[director.sysctl]\n"net.ipv4.vs.sloppy_tcp" = 1')
    lost = altered(director(of), of, settings={"net/ipv4/vs/sloppy_tcp": "0"})
    assert "DIR14" in codes(judged(lost, of), "risk")


@pytest.mark.parametrize(("total", "crowded"), [(4 * 4096, False), (4 * 4096 + 1, True)])
def test_a_crowded_connection_table(total: int, crowded: bool) -> None:
    machine = replace(director(DR), connections=Connections(total))
    assert ("DIR15" in codes(judged(machine, DR), "risk")) == crowded


def test_no_way_to_a_real_server() -> None:
    routes = (*(director(DR).routes or ()), Route(RIP, type="unreachable"))
    machine = answered(altered(director(DR), DR, routes=routes), kind="error", error="No route to host", device="")
    found = judged(machine, DR)
    assert codes(found) == ["DIR16"]
    assert found[0].fix.text == f"ip route del unreachable {RIP}"


@pytest.mark.parametrize(("state", "dead"), [("FAILED", True), ("INCOMPLETE", True), ("STALE", False)])
def test_nobody_at_the_rip(state: str, dead: bool) -> None:
    machine = replace(director(DR), neighbours=(Neighbour(RIP, "eth0", "", state),))
    assert codes(judged(machine, DR)) == (["DIR16"] if dead else [])


def test_a_router_before_a_real_server_of_dr() -> None:
    found = judged(answered(director(DR), via="192.168.0.254"), DR)
    assert codes(found) == ["DIR17"]
    assert found[0].fix.text == f"ipvsadm -d -t {VIP}:80 -r {RIP}:80"
    assert codes(judged(answered(director(NAT), via="192.168.0.254"), NAT), "broken") == []


def test_large_receive_offload_without_forwarding() -> None:
    machine = director(DR)
    merging = (Interface("eth0", lro=True),)
    assert "DIR18" not in codes(judged(replace(machine, interfaces=merging), DR))
    off = altered(machine, DR, interfaces=merging, settings={"net/ipv4/conf/eth0/forwarding": "0"})
    assert "DIR18" in codes(judged(off, DR), "risk")


def test_a_saved_table_that_boots() -> None:
    assert codes(judged(replace(director(DR), units=("ipvsadm",)), DR)) == ["DIR19"]


def test_a_fault_of_a_director_that_is_not_started_is_one_to_come() -> None:
    kept = tuple(each for each in director(DR).addresses or () if each.address != VIP)
    idle = altered(director(DR), DR, services=(), started=(), addresses=kept)
    answers = tuple(
        RouteAnswer(each.to, kind="error", error="Network is unreachable") if each.to == RIP else each
        for each in idle.answers or ()
    )
    assert codes(judged(replace(idle, answers=answers), DR), "broken") == []
    assert codes(judged(replace(idle, answers=answers), DR), "will-break") == ["DIR16"]
