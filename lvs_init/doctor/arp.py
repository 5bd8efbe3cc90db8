"""Who answers when a neighbour asks for a VIP: the director shall, and its real servers shall not (ARP01 to ARP04 and
ARP12 to ARP15). IPv4 alone: IPv6 needs none of these settings.

Linux 6.1 net/ipv4/arp.c arp_ignore, arp_solicit; Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.doctor.case import DIRECTOR, Case
from lvs_init.doctor.finding import BROKEN, RISK, WILL_BREAK, Finding, Fix, addresses, by_hand, settings, several
from lvs_init.doctor.registry import NETWORK, REALSERVER, entry
from lvs_init.doctor.snapshot import Address, Route
from lvs_init.model.address import family_of, inside, network_of
from lvs_init.model.network import QUIET, AddressKey, Alias

_RIGHT = {"arp_ignore": "1", "arp_announce": "2"}


def in_subnet(case: Case, interface: str, address: str) -> bool:
    """Whether neighbours on that device would look for the address there, rather than send it to a router."""
    return any(
        each.prefix < 32 and each.address != address and inside(address, network_of(each.address, each.prefix))
        for each in case.on(interface)
    )


def shown(case: Case, name: str, interface: str) -> str:
    """``arp_ignore is 0 on eth0 in effect (all 0, eth0 0)``."""
    here, everywhere = (case.sysctl(f"net/ipv4/conf/{each}/{name}") for each in (interface, "all"))
    return (
        f"{name} is {case.effective(name, interface)} on {interface} in effect (all {everywhere}, {interface} {here})"
    )


def quieting(case: Case, interface: str) -> Fix:
    """What makes a device quiet about VIPs: its own values only where they would outweigh those of ``all``."""
    values: dict[str, str] = {}
    for name, right in _RIGHT.items():
        for place in ("all", interface):
            path = f"net/ipv4/conf/{place}/{name}"
            if case.sysctl(path) not in (QUIET[name] if place == "all" else ("0", "1", *QUIET[name])):
                values[path] = right
    return settings(values)


def _leaks(ignore: int, entries: tuple[Address, ...]) -> bool:
    """Whether a device answers for an address of another device. 3 hides what has scope host only; 4 to 7, and what is
    beyond 8, are taken for 0."""
    if ignore in (1, 2, 8):
        return False
    return not (ignore == 3 and all(each.scope == "host" for each in entries))


def answers_for(case: Case, interface: str, vip: str) -> bool:
    """Whether a device answers for a VIP that another device of the machine has."""
    entries = case.where(vip)
    ignore = case.effective("arp_ignore", interface)
    if ignore is None or not entries or any(each.interface == interface for each in entries):
        return False
    return in_subnet(case, interface, vip) and _leaks(ignore, entries) and not _hidden_by_firewall(case, vip)


def _hidden_by_firewall(case: Case, vip: str) -> bool:
    tables = case.snapshot.firewall.tables if case.snapshot.firewall else ()
    rules = (
        rule for table in tables if table.family == "arp" for chain in table.chains.values() for rule in chain.rules
    )
    return any(vip in rule.text and rule.action in ("drop", "unknown") for rule in rules)


@entry(
    "ARP01",
    "A real server answers ARP for the VIP",
    where=(REALSERVER, NETWORK),
    methods=("dr", "tun"),
    symptom="It works for some clients, or for a while; then one real server gets everything, and the director's "
    "counters stand still.",
    cause="Linux answers for an address on any of its devices whichever device is asked. What counts is the device "
    "that receives the question, with the larger of its own arp_ignore and that of all: setting lo's does nothing, "
    "and a 3 or 5 anywhere undoes a 1.",
    cure="arp_ignore 1 in effect on every device that faces the VIP's network. `lvs-realserver start` sees to it.",
)
def answers_for_vip(case: Case) -> Iterator[Finding]:
    for interface in case.asked:
        told = [vip for vip in case.quiet if answers_for(case, interface.name, vip)]
        if told:
            yield Finding(
                "ARP01",
                BROKEN,
                f"{shown(case, 'arp_ignore', interface.name)}; it answers for {several(told)}",
                "the director alone may answer for a VIP: who asks and hears this machine first sends everything "
                "here, past the director",
                quieting(case, interface.name),
                interface.name,
            )


@entry(
    "ARP02",
    "A real server speaks in the VIP's name",
    where=(REALSERVER, NETWORK),
    methods=("dr", "tun"),
    symptom="All is well until a real server has spoken first; minutes later its router sends it everything.",
    cause="An answer to a client has the VIP as its source, and with arp_announce 0 or 1 Linux takes that for the "
    "sender of the ARP request that looks for the gateway: the gateway learns that the VIP is here.",
    cure="arp_announce 2 in effect on the device by which answers leave.",
)
def speaks_as_vip(case: Case) -> Iterator[Finding]:
    spoken: dict[str, list[str]] = {}
    for vip in filter(case.has, case.quiet):
        for client in case.clients:
            answer = case.route(client, vip)
            if answer and answer.kind == "unicast" and family_of(client) == 4:
                spoken.setdefault(answer.device, []).append(vip)
    for device, vips in spoken.items():
        announce = case.effective("arp_announce", device)
        known = case.interfaces.get(device)
        if announce is None or announce >= 2 or known is None or known.noarp or known.loopback:
            continue
        beside = [vip for vip in vips if in_subnet(case, device, vip)]
        told = vips if announce == 0 else beside  # 1 speaks as the VIP only where that is in the subnet
        if told:
            yield Finding(
                "ARP02",
                BROKEN if beside else RISK,
                f"{shown(case, 'arp_announce', device)}; answers of {several(told)} leave by {device}",
                "looking for the next hop, this machine says that the VIP is here, and its neighbours believe it",
                quieting(case, device),
                device,
            )


@entry(
    "ARP03",
    "The VIP is on a real server's network device",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="As ARP01, although arp_ignore is 1 and arp_announce is 2.",
    cause="For an address of the very device that is asked, arp_ignore 1 and 2 answer: that is what they are for.",
    cure="The VIP with /32 on lo (dr) or on the tunnel's device (tun).",
)
def vip_on_network_device(case: Case) -> Iterator[Finding]:
    asked = {interface.name for interface in case.asked if interface.kind != "dummy"}
    for vip in case.quiet:
        for each in case.where(vip):
            if each.interface in asked and not _hidden_by_firewall(case, vip):
                yield Finding(
                    "ARP03",
                    BROKEN,
                    f"{vip}/{each.prefix} is on {each.interface}",
                    f"{each.interface} answers ARP for its own addresses whatever arp_ignore says, so clients come "
                    "here past the director",
                    _moved(case, each, carrier(case, vip)),
                    f"{vip} on {each.interface}",
                )


def carrier(case: Case, vip: str) -> str:
    """The device on which a real server carries a VIP."""
    methods = {each.value.forwarding for each in case.carried if each.vip.address == vip}
    if methods == {"tun"}:
        return "tunl0" if family_of(vip) == 4 else "ip6tnl0"
    return "lo"


def _moved(case: Case, each: Address, device: str) -> Fix:
    away = (AddressKey(each.interface, each.address, each.prefix), None)
    if any(other.interface == device and other.prefix == 32 for other in case.where(each.address)):
        return addresses([away])
    return addresses([away, (AddressKey(device, each.address, 32), Alias(label(case, device), each.address))])


def label(case: Case, device: str) -> str:
    """The first free label of a device: ``lo:0``, ``eth0:1``; "" where it would be too long."""
    taken = {each.label for each in case.on(device)}
    number = 0 if device == "lo" else 1
    while f"{device}:{number}" in taken:
        number += 1
    return f"{device}:{number}" if len(f"{device}:{number}") <= 15 else ""


@entry(
    "ARP04",
    "A real server announces the VIP",
    where=(REALSERVER, NETWORK),
    methods=("dr", "tun"),
    symptom="After a real server's boot, an ifup or the migration of a virtual machine all clients go to it.",
    cause="An announcement (gratuitous ARP) is subject to no setting of arp_*: Red Hat's ifup makes one for every "
    "address that it configures, the kernel with arp_notify 1 for those of a device that comes up, and a bond at a "
    "failover.",
    cure="The VIP on lo, arp_notify 0, ARPUPDATE=no in the ifcfg file of the alias.",
)
def announces_vip(case: Case) -> Iterator[Finding]:
    asked = {interface.name for interface in case.asked}
    for vip in case.quiet:
        for each in case.where(vip):
            if each.interface in asked and case.effective("arp_notify", each.interface) == 1:
                paths = (f"net/ipv4/conf/{place}/arp_notify" for place in ("all", each.interface))
                yield Finding(
                    "ARP04",
                    WILL_BREAK,
                    f"{shown(case, 'arp_notify', each.interface)}, which has {vip}",
                    f"when {each.interface} comes up the kernel tells everybody that the VIP is here",
                    settings({path: "0" for path in paths if case.sysctl(path) != "0"}),
                    f"{vip} on {each.interface}",
                )
    for file in case.snapshot.ifcfg or ():
        if case.quiet and file.device.startswith("lo:") and file.arpupdate.lower() != "no":
            yield Finding(
                "ARP04",
                RISK,
                f"{file.file} configures {file.device} without ARPUPDATE=no",
                "ifup announces each address that it configures, also one that is to be kept quiet about",
                by_hand(f"add ARPUPDATE=no to {file.file}"),
                file.device,
            )


@entry(
    "ARP12",
    "arp_ignore hides a real server's own address",
    where=(REALSERVER,),
    symptom="The director finds nobody at the RIP: its neighbour entry is FAILED.",
    cause="arp_ignore 8 never answers, not for the RIP either; 2 answers only who asks from the same subnet, and a "
    "director's DIP may be elsewhere.",
    cure="arp_ignore 1, which hides the VIP and nothing else.",
)
def hides_itself(case: Case) -> Iterator[Finding]:
    for address in dict.fromkeys(key.address for _, key, _ in case.own_realservers):
        for each in case.where(address):
            ignore = case.effective("arp_ignore", each.interface)
            strangers = [
                dip for dip in sorted(case.dips) if family_of(dip) == 4 and not in_subnet(case, each.interface, dip)
            ]
            if family_of(address) == 4 and (ignore == 8 or (ignore == 2 and strangers)):
                places = [f"net/ipv4/conf/{place}/arp_ignore" for place in ("all", each.interface)]
                asker = f"the director's {several(strangers)}" if ignore == 2 else "anybody"
                yield Finding(
                    "ARP12",
                    BROKEN,
                    f"{shown(case, 'arp_ignore', each.interface)}, which has the RIP {address}",
                    f"it does not answer {asker}, so nothing that the director sends finds its way here",
                    settings({place: "1" for place in places if case.sysctl(place) == str(ignore)}),
                    f"{address} on {each.interface}",
                )


@entry(
    "ARP13",
    "A neighbour answers for the VIP as a proxy",
    where=(DIRECTOR, REALSERVER),
    symptom="The VIP is at the MAC of a machine that has nothing to do with it.",
    cause="With proxy_arp 1 and forwarding a machine answers for every address that it has a route to by another "
    "device.",
    cure="proxy_arp 0, or no route to the VIP there.",
)
def answers_as_proxy(case: Case) -> Iterator[Finding]:
    for interface in case.asked:
        if case.effective("proxy_arp", interface.name) != 1 or case.effective("forwarding", interface.name) != 1:
            continue
        answers = {vip: case.route(vip) for vip in case.vips if family_of(vip) == 4 and not case.has(vip)}
        told = [
            vip
            for vip, answer in answers.items()
            if answer and answer.kind == "unicast" and answer.device != interface.name
        ]
        if told:
            paths = (f"net/ipv4/conf/{place}/proxy_arp" for place in ("all", interface.name))
            yield Finding(
                "ARP13",
                BROKEN,
                f"{shown(case, 'proxy_arp', interface.name)}, and the way to {several(told)} is another one",
                "this machine answers for the VIP in the director's stead, and then sends packets round in circles",
                settings({path: "0" for path in paths if case.sysctl(path) != "0"}),
                interface.name,
            )


@entry(
    "ARP14",
    "arp_filter keeps the director from answering",
    where=(DIRECTOR,),
    symptom="Nobody answers for the VIP on a director with several devices; TcpExt ArpFilter grows.",
    cause="With arp_filter 1 the kernel answers only on the device by which it would send to who asks.",
    cure="arp_filter 0, or routing rules that let answers of the VIP leave where it is.",
)
def filtered(case: Case) -> Iterator[Finding]:
    if not case.serving(DIRECTOR):
        return
    for vip in case.vips:
        for each in case.where(vip):
            known = case.interfaces.get(each.interface)
            if known is None or known.noarp or known.loopback or case.effective("arp_filter", each.interface) != 1:
                continue
            way = _another_way(case, each.interface)
            if way is not None:
                paths = (f"net/ipv4/conf/{place}/arp_filter" for place in ("all", each.interface))
                yield Finding(
                    "ARP14",
                    BROKEN,
                    f"{shown(case, 'arp_filter', each.interface)}, which has {vip}, and the way to {way.to} is "
                    f"{way.device}",
                    "the kernel answers there only whom it would send to by that device, so others never find the VIP",
                    settings({path: "0" for path in paths if case.sysctl(path) != "0"}),
                    f"{vip} on {each.interface}",
                )


def _another_way(case: Case, interface: str) -> Route | None:
    """A route that leads neighbours of a device out by another one."""
    subnets = [
        network_of(each.address, each.prefix)
        for each in case.on(interface)
        if each.prefix < 32 and family_of(each.address) == 4
    ]
    for route in case.snapshot.routes or ():
        if route.family == 4 and route.table != "local" and route.type == "unicast" and route.to != "default":
            first = route.to.partition("/")[0]
            elsewhere = route.device not in ("", interface) and not route.via and first not in case.vips
            if elsewhere and any(inside(first, subnet) for subnet in subnets):
                return route
    return None


@entry(
    "ARP15",
    "The director does not answer ARP for the VIP",
    where=(DIRECTOR,),
    symptom="Clients get 'No route to host' after three seconds; their neighbour entry is INCOMPLETE.",
    cause="The VIP is on lo or another device than the one that faces clients, with arp_ignore 1 or more: a real "
    "server's settings on the director.",
    cure="The VIP on the device that faces its clients.",
)
def keeps_quiet(case: Case) -> Iterator[Finding]:
    if not case.serving(DIRECTOR):
        return
    for vip in (vip for vip in case.vips if family_of(vip) == 4):
        entries = case.where(vip)
        facing = case.facing(vip)
        if not entries or facing is None or any(each.interface == facing for each in entries):
            continue  # outside all subnets it is routed, not asked for
        ignore = case.effective("arp_ignore", facing)
        if ignore is not None and not _leaks(ignore, entries):
            alias = Alias(label(case, facing), vip)
            yield Finding(
                "ARP15",
                BROKEN,
                f"{vip} is on {several(each.interface for each in entries)}, and {shown(case, 'arp_ignore', facing)}",
                f"who looks for the VIP asks on {facing} and gets no answer",
                addresses(
                    [
                        *((AddressKey(each.interface, vip, each.prefix), None) for each in entries),
                        (AddressKey(facing, vip, 32), alias),
                    ]
                ),
                vip,
            )
