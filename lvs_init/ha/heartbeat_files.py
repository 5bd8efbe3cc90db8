"""The three files of Heartbeat for a node, made of ``[ha]``, and what keeps them from being made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lvs_init.config.cluster import Cluster
from lvs_init.ha import authkeys, ha_cf, haresources, stonith
from lvs_init.model.ha import HighAvailability
from lvs_init.model.problem import Problem

#: A file's bytes may hold a password: then it is root's alone.
_PRIVATE, _OPEN = 0o600, 0o644


@dataclass(frozen=True)
class File:
    """``text`` is not for printing where it is authkeys'."""

    name: str
    text: str = field(repr=False)
    mode: int


def made(
    cluster: Cluster,
    ha: HighAvailability,
    node: str,
    parameters: Mapping[str, Sequence[str] | None],
    secret: str,
    ipfail: str,
) -> tuple[File, ...]:
    """All three, ha.cf first. To be called where ``mistakes`` has none."""
    private = any(device.parameters for device in ha.stonith if not device.agent)
    return (
        File(ha_cf.NAME, ha_cf.text(cluster, ha, node, parameters, ipfail=ipfail), _PRIVATE if private else _OPEN),
        File(haresources.NAME, haresources.text(cluster, ha), _OPEN),
        File(authkeys.NAME, authkeys.text(secret), authkeys.MODE),
    )


def mistakes(cluster: Cluster, ha: HighAvailability, parameters: Mapping[str, Sequence[str] | None]) -> list[Problem]:
    """What ``[ha]`` lacks for Heartbeat, beside what ``lvsctl check`` finds."""
    found = []
    if not ha.links:
        found.append(
            Problem(
                cluster.file,
                "ha.link",
                "is missing: Heartbeat does not start without a way for heartbeats",
                hint='add [[ha.link]] with type = "ucast", interface and addresses; two of them are better',
            )
        )
    if re.search(r"[\s#:*?\[\]\\]", cluster.file):
        found.append(
            Problem(
                cluster.file,
                "",
                "has a name that cannot stand in haresources, which has no way to quote one",
                hint="move it to /etc/lvs, as NAME.toml of letters, digits, '.', '_' and '-'",
            )
        )
    for position, device in enumerate(ha.stonith):
        if not device.agent:
            for message, hint in stonith.mistakes(ha, device, parameters.get(device.type)):
                found.append(Problem(cluster.file, f"ha.stonith[{position}]", message, hint=hint))
    return found
