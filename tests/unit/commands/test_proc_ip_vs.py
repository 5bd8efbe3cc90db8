"""/proc/net/ip_vs as captured on Linux 6.1."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.commands import ipvsadm
from lvs_init.commands.proc_ip_vs import ProcServer, has_services, parse_proc, render_table
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey

CAPTURED = Path(__file__).parent / "captured"
HEADINGS = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
"""
MARK, MARK6 = ServiceKey("fwmark", fwmark=7), ServiceKey("fwmark", fwmark=7, family=6)


def captured(name: str) -> str:
    return (CAPTURED / name).read_text(encoding="ascii")


def test_it_tells_the_same_as_ipvsadm() -> None:
    rules = ipvsadm.parse_rules(captured("rules"))
    table = parse_proc(captured("proc_ip_vs"))
    services = {
        key: value for key, value in rules.items() if isinstance(key, ServiceKey) and isinstance(value, Service)
    }
    assert len(table.services) == len(services)
    for key, service in services.items():
        seen = table.find(key)
        assert seen is not None
        assert seen.scheduler == service.scheduler
        assert seen.persistent == (service.persistence is not None)
        assert seen.one_packet == (service.one_packet and key.family == 4)
        assert {(server.address, server.port, server.forwarding, server.weight) for server in seen.servers} == {
            (other.address, other.port, value.forwarding, value.weight)
            for other, value in rules.items()
            if isinstance(other, RealServerKey) and isinstance(value, RealServer) and other.service == key
        }


def test_an_empty_table() -> None:
    assert not has_services(HEADINGS)
    assert parse_proc(HEADINGS).services == {}
    assert has_services(captured("proc_ip_vs"))


def test_numbers() -> None:
    text = f"{HEADINGS}TCP  C0A800DB:0050 wlc  \n  -> C0A8000B:1F90      Masq    65535  12         1234      \n"
    (service,) = parse_proc(text).services.values()
    assert service.servers == (ProcServer("192.168.0.11", 8080, "nat", 65535, 12, 1234),)


def test_addresses_are_sorted_as_numbers() -> None:
    text = f"{HEADINGS}TCP  C0A800DB:0050 rr  \nTCP  0A000001:01BB rr  \nTCP  0A000001:0050 rr  \n"
    text += "".join(f"  -> C0A8000{digit}:0050      Route   1      0          0         \n" for digit in "CA9B")
    table = parse_proc(text)
    servers = table.services[ServiceKey("tcp", "10.0.0.1", 80)].servers
    assert [server.address for server in servers] == [f"192.168.0.{number}" for number in (9, 10, 11, 12)]
    assert [(key.address, key.port) for key in table.services] == [
        ("10.0.0.1", 80),
        ("10.0.0.1", 443),
        ("192.168.0.219", 80),
    ]


@pytest.mark.parametrize(
    ("rows", "key", "found"),
    [
        ("FWM  00000007 rr \n", MARK, True),
        ("FWM  00000007 rr \n", MARK6, True),
        ("FWM  00000008 rr \n", MARK, False),
        ("FWM  00000007 rr persistent 30000 FFFFFFFF\n", MARK6, False),
        ("FWM  00000007 rr persistent 30000 FFFFFFFF\n", MARK, True),
        ("FWM  00000007 rr ops persistent 30000 80000000\n", MARK6, True),
        ("FWM  00000007 rr ops persistent 30000 80000000\n", MARK, False),
        ("FWM  00000007 rr \n  -> C0A8000B:0000      Route   1      0          0         \n", MARK6, False),
        ("FWM  00000007 rr \n  -> C0A8000B:0000      Tunnel  1      0          0         \n", MARK6, True),
    ],
)
def test_the_family_of_a_mark(rows: str, key: ServiceKey, found: bool) -> None:
    assert (parse_proc(HEADINGS + rows).find(key) is not None) == found


@pytest.mark.parametrize("known_first", [True, False])
def test_two_services_of_one_mark_are_of_two_families(known_first: bool) -> None:
    known, other = "FWM  00000007 rr persistent 30000 FFFFFFFF\n", "FWM  00000007 wrr \n"
    table = parse_proc(HEADINGS + (known + other if known_first else other + known))
    assert {key: service.scheduler for key, service in table.services.items()} == {MARK: "rr", MARK6: "wrr"}
    assert all(service.family_known for service in table.services.values())


def test_the_listing_lines_up() -> None:
    address = "fd00:1111:2222:3333:4444:5555:6666"
    rows = [
        "UDP  C0A800DB:0035 rr ops ",
        "  -> C0A8000B:0035      Masq    1      2          3         ",
        f"TCP  [{address}:0001]:0050 wlc persistent 90000 80000000",
        f"  -> [{address}:0002]:0050      Route   1      0          0         ",
        "FWM  00000007 rr persistent 90000 80000000",
    ]
    assert render_table(parse_proc(HEADINGS + "\n".join(rows))).splitlines() == [
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port                        Forward Weight ActiveConn InActConn",
        "FWM  7 IPv6 rr persistent",
        "TCP  [fd00:1111:2222:3333:4444:5555:6666:1]:80 wlc persistent",
        "  -> [fd00:1111:2222:3333:4444:5555:6666:2]:80 Route   1      0          0",
        "UDP  192.168.0.219:53 rr ops",
        "  -> 192.168.0.11:53                           Masq    1      2          3",
    ]
