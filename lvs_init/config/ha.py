"""``[ha]``: what makes two directors one, read, and what cannot be together in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvs_init.config.cluster import Director, NodeOverride
from lvs_init.config.problems import Path, shown, written
from lvs_init.config.section import Section
from lvs_init.config.service import ServiceDraft
from lvs_init.config.values import Address, Unfit
from lvs_init.model.address import family_of
from lvs_init.model.ha import HighAvailability, Link, Stonith, Sync
from lvs_init.model.network import SysctlKey

_LEAST_INITDEAD = 60.0
_LONGEST_PARAMETER = 256
#: Keys of [ha.sync] that are kernel settings of the same name under net.ipv4.vs.sync_*.
_SETTINGS = ("refresh_period", "retries", "ports")


def read_ha(section: Section) -> HighAvailability | None:
    """None where something that the rest needs is unfit, which is told then."""
    nodes = tuple((section.get("nodes") or {}).values())
    if section.sound("nodes"):
        _check_nodes(section, nodes)
    links = tuple(_link(part, nodes) for part in section.sections("link"))
    stonith = tuple(_stonith(part, nodes) for part in section.sections("stonith"))
    _check_links(section, links)
    _check_times(section)
    _check_stonith(section, stonith)
    sync = _sync(section.section("sync")) if section.given("sync") and section.sound("sync") else None
    if not section.sound("nodes", *(name for name in ("link", "stonith", "sync") if section.given(name))):
        return None
    deadtime = section.get("deadtime") or 0.0
    return HighAvailability(
        nodes=nodes,
        links=links,
        keepalive=section.get("keepalive") or 0.0,
        warntime=section.get("warntime") or deadtime / 2,
        deadtime=deadtime,
        initdead=section.get("initdead") or max(_LEAST_INITDEAD, 2 * deadtime),
        udpport=section.get("udpport") or 0,
        ping=tuple((section.get("ping") or {}).values()),
        auto_failback=bool(section.get("auto_failback")),
        stonith=stonith,
        vips=section.get("vips") or "lvs",
        warm_standby=bool(section.get("warm_standby")),
        announce_count=section.get("announce_count") or 0,
        announce_interval=section.get("announce_interval") or 0.0,
        sync=sync,
    )


def check_ha(
    section: Section,
    ha: HighAvailability,
    services: Sequence[ServiceDraft],
    director: Director,
    nodes: Mapping[str, NodeOverride],
) -> None:
    """Adds a problem for each contradiction between ``[ha]`` and the rest of the file."""
    if any(server.forwarding == "nat" for service in services for server in service.real_servers):
        _check_dips(section, ha, director, nodes)
    if ha.vips == "ipaddr2":
        if ":" in (director.interface or "") or any(":" in (node.interface or "") for node in nodes.values()):
            section.problem("vips", "leaves the labels of VIPs to IPaddr2", "name the interface without its label")
        for service in services:
            for path, vip in service.vips:
                if family_of(vip.address) == 6:
                    section.problems.add(
                        path,
                        "is IPv6, and haresources has no way to give IPaddr2 such an address",
                        found=vip.address,
                        hint='leave out vips = "ipaddr2": lvs-director brings the VIPs then',
                    )
    if ha.sync is not None:
        for key in ha.sync.settings:
            if key.path in director.sysctl:
                section.problems.add(
                    ("director", "sysctl", key.path.replace("/", ".")),
                    "is what [ha.sync] sets",
                    found=shown(director.sysctl[key.path]),
                    hint="leave it out here",
                )


def _check_nodes(section: Section, nodes: Sequence[str]) -> None:
    if len(nodes) != 2:
        section.problem("nodes", "must name two machines: a pair is what haresources and the sync daemon know")


def _link(section: Section, nodes: Sequence[str]) -> Link:
    kind = section.get("type")
    addresses: dict[str, str] = {}
    for node, value in section.table("addresses").items():
        place: Path = (*section.path, "addresses", node)
        try:
            address = Address().read(value)
        except Unfit as unfit:
            section.problems.add(place, unfit.message, found=shown(value), hint=unfit.hint)
            continue
        if nodes and node not in nodes:
            section.problems.add(place, "is none of the nodes", found=shown(node), hint=f"they are {', '.join(nodes)}")
        if address in addresses.values():
            section.problems.add(place, "is another node's address as well", found=address)
        if kind == "ucast" and family_of(address) == 6:
            section.problems.add(place, "is IPv6, which Heartbeat's ucast does not know", found=address)
        addresses[node] = address
    if kind == "ucast" and section.sound("addresses"):
        missing = [node for node in nodes if node not in section.table("addresses")]
        if missing:
            section.problem(
                "addresses",
                f"must give the address of {' and '.join(missing)}: ucast sends to the peer's, and both nodes have "
                "the same file",
                "for example addresses = { "
                + ", ".join(f'{node} = "10.0.0.{position}"' for position, node in enumerate(nodes, 1))
                + " }",
            )
    if kind == "mcast" and not section.given("group"):
        section.missing("group")
    for name in ("group", "ttl"):
        if kind in ("ucast", "bcast") and section.given(name):
            section.problem(name, f"is for mcast, not for {kind}", "leave it out")
    ttl = section.get("ttl")
    return Link(
        kind or "", section.get("interface") or "", addresses, section.get("group") or "", 1 if ttl is None else ttl
    )


def _check_links(section: Section, links: Sequence[Link]) -> None:
    first: dict[tuple[str, str], int] = {}
    for position, link in enumerate(links):
        place = first.setdefault((link.type, link.interface), position)
        if place != position and link.interface:
            section.problems.add(
                (*section.path, "link", position),
                f"is the same link as {written((*section.path, 'link', place))}",
                found=f"{link.type} {link.interface}",
                hint="a second link is one over another interface",
            )


def _check_times(section: Section) -> None:
    for less, more in (("keepalive", "warntime"), ("warntime", "deadtime")):
        values = [section.get(less), section.get(more)]
        if None not in values and values[0] >= values[1]:
            key = more if section.given(more) else less
            section.problem(key, f"must be so that {less} ({values[0]:g}) is below {more} ({values[1]:g})")
    keepalive, initdead, deadtime = (section.get(name) for name in ("keepalive", "initdead", "deadtime"))
    if keepalive is not None and deadtime is not None and deadtime <= 2 * keepalive:
        section.problem("deadtime", f"must be more than twice keepalive ({keepalive:g}): Heartbeat refuses less")
    if initdead is not None and deadtime is not None and initdead < 2 * deadtime:
        section.problem("initdead", f"must be at least twice deadtime ({deadtime:g}): networks come up late at boot")


def _stonith(section: Section, nodes: Sequence[str]) -> Stonith:
    node = section.get("node") or ""
    if node and nodes and node not in nodes:
        section.problem("node", "is none of the nodes", f"they are {', '.join(nodes)}")
    parameters: dict[str, str] = {}
    for name, value in section.table("parameters").items():
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        place: Path = (*section.path, "parameters", name)
        if not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
            section.problems.add(place, "is not the name of a parameter", hint="letters, digits, '_' and '-' alone")
        elif not text or len(text) > _LONGEST_PARAMETER or not (text.isascii() and text.isprintable()):
            # What stands there may be a password: it is not shown.
            section.problems.add(place, f"must be an integer or 1 to {_LONGEST_PARAMETER} printable ASCII characters")
        else:
            parameters[name] = text
    return Stonith(section.get("type") or "", node, parameters)


def _check_stonith(section: Section, devices: Sequence[Stonith]) -> None:
    """Heartbeat has one device a node: of several stonith_host lines that fit, the last one counts."""
    earlier: list[tuple[int, Stonith]] = []
    for position, device in enumerate(devices):
        if not device.type or device.agent:
            continue
        for place, other in earlier:
            if device.node == other.node or not device.node or not other.node:
                section.problems.add(
                    (*section.path, "stonith", position),
                    f"turns off what {written((*section.path, 'stonith', place))} turns off, and Heartbeat calls one "
                    "device alone",
                    found=device.type,
                    hint="keep one; several for one node are for Pacemaker's fence_ agents",
                )
                break
        earlier.append((position, device))


def _sync(section: Section) -> Sync:
    settings: dict[SysctlKey, str] = {}
    threshold, period = section.get("threshold"), section.get("period")
    if section.given("threshold") or section.given("period"):
        pair = (3 if threshold is None else threshold, 50 if period is None else period)
        if section.sound("threshold", "period") and pair[0] >= pair[1] > 0:
            key = "threshold" if section.given("threshold") else "period"
            section.problem(key, f"must be so that threshold ({pair[0]}) is below period ({pair[1]})")
        settings[SysctlKey("net/ipv4/vs/sync_threshold")] = f"{pair[0]} {pair[1]}"
    for name in _SETTINGS:
        if section.get(name) is not None:
            settings[SysctlKey(f"net/ipv4/vs/sync_{name}")] = str(section.get(name))
    ports = section.get("ports")
    if ports is not None and ports & (ports - 1):
        section.problem("ports", "must be a power of two", "1, 2, 4, 8, 16, 32 or 64")
    # A standby with the table would send packets of a real server that directs, too, round in circles
    # (Linux Documentation/networking/ipvs-sysctl.rst, backup_only).
    settings[SysctlKey("net/ipv4/vs/backup_only")] = "1"
    return Sync(
        section.get("interface") or "",
        section.get("syncid") or 0,
        section.get("group") or "",
        section.get("port") or 0,
        section.get("ttl") or 0,
        section.get("maxlen"),
        settings,
    )


def _check_dips(section: Section, ha: HighAvailability, director: Director, nodes: Mapping[str, NodeOverride]) -> None:
    """The gateway of real servers under nat must be one address, which moves with the VIPs."""
    dips: dict[str, str] = {}
    for name in ha.nodes:
        override = nodes.get(name, NodeOverride())
        dip = override.dip or director.dip
        if dip is not None:
            dips[name] = dip.address
            if not (override.dip_interface or director.dip_interface):
                section.problems.add(
                    ("director", "dip_interface"),
                    f"must be there with [ha] and nat: without it the DIP {dip.address}, the real servers' gateway, "
                    "stays behind when the VIPs move",
                    hint='add for example dip_interface = "eth1"',
                )
                return
    if len(set(dips.values())) > 1:
        found = ", ".join(f"{dip} on {name}" for name, dip in dips.items())
        section.problems.add(
            ("director", "dip"), "must be the same on both nodes of [ha] under nat: it moves with the VIPs", found=found
        )
