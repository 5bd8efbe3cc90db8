"""``realservers = [...]``: the real servers of one service, and what contradicts the service or themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lvs_init.config.problems import Path, written
from lvs_init.config.section import Section
from lvs_init.model.address import family_of, inside
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey, Tunnel

#: Tunnel types that the lab has sent traffic through. The others are known but refused until it has.
TRAFFIC_TESTED_TUNNELS = ("ipip",)


@dataclass(frozen=True)
class RealServerDraft:
    """A real server as far as it is sound. None: unfit or missing, and told already."""

    path: Path
    rip: str | None
    port: int | None
    forwarding: str | None
    attributes: RealServer

    def finished(self, service: ServiceKey) -> tuple[RealServerKey, RealServer] | None:
        """None where something is unfit."""
        if self.rip is None or self.port is None:
            return None
        return RealServerKey(service, self.rip, self.port), self.attributes


def read_real_servers(
    service: Section, marked: bool, family: int | None, forwarding: str | None
) -> tuple[RealServerDraft, ...]:
    """``marked``: it is a firewall-mark service. ``forwarding``: the service's. None: not known."""
    service_port = 0 if marked else service.get("port")
    first: dict[tuple[str, int], Path] = {}
    result: list[RealServerDraft] = []
    for section in service.sections("realservers"):
        draft = _read(section, service_port, forwarding)
        _check(section, draft, marked, service_port, family)
        if draft.rip is not None and draft.port is not None:
            place = first.setdefault((draft.rip, draft.port), section.path)
            if place != section.path:
                section.problem(
                    "rip", f"with port {draft.port} stands there already as {written(place)}", "leave one out"
                )
        result.append(draft)
    return tuple(result)


def _read(section: Section, service_port: int | None, forwarding: str | None) -> RealServerDraft:
    if section.given("forwarding"):
        forwarding = section.get("forwarding")
    weight = section.get("weight")
    return RealServerDraft(
        path=section.path,
        rip=section.get("rip"),
        port=section.get("port") if section.given("port") else service_port,
        forwarding=forwarding,
        attributes=_attributes(
            forwarding or "dr",
            1 if weight is None else weight,
            section.get("upper_threshold") or 0,
            section.get("lower_threshold") or 0,
            _tunnel(section, forwarding),
        ),
    )


#: Most real servers have the same attributes, which are then one object.
_attributes = lru_cache(maxsize=1 << 10)(RealServer)


def _check(
    section: Section, draft: RealServerDraft, marked: bool, service_port: int | None, family: int | None
) -> None:
    forwarding = draft.forwarding
    if draft.rip is not None and family and family_of(draft.rip) != family:
        why = "which is not supported" if forwarding == "tun" else "which the kernel refuses"
        section.problem("rip", f"is IPv{family_of(draft.rip)} in an IPv{family} service, {why}")
    if forwarding == "nat" and draft.rip and (inside(draft.rip, "127.0.0.0/8") or draft.rip == "::1"):
        section.problem("rip", "cannot be a loopback address under nat", "write the director's own address instead")
    if section.given("port") and draft.port is not None and service_port is not None and draft.port != service_port:
        if forwarding in ("dr", "tun"):
            asked = "the one that the client asked for" if marked else f"the service's, {service_port}"
            section.problem(
                "port",
                f"cannot differ from {asked}: {forwarding} leaves packets as they are",
                "leave it out, or use nat",
            )
        elif forwarding == "nat" and draft.port == 0:
            section.problem("port", "cannot be 0 where the service has a port", "leave it out")
    upper, lower = section.get("upper_threshold"), section.get("lower_threshold")
    if upper is not None and lower is not None and lower > upper:
        what = f"upper_threshold ({upper})" if upper else "upper_threshold, which is not set"
        section.problem("lower_threshold", f"must not be above {what}")


def _tunnel(section: Section, forwarding: str | None) -> Tunnel | None:
    if forwarding != "tun" and not section.given("tunnel"):
        return None
    part = section.section("tunnel")
    if forwarding != "tun":
        if forwarding is not None:
            section.problem("tunnel", f"is for the forwarding method tun, not for {forwarding}")
        return None
    kind, port, checksum = part.get("type"), part.get("port"), part.get("checksum")
    if kind == "gue" and not part.given("port"):
        part.problem(
            "port", "is missing: gue needs the port on which the real server unwraps", "for example port = 6080"
        )
    if kind in ("ipip", "gre") and part.given("port"):
        part.problem("port", f"is for gue, not for {kind}")
    if (kind == "ipip" and checksum in ("csum", "remcsum")) or (kind == "gre" and checksum == "remcsum"):
        part.problem("checksum", f"is not to be had with {kind}", "gre knows nocsum and csum, gue all three")
    if kind is not None and kind not in TRAFFIC_TESTED_TUNNELS:
        tested = " and ".join(TRAFFIC_TESTED_TUNNELS)
        part.problem(
            "type", "is refused, because no test has sent traffic through such a tunnel yet", f"tested: {tested}"
        )
    return Tunnel(kind or "ipip", port or 0, checksum or "nocsum")
