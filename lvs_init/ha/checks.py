"""Every mistake of Heartbeat's files at once: each file, the three together, lvs.toml, the other node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvs_init.config.cluster import Cluster
from lvs_init.ha import authkeys, checks_authkeys, checks_ha_cf, checks_haresources, ha_cf, haresources
from lvs_init.ha.folder import Folder, Host
from lvs_init.ha.ha_cf import Directive
from lvs_init.ha.haresources import DIRECTOR, REAL_SERVER
from lvs_init.ha.remark import MISTAKE, WARNING, Remark
from lvs_init.model.ha import HighAvailability

FILES = (ha_cf.NAME, haresources.NAME, authkeys.NAME)
#: What both nodes must agree on, or they take each other for dead, or for alive, at different times.
_EQUAL = ("keepalive", "warntime", "deadtime", "udpport", "auto_failback", "crm", "pacemaker", "msgfmt")


def remarks(folder: Folder, cluster: Cluster, host: Host, other: Folder | None = None) -> list[Remark]:
    """In the order of FILES and of lines; mistakes and warnings mixed, each once."""
    found = [
        *checks_ha_cf.remarks(folder, host),
        *checks_haresources.remarks(folder, cluster, host),
        *checks_authkeys.remarks(folder),
        *_beside(folder, cluster, host),
        *_boot(folder, cluster, host),
        *(_other(folder, other) if other else ()),
    ]
    order = {name: position for position, name in enumerate(FILES)}
    return sorted(dict.fromkeys(found), key=lambda each: (order.get(each.file, len(order)), each.line))


def _beside(folder: Folder, cluster: Cluster, host: Host) -> Iterator[Remark]:
    """Where ha.cf says something else than ``[ha]``."""
    ha, text = cluster.ha, folder.text(ha_cf.NAME)
    if ha is None:
        yield Remark(
            WARNING,
            cluster.file,
            0,
            "has no table [ha]: at boot lvs-director would start with all its VIPs, without asking Heartbeat",
            "add [ha], which makes the standby at boot and writes these files",
        )
        return
    if text is None:
        return
    directives = ha_cf.parse(text)
    here = checks_ha_cf.nodes(directives)
    if set(here) != set(ha.nodes):
        yield _differs(directives, "node", ", ".join(here) or "none", ", ".join(ha.nodes), MISTAKE)
    for name, seconds in _times(ha):
        value = next((ha_cf.milliseconds(each.rest) for each in directives[::-1] if each.name == name), None)
        if value is not None and value != seconds * 1000:
            yield _differs(directives, name, f"{value / 1000:g} s", f"{seconds:g} s")
    port = next((each.rest for each in directives[::-1] if each.name == "udpport"), "694")
    if port != str(ha.udpport):
        yield _differs(directives, "udpport", port, str(ha.udpport))
    failback = next((ha_cf.boolean(each.rest) for each in directives[::-1] if each.name == "auto_failback"), None)
    if failback is not None and failback != ha.auto_failback:
        yield _differs(directives, "auto_failback", *("on" if each else "off" for each in (failback, ha.auto_failback)))
    node = host.node if host.node in ha.nodes else ha.nodes[0]
    yield from _lines(directives, ("ucast", "bcast", "mcast"), ha_cf.links(cluster, ha, node))
    yield from _lines(directives, ("ping", "ping6"), ha_cf.pings(ha))
    plugins = sorted(device.type for device in ha.stonith if not device.agent)
    listed = sorted(each.words[1] for each in directives if each.name == "stonith_host" and len(each.words) > 1)
    if plugins != listed:
        yield _differs(directives, "stonith_host", ", ".join(listed) or "none", ", ".join(plugins) or "none")


def _times(ha: HighAvailability) -> Iterator[tuple[str, float]]:
    yield from (("keepalive", ha.keepalive), ("warntime", ha.warntime))
    yield from (("deadtime", ha.deadtime), ("initdead", ha.initdead))


def _differs(directives: Sequence[Directive], name: str, here: str, there: str, severity: str = WARNING) -> Remark:
    line = next((each.line for each in directives if each.name == name), 0)
    return Remark(
        severity,
        ha_cf.NAME,
        line,
        f"{name} is {here} here and {there} in [ha]",
        "write the same in both: 'lvsctl ha heartbeat' shows what [ha] makes of it",
    )


def _lines(directives: Sequence[Directive], names: Sequence[str], wanted: Iterator[str]) -> Iterator[Remark]:
    expected = list(wanted)
    seen = set()
    for each in directives:
        if each.name not in names:
            continue
        # bcast and ping take several words, each for itself.
        many = each.words if each.name in ("bcast", "ping", "ping6") else [each.rest]
        for word in many:
            seen.add(f"{each.name} {word}")
            if f"{each.name} {word}" not in expected:
                yield Remark(WARNING, ha_cf.NAME, each.line, f"'{each.name} {word}' is not in [ha]")
    for line in expected:
        if line not in seen:
            yield Remark(WARNING, ha_cf.NAME, 0, f"lacks '{line}', which is in [ha]")


def _boot(folder: Folder, cluster: Cluster, host: Host) -> Iterator[Remark]:
    """Who is started at boot beside Heartbeat."""
    if host.at_boot is None:
        return
    text = folder.text(haresources.NAME)
    listed = {each.script for group in haresources.parse(text or "") for each in group.resources}
    if "heartbeat" not in host.at_boot:
        yield Remark(WARNING, "/etc/init.d/heartbeat", 0, "is not started at boot", "update-rc.d heartbeat enable")
    if DIRECTOR in host.at_boot and cluster.ha is None and DIRECTOR in listed:
        yield Remark(
            MISTAKE,
            "/etc/init.d/lvs-director",
            0,
            "is started at boot and by Heartbeat: without [ha] both nodes have the VIPs after a boot",
            "add [ha] (boot makes the standby then), or: update-rc.d lvs-director disable",
        )
    if DIRECTOR not in host.at_boot and cluster.ha is not None:
        yield Remark(
            WARNING,
            "/etc/init.d/lvs-director",
            0,
            "is not started at boot, so this node has no warm standby until it was active once",
            "update-rc.d lvs-director enable: with [ha] it brings no VIP",
        )
    if REAL_SERVER in host.at_boot and REAL_SERVER in listed:
        yield Remark(
            MISTAKE,
            "/etc/init.d/lvs-realserver",
            0,
            "is started at boot and by Heartbeat, which stops it wherever the director is not",
            "leave it out of haresources",
        )


def _other(folder: Folder, other: Folder) -> Iterator[Remark]:
    for name in FILES:
        if (folder.text(name) is None) != (other.text(name) is None):
            missing = folder if folder.text(name) is None else other
            if missing is other:
                why = other.files[name].why or "is missing"
                yield Remark(MISTAKE, f"{other.path}/{name}", 0, why, "copy it from this node")
    pairs = {name: (folder.text(name), other.text(name)) for name in FILES}
    ours, theirs = pairs[haresources.NAME]
    if ours is not None and theirs is not None and _meaning(ours) != _meaning(theirs):
        yield Remark(
            MISTAKE,
            haresources.NAME,
            _first_difference(ours, theirs),
            f"is another one than {other.path}/{haresources.NAME}: the nodes would start different things",
            "copy the right one to the other node",
        )
    ours, theirs = pairs[authkeys.NAME]
    if ours is not None and theirs is not None and not checks_authkeys.equal(ours, theirs):
        yield Remark(
            MISTAKE,
            authkeys.NAME,
            0,
            f"has another key than {other.path}/{authkeys.NAME}: each node takes the other for dead and takes over",
            "copy the file of one node to the other: scp -p",
        )
    ours, theirs = pairs[ha_cf.NAME]
    if ours is not None and theirs is not None:
        yield from _two_ha_cf(ha_cf.parse(ours), ha_cf.parse(theirs), other.path)


def _two_ha_cf(ours: Sequence[Directive], theirs: Sequence[Directive], path: str) -> Iterator[Remark]:
    """ha.cf need not be equal on both nodes, but for what both must do alike."""
    for name in _EQUAL:
        values = [next((each.rest.lower() for each in side[::-1] if each.name == name), "") for side in (ours, theirs)]
        times = [ha_cf.milliseconds(value) for value in values]
        if values[0] != values[1] and (None in times or times[0] != times[1]):
            line = next((each.line for each in ours if each.name == name), 0)
            yield Remark(
                MISTAKE,
                ha_cf.NAME,
                line,
                f"{name} is {values[0] or 'not given'} here and {values[1] or 'not given'} in {path}/{ha_cf.NAME}",
            )
    names = [sorted(checks_ha_cf.nodes(side)) for side in (ours, theirs)]
    if names[0] != names[1]:
        yield Remark(
            MISTAKE,
            ha_cf.NAME,
            0,
            f"the nodes are {', '.join(names[0])} here and {', '.join(names[1])} in {path}/{ha_cf.NAME}",
        )
    media = [sorted(each.name for each in side if each.name in ha_cf.MEDIA) for side in (ours, theirs)]
    if set(media[0]) != set(media[1]):
        yield Remark(
            WARNING,
            ha_cf.NAME,
            0,
            f"the links are {', '.join(media[0])} here and {', '.join(media[1])} in {path}/{ha_cf.NAME}",
        )


def _meaning(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.node, group.words) for group in haresources.parse(text)]


def _first_difference(ours: str, theirs: str) -> int:
    groups, others = haresources.parse(ours), _meaning(theirs)
    for position, group in enumerate(groups):
        if position >= len(others) or (group.node, group.words) != others[position]:
            return group.line
    return 0
