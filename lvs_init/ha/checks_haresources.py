"""What can be wrong with haresources, by itself and beside lvs.toml and the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lvs_init.config.cluster import Cluster
from lvs_init.ha import ha_cf, haresources
from lvs_init.ha.checks_ha_cf import nodes
from lvs_init.ha.folder import Folder, Host
from lvs_init.ha.haresources import DIRECTOR, REAL_SERVER, Group
from lvs_init.ha.remark import MISTAKE, WARNING, Remark

NAME = haresources.NAME


def remarks(folder: Folder, cluster: Cluster, host: Host) -> Iterator[Remark]:
    """Mistakes and warnings of the file in this directory."""
    found = folder.files[NAME]
    if found.text is None:
        yield Remark(MISTAKE, NAME, 0, found.why or "is missing", "'lvsctl ha heartbeat --out DIR' makes one")
        return
    groups = haresources.parse(found.text)
    if "\r" in found.text:
        yield Remark(MISTAKE, NAME, 0, "has line ends of another system, which become part of names", "dos2unix")
    if not groups:
        yield Remark(MISTAKE, NAME, 0, "is empty: nothing is ever started")
    yield from _nodes(groups, folder)
    yield from _keys(groups)
    yield from _scripts(groups, host)
    yield from _ours(groups, cluster)
    yield from _vips(groups, cluster)


def _nodes(groups: Sequence[Group], folder: Folder) -> Iterator[Remark]:
    text = folder.text(ha_cf.NAME)
    known = nodes(ha_cf.parse(text)) if text is not None else None
    for group in groups:
        if not group.words:
            yield Remark(MISTAKE, NAME, group.line, f"has nothing after the node {group.node}")
        if known is not None and group.node not in known:
            yield Remark(
                MISTAKE,
                NAME,
                group.line,
                f"begins with {group.node}, which is no node of ha.cf: Heartbeat does not start",
                f"the nodes are {', '.join(known) or 'none'}",
            )


def _keys(groups: Sequence[Group]) -> Iterator[Remark]:
    """Heartbeat finds a group by its first word, looked for in all lines as a pattern of egrep between two blanks."""
    for group in groups:
        if not group.words:
            continue
        key = group.words[0]
        try:
            pattern = re.compile(f" {key} ")
        except re.error:
            yield Remark(MISTAKE, NAME, group.line, f"{key} is no pattern, and Heartbeat looks for it as one")
            continue
        for other in groups:
            if other is not group and pattern.search(f" {' '.join((other.node, *other.words))} "):
                yield Remark(
                    MISTAKE,
                    NAME,
                    group.line,
                    f"begins with {key}, which is in line {other.line}, too: Heartbeat takes the two for one group",
                    "the first resource of a line must stand nowhere else; name the cluster: lvs-director::NAME",
                )
                break


def _scripts(groups: Sequence[Group], host: Host) -> Iterator[Remark]:
    for group in groups:
        for resource in group.resources:
            if resource.script == "IPaddr":
                yield Remark(
                    WARNING,
                    NAME,
                    group.line,
                    f"{resource} is for IPaddr, which needs ifconfig",
                    f"write IPaddr2::{'::'.join(resource.arguments)}",
                )
            if host.scripts is not None and resource.script not in host.scripts:
                yield Remark(
                    MISTAKE,
                    NAME,
                    group.line,
                    f"no script {resource.script} in /etc/ha.d/resource.d or /etc/init.d: the group does not start",
                )


def _ours(groups: Sequence[Group], cluster: Cluster) -> Iterator[Remark]:
    wanted = haresources.director(cluster.file)
    places = [(group, resource) for group in groups for resource in group.resources if resource.script == DIRECTOR]
    if not places:
        yield Remark(
            MISTAKE, NAME, 0, "does not name lvs-director, so Heartbeat brings no VIP anywhere", f"add {wanted}"
        )
    elif all(resource != wanted for _, resource in places):
        group, resource = places[0]
        yield Remark(
            MISTAKE, NAME, group.line, f"{resource} is for another file than {cluster.file}", f"write {wanted}"
        )
    twice = [group for group, resource in places if resource == wanted][1:]
    for group in twice:
        yield Remark(MISTAKE, NAME, group.line, f"{wanted} stands there twice, and would be started on both nodes")
    for group in groups:
        for resource in group.resources:
            if resource.script == REAL_SERVER:
                yield Remark(
                    WARNING,
                    NAME,
                    group.line,
                    "lvs-realserver moves with the director here, but a real server serves wherever the director is",
                    "leave it out and enable it at boot on both nodes",
                )


def _vips(groups: Sequence[Group], cluster: Cluster) -> Iterator[Remark]:
    """Two who bring one address take it from each other: a stop of the one is a loss of the other."""
    ha = cluster.ha
    moving = {vip.address: vip for vip in cluster.vips}
    if ha is not None:
        moving = {vip.address: vip for vip, _ in haresources.addresses(cluster, ha)}
    by_others = ha is not None and ha.vips == "ipaddr2"
    listed: dict[str, int] = {}
    for group in groups:
        scripts = [resource.script for resource in group.resources]
        for position, resource in enumerate(group.resources):
            address = resource.address
            if not address:
                continue
            if address in listed:
                yield Remark(MISTAKE, NAME, group.line, f"{address} stands in line {listed[address]} already")
            listed.setdefault(address, group.line)
            if address in moving and not by_others:
                yield Remark(
                    MISTAKE,
                    NAME,
                    group.line,
                    f"{resource.script} brings {address}, and so does lvs-director",
                    'leave it out here, or set vips = "ipaddr2" in [ha]',
                )
            elif address in moving and DIRECTOR in scripts[position:]:
                yield Remark(
                    WARNING,
                    NAME,
                    group.line,
                    f"{address} is there before the table: until lvs-director has started, clients are refused",
                    f"write lvs-director before {resource.script}",
                )
    if by_others:
        for vip in moving.values():
            if vip.address not in listed:
                yield Remark(
                    MISTAKE,
                    NAME,
                    0,
                    f"nobody brings {vip.address}: [ha] leaves it to IPaddr2",
                    f"add IPaddr2::{vip.address}/{vip.prefix} after lvs-director",
                )
