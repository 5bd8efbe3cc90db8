"""Firewalls in the way: DR07 to DR10, NAT05, NAT06."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.doctor.admission import let_in
from lvs_init.doctor.case import Case
from lvs_init.doctor.finding import BROKEN, RISK, Finding, settings
from lvs_init.doctor.packets import Request, conntrack, entrance, ports_of, requests
from lvs_init.doctor.registry import DIRECTOR, REALSERVER, entry
from lvs_init.doctor.verdict import ACCEPT, DROP, Fate, Packet, arrives, fate, passes, redirected, rules_reached
from lvs_init.model.address import family_of
from lvs_init.model.firewall import Firewall

_ALL = 1 << 31  # every chain, whatever its priority
_CONNTRACK = settings({"net/ipv4/vs/conntrack": "1"})


@entry(
    "DR07",
    "A stateful firewall on the director",
    where=(DIRECTOR,),
    symptom="A connection is opened and then hangs, or real servers keep connections that clients have closed.",
    cause="Answers go past the director, so its connection tracking never sees a connection become established: what "
    "follows the SYN is new or invalid to it. net.ipv4.vs.conntrack does not help but under nat, where answers come "
    "back through the director.",
    cure="Accept the service's packets by address and port alone, ahead of every rule that asks for a state; under nat "
    "set net.ipv4.vs.conntrack=1.",
)
def stateful(case: Case) -> Iterator[Finding]:
    """What follows the first packet is dropped, though that is let in; or what ends a connection is."""
    if case.snapshot.firewall is None:
        return
    for request in requests(case):
        if request.first.protocol != "tcp" or arrives(case.snapshot.firewall, request.first).verdict == DROP:
            continue
        later = arrives(case.snapshot.firewall, request.later)
        if later.verdict == DROP:
            yield _stateful(case, request, later, BROKEN, "SYN accepted, what follows it dropped")
            continue
        last = arrives(case.snapshot.firewall, request.later._replace(state=_last_state(request)))
        if last.verdict == DROP:
            yield _stateful(case, request, last, RISK, "SYN and data accepted, FIN and RST dropped")


def _last_state(request: Request) -> str:
    """To tracking that knows no connection a FIN or RST is invalid (nf_conntrack_proto_tcp.c tcp_new)."""
    return "ESTABLISHED" if request.later.state == "ESTABLISHED" else "INVALID"


def _stateful(case: Case, request: Request, dropped: Fate, severity: str, what: str) -> Finding:
    nat = request.service.forwardings == ("nat",)
    return Finding(
        "DR07", severity, f"{request.service.key}: {what} by {dropped.rule}",
        "connection tracking is told nothing of IPVS's connections while vs.conntrack is 0" if nat
        else "answers go past the director, so to its connection tracking no connection is ever established",
        _CONNTRACK if nat and not conntrack(case) else let_in(dropped, request.first),
        about=f"{request.service.key} {request.vip}",
    )  # fmt: skip


@entry(
    "DR08",
    "The director's firewall drops requests",
    where=(DIRECTOR,),
    symptom="Clients get no answer, and the service's counters in ipvsadm -Ln --stats stand still.",
    cause="IPVS takes packets at the hook INPUT after the filter table, and sends them on through OUTPUT: what is "
    "dropped there it never sees or never gets rid of. FORWARD and ip_forward do not concern requests.",
    cure="Accept the service's packets in INPUT and OUTPUT.",
)
def dropped_requests(case: Case) -> Iterator[Finding]:
    """A first packet is dropped at prerouting or input; or what IPVS makes of it, at output."""
    if case.snapshot.firewall is None:
        return
    for request in requests(case):
        about = f"{request.service.key} {request.vip}"
        into = arrives(case.snapshot.firewall, request.first)
        if into.verdict == DROP:
            yield Finding(
                "DR08", BROKEN, f"{request.service.key}: dropped by {into.rule}",
                "IPVS works behind this rule and never sees the request", let_in(into, request.first), about,
            )  # fmt: skip
        for packet in _sent(case, request):
            out = fate(case.snapshot.firewall, "output", packet)
            if out.verdict == DROP:
                yield Finding(
                    "DR08", BROKEN, f"{request.service.key}: sent on to a real server, dropped by {out.rule}",
                    "IPVS sends packets to real servers through the chain OUTPUT", let_in(out, packet),
                    f"{about} output",
                )  # fmt: skip
                break


def _sent(case: Case, request: Request) -> Iterator[Packet]:
    """A request as it leaves for each real server: untracked, unless vs.conntrack is set; tunnels are not judged."""
    state = "" if conntrack(case) else "UNTRACKED"
    for key, value in request.service.realservers:
        way = case.route(key.address)
        if way is None or way.kind != "unicast" or value.forwarding == "tun":
            continue
        packet = request.first._replace(interface="", out=way.device, state=state)
        if value.forwarding == "nat":
            packet = packet._replace(destination=key.address, dport=key.port or packet.dport)
        yield packet


@entry(
    "DR09",
    "A real server's firewall drops requests or answers",
    where=(REALSERVER,),
    symptom="Requests that go to one real server get no answer; its health check, which asks the RIP, may be fine.",
    cause="Under dr and tun packets arrive for the VIP, not for the RIP; under tun they arrive twice: as IP in IP from "
    "the director, and as they were on the tunnel's device.",
    cure="Accept the VIP and port in INPUT and OUTPUT, and under tun protocol 4 as well.",
)
def dropped_on_real_server(case: Case) -> Iterator[Finding]:
    """Each packet on its way through the real server: the tunnel's, the request's, the answer's."""
    firewall = case.snapshot.firewall
    if firewall is None:
        return
    for service, key, value in case.own_realservers:
        for protocol, port in ports_of(service):
            targets = [key.address] if value.forwarding == "nat" else [vip.address for vip in service.vips]
            for target in targets:
                at = (key.port or port) if value.forwarding == "nat" else port
                yield from _through(case, firewall, f"{service.key} {target}", protocol, target, at, value.forwarding)
        if value.forwarding == "tun" and family_of(key.address) == 4:
            outer = Packet(4, "ipencap", destination=key.address, state="NEW", interface=entrance(case, key.address))
            yield from _dropped(firewall, f"tunnel {key.address}", "IP in IP from the director", outer)


