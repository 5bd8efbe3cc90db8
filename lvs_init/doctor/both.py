"""What only several machines together show: their snapshots, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lvs_init.doctor.case import ELSEWHERE, Case
from lvs_init.doctor.finding import BROKEN, RISK, WILL_BREAK, Finding, by_command, by_hand, settings, several
from lvs_init.doctor.firewall import full_nat
from lvs_init.doctor.packets import entrance
from lvs_init.doctor.registry import DIRECTOR, NETWORK, entry
from lvs_init.doctor.snapshot import Address, LiveService, Neighbour
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import host_port
from lvs_init.model.network import SysctlKey

entry(
    "TWO01",
    "Machines with different configurations",
    where=(NETWORK,),
    symptom="What one director does the other does not; a real server lacks a VIP.",
    cause="lvs.toml was changed on one of them only.",
    cure="The same file on all: what differs of a machine belongs into [node.NAME].",
    joined=True,
)
entry(
    "TWO02",
    "Ends of a wire with different MTUs",
    where=(NETWORK,),
    symptom="Small requests work, large ones vanish.",
    cause="What leaves the director with its own MTU is thrown away by a real server's interface that takes less, and "
    "nobody is told.",
    cure="One MTU on one network.",
    joined=True,
)


def joined(cases: Sequence[Case]) -> Iterator[Finding]:
    """What is wrong between machines, each finding with its node."""
    for rule in _RULES:
        yield from rule(cases)


def _directors(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.director]


def settled(finding: Finding, case: Case, cases: Sequence[Case]) -> bool:
    """Whether a director's snapshot shows that what one machine has to fear is meant so, and works."""
    others = [other for other in _directors(cases) if other is not case]
    if finding.code in ("NAT02", "NAT03"):
        return any(full_nat(other) for other in others) or _led_back(finding, case, others)
    if finding.code == "DR04":
        return any(_takes_its_own(other, vip) for other in others for vip in case.carried_vips)
    return False


def _led_back(finding: Finding, case: Case, directors: Sequence[Case]) -> bool:
    """A gateway that is no DIP of the file, and an address of a director all the same."""
    way = case.route(ELSEWHERE[family_of(finding.about)], finding.about) if _is_rip(case, finding.about) else None
    return finding.code == "NAT02" and way is not None and any(director.has(way.via) for director in directors)


def _is_rip(case: Case, about: str) -> bool:
    return any(key.address == about for _, key, _ in case.own_realservers)


def _takes_its_own(director: Case, vip: str) -> bool:
    """Whether a director forwards what comes in the name of its own VIP."""
    device = entrance(director, vip)
    return bool(director.effective("accept_local", device) and director.effective("forwarding", device))


def gateways(cases: Sequence[Case]) -> Iterator[Finding]:
    """DR04 and NAT02 by addresses of a director that no file names."""
    directors = _directors(cases)
    for case in cases:
        if case.serving(DIRECTOR):
            continue
        for service, key, value in case.own_realservers:
            family = family_of(key.address)
            for own in [key.address] if value.forwarding == "nat" else [vip.address for vip in service.vips]:
                way = case.route(ELSEWHERE[family_of(own)], own)
                if way is None or not way.via or way.via.startswith("fe80:") or way.via in case.dips:
                    continue
                there = [director for director in directors if director.has(way.via)]
                if value.forwarding != "nat" and there and not any(_takes_its_own(each, own) for each in there):
                    yield Finding(
                        "DR04", BROKEN, f"from {own} to clients: via {way.via}, which is {there[0].snapshot.node}",
                        "the director drops what comes from outside in the name of its own VIP",
                        by_hand("make the router the gateway:\n"
                                f"ip{' -6' if family == 6 else ''} route replace default via ROUTER dev {way.device}"),
                        own, case.snapshot.node,
                    )  # fmt: skip
                elif value.forwarding == "nat" and directors and not there and not any(map(full_nat, directors)):
                    yield _past(case, directors, own, way.via)


def _past(case: Case, directors: Sequence[Case], rip: str, via: str) -> Finding:
    beside = [
        address.address
        for director in directors
        for address in director.snapshot.addresses or ()
        if director.facing(rip) == address.interface and family_of(address.address) == family_of(rip)
    ]
    gateway = next((dip for dip in beside if dip in case.dips), beside[0] if beside else "DIP")
    return Finding(
        "NAT02", BROKEN, f"from {rip} to clients: via {via}, which is no address of a director",
        "answers that do not pass the director keep the RIP as their source, and clients refuse them",
        by_command(f"ip{' -6' if family_of(rip) == 6 else ''} route replace default via {gateway}"), rip,
        case.snapshot.node,
    )  # fmt: skip


