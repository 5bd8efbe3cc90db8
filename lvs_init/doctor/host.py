"""The director as a host: its own traffic, its neighbours, what boots beside us (DIR03, DIR05 to DIR08, DIR14, DIR16,
DIR18, DIR19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lvs_init.doctor.case import DIRECTOR, REALSERVER, Case
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, WILL_BREAK, Finding, Fix, by_command, by_hand, settings, several
from lvs_init.doctor.registry import NETWORK, entry
from lvs_init.doctor.snapshot import RouteAnswer
from lvs_init.model.address import full_prefix, inside

_MANAGERS = {
    "NetworkManager": "NetworkManager",
    "dhclient": "dhclient",
    "systemd-network": "systemd-networkd",
}
_SILENT = ("FAILED", "INCOMPLETE")
#: Settings of sysctl.d that are lost when something is loaded after it was read.
_LOST = ("net/ipv4/vs/", "net/netfilter/", "net/ipv4/conf/tunl0/")


@entry(
    "DIR03",
    "The director is no client of its own service",
    where=(DIRECTOR,),
    methods=("dr", "tun"),
    symptom="On the director itself a connection to the VIP times out, and a health check with it.",
    cause="Its source is the VIP, which the real server has, too, and drops; its answer would be a stranger's to "
    "the director.",
    cure="Check the RIPs for health, and the VIP from another machine. It is so on every director of dr and tun; "
    "doctor tells of it where a program tries.",
)
def own_client(case: Case) -> Iterator[Finding]:
    """Somebody connected to a VIP from that very VIP."""
    for vip in case.snapshot.clients:
        if vip in case.vips and case.has(vip) and case.serving(DIRECTOR):
            yield Finding(
                "DIR03",
                NOTE,
                f"a program on this director connects to {vip}",
                "real servers have that address, too, and drop what comes from it: the program waits in vain",
                by_hand("let it ask the RIPs, or from another machine"),
                vip,
            )


@entry(
    "DIR05",
    "The director's own daemon hides behind a service",
    where=(DIRECTOR,),
    symptom="After a stop clients reach a daemon of the director's, as if it were the service.",
    cause="While the service is in the table it takes all packets for its port; without it a local listener does.",
    cure="Let the daemon listen on the DIP alone.",
)
def shadowed(case: Case) -> Iterator[Finding]:
    if not case.serving(DIRECTOR) or case.realserver:
        return
    local = {service for service, server in case.balanced if case.has(server.address) or server.address[:4] == "127."}
    for service in case.cluster.services:
        key = service.key
        if key in local or key.protocol not in ("tcp", "udp") or not key.port:
            continue
        own = {key.address, "0.0.0.0" if key.family == 4 else "::", "::"}
        found = [each for each in case.listening(key.protocol, key.port) or () if each.address in own]
        if found:
            yield Finding(
                "DIR05",
                RISK,
                f"something here listens on {several(each.address for each in found)} at {key.protocol} port "
                f"{key.port}",
                f"{key} hides it now; when the service goes, its clients talk to that instead",
                by_hand("let it listen on the director's own address alone"),
                str(key),
            )


entry(
    "DIR06",
    "Two machines have the VIP",
    where=(NETWORK,),
    symptom="Sessions flap; half of the connections are lost.",
    cause="Two active directors, since they do not hear each other: both answer for the VIP. Or another machine has "
    "the address.",
    cure="Stop one, see to it that heartbeats pass the packet filter, and announce the VIP anew.",
)

entry(
    "DIR07",
    "Neighbours send to the former director",
    where=(NETWORK,),
    symptom="After a takeover connections time out until a router forgets what it knew, up to four hours later.",
    cause="A neighbour cache keeps the old MAC. It believes an announcement unless it has drop_gratuitous_arp, or a "
    "switch or hypervisor drops frames of a MAC or with an address that it does not know.",
    cure="Several announcements, of both forms, and again seconds later: both scripts make them at start. arping -U "
    "does, too. A router that runs Linux tells what it remembers by `lvsctl doctor --collect`.",
    joined=True,
)


@entry(
    "DIR08",
    "Something has removed the VIP",
    where=(DIRECTOR, REALSERVER),
    symptom="The VIP was there after start, and is gone since an update or a renewed lease.",
    cause="systemd-networkd, NetworkManager and DHCP clients take away addresses that they have not set themselves.",
    cure="KeepConfiguration= or ManageForeign...= of networkd, an unmanaged device, or none of them here.",
)
def removed_by_manager(case: Case) -> Iterator[Finding]:
    found = [_MANAGERS[each.name] for each in case.snapshot.programs or () if each.name in _MANAGERS]
    for role in sorted(case.roles):
        record = case.record(role)
        if not found or record is None or record.stance == "standby":
            continue
        for each in record.addresses:
            if each.address in case.vips and not case.has(each.address):
                yield Finding(
                    "DIR08",
                    RISK,
                    f"{each.address} is gone from {each.interface}, and {several(found)} is at work here",
                    "it takes away addresses that it has not set itself, and may do so again",
                    by_hand(f"tell {several(found)} to leave {each.interface} or foreign addresses alone"),
                    each.address,
                )


@entry(
    "DIR14",
    "A setting did not last",
    where=(DIRECTOR, REALSERVER),
    symptom="The kernel behaves as if sysctl.d or the file did not say what they say.",
    cause="net.ipv4.vs.*, nf_conntrack_* and settings of tunl0 exist only once their module is loaded; sysctl.d is "
    "read before, and loading the module again makes all of them new.",
    cure="The settings in the file ([director.sysctl]), which start sets after modprobe; or modules-load.d.",
)
def lost(case: Case) -> Iterator[Finding]:
    wanted: dict[str, tuple[str, str]] = {}
    for each in case.snapshot.persisted or ():
        if each.path.startswith(_LOST):
            wanted[each.path] = (each.value, each.file)
    for role, own in ((DIRECTOR, case.cluster.director.sysctl), (REALSERVER, case.cluster.realserver.sysctl)):
        if role in case.roles and case.serving(role):
            wanted.update(_said(own, case.cluster.file))
    for path, (value, file) in wanted.items():
        live = case.sysctl(path)
        if live is not None and live != value:
            yield Finding(
                "DIR14",
                RISK,
                f"{path.replace('/', '.')} is {live}, and {file} says {value}",
                "it was lost when its module was loaded, or changed by hand",
                settings({path: value}),
                path,
            )


def _said(own: Mapping[str, str], file: str) -> dict[str, tuple[str, str]]:
    return {path: (value, file) for path, value in own.items()}


@entry(
    "DIR16",
    "The director does not reach a real server",
    where=(DIRECTOR,),
    symptom="'No route to host' for the share of this real server: at once without a route, after three seconds "
    "without a neighbour.",
    cause="There is no route to the RIP, or nobody on the wire answers for it or for the router before it.",
    cure="A route, or the real server. A health checker (ldirectord) takes a dead one out of the table.",
)
def unreachable(case: Case) -> Iterator[Finding]:
    told: set[str] = set()
    for service, server in case.balanced:
        answer = case.route(server.address)
        if answer is None or server.address in told or answer.kind == "local":
            continue
        told.add(server.address)
        about = server.address
        if answer.kind != "unicast":
            yield Finding(
                "DIR16",
                BROKEN if case.serving(DIRECTOR) else WILL_BREAK,
                f"there is no way to {server.address}: {answer.error or answer.kind}",
                f"{service} sends clients there, and each of them gets an error",
                _way_free(case, server.address),
                about,
            )
        elif answer.preferred not in case.vips and _nobody_there(case, answer):
            hop = answer.via or server.address
            yield Finding(
                "DIR16",
                BROKEN,
                f"nobody on {answer.device} answers for {hop}: its neighbour entry is {_state(case, answer)}",
                f"{service} sends clients there, and each of them waits for nothing",
                by_hand(f"look at {hop} and at the wire between; take {server.address} out until it is back"),
                about,
            )


def _state(case: Case, answer: RouteAnswer) -> str:
    hop = answer.via or answer.to
    found = [each for each in case.snapshot.neighbours or () if (each.address, each.device) == (hop, answer.device)]
    return found[0].state if found else ""


def _nobody_there(case: Case, answer: RouteAnswer) -> bool:
    return case.serving(DIRECTOR) and _state(case, answer) in _SILENT


def _way_free(case: Case, address: str) -> Fix:
    """Take away the route that says no; where there is none, one is missing."""
    for route in case.snapshot.routes or ():
        to = route.to if "/" in route.to else f"{route.to}/{full_prefix(address)}"
        refuses = route.type in ("unreachable", "blackhole", "prohibit") and route.to != "default"
        if refuses and inside(address, to):
            table = "" if route.table == "main" else f" table {route.table}"
            return by_command(f"ip route del {route.type} {route.to}{table}")
    return by_hand(f"add a route to {address}")


@entry(
    "DIR18",
    "Large receive offload in front of IPVS",
    where=(DIRECTOR,),
    methods=("dr", "tun"),
    symptom="Uploads are slow or stall.",
    cause="LRO merges packets into frames larger than the MTU, which cannot be sent on. Linux switches it off where "
    "a device forwards; a director of dr need not forward.",
    cure="ethtool -K eth0 lro off.",
    not_injected="no virtual device has it",
)
def merges_packets(case: Case) -> Iterator[Finding]:
    for interface in case.asked:
        if interface.lro and case.effective("forwarding", interface.name) != 1:
            yield Finding(
                "DIR18",
                RISK,
                f"{interface.name} has large-receive-offload on and forwarding off",
                "what it merges is larger than the MTU, and cannot be sent on to a real server",
                by_command(f"ethtool -K {interface.name} lro off"),
                interface.name,
            )


@entry(
    "DIR19",
    "A saved table is restored at boot",
    where=(DIRECTOR,),
    symptom="After a boot services are there that nobody has started, or twice.",
    cause="The service of the package ipvsadm restores what was once saved (AUTO in /etc/default/ipvsadm).",
    cure="Disable it: lvs-director sets up the table.",
)
def restored_at_boot(case: Case) -> Iterator[Finding]:
    if "ipvsadm" in (case.snapshot.units or ()):
        yield Finding(
            "DIR19",
            RISK,
            "the service ipvsadm starts at boot",
            "it puts a saved table beside the one that lvs-director sets up",
            by_command("systemctl disable ipvsadm"),
        )
