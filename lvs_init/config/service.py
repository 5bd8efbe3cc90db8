"""``[[service]]``: one table of the file -> a draft of the service, and what contradicts itself within it."""

from __future__ import annotations

from dataclasses import dataclass

from lvs_init.config.cluster import Match, Vip, VirtualService
from lvs_init.config.problems import Path, written
from lvs_init.config.realserver_table import RealServerDraft, read_real_servers
from lvs_init.config.section import Section
from lvs_init.model.address import family_of, full_prefix
from lvs_init.model.ipvs import SCHEDULERS, Service, ServiceKey

#: One for each VIP and match: each packet that the machine gets passes them all.
MOST_MARKING_RULES = 4096


@dataclass(frozen=True)
class ServiceDraft:
    """A service as far as it is sound. None: unfit or missing, and told already."""

    path: Path
    key: ServiceKey | None
    attributes: Service
    vips: tuple[tuple[Path, Vip], ...]
    interface: str | None
    match: tuple[Match, ...] | None
    real_servers: tuple[RealServerDraft, ...]
    drain_timeout: int | None
    weights: str

    def finished(self) -> VirtualService | None:
        """None where something is unfit."""
        key = self.key
        if key is None:
            return None
        servers = [server.finished(key) for server in self.real_servers]
        return VirtualService(
            path=written(self.path),
            key=key,
            service=self.attributes,
            vips=tuple(vip for _, vip in self.vips),
            interface=self.interface,
            match=self.match,
            realservers=tuple(server for server in servers if server is not None),
            drain_timeout=self.drain_timeout,
            weights=self.weights,
        )


def read_service(section: Section, forwarding: str | None) -> ServiceDraft:
    """``forwarding``: the cluster's, for services that say nothing themselves; None where it is unfit."""
    marked = section.given("fwmark") or (section.given("vips") and not section.given("vip"))
    _check_kind(section, marked)
    vips = _vips(section, marked)
    family = family_of(vips[0][1].address) if vips else None
    match = _match(section) if section.given("match") else None
    if len(vips) * len(match or ()) > MOST_MARKING_RULES:
        section.problem(
            "match", f"makes {len(vips) * len(match or ())} marking rules; at most {MOST_MARKING_RULES} are set"
        )
        match = None
    if section.given("forwarding"):
        forwarding = section.get("forwarding")
    real_servers = read_real_servers(section, marked, family, forwarding)
    _check_prefixes(section, vips, {server.forwarding for server in real_servers} or {forwarding})
    return ServiceDraft(
        path=section.path,
        key=_key(section, marked, vips, family),
        attributes=_attributes(section, marked, family, match),
        vips=vips,
        interface=section.get("interface"),
        match=match,
        real_servers=real_servers,
        drain_timeout=_drain_timeout(section),
        weights=section.get("weights") or "file",
    )


def _check_kind(section: Section, marked: bool) -> None:
    needed = ("fwmark", "vips") if marked else ("vip", "port")
    foreign = ("vip", "port", "protocol") if marked else ("match", "vips")
    why = "does not go with a firewall mark" if marked else "is for firewall-mark services"
    hint = "such a service has vips, and match for its ports" if marked else "give fwmark, or leave this out"
    for name in foreign:
        if section.given(name):
            section.problem(name, why, hint)
    for name in needed:
        if not section.given(name):
            section.missing(name)
    if marked and section.empty("vips"):
        section.problem("vips", "must hold at least one address")


def _vips(section: Section, marked: bool) -> tuple[tuple[Path, Vip], ...]:
    if not marked:
        vip = section.get("vip")
        return (((*section.path, "vip"), vip),) if vip else ()
    read: dict[int, Vip] = section.get("vips") or {}
    vips = tuple(((*section.path, "vips", position), vip) for position, vip in read.items())
    for path, vip in vips[1:]:
        if family_of(vip.address) != family_of(vips[0][1].address):
            section.problems.add(
                path,
                "is of another address family than the first VIP",
                found=vip.address,
                hint="a firewall mark means one family: write a second service for the other",
            )
    return vips


def _key(section: Section, marked: bool, vips: tuple[tuple[Path, Vip], ...], family: int | None) -> ServiceKey | None:
    if marked:
        fwmark = section.get("fwmark")
        return ServiceKey("fwmark", fwmark=fwmark, family=family) if fwmark and family else None
    protocol, port = section.get("protocol"), section.get("port")
    if protocol is None or port is None or not family:
        return None
    return ServiceKey(protocol, address=vips[0][1].address, port=port, family=family)


