"""Network address translation: every answer has to come back through the director (NAT01 to NAT04, NAT07 to NAT09).

Firewalls in its way are in firewall.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from lvs_init.doctor.case import ELSEWHERE, Case
from lvs_init.doctor.direct import strict
from lvs_init.doctor.finding import (
    BROKEN,
    NOTE,
    RISK,
    WILL_BREAK,
    Finding,
    Fix,
    by_command,
    by_hand,
    settings,
    several,
)
from lvs_init.doctor.firewall import full_nat
from lvs_init.doctor.packets import entrance
from lvs_init.doctor.registry import DIRECTOR, REALSERVER, entry, rule_of
from lvs_init.model.address import family_of, full_prefix, inside, network_of
from lvs_init.model.ipvs import host_port

_CONF = "net/ipv4/conf"
_NEARLY_FULL = 0.9


@entry(
    "NAT01",
    "The director does not forward",
    where=(DIRECTOR,),
    methods=("nat",),
    symptom="Requests reach the real servers, their answers end at the director: clients get no answer.",
    cause="An answer from a RIP to a client is a packet to be forwarded. What counts is forwarding of the interface "
    "that it comes in by; IPv6 looks at conf/all. Under dr and tun it is of no importance.",
    cure="net.ipv4.ip_forward=1 and net.ipv6.conf.all.forwarding=1: `lvs-director start` sets what it needs.",
)
def not_forwarding(case: Case) -> Iterator[Finding]:
    """Where the director is at work; before, start will see to it."""
    if not case.serving(DIRECTOR):
        return
    why = "answers come from the RIPs and have to be sent on to clients"
    devices: dict[str, str] = {}
    for _, key, _ in case.realservers("nat"):
        way = case.route(key.address)
        if family_of(key.address) == 6:
            if case.sysctl("net/ipv6/conf/all/forwarding") == "0":
                fix = settings({"net/ipv6/conf/all/forwarding": "1"})
                yield Finding("NAT01", BROKEN, "net.ipv6.conf.all.forwarding = 0", why, fix, "IPv6")
        elif way is not None and way.kind == "unicast" and case.effective("forwarding", way.device) == 0:
            devices.setdefault(way.device, key.address)
    everywhere = case.sysctl("net/ipv4/ip_forward")
    for device, rip in devices.items():
        path = "net/ipv4/ip_forward" if everywhere == "0" else f"{_CONF}/{device}/forwarding"
        yield Finding(
            "NAT01", BROKEN, f"net.ipv4.ip_forward = {everywhere}, forwarding is 0 on {device}, where {rip} is", why,
            settings({path: "1"}), device,
        )  # fmt: skip


@entry(
    "NAT02",
    "A real server's gateway is not the director",
    where=(REALSERVER, DIRECTOR),
    methods=("nat",),
    symptom="Clients get no answer from one real server, or one from its RIP, which they refuse.",
    cause="A real server sees the client's own address and answers it. Only the director can put the VIP back in, so "
    "the answer has to pass it.",
    cure="The DIP as default gateway. Or full NAT: net.ipv4.vs.conntrack=1 and a MASQUERADE rule with -m ipvs on the "
    "director, which the real servers then see as their client.",
)
def gateway_elsewhere(case: Case) -> Iterator[Finding]:
    """The way of an answer from a RIP, where the director is a neighbour of this machine."""
    if case.serving(DIRECTOR):
        return
    for _, key, value in case.own_realservers:
        rip, family = key.address, family_of(key.address)
        way = case.route(ELSEWHERE[family], rip)
        dips = [dip for dip in sorted(case.dips) if family_of(dip) == family and case.facing(dip)]
        if value.forwarding != "nat" or way is None or not dips or way.via in case.dips or way.redirected:
            continue
        if way.via.startswith("fe80:"):  # of a router advertisement; it may well be the director
            continue
        found = f"via {way.via} on {way.device}" if way.via else way.error or f"on {way.device}, without a gateway"
        hidden = case.cluster.director.sysctl.get("net/ipv4/vs/conntrack", "0") != "0"
        yield Finding(
            "NAT02", NOTE if hidden else BROKEN, f"from {rip} to clients: {found}; the DIP is {' or '.join(dips)}",
            "answers that do not pass the director keep the RIP as their source, and clients refuse them",
            by_command(f"ip{' -6' if family == 6 else ''} route replace default via {dips[0]}"), rip,
        )  # fmt: skip


@rule_of("NAT02")
def no_answer_seen(case: Case) -> Iterator[Finding]:
    """On the director: packets go to a real server, and none has ever come back."""
    if case.sysctl("net/ipv4/vs/run_estimation") == "0":
        return
    for service in case.snapshot.services or ():
        for server in service.servers:
            sent, back = server.in_packets, server.out_packets
            if server.forwarding == "nat" and service.protocol == "tcp" and sent and sent >= _ENOUGH and back == 0:
                where = host_port(server.address, server.port)
                yield Finding(
                    "NAT02", RISK, f"real server {where}: {sent} packets sent, none came back",
                    "either it answers past the director, or it does not answer at all",
                    by_hand(f"ask the doctor on {server.address}: its gateway must be the DIP"), where,
                )  # fmt: skip


_ENOUGH = 5  # a SYN with its repetitions


@entry(
    "NAT03",
    "A client on the real servers' own network",
    where=(DIRECTOR, REALSERVER),
    methods=("nat",),
    symptom="Clients of one network get no answer, all others do.",
    cause="A real server answers a client on its own network directly, past the director, and the client refuses what "
    "comes from the RIP.",
    cure="No address of the clients' network on the real servers; or full NAT; or direct routing for these clients.",
)
def client_beside(case: Case) -> Iterator[Finding]:
    """A real server that also is in the VIP's network; and clients that were seen in that of a RIP."""
    for service, key, value in case.own_realservers:
        if value.forwarding != "nat" or case.serving(DIRECTOR):
            continue
        for vip in service.vips:
            device = case.facing(vip.address)
            shared = [
                each for each in case.on(device or "")
                if each.prefix < full_prefix(each.address) and each.address != vip.address
                and inside(vip.address, network_of(each.address, each.prefix))
                and not inside(key.address, network_of(each.address, each.prefix))
            ]  # fmt: skip
            for each in shared:
                yield Finding(
                    "NAT03", BROKEN, f"{each.address}/{each.prefix} on {each.interface}, the network of VIP "
                    f"{vip.address}", "clients there are answered directly from here, past the director",
                    by_command(f"ip address del {each.address}/{each.prefix} dev {each.interface}"),
                    f"{vip.address} {each.address}",
                )  # fmt: skip
    if not full_nat(case):
        yield from _seen_beside(case)


