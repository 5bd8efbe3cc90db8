"""What is sound by itself and cannot be together: services against each other, VIPs against RIPs and DIPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvs_init.config.cluster import Director, Match, NodeOverride, Vip
from lvs_init.config.problems import Path, Problems, written
from lvs_init.config.service import ServiceDraft
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import ServiceKey


def check(
    services: Sequence[ServiceDraft], director: Director, nodes: Mapping[str, NodeOverride], problems: Problems
) -> None:
    """Adds a problem for each contradiction between sound parts."""
    dips = _dips(director, nodes)
    _check_services(services, problems)
    _check_vips(services, director, nodes, problems)
    _check_labels(services, director, nodes, problems)
    _check_addresses(services, dips, problems)
    _check_marks(services, problems)
    _check_dips(services, director, nodes, dips, problems)


def _dips(director: Director, nodes: Mapping[str, NodeOverride]) -> list[tuple[Path, Vip]]:
    dips: list[tuple[Path, Vip]] = [(("director", "dip"), director.dip)] if director.dip else []
    return dips + [(("node", name, "dip"), node.dip) for name, node in nodes.items() if node.dip]


def _check_services(services: Sequence[ServiceDraft], problems: Problems) -> None:
    first: dict[ServiceKey, Path] = {}
    for service in services:
        if service.key is not None:
            place = first.setdefault(service.key, service.path)
            if place != service.path:
                problems.add(
                    service.path,
                    f"is the same service as {written(place)}",
                    found=str(service.key),
                    hint="give all its real servers in one table",
                )


def _check_vips(
    services: Sequence[ServiceDraft], director: Director, nodes: Mapping[str, NodeOverride], problems: Problems
) -> None:
    # Where a node has another, the director's interface and the same one named by a service are two on that node.
    moved = any(node.interface for node in nodes.values())
    usual = "" if moved else (director.interface or "").partition(":")[0]
    first: dict[str, tuple[Path, int, str | None]] = {}
    for service in services:
        interface = service.interface or usual or None
        for path, vip in service.vips:
            place, prefix, device = first.setdefault(vip.address, (path, vip.prefix, interface))
            if prefix != vip.prefix:
                problems.add(
                    path,
                    f"has another prefix length than in {written(place)} ({prefix})",
                    found=f"{vip.address}/{vip.prefix}",
                    hint="write the same in both",
                )
            if device != interface:
                problems.add(
                    path,
                    f"is on another interface than in {written(place)} ({device or 'none named'})",
                    found=interface or "none named",
                    hint="name the same interface in both",
                )


def _check_labels(
    services: Sequence[ServiceDraft], director: Director, nodes: Mapping[str, NodeOverride], problems: Problems
) -> None:
    ours = [vip.address for service in services if service.interface is None for _, vip in service.vips]
    if not ours or family_of(ours[0]) == 4:
        return
    interfaces: list[tuple[Path, str | None]] = [(("director", "interface"), director.interface)]
    interfaces += [(("node", name, "interface"), node.interface) for name, node in nodes.items()]
    for path, interface in interfaces:
        device, colon, _ = (interface or "").partition(":")
        if colon:
            problems.add(
                path,
                f"fixes a label for the first VIP, which is IPv6 ({ours[0]}), and IPv6 addresses have none",
                found=repr(interface),
                hint=f"write '{device}'",
            )


def _check_addresses(services: Sequence[ServiceDraft], dips: Sequence[tuple[Path, Vip]], problems: Problems) -> None:
    vips = {vip.address: path for service in services for path, vip in reversed(service.vips)}
    for service in services:
        for server in service.real_servers:
            if server.rip in vips:
                _same(problems, (*server.path, "rip"), server.rip, vips[server.rip])
    for path, dip in dips:
        if dip.address in vips:
            _same(problems, path, dip.address, vips[dip.address])


def _same(problems: Problems, path: Path, address: str, vip: Path) -> None:
    problems.add(
        path,
        f"is the VIP of {written(vip)} as well",
        found=address,
        hint="a VIP moves between machines; RIP and DIP are addresses of their own",
    )


def _check_marks(services: Sequence[ServiceDraft], problems: Problems) -> None:
    """The rule that comes last wins: the other service would never see the packets."""
    first: dict[tuple[str, Match], Path] = {}
    for service in services:
        for _, vip in service.vips:
            for match in service.match or ():
                place = first.setdefault((vip.address, match), service.path)
                if place != service.path:
                    problems.add(
                        (*service.path, "match"),
                        f"marks the same packets as {written(place)}",
                        found=f"{match.protocol or 'every protocol'}, {match.port or 'every port'} of {vip.address}",
                        hint="each packet can carry one mark",
                    )


def _check_dips(
    services: Sequence[ServiceDraft],
    director: Director,
    nodes: Mapping[str, NodeOverride],
    dips: Sequence[tuple[Path, Vip]],
    problems: Problems,
) -> None:
    families = {family_of(dip.address) for _, dip in dips}
    for path, dip in dips[1:]:
        if family_of(dip.address) != family_of(dips[0][1].address):
            problems.add(path, f"is of another address family than {written(dips[0][0])}", found=dip.address)
    told: set[int] = set()
    for service in services:
        family = family_of(service.vips[0][1].address) if service.vips else None
        for server in service.real_servers:
            if server.forwarding == "nat" and family and family not in families and family not in told:
                told.add(family)
                problems.add(
                    ("director", "dip"),
                    f"must be an IPv{family} address, because {written(server.path)} is served by nat: it is the"
                    " gateway that sends the answers back through the director",
                    found=dips[0][1].address if dips else "",
                    hint="give the director's address on the real servers' side",
                )
    if director.dip_interface and not dips:
        problems.add(("director", "dip_interface"), "has no meaning without a dip", found=repr(director.dip_interface))
    for name, node in nodes.items():
        if node.dip_interface and not (node.dip or director.dip):
            problems.add(
                ("node", name, "dip_interface"), "has no meaning without a dip", found=repr(node.dip_interface)
            )
