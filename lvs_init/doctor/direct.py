"""What the way of a packet to a real server and of the answer to the client needs: DR01 to DR06 and DR11."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.commands import ipvsadm
from lvs_init.config.cluster import VirtualService
from lvs_init.doctor.case import ELSEWHERE, Case
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, Finding, Fix, by_command, by_hand, settings, several
from lvs_init.doctor.packets import entrance, ports_of
from lvs_init.doctor.registry import DIRECTOR, REALSERVER, entry
from lvs_init.doctor.snapshot import Listener, LiveServer, LiveService, RouteAnswer
from lvs_init.doctor.verdict import Packet, redirected
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey, host_port
from lvs_init.model.state import Change

_WILDCARDS = {4: ("0.0.0.0", "::"), 6: ("::",)}


@entry(
    "DR01",
    "A real server's port that is not used",
    where=(DIRECTOR,),
    methods=("dr", "tun"),
    symptom="Requests are refused, or another program answers, though the table shows the port that is wanted.",
    cause="Direct routing and tunneling change neither addresses nor ports: packets arrive at the service's port, "
    "whatever port was given for the real server over netlink. ipvsadm puts the service's in silently.",
    cure="The same port on both sides, or forwarding by nat, or a REDIRECT rule on the real server.",
)
def port_not_used(case: Case) -> Iterator[Finding]:
    """In the kernel's table, whoever has written it."""
    for service in case.snapshot.services or ():
        if service.protocol == "fwmark" or not service.port:
            continue
        for server in service.servers:
            if server.forwarding in ("dr", "tun") and server.port not in (0, service.port):
                where = f"{service.protocol} {host_port(service.address, service.port)}"
                yield Finding(
                    "DR01", BROKEN, f"{where}: real server {host_port(server.address, server.port)} by "
                    f"{server.forwarding}",
                    f"packets are sent there with port {service.port} all the same", _with_port(service, server),
                    f"{where} {server.address}",
                )  # fmt: skip


def _with_port(service: LiveService, server: LiveServer) -> Fix:
    key = ServiceKey(service.protocol, service.address, service.port, family=family_of(service.address))
    value = RealServer(server.forwarding, server.weight, server.upper or 0, server.lower or 0)
    old, new = RealServerKey(key, server.address, server.port), RealServerKey(key, server.address, service.port)
    changes = [Change(old, value, None)]
    if all((each.address, each.port) != (server.address, service.port) for each in service.servers):
        changes.append(Change(new, None, value))
    return by_command(*(f"ipvsadm {ipvsadm.line(change)}" for change in changes))


@entry(
    "DR02",
    "The service does not listen where packets arrive",
    where=(REALSERVER,),
    symptom="Requests that go to one real server are refused; a health check that asks its RIP may be fine.",
    cause="Under dr and tun packets arrive for the VIP, under nat for the RIP: a program that listens on another "
    "address alone does not get them.",
    cure="Listen on all addresses (0.0.0.0, ::), or on the VIP under dr and tun and on the RIP under nat. A program "
    "that is to listen on the VIP must be started after lvs-realserver, or with net.ipv4.ip_nonlocal_bind=1.",
)
def listens_elsewhere(case: Case) -> Iterator[Finding]:
    """For each address and port that packets come for: whether anybody there takes them."""
    for service, protocol, target, port in _arriving(case):
        listeners = case.listening(protocol, port)
        if listeners is None or _taken_otherwise(case, protocol, target, port):
            continue
        if any(_takes(case, each, target) for each in listeners):
            continue
        found = several(each.address for each in listeners)
        seen = f"on {found} alone" if listeners else "by nobody"
        yield Finding(
            "DR02", BROKEN, f"{protocol} port {port} of {target}: listened {seen}",
            f"requests of {service.key} arrive here for {target} port {port}",
            by_hand(f"let the service listen on {target} or on all addresses, port {port}"
                    if listeners else f"start the service that is to listen on {target} port {port}"),
            f"{protocol} {host_port(target, port)}",
        )  # fmt: skip


def _arriving(case: Case) -> Iterator[tuple[VirtualService, str, str, int]]:
    """(service, protocol, address, port) of what comes to this real server; VIPs that it lacks are told elsewhere."""
    for service, key, value in case.own_realservers:
        for protocol, port in ports_of(service):
            if value.forwarding == "nat":
                yield service, protocol, key.address, key.port or port
            else:
                yield from ((service, protocol, vip.address, port) for vip in service.vips if case.has(vip.address))