def _match(section: Section) -> tuple[Match, ...]:
    matches: dict[Match, None] = {}
    for part in section.sections("match"):
        if part.get("port") and not part.given("protocol"):
            part.problem("port", "needs a protocol", 'add protocol = "tcp"')
        match = Match(part.get("protocol") or "", part.get("port") or 0)
        if not part.sound("protocol", "port"):
            continue
        if match in matches:
            section.problems.add(part.path, "stands there twice", hint="leave one out")
        matches[match] = None
    if section.empty("match"):
        section.problem("match", "is empty", "[{}] marks everything; without match, marking is up to you")
    return tuple(matches)


def _check_prefixes(section: Section, vips: tuple[tuple[Path, Vip], ...], forwardings: set[str | None]) -> None:
    other = sorted(forwarding for forwarding in forwardings if forwarding and forwarding != "nat")
    if not other:
        return
    for path, vip in vips:
        full = full_prefix(vip.address)
        if vip.prefix != full:
            section.problems.add(
                path,
                f"must stand alone (/{full}) in a service that forwards by {' and '.join(other)}: its real"
                " servers have the VIP too and would take its whole network for their own",
                found=f"{vip.address}/{vip.prefix}",
                hint=f"write '{vip.address}'",
            )


def _attributes(section: Section, marked: bool, family: int | None, match: tuple[Match, ...] | None) -> Service:
    persistence = section.get("persistence")
    if not marked and section.get("port") == 0 and persistence is None and section.sound("persistence"):
        section.problem("port", "0 (every port) needs persistence", "add persistence = true, or name the port")
    for name in ("persistence_netmask", "persistence_engine"):
        if section.given(name) and persistence is None and section.sound(name, "persistence"):
            section.problem(name, "has no meaning without persistence", "add persistence = true, or leave this out")
    if section.given("one_packet") and section.get("one_packet"):
        _check_udp(section, "one_packet", marked, match)
    if section.given("persistence_engine"):
        _check_udp(section, "persistence_engine", marked, match)
    return Service(
        scheduler=section.get("scheduler") or "wlc",
        flags=_flags(section),
        persistence=persistence,
        netmask=_netmask(section, family) if persistence is not None else None,
        engine=section.get("persistence_engine"),
        one_packet=bool(section.get("one_packet")),
    )


def _check_udp(section: Section, name: str, marked: bool, match: tuple[Match, ...] | None) -> None:
    """ipvsadm refuses one-packet scheduling elsewhere; the sip engine looks into nothing but UDP (ip_vs_pe_sip.c)."""
    if marked:
        fits = all(part.protocol == "udp" for part in match or ())
        where = "with a match for anything else"
    else:
        fits = section.get("protocol") in ("udp", None)
        where = f"with protocol {section.get('protocol')}"
    if not fits:
        section.problem(name, f"is for udp alone, and does not go {where}")


def _drain_timeout(section: Section) -> int | None:
    seconds: int | None = section.get("drain_timeout")
    unended = (
        "udp" if section.get("protocol") == "udp" else "one-packet scheduling" if section.get("one_packet") else ""
    )
    if seconds and unended:
        section.problem(
            "drain_timeout",
            f"has no meaning with {unended}, which has no end to wait for: its real servers leave at once",
            "leave it out",
        )
    return seconds


def _flags(section: Section) -> tuple[str, ...]:
    flags: dict[int, str] = section.get("scheduler_flags") or {}
    scheduler = section.get("scheduler")
    if scheduler is not None:
        for position, flag in flags.items():
            if flag not in SCHEDULERS[scheduler]:
                owner = next(name for name, known in SCHEDULERS.items() if flag in known)
                own = SCHEDULERS[scheduler]
                section.problems.add(
                    (*section.path, "scheduler_flags", position),
                    f"is a flag of the scheduler {owner}, not of {scheduler}",
                    found=repr(flag),
                    hint=f"{scheduler} knows {' and '.join(own)}" if own else f"{scheduler} has no flags",
                )
    return tuple(sorted(flags.values()))


def _netmask(section: Section, family: int | None) -> int:
    full = 128 if family == 6 else 32
    mask = section.get("persistence_netmask")
    if mask is None:
        return full
    if family == 6 and mask.dotted:
        section.problem("persistence_netmask", "must be a prefix length from 1 to 128, since the service is IPv6")
    elif family == 4 and mask.prefix > 32:
        section.problem("persistence_netmask", "must be at most 32, since the service is IPv4")
    return int(mask.prefix)
