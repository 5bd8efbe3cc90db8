"""IPVS over netlink: what ipvsadm 1.31 sent and Linux 6.1 answered, as a netlink monitor saw it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given

from lvs_init.commands import ipvs_messages, ipvs_replies, ipvsadm
from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.model.attributes import attribute, attributes
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, TimeoutKey, Tunnel
from lvs_init.model.network import LinkKey
from lvs_init.model.state import Change, Key, Value
from tests.tables import tables

CAPTURED = Path(__file__).parent / "captured"
WEB = ServiceKey("tcp", "192.168.0.219", 80)
DNS = ServiceKey("udp", "192.168.0.220", 53)
SIP = ServiceKey("udp", "192.168.0.221", 5060)
MARK, MARK6 = ServiceKey("fwmark", fwmark=7), ServiceKey("fwmark", fwmark=2**32 - 1, family=6)
SCTP6 = ServiceKey("sctp", "fd00::219", 443, family=6)
RIPS = {number: RealServerKey(WEB, f"192.168.0.{number}", 80) for number in (11, 13, 14, 15)}
MAPPED = RealServerKey(WEB, "192.168.0.12", 8080)

#: What the captured requests make, in their order.
CHANGES = [
    Change(WEB, None, Service("wlc")),
    Change(DNS, None, Service("rr", (), 120, 24, one_packet=True)),
    Change(MARK, None, Service("sh", ("sh-fallback", "sh-port"))),
    Change(MARK6, None, Service("mh", ("flag-3", "mh-port"), 60, 64)),
    Change(SIP, None, Service("wrr", (), 300, 32, "sip")),
    Change(SCTP6, None, Service("wlc")),
    Change(WEB, Service("wlc"), Service("rr", ("flag-1", "flag-3"))),
    Change(RIPS[11], None, RealServer("dr")),
    Change(MAPPED, None, RealServer("nat", 65535, 100, 90)),
    Change(RIPS[13], None, RealServer("tun", 0, tunnel=Tunnel("gue", 6080, "remcsum"))),
    Change(RIPS[14], None, RealServer("tun", 3, tunnel=Tunnel("gre", 0, "csum"))),
    Change(RIPS[15], None, RealServer("tun", 3, tunnel=Tunnel())),
    Change(RealServerKey(SCTP6, "fd00::11", 443), None, RealServer("dr", 2)),
    Change(RealServerKey(MARK, "192.168.0.11", 0), None, RealServer("dr")),
    Change(RIPS[11], RealServer("dr"), RealServer("dr", 5)),
    Change(MAPPED, RealServer("nat", 65535, 100, 90), None),
    Change(DNS, Service("rr", (), 120, 24, one_packet=True), None),
]


def rows(name: str) -> list[list[str]]:
    return [row.split(" | ") for row in (CAPTURED / name).read_text(encoding="ascii").splitlines()]


REQUESTS = [
    (line, change, int(command), bytes.fromhex(payload))
    for (line, command, payload), change in zip(rows("netlink_requests"), CHANGES)
]


@pytest.mark.parametrize(("line", "change", "command", "payload"), REQUESTS)
def test_what_is_sent_is_what_ipvsadm_sends(line: str, change: Change, command: int, payload: bytes) -> None:
    ours, theirs = ipvs_messages.message(change), attributes(payload)
    assert ours[0] == command
    if isinstance(change.key, ServiceKey) and change.after is not None:
        assert ours[1] == payload
    # Where a name is enough ipvsadm sends attributes that mean nothing there.
    for kind, inside in attributes(ours[1]).items():
        assert attributes(inside).items() <= attributes(theirs[kind]).items()
    assert ours[1][2:4] == payload[2:4]  # the kind of the outermost, with what says that it holds others


@pytest.mark.parametrize(("line", "change", "command", "payload"), REQUESTS)
def test_what_is_sent_is_understood_as_it_was_meant(line: str, change: Change, command: int, payload: bytes) -> None:
    if isinstance(change.key, RealServerKey) and change.after is not None:
        assert ipvs_replies.real_server(change.key.service, payload) == (change.key, change.after)
    elif change.after is not None:
        assert ipvs_replies.service(payload) == (change.key, change.after)


def test_timeouts() -> None:
    line, command, payload = rows("netlink_requests")[-1]
    assert line == "--set 800 0 77"
    changes = [Change(TimeoutKey(name), 1, seconds) for name, seconds in {"tcp": 800, "tcpfin": 0, "udp": 77}.items()]
    sent = [ipvs_messages.message(change) for change in changes]
    assert {number for number, _ in sent} == {int(command)}
    assert b"".join(part for _, part in sent) == bytes.fromhex(payload)
    (answer,) = (bytes.fromhex(data) for number, data in rows("netlink_replies") if number == str(ipvs.SET_CONFIG))
    assert ipvs_replies.timeouts(answer) == {TimeoutKey("tcp"): 800, TimeoutKey("tcpfin"): 120, TimeoutKey("udp"): 77}


def test_the_table_that_the_kernel_listed() -> None:
    """Counters, and the flag of a service that is in the table, are no part of what was asked for."""
    found: dict[Key, Value] = {}
    asked: list[ServiceKey] = []
    of: ServiceKey | None = None
    for what, data in rows("netlink_replies"):
        payload = bytes.fromhex(data)
        if what == str(ipvs.NEW_SERVICE):
            key, found[key] = ipvs_replies.service(payload)
        elif what.startswith("asked"):
            of = next(key for key in found if isinstance(key, ServiceKey) and _names(key, payload))
            asked.append(of)
        elif what == str(ipvs.NEW_SERVER):
            assert of is not None
            server, found[server] = ipvs_replies.real_server(of, payload)
    assert asked
    wanted = {change.key: change.after for change in CHANGES if change.after is not None}
    shown = {WEB, SIP, MARK, MARK6, SCTP6, *RIPS.values()}
    assert found == {key: value for key, value in wanted.items() if key in shown}


def _names(key: ServiceKey, payload: bytes) -> bool:
    return attributes(ipvs_messages.of_service(key)) == attributes(payload)


@given(tables(min_size=1))
def test_any_table_is_read_as_it_was_sent(table: dict[Key, Value]) -> None:
    for key, value in table.items():
        command, payload = ipvs_messages.message(Change(key, None, value))
        if isinstance(key, RealServerKey):
            assert (command, ipvs_replies.real_server(key.service, payload)) == (ipvs.NEW_SERVER, (key, value))
        else:
            assert (command, ipvs_replies.service(payload)) == (ipvs.NEW_SERVICE, (key, value))


def test_a_mask_with_holes_is_kept_as_ipvsadm_keeps_it() -> None:
    (key,), service = [WEB], Service("wlc", (), 60, -24)
    assert ipvsadm.parse_rules("-A -t 192.168.0.219:80 -s wlc -p 60 -M 0.0.0.24") == {key: service}
    _, payload = ipvs_messages.message(Change(key, None, service))
    assert ipvs_replies.service(payload) == (key, service)


def test_a_kernel_that_knows_one_kind_of_tunnel() -> None:
    _, payload = ipvs_messages.message(Change(RIPS[15], None, RealServer("tun")))
    kept = {kind: data for kind, data in attributes(attributes(payload)[ipvs.SERVER]).items() if kind < ipvs.RIP_AF}
    older = attribute(ipvs.SERVER, b"".join(attribute(kind, data) for kind, data in kept.items()))
    assert ipvs_replies.real_server(WEB, older) == (RIPS[15], RealServer("tun", tunnel=Tunnel()))


@pytest.mark.parametrize("change", [Change(LinkKey("lo"), "down", "up"), Change(WEB, None, "up")])
def test_what_is_no_change_of_the_table(change: Change) -> None:
    with pytest.raises(TypeError, match="no message"):
        ipvs_messages.message(change)


def test_reasons() -> None:
    assert ipvs_messages.reason(ipvs.NEW_SERVICE, errno.EEXIST) == "Service already exists"
    assert ipvs_messages.reason(ipvs.NEW_SERVER, errno.EEXIST) == "Destination already exists"
    assert ipvs_messages.reason(ipvs.SET_CONFIG, errno.EPERM) == "Permission denied (you must be root)"
    assert ipvs_messages.reason(ipvs.NEW_SERVER, errno.ERANGE) is None


@pytest.mark.parametrize("data", [b"\x03\x00\x01\x00", b"\x09\x00\x01\x00\x00\x00\x00\x00", b"\xff\xff\x01\x00"])
def test_attributes_that_reach_beyond_their_end(data: bytes) -> None:
    with pytest.raises(ValueError, match="an attribute of"):
        attributes(data)
