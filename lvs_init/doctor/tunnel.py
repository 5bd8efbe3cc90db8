"""IP tunneling: what comes out of a tunnel on a real server, and what goes into it on the director (TUN01 to TUN08)."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.commands import ipvsadm
from lvs_init.doctor.addresses import alias
from lvs_init.doctor.arp import answers_for_vip
from lvs_init.doctor.case import Carried, Case
from lvs_init.doctor.finding import BROKEN, NOTE, Finding, addresses, by_command, settings
from lvs_init.doctor.registry import DIRECTOR, REALSERVER, entry
from lvs_init.doctor.snapshot import Interface
from lvs_init.model.address import family_of, full_prefix
from lvs_init.model.ipvs import RealServer
from lvs_init.model.network import AddressKey
from lvs_init.model.state import Change

#: The outer header, in bytes, by the RIP's family, and what a kind of tunnel adds to it (Linux ip_vs_xmit.c).
_HEADERS, _EXTRA = {4: 20, 6: 40}, {"ipip": 0, "gre": 4, "gue": 12}
_FULL = 1500  # what clients send, nearly everywhere
_MODULES = {"tunl0": "ipip", "ip6tnl0": "ip6_tunnel"}
_TYPES = {"tunl0": "ipip", "ip6tnl0": "tunnel6"}
_CONF = "net/ipv4/conf"


def _tunnelled(case: Case) -> list[Carried]:
    """What comes through tunnels of the kind that start can set up here."""
    return [
        each
        for each in case.carried
        if each.value.forwarding == "tun"
        and (each.value.tunnel is None or each.value.tunnel.type == "ipip")
        and family_of(each.vip.address) == family_of(each.key.address)
    ]


def _receiver(each: Carried) -> str:
    return "ip6tnl0" if family_of(each.vip.address) == 6 else "tunl0"


def _devices(case: Case, receiver: str) -> list[Interface]:
    """The devices that may take packets of such a tunnel, from this director at least."""
    return [each for each in case.interfaces.values() if each.type == _TYPES[receiver]]


@entry(
    "TUN01",
    "Nobody on the real server takes tunnels apart",
    where=(REALSERVER,),
    methods=("tun",),
    symptom="Clients are told 'Protocol not available' at once; InUnknownProtos grows on the real server.",
    cause="Without the module ipip Linux does not know protocol 4, and says so to the sender.",
    cure="modprobe ipip, which `lvs-realserver start` does.",
)
def no_receiver(case: Case) -> Iterator[Finding]:
    """No device of that kind, where the real server is at work."""
    if case.snapshot.interfaces is None or not case.serving(REALSERVER):
        return
    for receiver in sorted({_receiver(each) for each in _tunnelled(case)}):
        if not _devices(case, receiver):
            module = _MODULES[receiver]
            vip = next(each.vip.address for each in _tunnelled(case) if _receiver(each) == receiver)
            rest = addresses(
                [(AddressKey(receiver, vip, full_prefix(vip)), alias(case, receiver, vip, full_prefix(vip)))]
            )
            if receiver == "tunl0":
                rest = rest + settings({f"{_CONF}/tunl0/rp_filter": "2"})
            yield Finding(
                "TUN01", BROKEN, f"no interface of type {_TYPES[receiver]}; module {module}: "
                f"{(case.snapshot.modules or {}).get(module, 'unknown')}",
                "packets from the director arrive within others, and nothing here takes them out",
                by_command(f"modprobe {module}", f"ip link set {receiver} up") + rest, receiver,
            )  # fmt: skip


@entry(
    "TUN02",
    "The tunnel's device is down",
    where=(REALSERVER,),
    methods=("tun",),
    symptom="Clients of one real server are refused at once.",
    cause="A tunnel device that is down takes no packets, and Linux answers 'port unreachable', which the director "
    "passes on.",
    cure="ip link set tunl0 up.",
)
def receiver_down(case: Case) -> Iterator[Finding]:
    """All of that kind are down, where the real server is at work."""
    if not case.serving(REALSERVER):
        return
    for receiver in sorted({_receiver(each) for each in _tunnelled(case)}):
        devices = _devices(case, receiver)
        if devices and not any(device.up for device in devices):
            yield Finding(
                "TUN02", BROKEN, ", ".join(f"{device.name} is down" for device in devices),
                "packets from the director come out of the tunnel there",
                by_command(f"ip link set {receiver if receiver in case.interfaces else devices[0].name} up"), receiver,
            )  # fmt: skip


@entry(
    "TUN03",
    "rp_filter drops what comes out of the tunnel",
    where=(REALSERVER,),
    methods=("tun",),
    symptom="Clients of one real server get no answer; IPReversePathFilter grows there.",
    cause="The client is not behind the tunnel, so rp_filter=1 drops all of its packets. With 2 any way back will do, "
    "but a device without an IPv4 address is not let off (net/ipv4/fib_frontend.c). What counts is the larger value of "
    "all and of the device.",
    cure="The VIP on tunl0 and rp_filter=2 there, as `lvs-realserver start` has it.",
)
def filtered(case: Case) -> Iterator[Finding]:
    """Effective value 1; or 2 and no IPv4 address on the device."""
    vips = [each.vip.address for each in _tunnelled(case) if _receiver(each) == "tunl0"]
    if not vips or not case.serving(REALSERVER):
        return
    for device in _devices(case, "tunl0"):
        value = case.effective("rp_filter", device.name)
        bare = not any(family_of(each.address) == 4 for each in case.on(device.name))
        if not device.up or not (value == 1 or (value == 2 and bare)):
            continue
        shown = ", ".join(f"{place} {case.sysctl(f'{_CONF}/{place}/rp_filter')}" for place in ("all", device.name))
        fix = settings({f"{_CONF}/{device.name}/rp_filter": "2"}) if case.sysctl(
            f"{_CONF}/{device.name}/rp_filter") != "2" else None  # fmt: skip
        if bare:
            vip = addresses([(AddressKey(device.name, vips[0], 32), alias(case, device.name, vips[0], 32))])
            fix = vip + fix if fix else vip
        yield Finding(
            "TUN03", BROKEN, f"rp_filter is {value} on {device.name} in effect ({shown})"
            + (f", and {device.name} has no IPv4 address" if bare else ""),
            "clients' packets come out of the tunnel there, and the way back to clients is another",
            fix or settings({f"{_CONF}/{device.name}/rp_filter": "2"}), device.name,
        )  # fmt: skip


@entry(
    "TUN04",
    "The VIP on a tunnel's device is told to the network",
    where=(REALSERVER,),
    methods=("tun",),
    symptom="As ARP01: the real server answers for the VIP, and everything comes here.",
    cause="That tunl0 itself speaks no ARP is of no help: the question comes by the network's interface.",
    cure="As for ARP01.",
)
def told_of_tunnel(case: Case) -> Iterator[Finding]:
    """Where the VIP is on a tunnel and is answered for, ARP01 says it, and which setting lets it."""
    on_tunnel = {each.interface for vip in case.quiet for each in case.where(vip)}.intersection(
        device.name for device in _devices(case, "tunl0")
    )
    if on_tunnel and any(answers_for_vip(case)):
        yield Finding(
            "TUN04", NOTE, f"the VIP is on {', '.join(sorted(on_tunnel))}, and ARP is answered for it (ARP01)",
            "that a tunnel device speaks no ARP does not keep the network's interface from it",
        )  # fmt: skip


@entry(
    "TUN05",
    "Full packets do not fit into the tunnel",
    where=(DIRECTOR,),
    methods=("tun",),
    symptom="Requests work, uploads hang with the first full packet; at some clients only.",
    cause="The outer header takes 20 bytes or more. Where a packet does not fit and may not be fragmented, the "
    "director tells the client by ICMP, and a firewall at the client's that drops ICMP keeps that from it.",
    cure="An MTU of 1520 between director and real servers; or net.ipv4.vs.pmtu_disc=0, and the director fragments; or "
    "a smaller MSS on the real servers (TCPMSS).",
)
def too_full(case: Case) -> Iterator[Finding]:
    """An MTU to the real server that leaves less than a client's full packet. Usual, so a note only."""
    if case.sysctl("net/ipv4/vs/pmtu_disc") in (None, "0"):
        return
    for _, key, value in case.realservers("tun"):
        way = case.route(key.address)
        device = case.interfaces.get(way.device) if way else None
        if way is None or device is None or way.kind != "unicast":
            continue
        mtu = way.mtu or device.mtu
        needed = _FULL + _HEADERS[family_of(key.address)] + _EXTRA.get(value.tunnel.type if value.tunnel else "ipip", 0)
        if mtu < needed:
            yield Finding(
                "TUN05", NOTE, f"MTU {mtu} to {key.address} by {way.device}, where {needed} are needed",
                "full packets of clients work only where they hear of 'fragmentation needed'",
                settings({"net/ipv4/vs/pmtu_disc": "0"}) if family_of(key.address) == 4
                else by_command(f"ip link set {way.device} mtu {needed}"), f"{way.device} {mtu}",
            )  # fmt: skip


