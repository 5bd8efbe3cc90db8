"""The sync daemons of a pair of directors, as far as one of them shows (SYN01 to SYN10). Both together: both.py."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lvs_init.doctor.admission import let_in
from lvs_init.doctor.case import Case
from lvs_init.doctor.finding import NOTE, WILL_BREAK, Finding, by_command, settings
from lvs_init.doctor.registry import DIRECTOR, entry
from lvs_init.doctor.verdict import DROP, Packet, arrives
from lvs_init.model.ha import Sync

_START = by_command("lvs-director start")
_THRESHOLD, _REFRESH = "net/ipv4/vs/sync_threshold", "net/ipv4/vs/sync_refresh_period"
_LOST = "after a takeover the other director does not know the connections, and clients lose them"


def sync_of(case: Case) -> Sync | None:
    """What the file wants, on a director that is started here."""
    record = case.record(DIRECTOR)
    return case.cluster.ha.sync if case.cluster.ha is not None and record is not None and case.director else None


def interface_of(case: Case, sync: Sync) -> str:
    """What the interface is called on this node."""
    return case.cluster.ha_interface(case.snapshot.node, sync.interface)


def reachable(case: Case, sync: Sync) -> bool | None:
    """Whether a route leads to the group; None where routes were not seen."""
    if case.snapshot.routes is None:
        return None
    group = ipaddress.ip_address(sync.group)
    tables = (route for route in case.snapshot.routes if route.family == group.version and route.type != "unreachable")
    return any(route.to == "default" or _holds(route.to, group) for route in tables)


def _holds(network: str, group: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return group in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


@entry(
    "SYN01",
    "Sync daemons with different ids",
    where=(DIRECTOR,),
    symptom="A takeover loses all connections; no error anywhere.",
    cause="A backup takes only messages with its own syncid; one with 0 takes all.",
    cure="One syncid on both: `lvs-director start` on each.",
)
def other_id(case: Case) -> Iterator[Finding]:
    """The kernel's against the file's."""
    sync = sync_of(case)
    for daemon in case.snapshot.daemons or () if sync else ():
        if sync and daemon.syncid != sync.syncid and (daemon.role == "master" or daemon.syncid):
            yield Finding(
                "SYN01", WILL_BREAK, f"{daemon.role} has syncid {daemon.syncid}, the file {sync.syncid}", _LOST, _START,
                daemon.role,
            )  # fmt: skip


@entry(
    "SYN02",
    "A sync daemon on the wrong interface",
    where=(DIRECTOR,),
    symptom="A takeover loses all connections.",
    cause="Messages are multicast out of one interface, with a TTL of 1 through no router.",
    cure="The same network on both: `lvs-director start`; the interface up.",
)
def other_interface(case: Case) -> Iterator[Finding]:
    """Not the file's, or one that is down."""
    sync = sync_of(case)
    for daemon in case.snapshot.daemons or () if sync else ():
        device = case.interfaces.get(daemon.interface)
        if sync and daemon.interface != interface_of(case, sync):
            seen, fix = f"{daemon.role} on {daemon.interface}, the file has {interface_of(case, sync)}", _START
        elif device is not None and not device.up:
            seen, fix = (
                f"{daemon.role} on {daemon.interface}, which is down",
                by_command(f"ip link set {device.name} up"),
            )
        else:
            continue
        yield Finding("SYN02", WILL_BREAK, seen, _LOST, fix, daemon.role)


@entry(
    "SYN03",
    "A firewall drops sync messages",
    where=(DIRECTOR,),
    symptom="A takeover loses all connections.",
    cause="The backup hears UDP packets to port 8848 of a multicast group, which pass INPUT.",
    cure="Accept them on that interface.",
)
def messages_dropped(case: Case) -> Iterator[Finding]:
    """As they arrive at this director."""
    sync = sync_of(case)
    if sync is None or case.snapshot.firewall is None:
        return
    family = 6 if ":" in sync.group else 4
    packet = Packet(family, "udp", destination=sync.group, dport=sync.port, state="NEW",
                    interface=interface_of(case, sync))  # fmt: skip
    dropped = arrives(case.snapshot.firewall, packet, 1 << 31)
    if dropped.verdict == DROP:
        yield Finding(
            "SYN03", WILL_BREAK, f"udp port {sync.port} to {sync.group}: dropped by {dropped.rule}", _LOST,
            let_in(dropped, packet),
        )  # fmt: skip


entry(
    "SYN04",
    "Different numbers of sync ports",
    where=(DIRECTOR,),
    symptom="A takeover keeps some connections and loses others.",
    cause="A master with net.ipv4.vs.sync_ports=4 sends to four ports; a backup with 1 listens at one.",
    cure="The same value on both.",
    joined=True,
)


@entry(
    "SYN05",
    "Sync messages of different forms",
    where=(DIRECTOR,),
    symptom="A takeover loses connections; the kernel's log speaks of bogus messages.",
    cause="net.ipv4.vs.sync_version=0 is another protocol, and a message longer than the backup's sync_maxlen is cut.",
    cure="sync_version=1 and one sync_maxlen on both.",
)
def old_version(case: Case) -> Iterator[Finding]:
    """The old version, which knows neither IPv6 nor marks; what differs takes both directors."""
    if sync_of(case) and case.sysctl("net/ipv4/vs/sync_version") == "0":
        yield Finding(
            "SYN05", WILL_BREAK, "net.ipv4.vs.sync_version = 0", "it knows neither IPv6 nor firewall marks",
            settings({"net/ipv4/vs/sync_version": "1"}),
        )  # fmt: skip


