"""IPv6 (V601 to V608): no ARP and none of its settings, but duplicate address detection, and lo that forgets."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.doctor.arp import carrier
from lvs_init.doctor.case import ELSEWHERE, Case
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, WILL_BREAK, Finding, addresses, by_command, by_hand, settings
from lvs_init.doctor.registry import DIRECTOR, NETWORK, REALSERVER, entry, rule_of
from lvs_init.doctor.verdict import Packet, rules_reached
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import host_port
from lvs_init.model.network import AddressKey, Alias

_CONF = "net/ipv6/conf"


@entry(
    "V601",
    "A real server answers for an IPv6 VIP",
    where=(REALSERVER, DIRECTOR),
    methods=("dr", "tun"),
    symptom="One real server gets everything; or the director's VIP is 'dadfailed tentative' and never works.",
    cause="A machine answers a neighbour solicitation for every address of the interface that receives it. On lo or a "
    "dummy the VIP is not told to anybody, on a network interface it is, and the director finds it taken.",
    cure="The VIP as /128 on lo.",
)
def answers_solicitations(case: Case) -> Iterator[Finding]:
    """An IPv6 VIP on a device that neighbours ask."""
    asked = {device.name for device in case.asked}
    for vip in case.carried_vips if not case.serving(DIRECTOR) else ():
        for each in case.where(vip):
            if family_of(vip) == 6 and each.interface in asked:
                wanted = [(AddressKey(each.interface, vip, each.prefix), None)]
                if not any(other.interface == "lo" for other in case.where(vip)):
                    yield Finding(
                        "V601", BROKEN, f"{vip}/{each.prefix} is on {each.interface}", _TOLD,
                        addresses([*wanted, (AddressKey("lo", vip, 128), Alias())]), f"{vip} {each.interface}",
                    )  # fmt: skip
                else:
                    yield Finding(
                        "V601", BROKEN, f"{vip}/{each.prefix} is on {each.interface}", _TOLD, addresses(wanted),
                        f"{vip} {each.interface}",
                    )  # fmt: skip


_TOLD = "this machine answers neighbour solicitations for it, which is the director's alone to do"


@rule_of("V601")
def lost_detection(case: Case) -> Iterator[Finding]:
    """An IPv6 VIP of this machine that another one has."""
    for vip in case.vips:
        for each in case.where(vip):
            if each.dadfailed:
                key = f"{each.address}/{each.prefix} dev {each.interface}"
                yield Finding(
                    "V601", BROKEN, f"{key}: dadfailed", "another machine has the address: IPv6 does not use it here",
                    by_command("# once the other machine has given it up:", f"ip -6 address del {key}",
                               f"ip -6 address add {key} preferred_lft 0"), f"{vip} {each.interface}",
                )  # fmt: skip


@entry(
    "V602",
    "An IPv6 address on lo that is not /128",
    where=(DIRECTOR, REALSERVER),
    symptom="The machine loses its own network, or some of it.",
    cause="A shorter prefix makes a route to the whole network through lo, as good as the one through the network's "
    "interface.",
    cure="/128 for every address on lo.",
)
def wide_on_lo(case: Case) -> Iterator[Finding]:
    """Any address but ::1."""
    for each in case.snapshot.addresses or ():
        device = case.interfaces.get(each.interface)
        wide = family_of(each.address) == 6 and each.prefix < 128 and each.scope == "global"
        if device is None or not device.loopback or not wide:
            continue
        again = [] if any(other.prefix == 128 for other in case.where(each.address)) else [
            (AddressKey(each.interface, each.address, 128), Alias())]  # fmt: skip
        yield Finding(
            "V602", BROKEN, f"{each.address}/{each.prefix} is on {each.interface}",
            "packets for its network may end on this machine instead of leaving it",
            addresses([(AddressKey(each.interface, each.address, each.prefix), None), *again]), each.address,
        )  # fmt: skip


@entry(
    "V603",
    "lo was down and has lost IPv6 VIPs",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="As ARP07: clients of one real server get no answer. IPv4 works.",
    cause="When lo goes down, IPv6 forgets all of its addresses, and coming up it makes ::1 alone again.",
    cure="`lvs-realserver start` after it.",
)
def forgotten_by_lo(case: Case) -> Iterator[Finding]:
    """What was set on lo is gone; that the VIP is missing is told by ARP07."""
    record = case.record(REALSERVER) if case.snapshot.addresses is not None else None
    for each in record.addresses if record else ():
        if family_of(each.address) == 6 and each.interface == "lo" and not case.has(each.address):
            yield Finding(
                "V603", NOTE, f"{each.address} was set on lo and is gone",
                "IPv6 loses the addresses of lo when lo goes down", by_command("lvs-realserver start"), each.address,
            )  # fmt: skip


@entry(
    "V604",
    "A firewall's own reverse path filter",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="As DR06 or TUN03, for IPv6.",
    cause="IPv6 has no rp_filter; firewalld (IPv6_rpfilter) and rules with rpfilter or fib do the same.",
    cure="Leave the VIPs, or the tunnel's device, out of that rule.",
)
def filtered_by_rule(case: Case) -> Iterator[Finding]:
    """Such a rule ahead of packets that come by another device than answers leave by."""
    if case.snapshot.firewall is None:
        return
    for each in case.carried:
        vip = each.vip.address
        own = next((found.interface for found in case.where(each.key.address)), "")
        device = "ip6tnl0" if each.value.forwarding == "tun" else own
        way = case.route(ELSEWHERE[6], vip)
        if family_of(vip) != 6 or not device or way is None or way.device == device:
            continue
        packet = Packet(6, "tcp", destination=vip, interface=device)
        for rule, _ in rules_reached(case.snapshot.firewall, "prerouting", packet):
            if rule.action in ("drop", "reject") and ("rpfilter" in rule.text or "fib " in rule.text):
                yield Finding(
                    "V604", RISK, f"{rule.text}; requests come by {device}, answers leave by {way.device}",
                    "that rule drops what comes by a device that no answer leaves by",
                    by_hand(f"leave {device} out of this rule: {rule.text}"), vip,
                )  # fmt: skip


entry(
    "V605",
    "Nobody tells neighbours of a takeover",
    where=(NETWORK,),
    symptom="After a takeover clients go on to the machine that had the VIP before, for a minute or so.",
    cause="IPv6 knows no gratuitous ARP; unsolicited neighbour advertisements do it, which Linux sends by itself only "
    "with ndisc_notify=1.",
    cure="`lvs-director start` and takeovers send them, whatever ndisc_notify says.",
    joined=True,
)


@entry(
    "V606",
    "IPv6 is disabled where the VIP belongs",
    where=(DIRECTOR, REALSERVER),
    symptom="The VIP cannot be added ('Permission denied'), or is gone.",
    cause="disable_ipv6=1 takes all addresses from an interface and lets none be added, on lo as well.",
    cure="disable_ipv6=0 on that interface.",
)
def disabled(case: Case) -> Iterator[Finding]:
    """On lo of a real server, and on the director's interface."""
    for vip in case.vips:
        if family_of(vip) != 6 or case.has(vip):
            continue
        if vip in case.carried_vips:
            device = carrier(case, vip)
        else:
            device = (case.override.interface or case.cluster.director.interface or "").partition(":")[0]
        if device and case.sysctl(f"{_CONF}/{device}/disable_ipv6") == "1":
            fix = settings({f"{_CONF}/{device}/disable_ipv6": "0"})
            yield Finding(
                "V606", BROKEN, f"net.ipv6.conf.{device}.disable_ipv6 = 1, and {vip} is missing",
                f"{device} can have no IPv6 address", fix + addresses([(AddressKey(device, vip, 128), Alias())]), vip,
            )  # fmt: skip