entry(
    "TUN06",
    "The network drops tunnels, or answers in the VIP's name",
    where=("network",),
    methods=("tun",),
    symptom="Clients get no answer, and every machine of ours is set up right.",
    cause="A router or cloud drops IP protocol 4, or the real servers' uplink drops packets whose source, the VIP, is "
    "none of its own (anti-spoofing, uRPF).",
    cure="Have both let through, or use GUE; or nat.",
    not_injected="it is a matter of routers that are none of ours",
    not_seen="what is dropped on the way is seen neither where it is sent nor where it does not arrive",
)


@entry(
    "TUN07",
    "Tunnels of a kind that the real server does not take",
    where=(DIRECTOR,),
    methods=("tun",),
    symptom="Clients of one real server are refused, or get no answer.",
    cause="Somebody has changed the kind of tunnel in the table; /proc/net/ip_vs does not show it.",
    cure="The kind that the configuration names on both sides: `lvs-director start` puts it back.",
)
def other_kind(case: Case) -> Iterator[Finding]:
    """The table's against the file's."""
    for service, key, value in case.realservers("tun"):
        live = case.live(service.key)
        wanted = value.tunnel.type if value.tunnel else "ipip"
        for server in live.servers if live else ():
            if (server.address, server.port) != (key.address, key.port) or server.tunnel in (None, "", wanted):
                continue
            right = RealServer("tun", server.weight, server.upper or 0, server.lower or 0, value.tunnel)
            yield Finding(
                "TUN07", BROKEN, f"{key}: tunnel {server.tunnel} in the kernel, {wanted} in the file",
                f"the real server has been set up to take {wanted} apart",
                by_command(f"ipvsadm {ipvsadm.line(Change(key, value, right))}"), str(key),
            )  # fmt: skip


@entry(
    "TUN08",
    "The VIP on a tunnel's device of the director",
    where=(DIRECTOR,),
    methods=("tun",),
    symptom="None, but somebody has taken the director for a real server.",
    cause="IPVS wraps packets by itself and needs no tunl0.",
    cure="The VIP on the interface that faces clients.",
)
def tunnel_on_director(case: Case) -> Iterator[Finding]:
    """Unless it is a real server as well."""
    for vip in case.vips if not case.realserver else ():
        for each in case.where(vip):
            device = case.interfaces.get(each.interface)
            if device is not None and device.type in _TYPES.values():
                yield Finding(
                    "TUN08", NOTE, f"{vip}/{each.prefix} is on {each.interface}",
                    "the director needs no tunnel device; this is a real server's set-up",
                    addresses([(AddressKey(each.interface, vip, each.prefix), None)]), vip,
                )  # fmt: skip
