"""Where VIPs are, with which prefix, and what happens to them (ARP05 to ARP11, DIR01, DIR02)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lvs_init.doctor import verdict
from lvs_init.doctor.arp import answers_for, carrier, label
from lvs_init.doctor.case import DIRECTOR, REALSERVER, Case
from lvs_init.doctor.finding import (
    BROKEN,
    NOTE,
    RISK,
    WILL_BREAK,
    Finding,
    Fix,
    addresses,
    by_command,
    by_hand,
    settings,
    several,
)
from lvs_init.doctor.registry import entry
from lvs_init.doctor.snapshot import Address, Route
from lvs_init.model.address import broadcast_of, family_of, full_prefix, inside
from lvs_init.model.network import AddressKey, Alias


def alias(case: Case, device: str, address: str, prefix: int) -> Alias:
    """How an address is set on a device, with a label that is free."""
    if family_of(address) == 6:
        return Alias()
    return Alias(label(case, device), broadcast_of(address, prefix))


def _on_loopback(case: Case) -> Iterator[Address]:
    """IPv4 addresses on lo that take a whole network with them."""
    for each in case.snapshot.addresses or ():
        known = case.interfaces.get(each.interface)
        ours = family_of(each.address) == 4 and not each.address.startswith("127.")
        if ours and known and known.loopback and each.prefix < 32:
            yield each


def _by_class(each: Address) -> bool:
    """Whether ifconfig has made its prefix, from the class of the address."""
    first = int(each.address.partition(".")[0])
    classful = 8 if first < 128 else 16 if first < 192 else 24
    return each.prefix == classful and ":" in each.label


def _too_wide(case: Case, each: Address, code: str) -> Finding:
    network = ipaddress.ip_network(f"{each.address}/{each.prefix}", strict=False)
    right = any(other.prefix == 32 and other.interface == each.interface for other in case.where(each.address))
    again = [] if right else [(AddressKey(each.interface, each.address, 32), Alias(each.label, each.address))]
    return Finding(
        code,
        BROKEN,
        f"{each.address}/{each.prefix} is on {each.interface}, which makes all of {network} local",
        f"this machine takes every address of {network} for its own: it answers for them, and sends nobody there "
        "anything",
        addresses([(AddressKey(each.interface, each.address, each.prefix), None), *again]),
        f"{each.address} on {each.interface}",
    )


@entry(
    "ARP05",
    "The VIP on lo has not /32",
    where=(DIRECTOR, REALSERVER),
    symptom="The real server vanishes from its network, or answers for all addresses of it.",
    cause="On lo an address with a shorter prefix makes its whole network local: a route 'local 192.168.0.0/24 dev "
    "lo'.",
    cure="/32 for every address on lo but 127.0.0.1.",
)
def wide_on_lo(case: Case) -> Iterator[Finding]:
    for each in _on_loopback(case):
        if not _by_class(each):
            yield _too_wide(case, each, "ARP05")


@entry(
    "ARP06",
    "ifconfig has given the VIP a network of its class",
    where=(DIRECTOR, REALSERVER),
    symptom="As ARP05, with a network that may be as large as 10.0.0.0/8.",
    cause="ifconfig without a netmask takes that of the address's class.",
    cure="netmask 255.255.255.255, always.",
)
def classful_on_lo(case: Case) -> Iterator[Finding]:
    for each in _on_loopback(case):
        if _by_class(each):
            yield _too_wide(case, each, "ARP06")


def _taken(case: Case, role: str, vip: str) -> Address | None:
    """Who has the label under which a missing VIP was set."""
    record = case.record(role)
    labels = {each.label for each in record.addresses if each.address == vip and each.label} if record else set()
    return next((each for each in case.snapshot.addresses or () if each.label in labels), None)


def _redirected(case: Case, vip: str) -> bool:
    """Whether the packet filter has its packets taken in without the address: REDIRECT, DNAT, TPROXY."""
    if case.snapshot.firewall is None:
        return False
    return any(
        verdict.redirected(
            case.snapshot.firewall,
            verdict.Packet(family_of(vip), each.service.key.protocol, destination=vip, dport=each.service.key.port),
        )
        for each in case.carried
        if each.vip.address == vip and each.service.key.protocol != "fwmark"
    )


@entry(
    "ARP07",
    "The VIP is missing on a real server",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="Connections time out; on the director they stay in SYN_RECV. Where the real server forwards, packets "
    "go round between it and the director until their TTL is used up.",
    cause="Under dr and tun packets still have the VIP as their destination, so the real server has to have it.",
    cure="The VIP with /32 on lo, or on the tunnel's device: `lvs-realserver start`.",
)
def missing_on_realserver(case: Case) -> Iterator[Finding]:
    if case.serving(DIRECTOR):
        return
    for vip in case.carried_vips:
        answer = case.route(vip)
        if case.snapshot.addresses is None or case.has(vip) or (answer and answer.kind == "local"):
            continue
        if _taken(case, REALSERVER, vip) or _redirected(case, vip):
            continue
        device = carrier(case, vip)
        if family_of(vip) == 6 and case.sysctl(f"net/ipv6/conf/{device}/disable_ipv6") == "1":
            continue  # V606: it could not be added
        key = AddressKey(device, vip, full_prefix(vip))
        serving = case.serving(REALSERVER)
        yield Finding(
            "ARP07",
            BROKEN if serving else NOTE,
            f"{vip} is no address of this machine" + ("" if serving else ", and lvs-realserver is not started here"),
            "the director sends packets for the VIP on unchanged, and who does not have it drops them or sends them "
            "back",
            addresses([(key, alias(case, device, vip, key.prefix))]) if serving else by_command("lvs-realserver start"),
            vip,
        )


@entry(
    "ARP08",
    "A VIP that nobody serves here is still here",
    where=(DIRECTOR, REALSERVER),
    symptom="A machine out of service still answers for the VIP; a client on it always reaches itself.",
    cause="The VIP was not taken away at stop, or the configuration changed in between.",
    cure="ip address del. `lvs-director stop` and `lvs-realserver stop` remove what was set, whatever the file says "
    "by now.",
)
def stale(case: Case) -> Iterator[Finding]:
    if case.serving(DIRECTOR) or case.snapshot.services is None:
        return
    served = set(case.carried_vips)
    asked = {interface.name for interface in case.asked}
    for vip in case.vips:
        for each in case.where(vip):
            if vip in served:
                continue
            loud = each.interface in asked or any(answers_for(case, device, vip) for device in asked)
            yield Finding(
                "ARP08",
                BROKEN if loud else RISK,
                f"{vip}/{each.prefix} is on {each.interface}, and nothing here serves it",
                "neighbours that ask may be sent here instead of to the director"
                if loud
                else "whatever this machine itself sends to the VIP stays here",
                addresses([(AddressKey(each.interface, vip, each.prefix), None)]),
                f"{vip} on {each.interface}",
            )


@entry(
    "ARP09",
    "An alias has replaced the VIP, or doubled it",
    where=(DIRECTOR, REALSERVER),
    symptom="A VIP is gone without anybody having removed it.",
    cause="ifconfig on a label that is there already replaces its address. The same address with another prefix is "
    "one more address, and `ip address del` without a prefix takes the first.",
    cure="A free label for each, and prefixes in every command.",
)
def collided(case: Case) -> Iterator[Finding]:
    for role in sorted(case.roles):
        record = case.record(role) if case.serving(role) else None
        for vip in case.vips if record else ():
            other = None if case.has(vip) else _taken(case, role, vip)
            wanted = next((each for each in record.addresses if each.address == vip), None) if record else None
            if other and wanted:
                key = AddressKey(wanted.interface, vip, wanted.prefix)
                yield Finding(
                    "ARP09",
                    BROKEN,
                    f"{vip} was on {wanted.interface} as {wanted.label}, which is {other.address} now",
                    "the VIP was replaced, so this machine no longer takes what is sent to it",
                    addresses([(key, alias(case, wanted.interface, vip, wanted.prefix))]),
                    vip,
                )
    for vip in case.vips:
        for device in sorted({each.interface for each in case.where(vip)}):
            prefixes = sorted({each.prefix for each in case.where(vip) if each.interface == device}, reverse=True)
            if len(prefixes) > 1:
                yield Finding(
                    "ARP09",
                    RISK,
                    f"{vip} is on {device} with /{' and /'.join(map(str, prefixes))}",
                    "it was added twice, and who removes it once still has it",
                    addresses([(AddressKey(device, vip, prefix), None) for prefix in prefixes[1:]]),
                    f"{vip} on {device}",
                )


@entry(
    "ARP10",
    "Removing one VIP removes another",
    where=(DIRECTOR, REALSERVER),
    symptom="After one VIP was taken away a second one is gone.",
    cause="Of two addresses in one network the second is secondary, and goes with the first unless "
    "promote_secondaries is 1.",
    cure="/32 for every VIP.",
)
def secondary(case: Case) -> Iterator[Finding]:
    vips = set(case.vips)
    for each in case.snapshot.addresses or ():
        if not each.secondary or each.address not in vips or case.effective("promote_secondaries", each.interface) != 0:
            continue
        first = [
            other.address
            for other in case.on(each.interface)
            if not other.secondary
            and other.address in vips
            and other.prefix == each.prefix
            and inside(other.address, str(ipaddress.ip_network(f"{each.address}/{each.prefix}", strict=False)))
        ]
        if first:
            path = f"net/ipv4/conf/{each.interface}/promote_secondaries"
            yield Finding(
                "ARP10",
                WILL_BREAK,
                f"{each.address}/{each.prefix} is secondary to {several(first)} on {each.interface}, and "
                "promote_secondaries is 0",
                f"when {several(first)} is taken away, {each.address} goes with it",
                settings({path: "1"}),
                f"{each.address} on {each.interface}",
            )


@entry(
    "ARP11",
    "lo is down",
    where=(DIRECTOR, REALSERVER),
    symptom="The machine does not reach its own addresses; remote clients notice nothing, or all of it under IPv6.",
    cause="`ifconfig lo down` in a stop script, where `ifconfig lo:0 down` was meant. IPv6 loses every address of "
    "lo but ::1, for good.",
    cure="ip link set lo up.",
)
def loopback_down(case: Case) -> Iterator[Finding]:
    for interface in case.interfaces.values():
        if interface.loopback and not interface.up:
            yield Finding(
                "ARP11",
                BROKEN,
                f"{interface.name} is down",
                "nothing on this machine reaches its own addresses any more: no health check, no local real server",
                by_command(f"ip link set {interface.name} up"),
                interface.name,
            )


@entry(
    "DIR01",
    "The VIP is not on the director",
    where=(DIRECTOR,),
    symptom="Clients get 'No route to host', or no answer at all; the service's counters stand still.",
    cause="IPVS takes packets on their way to local processes. Who does not have the VIP forwards or drops them "
    "before.",
    cure="The VIP on the device that faces its clients: `lvs-director start`.",
)
def missing_on_director(case: Case) -> Iterator[Finding]:
    record = case.record(DIRECTOR)
    if case.snapshot.addresses is None or (record and record.stance == "standby"):
        return
    serving = case.serving(DIRECTOR)
    for vip in case.cluster.vips:
        answer = case.route(vip.address)
        if case.has(vip.address) or (answer and answer.kind == "local") or _taken(case, DIRECTOR, vip.address):
            continue
        device = _device_of(case, vip.address)
        fix = by_hand(f"add {vip.address}/{vip.prefix} to the device that faces its clients")
        if not serving:
            fix = by_command("lvs-director start")
        elif device:
            key = AddressKey(device, vip.address, vip.prefix)
            fix = addresses([(key, alias(case, device, vip.address, vip.prefix))])
        yield Finding(
            "DIR01",
            BROKEN if serving else NOTE,
            f"{vip.address} is no address of this machine"
            + ("" if serving else ", and lvs-director is not started here"),
            "packets for the VIP pass this machine by, and none of them comes to the table of services",
            fix,
            vip.address,
        )


def _device_of(case: Case, vip: str) -> str:
    """The device that the VIP was on, or is to be on; "" where nothing tells."""
    record = case.record(DIRECTOR)
    known = [each.interface for each in record.addresses if each.address == vip] if record else []
    named = [service.interface for service in case.cluster.services if vip in [each.address for each in service.vips]]
    choice = next(filter(None, (*known, *named, case.override.interface, case.cluster.director.interface)), None)
    return (choice or case.facing(vip) or "").partition(":")[0]


@entry(
    "DIR02",
    "The director speaks to its real servers in the VIP's name",
    where=(DIRECTOR,),
    methods=("dr", "tun"),
    symptom="A total outage: every real server's neighbour entry is FAILED, and the director cannot even ping them.",
    cause="The VIP with a network's prefix came first on its device, so it is the source of all that goes to that "
    "network. A real server has the VIP itself, and drops what claims to come from it, ARP requests, too.",
    cure="/32 for the VIP, or the DIP first; a route with the DIP as its source helps at once.",
)
def speaks_as_vip(case: Case) -> Iterator[Finding]:
    told: dict[tuple[str, str], list[str]] = {}
    for _, key, _ in case.realservers("dr", "tun"):
        answer = case.route(key.address)
        if answer and answer.kind == "unicast" and answer.preferred in case.vips and family_of(key.address) == 4:
            told.setdefault((answer.preferred, answer.device), []).append(key.address)
    for (vip, device), rips in told.items():
        route = _route_to(case, rips[0], device)
        own = [
            each.address for each in case.on(device) if each.address not in case.vips and family_of(each.address) == 4
        ]
        near = route.to if route and "/" in route.to else ""
        source = next((address for address in own if near and inside(address, near)), next(iter(own), ""))
        fix = by_hand(f"give {device} an address of its own in the real servers' network, and the VIP /32")
        if route and source:
            via = f"via {route.via} " if route.via else ""
            kernel = "" if route.via else "proto kernel scope link "
            fix = by_command(f"ip route change {route.to} {via}dev {device} {kernel}src {source}")
        wide = next((each for each in case.where(vip) if each.interface == device and each.prefix < 32), None)
        if wide and any(inside(address, _network_of(wide)) for address in own):
            fix = _narrowed(case, wide)
        yield Finding(
            "DIR02",
            BROKEN,
            f"the kernel takes {vip} as its source towards {several(rips)} on {device}",
            "the real servers have that address themselves, so they believe nothing that comes from it",
            fix,
            f"{vip} on {device}",
        )


def _network_of(address: Address) -> str:
    return str(ipaddress.ip_network(f"{address.address}/{address.prefix}", strict=False))


def _narrowed(case: Case, wide: Address) -> Fix:
    """Give the VIP /32 and let the next address come first: its ARP requests are in the name of the first one, which no
    route changes. Without promote_secondaries that one would go as well."""
    device, vip = wide.interface, wide.address
    again = (AddressKey(device, vip, 32), Alias(wide.label if ":" in wide.label else label(case, device), vip))
    right = any(each.prefix == 32 and each.interface == device for each in case.where(vip))
    first = settings({f"net/ipv4/conf/{device}/promote_secondaries": "1"})
    then = addresses([(AddressKey(device, vip, wide.prefix), None), *([] if right else [again])])
    return by_command(first.text, then.text)


def _route_to(case: Case, address: str, device: str) -> Route | None:
    """The route of the main table that leads there."""
    found = [
        route
        for route in case.snapshot.routes or ()
        if route.table == "main" and route.device == device and route.family == 4
        and (route.to == "default" or inside(address, route.to if "/" in route.to else f"{route.to}/32"))
    ]  # fmt: skip
    found.sort(key=lambda route: (-int(route.to.rpartition("/")[2]) if "/" in route.to else 0, route.metric))
    return found[0] if found else None