def _seen_beside(case: Case) -> Iterator[Finding]:
    """Each network of this machine's that a client was seen in, where it has real servers as well."""
    networks = {
        network_of(each.address, each.prefix)
        for each in case.snapshot.addresses or ()
        if each.prefix < full_prefix(each.address) and case.director
    }
    for client in case.snapshot.clients:
        for network in sorted(networks):
            if not inside(client, network):
                continue
            here = (key for _, key, _ in case.realservers("nat") if inside(key.address, network))
            key = next(here, None)
            if key is not None:
                yield Finding(
                    "NAT03", RISK, f"client {client} is in {network}, as real server {key.address}",
                    "a real server answers it directly, past the director",
                    by_hand("full NAT for these clients: net.ipv4.vs.conntrack=1 and\n"
                            f"iptables -t nat -A POSTROUTING -m ipvs --ipvs -s {network} -j MASQUERADE"),
                    f"{client} {network}",
                )  # fmt: skip


@entry(
    "NAT04",
    "Redirects on one network",
    where=(DIRECTOR, REALSERVER),
    methods=("nat",),
    symptom="First requests work, then a real server's answers bypass the director for minutes.",
    cause="Where VIP and RIPs are on one network, the director sees answers come in and go out by one interface and "
    "tells the real server of the nearer gateway by an ICMP redirect. send_redirects of all and of the interface are "
    "or-ed.",
    cure="send_redirects=0 on all and on the interface of the director, which `lvs-director start` sets; "
    "accept_redirects=0 on real servers.",
)
def redirects(case: Case) -> Iterator[Finding]:
    """The director would send them; a real server has believed one."""
    if case.serving(DIRECTOR):
        for device in sorted(_one_network(case)):
            if case.effective("send_redirects", device):
                wanted = {f"{_CONF}/{place}/send_redirects": "0" for place in ("all", device)}
                seen = ", ".join(
                    f"{place} {case.sysctl(f'{_CONF}/{place}/send_redirects')}" for place in ("all", device)
                )
                yield Finding(
                    "NAT04", WILL_BREAK, f"send_redirects is 1 on {device} in effect ({seen})",
                    f"VIP and real servers are both on {device}: the director tells them of the way past itself",
                    settings(wanted), device,
                )  # fmt: skip
    for _, key, value in case.own_realservers:
        for client in case.clients:
            way = case.route(client, key.address) if family_of(client) == family_of(key.address) else None
            if value.forwarding == "nat" and way is not None and way.redirected:
                yield Finding(
                    "NAT04", BROKEN, f"from {key.address} to {client}: via {way.via} <redirected>",
                    "a redirect has led answers past the director", _deaf(way.device), f"{key.address} {client}",
                )  # fmt: skip