def _taken_otherwise(case: Case, protocol: str, target: str, port: int) -> bool:
    """By a rule that gives it another destination, a table of its own, or in a way that we cannot see."""
    if protocol not in ("tcp", "udp") or case.snapshot.firewall is None:
        return True
    packet = Packet(family_of(target), protocol, destination=target, dport=port)
    own = any(
        (each.protocol, each.address, each.port) == (protocol, target, port) for each in case.snapshot.services or ()
    )
    return own or redirected(case.snapshot.firewall, packet)


def _takes(case: Case, listener: Listener, target: str) -> bool:
    if listener.address == target:
        return True
    if listener.address not in _WILDCARDS[family_of(target)]:
        return False
    # Whether "::" takes IPv4 as well is not always told; then it may.
    return not (listener.address == "::" and family_of(target) == 4 and listener.v6only)


@entry(
    "DR03",
    "A UDP service that may answer from the RIP",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="Clients get no answer over UDP, or one from an address that they have not asked.",
    cause="A program that is bound to all addresses answers from the one that routing prefers, the RIP, unless it "
    "takes care (IP_PKTINFO).",
    cure="Bind it to the VIP itself.",
)
def answers_from_rip(case: Case) -> Iterator[Finding]:
    """Bound to all addresses, and not to the VIP besides."""
    for service, protocol, target, port in _arriving(case):
        listeners = case.listening(protocol, port) or ()
        bound = [each.address for each in listeners]
        if protocol != "udp" or target in bound or not any(_takes(case, each, target) for each in listeners):
            continue
        if any(value.forwarding == "nat" and key.address == target for _, key, value in case.own_realservers):
            continue
        yield Finding(
            "DR03", NOTE, f"udp port {port}: bound to {several(bound)}, not to {target}",
            f"answers to {service.key} must come from {target}; a program bound to all addresses may take the RIP",
            by_hand(f"bind the service to {target} (name servers: listen-on, interface)"),
            f"udp {host_port(target, port)}",
        )  # fmt: skip


@entry(
    "DR04",
    "A real server's gateway is the director",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="Clients get no answer from one real server; on the director in_martian_src grows.",
    cause="Answers have the VIP as their source. The director has that address itself, and Linux drops what comes from "
    "outside in its own name, unless accept_local is set.",
    cure="The router as gateway; or on the director ip_forward=1, accept_local=1 and rp_filter=0 on that interface.",
)
def gateway_is_director(case: Case) -> Iterator[Finding]:
    """The way of an answer from a VIP leads by way of a director."""
    if case.serving(DIRECTOR) or _accepted(case):
        return
    for vip, client, way in _answers(case):
        if client in ELSEWHERE.values() and way.via and _is_director(case, way.via, vip):
            yield Finding(
                "DR04", BROKEN, f"from {vip} to clients: via {way.via} on {way.device}",
                f"{way.via} is the director, and to it a packet from {vip} is one from itself: it drops the answer",
                by_hand("make the router the gateway, for the VIP at least:\n"
                        f"ip{' -6' if family_of(vip) == 6 else ''} route replace default via ROUTER dev {way.device}"),
                vip,
            )  # fmt: skip


def _is_director(case: Case, gateway: str, vip: str) -> bool:
    """By the file's addresses, or because a probe has heard the gateway's own hardware answer for the VIP."""
    if gateway in case.dips or gateway in case.vips:
        return True
    owners = {mac for each in case.snapshot.probed or () if each.address == vip for mac in each.hardware}
    return any(each.address == gateway and each.hardware in owners for each in case.snapshot.neighbours or ())


def _accepted(case: Case) -> bool:
    """Whether the file has the director take what comes in its own name."""
    return any(path.endswith("/accept_local") and value == "1" for path, value in case.cluster.director.sysctl.items())


def _answers(case: Case) -> Iterator[tuple[str, str, RouteAnswer]]:
    """(VIP, client, way) of the answers that this real server sends in the name of each VIP."""
    for vip in case.carried_vips:
        for client in case.clients:
            way = case.route(client, vip) if family_of(client) == family_of(vip) and case.has(vip) else None
            if way is not None:
                yield vip, client, way