@entry(
    "V607",
    "What /proc/net/ip_vs does not tell of IPv6",
    where=(DIRECTOR,),
    symptom="Programs that read /proc misread masks, flags and the family of firewall marks.",
    cause="Masks are a prefix length with its bytes turned round, one-packet is not shown, nor is a mark's family.",
    cure="Read over netlink, or `ipvsadm -Sn`, as root. Doctor without root tells what it could not see.",
)
def not_told(case: Case) -> Iterator[Finding]:
    """/proc was all that could be read."""
    for service in case.snapshot.services or ():
        if service.family == 6 and service.one_packet is None:
            name = f"{service.protocol} {host_port(service.address, service.port)}"
            yield Finding(
                "V607", NOTE, f"{name}: read from /proc, which does not tell whether it is one_packet",
                "what the kernel does with it is known to root alone", by_hand("ask as root"), name,
            )  # fmt: skip


@entry(
    "V608",
    "Forwarding IPv6 loses the default route",
    where=(DIRECTOR,),
    methods=("nat",),
    symptom="Minutes after start the director has no IPv6 default route any more.",
    cause="NAT needs net.ipv6.conf.all.forwarding=1 (see NAT01), and a machine that forwards takes no router "
    "advertisements where accept_ra is 1.",
    cure="accept_ra=2 on the interface of the uplink, which `lvs-director start` sets.",
)
def unadvertised(case: Case) -> Iterator[Finding]:
    """A default route that came from an advertisement (its gateway is link-local), and no more to come; or none."""
    if case.sysctl(f"{_CONF}/all/forwarding") != "1" or case.snapshot.routes is None:
        return
    routes = [route for route in case.snapshot.routes if route.family == 6 and route.to == "default"]
    facing = sorted({case.facing(vip) or "" for vip in case.vips if family_of(vip) == 6} - {""})
    for device in facing if not routes and case.serving(DIRECTOR) else ():
        if case.sysctl(f"{_CONF}/{device}/accept_ra") == "1":
            yield Finding(
                "V608", RISK, f"net.ipv6.conf.{device}.accept_ra = 1, net.ipv6.conf.all.forwarding = 1, and no "
                "default route",
                "a router that advertises itself is not heeded, so answers reach clients of this network alone",
                settings({f"{_CONF}/{device}/accept_ra": "2"}), device,
            )  # fmt: skip
    for route in routes:
        learnt = route.via.startswith("fe80:")
        if learnt and case.sysctl(f"{_CONF}/{route.device}/accept_ra") == "1":
            yield Finding(
                "V608", WILL_BREAK, f"net.ipv6.conf.{route.device}.accept_ra = 1, net.ipv6.conf.all.forwarding = 1, "
                f"default via {route.via}",
                "the route was learnt from an advertisement, and is not renewed any more",
                settings({f"{_CONF}/{route.device}/accept_ra": "2"}), route.device,
            )  # fmt: skip