def _one_network(case: Case) -> set[str]:
    """Devices that carry a VIP and lead to a real server of its service."""
    found: set[str] = set()
    for service, key, _ in case.realservers("nat"):
        way = case.route(key.address)
        if way is not None and family_of(key.address) == 4 and way.kind == "unicast":
            found.update(
                each.interface
                for vip in service.vips
                for each in case.where(vip.address)
                if each.interface == way.device
            )
    return found


def _deaf(device: str) -> Fix:
    values = {f"{_CONF}/{place}/accept_redirects": "0" for place in ("all", device)}
    return settings(values) + by_command("ip route flush cache")


@entry(
    "NAT07",
    "The table of tracked connections is full",
    where=(DIRECTOR, REALSERVER),
    symptom="New connections time out at random; the kernel's log says 'nf_conntrack: table full, dropping packet'.",
    cause="Once connection tracking is loaded, packets of new connections are dropped while its table is full, even "
    "with net.ipv4.vs.conntrack=0.",
    cure="A larger net.netfilter.nf_conntrack_max, or NOTRACK for the service's packets.",
)
def tracking_full(case: Case) -> Iterator[Finding]:
    """Nine tenths full, or full."""
    try:
        count = int(case.sysctl("net/netfilter/nf_conntrack_count") or "")
        most = int(case.sysctl("net/netfilter/nf_conntrack_max") or "")
    except ValueError:
        return
    if most > 0 and count >= most * _NEARLY_FULL:
        yield Finding(
            "NAT07", BROKEN if count >= most else WILL_BREAK, f"nf_conntrack_count {count}, nf_conntrack_max {most}",
            "what does not fit into the table is dropped, IPVS's packets as well",
            settings({"net/netfilter/nf_conntrack_max": str(max(4 * most, 65536))}),
        )  # fmt: skip


@entry(
    "NAT08",
    "The director drops what arrives by another way than its own",
    where=(DIRECTOR,),
    symptom="Clients behind one of several uplinks get no answer; IPReversePathFilter grows.",
    cause="rp_filter=1 drops packets whose sender would be answered by another interface. Where rules choose the "
    "uplink by the VIP (ip rule from VIP), answers under nat heed them only with net.ipv4.vs.snat_reroute=1.",
    cure="rp_filter=2 on the interfaces that requests come in by; net.ipv4.vs.snat_reroute=1.",
)
def asymmetric(case: Case) -> Iterator[Finding]:
    """For each device that has a VIP; and rules for a VIP that answers do not heed."""
    devices = {entrance(case, vip) for vip in case.vips if family_of(vip) == 4 and case.has(vip)}
    for device in sorted(devices - {""}):
        yield from strict(case, "NAT08", device, "clients' requests come in by", RISK)
    if "nat" in case.methods and case.sysctl("net/ipv4/vs/snat_reroute") == "0":
        ruled = [rule.source for rule in case.snapshot.rules or () if _of_vip(case, rule.source)]
        if ruled:
            yield Finding(
                "NAT08", RISK, f"net.ipv4.vs.snat_reroute = 0, and ip rule has rules from {several(ruled)}",
                "answers take the way of the RIPs, not the one that these rules want for the VIP",
                settings({"net/ipv4/vs/snat_reroute": "1"}), "snat_reroute",
            )  # fmt: skip


def _of_vip(case: Case, source: str) -> bool:
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False
    return network.prefixlen > 0 and any(inside(vip, str(network)) for vip in case.vips)


@entry(
    "NAT09",
    "FTP without its helper",
    where=(DIRECTOR,),
    methods=("nat",),
    symptom="Login works, listings and transfers hang.",
    cause="FTP names addresses and ports of data connections within its own text, which only the module ip_vs_ftp "
    "rewrites.",
    cure="modprobe ip_vs_ftp, and its name in /etc/modules-load.d.",
)
def ftp_without_helper(case: Case) -> Iterator[Finding]:
    """A service on port 21 under nat."""
    if case.snapshot.applications is None or "ftp" in case.snapshot.applications:
        return
    for service in case.cluster.services:
        if (service.key.protocol, service.key.port) == ("tcp", 21) and "nat" in service.forwardings:
            yield Finding(
                "NAT09", BROKEN, f"{service.key}: no ftp in /proc/net/ip_vs_app",
                "data connections have addresses of their own, which nobody translates",
                by_command("modprobe ip_vs_ftp"), str(service.key),
            )  # fmt: skip
