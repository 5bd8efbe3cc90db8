"""Netlink and ipvsadm: the same table, the same reasons; and pyroute2 sees in the kernel what was wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.channels import plain_changes

from lvs_init.lab.node import Node
from lvs_init.lab.place import Place
from lvs_init.model.codec import key_to_plain, value_to_plain
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, SyncDaemon, SyncDaemonKey, TimeoutKey
from lvs_init.model.state import Change, Key, Value
from tests.tables import edits, tables

pytestmark = pytest.mark.either_channel

CHANNELS = ("netlink", "ipvsadm")


@pytest.fixture(scope="module")
def director(place: Place) -> Iterator[Node]:
    """One host for all: what a test sets it takes back."""
    place.bridge("channels")
    node = place.node("director")
    place.join(node, "channels", "eth0")
    node.ip(
        "link set lo up",
        "address add 198.18.255.254/15 brd + dev eth0",
        "address add 2001:db8::ffff:ffff/64 dev eth0 nodad",
    )
    node.run(["modprobe", "-a", "ip_vs", "ip_vs_rr"]).check()
    yield node
    node.close()
    place.unbridge("channels")


def write(node: Node, channel: str, changes: list[Change]) -> dict[str, str]:
    """Key -> reason of each refusal."""
    refused = node.call("support.channels:write", channel=channel, changes=plain_changes(changes))
    return {str(key): reason for key, reason in refused}


def read(node: Node) -> list[list[Any]]:
    """What both channels read, which must be the same; without timeouts."""
    one, other = (node.call("support.channels:read", channel=channel) for channel in CHANNELS)
    assert one == other
    return [pair for pair in one if pair[0][0] != "timeout"]


def plain(table: Mapping[Key, Value]) -> list[list[Any]]:
    return sorted(([key_to_plain(key), value_to_plain(value)] for key, value in table.items()), key=str)


def independent(table: Mapping[Key, Value]) -> dict[str, Any]:
    """What support.independent should see of the table."""
    bits = {"fallback": 0x8, "1": 0x8, "port": 0x10, "2": 0x10, "3": 0x20}
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(key, ServiceKey) and isinstance(value, Service):
            persistent, netmask = value.persistence is not None, value.netmask
            if netmask is None:
                netmask = 32 if key.family == 4 else 128
            found[_name(key)] = {
                "scheduler": value.scheduler,
                "flags": persistent + 0x4 * value.one_packet + sum(bits[flag.split("-")[1]] for flag in value.flags),
                "timeout": value.persistence or 0,
                "netmask": _mask(netmask)
                if key.family == 4
                else str(ipaddress.IPv4Address(netmask.to_bytes(4, "little"))),
                "engine": value.engine or "",
                "servers": {},
            }
        elif isinstance(key, RealServerKey) and isinstance(value, RealServer):
            numbers = [{"nat": 0, "tun": 2, "dr": 3}[value.forwarding], value.weight, value.upper, value.lower]
            if value.tunnel:
                kinds, sums = ("ipip", "gue", "gre"), ("nocsum", "csum", "remcsum")
                numbers += [kinds.index(value.tunnel.type), value.tunnel.port, sums.index(value.tunnel.checksum)]
            found[_name(key.service)]["servers"][f"{key.address} {key.port}"] = numbers
    return found


def _name(key: ServiceKey) -> str:
    if key.protocol == "fwmark":
        return f"fwmark {key.fwmark} {2 if key.family == 4 else 10}"
    return f"{key.protocol} {key.address} {key.port}"


def _mask(prefix: int) -> str:
    return str(ipaddress.IPv4Network(f"0.0.0.0/{prefix}").netmask)


def test_netlink_is_chosen_where_nothing_is_forced(director: Node) -> None:
    assert director.call("support.channels:chosen") == "ByNetlink"


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_channels_make_the_same_of_any_table(director: Node, data: st.DataObject) -> None:
    table = data.draw(tables(min_size=20, max_size=40))
    filling = [Change(key, None, value) for key, value in table.items()]
    changes, edited = data.draw(edits(table))
    for channel in CHANNELS:
        director.run(["ipvsadm", "-C"]).check()
        assert write(director, channel, filling) == {}
        assert read(director) == plain(table)
        assert director.call("support.independent:table") == independent(table)
        assert write(director, channel, changes) == {}
        assert read(director) == plain(edited)
        assert director.call("support.independent:table") == independent(edited)


def test_tens_of_thousands_of_bytes_of_one_service_come_in_pieces(director: Node) -> None:
    director.run(["ipvsadm", "-C"]).check()
    service = ServiceKey("tcp", "198.18.0.219", 80)
    table: dict[Key, Value] = {service: Service("rr")}
    table.update(
        {RealServerKey(service, f"198.18.{n // 250}.{n % 250 + 1}", 80): RealServer(weight=n) for n in range(1000)}
    )
    assert write(director, "netlink", [Change(key, None, value) for key, value in table.items()]) == {}
    assert read(director) == plain(table)
    director.run(["ipvsadm", "-C"]).check()


HERE, GONE = ServiceKey("tcp", "198.18.0.219", 80), ServiceKey("tcp", "198.18.0.220", 80)
RR, SERVER = Service("rr"), RealServer("dr")
SERVERS = {number: RealServerKey(HERE, f"198.18.0.{number}", 80) for number in (11, 12, 13, 14)}
BROADCAST, MULTICAST = RealServerKey(HERE, "198.19.255.255", 80), RealServerKey(HERE, "224.0.0.1", 80)
REFUSED = {
    "Service already exists": Change(HERE, None, Service("wlc")),
    "Scheduler or persistence engine not found": Change(GONE, None, Service("twos")),
    "No such service": Change(GONE, RR, Service("wlc")),
    "Service not defined": Change(RealServerKey(GONE, "198.18.0.11", 80), None, SERVER),
    "Destination already exists": Change(SERVERS[11], None, RealServer("dr", 9)),
    "No such destination": Change(SERVERS[12], SERVER, RealServer("dr", 9)),
    "Invalid operation. Possibly wrong module version, address not unicast, ...": Change(BROADCAST, None, SERVER),
    "Numerical result out of range": Change(SERVERS[13], None, RealServer("dr", upper=3, lower=5)),
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_refusal_has_its_reason_and_keeps_nothing_else_from_being_done(director: Node, channel: str) -> None:
    director.run(["ipvsadm", "-C"]).check()
    there = [Change(HERE, None, RR), Change(SERVERS[11], None, SERVER)]
    assert write(director, channel, there) == {}
    between = Change(SERVERS[14], None, SERVER)
    for reason, change in REFUSED.items():
        assert write(director, channel, [change]) == {str(key_to_plain(change.key)): reason}
    # Each key once: what is said of the second change of a key is another story.
    at_once = [REFUSED["Scheduler or persistence engine not found"], Change(MULTICAST, None, SERVER), between]
    assert set(write(director, channel, at_once)) == {str(key_to_plain(change.key)) for change in at_once[:2]}
    assert read(director) == plain({HERE: RR, SERVERS[11]: SERVER, SERVERS[14]: SERVER})
    director.run(["ipvsadm", "-C"]).check()


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_somebody_else_has_done_meanwhile_is_no_refusal(director: Node, channel: str) -> None:
    director.run(["ipvsadm", "-C"]).check()
    assert write(director, channel, [Change(HERE, None, RR), Change(SERVERS[11], None, SERVER)]) == {}
    done = [Change(HERE, None, RR), Change(SERVERS[11], None, SERVER), Change(SERVERS[12], SERVER, None)]
    assert write(director, channel, [*done, Change(GONE, RR, None)]) == {}
    assert read(director) == plain({HERE: RR, SERVERS[11]: SERVER})
    director.run(["ipvsadm", "-C"]).check()


@pytest.mark.parametrize("channel", CHANNELS)
def test_timeouts_that_are_not_named_stay(director: Node, channel: str) -> None:
    def timeouts() -> dict[str, int]:
        found = director.call("support.channels:read", channel=channel)
        return {key[1]: value for key, value in found if key[0] == "timeout"}

    former = timeouts()
    wanted = {"tcp": 800, "udp": 77}
    assert (
        write(director, channel, [Change(TimeoutKey(name), former[name], value) for name, value in wanted.items()])
        == {}
    )
    assert timeouts() == {**former, **wanted}
    assert write(director, channel, [Change(TimeoutKey(name), wanted[name], former[name]) for name in wanted]) == {}
    assert timeouts() == former


MASTER, BACKUP = SyncDaemonKey("master"), SyncDaemonKey("backup")


def daemons(node: Node) -> list[list[Any]]:
    """What both channels see, which must be the same."""
    one, other = (node.call("support.channels:daemons", channel=channel) for channel in CHANNELS)
    assert one == other
    return one


@pytest.mark.parametrize("channel", CHANNELS)
def test_both_channels_start_change_and_stop_sync_daemons(director: Node, channel: str) -> None:
    director.run(["ip", "route", "replace", "224.0.0.0/4", "dev", "eth0"]).check()
    first = {MASTER: SyncDaemon("eth0", 7, maxlen=1400), BACKUP: SyncDaemon("eth0", 0, "239.1.2.3", 9000, 3, 1200)}
    second = {MASTER: SyncDaemon("eth0", 255, "ff02::51", 8850, 2, 1300), BACKUP: SyncDaemon("eth0", 9, maxlen=2000)}
    nothing: dict[SyncDaemonKey, SyncDaemon] = {}
    for before, after in ((nothing, first), (first, second), (second, nothing)):
        changes = [Change(key, before.get(key), after.get(key)) for key in (MASTER, BACKUP)]
        assert write(director, channel, changes) == {}
        assert daemons(director) == sorted([key_to_plain(key), value_to_plain(value)] for key, value in after.items())
    # What is not said is the kernel's to choose, and is no difference then.
    assert write(director, channel, [Change(MASTER, None, SyncDaemon("eth0", 7))]) == {}
    assert daemons(director) == [[["daemon", "master"], ["eth0", 7, "224.0.0.81", 8848, 1, 1472]]]
    assert write(director, channel, [Change(MASTER, SyncDaemon("eth0", 7), None)]) == {}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_refused_daemon_has_its_reason(director: Node, channel: str) -> None:
    director.run(["ip", "route", "replace", "224.0.0.0/4", "dev", "eth0"]).check()
    there = SyncDaemon("eth0", 7)
    assert write(director, channel, [Change(BACKUP, None, there)]) == {}
    refused = {
        "Daemon has already run": Change(BACKUP, None, SyncDaemon("eth0", 8)),
        "No such device": Change(MASTER, None, SyncDaemon("eth9", 7)),
    }
    for reason, change in refused.items():
        assert write(director, channel, [change]) == {str(key_to_plain(change.key)): reason}
    director.ip("link add mute type dummy")  # and it stays down
    unreachable = Change(MASTER, None, SyncDaemon("mute", 7))
    assert write(director, channel, [unreachable]) == {str(key_to_plain(MASTER)): "Network is unreachable"}
    director.ip("link del mute")
    # Somebody else has stopped it meanwhile: it is not there, and that is what was wanted.
    director.run(["ipvsadm", "--stop-daemon", "backup"]).check()
    assert write(director, channel, [Change(BACKUP, there, None)]) == {}
    assert daemons(director) == []