@entry(
    "SYN06",
    "The sync daemon's role is not the director's",
    where=(DIRECTOR,),
    symptom="A takeover loses all connections.",
    cause="The active director has to be master and the standby backup; somebody else, keepalived for example, may "
    "have started the daemons otherwise.",
    cure="One owner of the daemons: `lvs-director start` puts them back.",
)
def other_role(case: Case) -> Iterator[Finding]:
    """Against the stance that the record tells of."""
    sync, record = sync_of(case), case.record(DIRECTOR)
    if sync is None or record is None or case.snapshot.daemons is None or reachable(case, sync) is False:
        return
    wanted = {"active": "master", "standby": "backup"}.get(record.stance)
    roles = sorted(daemon.role for daemon in case.snapshot.daemons)
    if wanted is not None and wanted not in roles:
        yield Finding(
            "SYN06", WILL_BREAK, f"this director is {record.stance}, and the kernel runs "
            f"{' and '.join(roles) or 'no sync daemon'}", _LOST, _START,
        )  # fmt: skip


@entry(
    "SYN07",
    "A director that came back knows no connections",
    where=(DIRECTOR,),
    symptom="A takeover right after the other node's reboot loses the connections from before it.",
    cause="Messages are sent as connections go on; nobody sends all of them again.",
    cure="net.ipv4.vs.sync_refresh_period repeats them, if the second number of sync_threshold is 0; or patience.",
)
def never_repeated(case: Case) -> Iterator[Finding]:
    """By packets alone, or not at all (Linux 6.1 ip_vs_sync.c ip_vs_sync_conn_needed)."""
    sync, period = sync_of(case), case.sysctl(_REFRESH)
    threshold = _threshold(case)
    if sync is None or threshold is None or period is None or (period != "0" and threshold[1] == 0):
        return
    again = f"{threshold[1]} packets later" if threshold[1] else "never again"
    yield Finding(
        "SYN07", NOTE, f"{_shown(case, _THRESHOLD)}, {_shown(case, _REFRESH)}",
        f"a connection is told of once, and {again}: a director that comes back does not know it until then",
        settings({_THRESHOLD: f"{max(threshold[0], 2)} 0", _REFRESH: "10"}),
    )  # fmt: skip


def _threshold(case: Case) -> tuple[int, int] | None:
    """From which packet on a connection is told of, and after how many more again."""
    words = (case.sysctl(_THRESHOLD) or "").split()
    return (int(words[0]), int(words[1])) if len(words) == 2 and all(map(str.isdecimal, words)) else None


def _shown(case: Case, path: str) -> str:
    return f"{path.replace('/', '.')} = {case.sysctl(path)}"


@entry(
    "SYN08",
    "Short connections are never told",
    where=(DIRECTOR,),
    symptom="A takeover loses the youngest connections, and tests with a few packets see nothing synchronised.",
    cause="With net.ipv4.vs.sync_threshold = 3 50 a connection is told of at its third packet, and at each 50th after "
    "it. The first packet is too early: with 1 50 it is the 51st.",
    cure="2 as the first number, where that matters.",
)
def never_told(case: Case) -> Iterator[Finding]:
    """Later than when a connection is established, which is its second packet."""
    threshold = _threshold(case)
    if sync_of(case) is None or threshold is None or (threshold[1] == 0 and case.sysctl(_REFRESH) not in ("0", None)):
        return
    first = threshold[0] if threshold[0] >= 2 or not threshold[1] else threshold[0] + threshold[1]
    if first != 2:
        lost = f"a connection of fewer than {first} packets is lost" if first > 2 else "every connection is lost"
        yield Finding(
            "SYN08", NOTE, _shown(case, _THRESHOLD), f"{lost} at a takeover",
            settings({_THRESHOLD: f"2 {50 if 0 < threshold[1] <= 2 else threshold[1]}"}),
        )  # fmt: skip


@entry(
    "SYN09",
    "No route to the sync group",
    where=(DIRECTOR,),
    symptom="'Network is unreachable' when the daemon is started; start says 'degraded'.",
    cause="The kernel looks the multicast group up in the routing table as any other address.",
    cure="A default route, or one for 224.0.0.0/4 through the sync interface, before lvs-director starts.",
)
def no_route(case: Case) -> Iterator[Finding]:
    """Neither a default route nor one that holds the group."""
    sync = sync_of(case)
    if sync is not None and reachable(case, sync) is False:
        network = "ff00::/8" if ":" in sync.group else "224.0.0.0/4"
        option = " -6" if ":" in sync.group else ""
        yield Finding(
            "SYN09", WILL_BREAK, f"no route to {sync.group}", _LOST,
            by_command(f"ip{option} route add {network} dev {interface_of(case, sync)}", "lvs-director start"),
        )  # fmt: skip


entry(
    "SYN10",
    "Directors with different tables",
    where=(DIRECTOR,),
    symptom="After a takeover some services do not work.",
    cause="Connections are synchronised, services and real servers are not.",
    cure="One configuration on both nodes.",
    joined=True,
)