def _through(
    case: Case, firewall: Firewall, about: str, protocol: str, target: str, port: int, forwarding: str
) -> Iterator[Finding]:
    family = family_of(target)
    interface = "" if forwarding == "tun" else entrance(case, _own(case, target))
    first = Packet(family, protocol, destination=target, dport=port, state="NEW",
                   syn=True if protocol == "tcp" else None, interface=interface)  # fmt: skip
    if redirected(firewall, first):
        return
    yield from _dropped(firewall, about, "a request", first)
    later = first._replace(state="ESTABLISHED", syn=False if protocol == "tcp" else None)
    if arrives(firewall, first).verdict == ACCEPT:
        yield from _dropped(firewall, about, "what follows a request", later)
    answer = Packet(family, protocol, source=target, sport=port, state="ESTABLISHED", syn=False)
    out = fate(firewall, "output", answer, _ALL)
    if out.verdict == DROP:
        yield _finding(about, "the answer", out, answer)


def _own(case: Case, target: str) -> str:
    """The machine's own RIP: its device is the one that packets for the target come in by."""
    return next((key.address for _, key, _ in case.own_realservers if family_of(key.address) == family_of(target)), "")


def _dropped(firewall: Firewall, about: str, what: str, packet: Packet) -> Iterator[Finding]:
    into = arrives(firewall, packet, _ALL)
    if into.verdict == DROP:
        yield _finding(about, what, into, packet)


def _finding(about: str, what: str, dropped: Fate, packet: Packet) -> Finding:
    return Finding(
        "DR09", BROKEN, f"{about}: {what} is dropped by {dropped.rule}",
        "the director sends its share of the requests here, and their clients wait in vain",
        let_in(dropped, packet), about,
    )  # fmt: skip


@entry(
    "DR10",
    "The director drops ICMP that belongs to real servers",
    where=(DIRECTOR,),
    methods=("dr", "tun"),
    symptom="Small answers arrive, large ones hang: where a network on the way takes smaller packets only.",
    cause="Real servers answer in the VIP's name, so a router that finds a packet too big tells the VIP, which is the "
    "director; IPVS passes it on to the real server, unless a rule drops it before.",
    cure="Accept ICMP destination-unreachable (IPv6: packet-too-big) for the VIPs.",
)
def dropped_icmp(case: Case) -> Iterator[Finding]:
    """Fragmentation needed, sent to a VIP."""
    if case.snapshot.firewall is None:
        return
    state = "RELATED" if conntrack(case) else "INVALID"
    vips = dict.fromkeys(vip.address for service, _, _ in case.realservers("dr", "tun") for vip in service.vips)
    for vip in vips:
        protocol, kind = ("ipv6-icmp", "2") if family_of(vip) == 6 else ("icmp", "3/4")
        packet = Packet(
            family_of(vip), protocol, destination=vip, state=state, icmp=kind, interface=entrance(case, vip)
        )
        dropped = arrives(case.snapshot.firewall, packet)
        if dropped.verdict == DROP:
            yield Finding(
                "DR10", RISK, f"{'packet too big' if kind == '2' else 'fragmentation needed'} for {vip}: "
                f"dropped by {dropped.rule}",
                "a real server never learns that its answers are too big for a network on the way",
                let_in(dropped, packet), vip,
            )  # fmt: skip


