"""Asking the network who has which address, and listening to who speaks in a VIP's name, for a Snapshot."""

from __future__ import annotations

from dataclasses import replace

from lvs_init.config.cluster import Cluster
from lvs_init.doctor.case import Case, roles
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Answered, Snapshot, Unseen
from lvs_init.system import arp, hearing

_WAIT = 1.0  # seconds for answers


def probe(seen: Snapshot, cluster: Cluster) -> Snapshot:
    """With who answers for each VIP and each real server in reach. Nobody's cache learns anything of it."""
    asked = _in_reach(seen, cluster)
    with arp.Probe(asked) as question:
        answers = question.everyone(_WAIT)
    probed = tuple(
        Answered(address, interface, tuple(sorted(answers.get(address, ())))) for interface, address in asked
    )
    unseen = tuple(Unseen("who answers on the network", clean(problem)) for problem in question.problems)
    return replace(seen, probed=probed, unseen=(*seen.unseen, *unseen))


def listen(seen: Snapshot, cluster: Cluster, seconds: float) -> Snapshot:
    """With what was said in the name of VIPs for so long, by other machines."""
    case = Case(cluster, seen, roles(cluster, seen))
    heard = hearing.hear([interface.name for interface in case.asked], case.vips, seconds)
    found = tuple(
        Answered(address, interface, tuple(sorted(hardware)), gratuitous)
        for (address, interface, gratuitous), hardware in sorted(heard.said.items())
    )
    unseen = tuple(Unseen("who speaks on the network", clean(problem)) for problem in heard.problems)
    return replace(seen, heard=found, unseen=(*seen.unseen, *unseen))


def _in_reach(seen: Snapshot, cluster: Cluster) -> list[tuple[str, str]]:
    """(device, address): VIPs on the device that faces them, real servers of our own networks."""
    case = Case(cluster, seen, roles(cluster, seen))
    devices = {interface.name for interface in case.asked}
    pairs = []
    for vip in case.vips:
        carried = [each.interface for each in case.where(vip) if each.interface in devices]
        device = case.facing(vip) or next(iter(carried), None)
        pairs.append((device, vip))
    for key, _ in ((key, value) for service in cluster.services for key, value in service.realservers):
        if not case.has(key.address):
            pairs.append((case.facing(key.address), key.address))
    return [(device, address) for device, address in dict.fromkeys(pairs) if device in devices]
