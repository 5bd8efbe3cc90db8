"""What start says of this machine before traffic finds out: the doctor's rules on what is read without a process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lvs_init.config.cluster import Cluster
from lvs_init.doctor.case import Case
from lvs_init.doctor.catalogue import diagnose
from lvs_init.doctor.finding import BROKEN
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Address, Interface, Snapshot
from lvs_init.engine.observe import look
from lvs_init.engine.snapshot_files import facts
from lvs_init.model.network import SysctlKey
from lvs_init.model.record import Record
from lvs_init.system import identity, link

_MOST = 8  # sentences

#: What rules ask of net/ipv4/conf/*: each file that is read costs every start.
ASKED = (
    "accept_local", "arp_announce", "arp_filter", "arp_ignore", "arp_notify", "forwarding", "promote_secondaries",
    "proxy_arp", "rp_filter", "send_redirects",
)  # fmt: skip

#: As ip(8) calls what linux/if_arp.h numbers.
_TYPES = {1: "ether", 768: "ipip", 769: "tunnel6", 772: "loopback", 776: "sit"}


def forewarned(cluster: Cluster, records: Iterable[Record]) -> list[str]:
    """A sentence for each thing that keeps traffic from flowing, as far as a few files of /proc tell.

    ``records``: of what is started here. Never raises: what was started serves, whatever a rule makes of it.
    """
    try:
        return list(_broken(cluster, records))
    except Exception as error:  # noqa: BLE001 - see above
        return [f"whether traffic will flow cannot be told: {type(error).__name__}: {error}; try 'lvsctl doctor'"]


def _broken(cluster: Cluster, records: Iterable[Record]) -> Iterator[str]:
    started = tuple(map(facts, records))
    case = Case(cluster, replace(_seen(), started=started), frozenset(each.role for each in started))
    found = [finding for finding in diagnose(case) if finding.severity == BROKEN]
    for finding in found[:_MOST]:
        yield f"{finding.code}: {finding.seen}: {finding.why}; 'lvsctl doctor' says what mends it"
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} things more that 'lvsctl doctor' calls broken"


def _seen() -> Snapshot:
    """Devices, addresses and settings; all else is unknown."""
    directory = "/proc/sys/net/ipv4/conf"
    devices = [device for device in os.listdir(directory) if device != "default"]
    paths = [f"net/ipv4/conf/{device}/{name}" for device in devices for name in ASKED]
    observation = look(paths)
    return Snapshot(
        clean(identity.node_name()),
        interfaces=tuple(
            Interface(
                clean(each.name), each.up, each.loopback, each.noarp, each.mtu,
                _TYPES.get(link.hardware_type(each.name), ""),
            )
            for each in observation.interfaces.values()
        ),
        addresses=tuple(
            Address(clean(key.interface), key.address, key.prefix, label=clean(alias.label))
            for key, alias in observation.addresses.items()
        ),
        sysctls={key.path: str(value) for key, value in observation.live.items() if isinstance(key, SysctlKey)},
    )  # fmt: skip