def ports(cases: Sequence[Case]) -> Iterator[Finding]:
    """DR02 of what a director's table really has, which may be more than the file, and other ports."""
    owners = {each.address: case for case in cases for each in case.snapshot.addresses or ()}
    for director in _directors(cases):
        for service in director.snapshot.services or ():
            for server in service.servers:
                case = owners.get(server.address, director)
                if case is director or service.protocol == "fwmark":
                    continue
                target, port = server.address, server.port
                if server.forwarding != "nat":
                    target, port = service.address, service.port
                yield from _unheard(case, service, target, port, director.snapshot.node)


def _unheard(case: Case, service: LiveService, target: str, port: int, director: str) -> Iterator[Finding]:
    listeners = case.listening(service.protocol, port)
    if not port or listeners or listeners is None or service.protocol not in ("tcp", "udp"):
        return
    if case.snapshot.firewall is None or any(_rewrites(case)):
        return
    where = host_port(target, port)
    yield Finding(
        "DR02", BROKEN, f"{service.protocol} {where}: nobody listens at port {port}",
        f"the table of {director} sends requests here", by_hand(f"start the service that is to listen on {where}"),
        f"{service.protocol} {where}", case.snapshot.node,
    )  # fmt: skip


def _rewrites(case: Case) -> Iterator[str]:
    for table in case.snapshot.firewall.tables if case.snapshot.firewall else ():
        for chain in table.chains.values():
            yield from (rule.text for rule in chain.rules if rule.target in ("REDIRECT", "DNAT", "TPROXY"))


def configurations(cases: Sequence[Case]) -> Iterator[Finding]:
    """TWO01: fingerprints of the file."""
    known = [case.snapshot for case in cases if case.snapshot.fingerprint]
    for other in known[1:]:
        if other.fingerprint != known[0].fingerprint:
            yield Finding(
                "TWO01", RISK, f"{known[0].file or 'lvs.toml'} differs on {known[0].node} and {other.node}",
                "each of them does what its own file says", by_hand("copy the right one over, then reload there"),
                f"{known[0].node} {other.node}",
            )  # fmt: skip


def wires(cases: Sequence[Case]) -> Iterator[Finding]:
    """TWO02: the director sends larger packets on a network than a real server takes there."""
    for director in _directors(cases):
        for case in cases:
            for _, key, _ in case.own_realservers if case is not director else ():
                way = director.route(key.address)
                here = case.interfaces.get(entrance(case, key.address))
                there = director.interfaces.get(way.device) if way is not None and not way.via else None
                if here is None or there is None or there.loopback or there.mtu <= here.mtu:
                    continue
                yield Finding(
                    "TWO02", RISK, f"{director.snapshot.node} {there.name}: MTU {there.mtu}; {case.snapshot.node} "
                    f"{here.name}: MTU {here.mtu}",
                    "what is larger than the real server's interface takes is lost without a word",
                    by_command(f"ip link set {here.name} mtu {there.mtu}"), f"{there.name} {here.name}",
                    case.snapshot.node,
                )  # fmt: skip


def _pairs(cases: Sequence[Case]) -> Iterator[tuple[Case, Case]]:
    directors = _directors(cases)
    return ((one, other) for place, one in enumerate(directors) for other in directors[place + 1 :])


def split(cases: Sequence[Case]) -> Iterator[Finding]:
    """DIR06: both directors have a VIP where neighbours ask for it."""
    for one, other in _pairs(cases):
        both = [vip for vip in one.vips if _loud(one, vip) and _loud(other, vip)]
        if both:
            yield Finding(
                "DIR06", BROKEN, f"{one.snapshot.node} and {other.snapshot.node} both have {several(both)}",
                "neighbours send to whichever of them answered last",
                by_hand(f"stop one of them: lvs-director stop on {other.snapshot.node}"),
                f"{one.snapshot.node} {other.snapshot.node}",
            )  # fmt: skip


def remembered(cases: Sequence[Case]) -> Iterator[Finding]:
    """DIR07 and V605: a machine that takes another one's MAC for that of a director's VIP or DIP."""
    for director in _directors(cases):
        others = [case for case in cases if case is not director]
        asked = {device.name: device.hardware for device in director.asked}
        for address in (*director.vips, *sorted(director.dips)):
            own = [each for each in director.where(address) if each.interface in asked]
            if not own or any(_loud(other, address) for other in others):
                continue
            macs = {"", *(asked[each.interface] for each in own)}
            for case in others:
                for known in case.snapshot.neighbours or ():
                    if known.address == address and known.hardware not in macs:
                        yield _out_of_date(director, case, own[0], known)