@entry(
    "DR05",
    "A real server has no way to clients",
    where=(REALSERVER,),
    methods=("dr", "tun"),
    symptom="Clients get no answer from one real server.",
    cause="It answers clients itself, in the VIP's name: it needs a route to them, and rules for the source (ip rule) "
    "must let the VIP use it.",
    cure="A default route through the router; with policy routing a rule for the VIP as for the RIP.",
)
def no_way_back(case: Case) -> Iterator[Finding]:
    """No route for what comes from a VIP, or one by another device than the RIP's."""
    for vip, client, way in _answers(case):
        plain = case.route(client)
        if way.kind != "unicast":
            known = [each for each in case.snapshot.clients if family_of(each) == family_of(vip)]
            lost = client not in ELSEWHERE.values() or not known
            yield Finding(
                "DR05", BROKEN if lost else RISK, f"from {vip} to {client}: {way.error or way.kind}",
                "answers go straight from here to clients, and there is no route to them"
                + (f"; without the VIP as its source it would be {plain.device}" if plain and plain.device else ""),
                by_hand("give it a route, and packets from the VIP a rule that finds it:\n"
                        f"ip{' -6' if family_of(vip) == 6 else ''} route replace default via ROUTER"),
                f"{vip} {client}",
            )  # fmt: skip
        elif plain is not None and plain.kind == "unicast" and plain.device != way.device:
            yield Finding(
                "DR05", RISK, f"from {vip} to {client}: {way.device}; without a source: {plain.device}",
                "answers in the VIP's name leave by another interface than the machine's own packets, and a router "
                "there may not believe them",
                by_hand(f"see ip rule: packets from {vip} should take the way of the RIP's"), f"{vip} {client}",
            )  # fmt: skip


@entry(
    "DR06",
    "rp_filter drops requests that answers would not go back to",
    where=(REALSERVER,),
    methods=("dr",),
    symptom="Requests that go to one real server with several interfaces get no answer; IPReversePathFilter grows.",
    cause="rp_filter=1, of the interface or of all, whichever is larger, drops packets whose sender would be answered "
    "by way of another interface: under dr requests come in where the director is and answers leave where the router "
    "is.",
    cure="rp_filter=2 on the interface that requests come in by: any way back will do.",
)
def strict_on_real_server(case: Case) -> Iterator[Finding]:
    """Effective value 1 where the director's packets arrive, and the way to clients is another device."""
    devices = {
        entrance(case, key.address)
        for _, key, value in case.own_realservers
        if value.forwarding == "dr" and family_of(key.address) == 4
    }
    for device in sorted(devices - {""}):
        yield from strict(case, "DR06", device, "the director sends requests in by")


def strict(case: Case, code: str, device: str, what: str, unsure: str = BROKEN) -> Iterator[Finding]:
    """Clients that rp_filter=1 turns away at a device, since the way back to them is another one.

    ``unsure``: how bad that is where it is so of clients from elsewhere alone, and nobody knows whether there are any.
    """
    if case.effective("rp_filter", device) != 1:
        return
    apart = {}
    for client in case.clients:
        way = case.route(client) if family_of(client) == 4 else None
        if way is not None and way.kind == "unicast" and way.device not in ("", device):
            apart[client] = way.device
    seen = [client for client in case.snapshot.clients if family_of(client) == 4]
    if apart:
        client, other = list(apart.items())[-1]
        values = ", ".join(f"{place} {case.sysctl(f'net/ipv4/conf/{place}/rp_filter')}" for place in ("all", device))
        severity = BROKEN if client in seen else RISK if seen else unsure
        yield Finding(
            code, severity, f"rp_filter is 1 on {device} in effect ({values}); the way to {client} is {other}",
            f"{what} {device}, and it takes only what it would answer by {device}",
            settings({f"net/ipv4/conf/{device}/rp_filter": "2"}), device,
        )  # fmt: skip


@entry(
    "DR11",
    "A packet on its last hop",
    where=(DIRECTOR,),
    symptom="Probes with a TTL of 1 get 'time exceeded' from the director.",
    cause="IPVS forwards as a router does: it takes one off the TTL.",
    cure="A larger TTL, or let such probes ask the real servers.",
)
def last_hop(case: Case) -> Iterator[Finding]:
    """A note: the count is since boot, and traceroutes that were forwarded are in it."""
    count = (case.snapshot.counters or {}).get("Icmp.OutTimeExcds", 0)
    if count and case.serving(DIRECTOR):
        yield Finding(
            "DR11",
            NOTE,
            f"Icmp.OutTimeExcds = {count}: so many packets came on their last hop",
            "IPVS takes one off the TTL: a probe whose TTL just reaches the director reaches no real server",
            by_hand("let probes have a larger TTL; where there are none, look for what goes round (DIR11, DIR17)"),
        )