@entry(
    "NAT05",
    "The director's firewall does not forward answers",
    where=(DIRECTOR,),
    methods=("nat",),
    symptom="Clients get no answer; the real servers have received the requests.",
    cause="While net.ipv4.vs.conntrack is 0, connection tracking knows nothing of IPVS's connections: an answer is "
    "invalid to it, and FORWARD's rules for ESTABLISHED do not let it pass (Docker, Kubernetes, ufw and firewalld have "
    "such rules).",
    cure="Set net.ipv4.vs.conntrack=1, or accept what comes from the RIPs.",
)
def dropped_answers(case: Case) -> Iterator[Finding]:
    """What a real server sends to a client, in FORWARD."""
    if case.snapshot.firewall is None:
        return
    tracked = conntrack(case)
    for service, key, _ in case.realservers("nat"):
        way = case.route(key.address)
        for protocol, port in ports_of(service):
            answer = Packet(
                family_of(key.address), protocol, source=key.address, sport=key.port or port, syn=False,
                state="ESTABLISHED" if tracked else _ANSWERS.get(protocol, ""), interface=way.device if way else "",
            )  # fmt: skip
            dropped = passes(case.snapshot.firewall, "forward", answer)
            if dropped.verdict != DROP:
                continue
            known = passes(case.snapshot.firewall, "forward", answer._replace(state="ESTABLISHED"))
            yield Finding(
                "NAT05", BROKEN, f"answers of {key.address} port {key.port or port}: dropped by {dropped.rule}"
                + ("" if tracked else ", with net.ipv4.vs.conntrack = 0"),
                "under nat every answer passes FORWARD on the director",
                _CONNTRACK if not tracked and known.verdict == ACCEPT else let_in(dropped, answer),
                str(key),
            )  # fmt: skip


#: What connection tracking makes of the answer to something that it has not seen (nf_conntrack_proto_*.c).
_ANSWERS = {"tcp": "INVALID", "udp": "NEW"}


@entry(
    "NAT06",
    "Source NAT that does nothing without vs.conntrack",
    where=(DIRECTOR,),
    methods=("nat",),
    symptom="Full NAT was set up, and real servers still see the clients' own addresses and answer past the director.",
    cause="While net.ipv4.vs.conntrack is 0, IPVS's packets are not tracked, and rules of the nat table apply to "
    "tracked packets alone.",
    cure="Set net.ipv4.vs.conntrack=1.",
)
def useless_masquerade(case: Case) -> Iterator[Finding]:
    """Rules that want IPVS's packets changed."""
    if case.snapshot.firewall is None or conntrack(case) or not case.serving(DIRECTOR):
        return
    for rule in masquerades(case.snapshot.firewall):
        yield Finding(
            "NAT06", BROKEN, f"net.ipv4.vs.conntrack = 0, and {rule}",
            "the rule is there so that answers come back to the director, and it is never applied", _CONNTRACK, rule,
        )  # fmt: skip


def masquerades(firewall: Firewall) -> list[str]:
    """Rules that give IPVS's packets a source of the director's own."""
    return [
        rule.text
        for table in firewall.tables
        for chain in table.chains.values()
        for rule in chain.rules
        if rule.target in ("MASQUERADE", "SNAT") and any(match.what == "ipvs" for match in rule.matches)
    ]


def full_nat(case: Case) -> bool:
    """Whether real servers see the director as their client, so that their gateway does not matter."""
    return conntrack(case) and case.snapshot.firewall is not None and bool(masquerades(case.snapshot.firewall))


def marks(firewall: Firewall, packet: Packet) -> Iterator[int | None]:
    """The firewall marks that a packet may get before it is routed; None: one that nobody can tell."""
    for rule, _ in rules_reached(firewall, "prerouting", packet):
        if rule.target == "MARK":
            text = rule.value.partition("/")[0]
            try:
                yield int(text, 0)
            except ValueError:
                yield None
        elif rule.target in ("CONNMARK", "BPF") or rule.action == "unknown":
            yield None