def _out_of_date(director: Case, case: Case, own: Address, known: Neighbour) -> Finding:
    """Removed and added again, an address is announced by us."""
    node = director.snapshot.node
    return Finding(
        "V605" if family_of(own.address) == 6 else "DIR07", WILL_BREAK if known.state == "STALE" else BROKEN,
        f"{case.snapshot.node} takes {known.hardware} for {own.address}, which {node} has on {own.interface}",
        "what it sends to that address arrives at a machine that does not have it",
        by_command(f"ip address del {own.address}/{own.prefix} dev {own.interface}", "lvs-director start"),
        f"{case.snapshot.node} {own.address}", node,
    )  # fmt: skip


def _loud(case: Case, vip: str) -> bool:
    asked = {device.name for device in case.asked}
    return any(each.interface in asked for each in case.where(vip))


def daemons(cases: Sequence[Case]) -> Iterator[Finding]:
    """SYN01, SYN04, SYN05 and SYN06: what has to be equal on both, or opposite."""
    for one, other in _pairs(cases):
        names = f"{one.snapshot.node} {other.snapshot.node}"
        ids = {daemon.role: daemon for daemon in one.snapshot.daemons or ()}
        for daemon in other.snapshot.daemons or ():
            peer = ids.get("backup" if daemon.role == "master" else "master")
            backup = daemon if daemon.role == "backup" else peer
            if peer and backup and daemon.syncid != peer.syncid and backup.syncid:
                seen = f"{peer.role} has syncid {peer.syncid}, {daemon.role} {daemon.syncid}"
                yield _unequal("SYN01", seen, names)
            master = peer if backup is daemon else daemon
            if master and backup and backup.maxlen and master.maxlen > backup.maxlen:
                seen = f"master has sync_maxlen {master.maxlen}, backup {backup.maxlen}"
                yield _unequal("SYN05", seen, f"{names} maxlen")
        if ids and other.snapshot.daemons:
            yield from _daemons_settings(one, other, names)
            masters = [daemon.role for daemon in (*(one.snapshot.daemons or ()), *other.snapshot.daemons)]
            if masters.count("master") > 1 and "backup" not in masters:
                yield _unequal("SYN06", "both are masters of the sync daemon", f"{names} role")


def _daemons_settings(one: Case, other: Case, names: str) -> Iterator[Finding]:
    """SYN04 and SYN05: told of the node that has not what the file wants, or else what the kernel begins with."""
    for code, key in (("SYN04", "sync_ports"), ("SYN05", "sync_version")):
        path = f"net/ipv4/vs/{key}"
        values = [case.sysctl(path) for case in (one, other)]
        if None in values or values[0] == values[1]:
            continue
        sync = one.cluster.ha.sync if one.cluster.ha else None
        right = (sync.settings if sync else {}).get(SysctlKey(path), "1")
        wrong = one if values[0] != right else other
        fix = settings({path: right})
        if key == "sync_ports":  # counted when a daemon is started
            stops = (f"ipvsadm --stop-daemon {daemon.role}" for daemon in wrong.snapshot.daemons or ())
            fix = by_command(fix.text, *stops, "lvs-director start")
        seen = f"net.ipv4.vs.{key} = {values[0]} and {values[1]}"
        yield replace(_unequal(code, seen, f"{names} {key}"), fix=fix, node=wrong.snapshot.node)


def _unequal(code: str, seen: str, about: str) -> Finding:
    why = "what one director tells the other does not take, and a takeover loses connections"
    return Finding(code, WILL_BREAK, seen, why, by_command("lvs-director start"), about)


def tables(cases: Sequence[Case]) -> Iterator[Finding]:
    """SYN10: services and real servers of two directors that both have a table."""
    for one, other in _pairs(cases):
        mine, theirs = (_table(case) for case in (one, other))
        if mine and theirs and mine != theirs:
            apart = sorted(mine.symmetric_difference(theirs))
            yield Finding(
                "SYN10", WILL_BREAK, f"only one of {one.snapshot.node}, {other.snapshot.node} has {several(apart)}",
                "after a takeover the other one serves what its own table has",
                by_hand("the same configuration on both, then lvs-director reload"),
                f"{one.snapshot.node} {other.snapshot.node}",
            )  # fmt: skip


def _table(case: Case) -> set[str]:
    found: set[str] = set()
    for service in case.snapshot.services or ():
        name = f"fwmark {service.fwmark}" if service.protocol == "fwmark" else (
            f"{service.protocol} {host_port(service.address, service.port)}")  # fmt: skip
        found.add(f"{name} {service.scheduler}")
        found.update(f"{name} {host_port(each.address, each.port)} {each.forwarding}" for each in service.servers)
    return found


_RULES: tuple[Callable[[Sequence[Case]], Iterator[Finding]], ...] = (
    gateways, ports, configurations, wires, split, remembered, daemons, tables,
)  # fmt: skip
