"""What must be looked at before the first effect: other clusters, other roles, other machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lvs_init.config.cluster import Cluster
from lvs_init.config.desired import Desired
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.errors import NotConfigured, Refused, TooMuchAtOnce
from lvs_init.model.network import AddressKey, LinkKey, RouteKey, SysctlKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key, State
from lvs_init.plan.brake import Removal
from lvs_init.plan.intent import Plan
from lvs_init.system import arp


def refuse_shared_services(cluster: Cluster, target: Target, others: Iterable[Record]) -> None:
    """A service belongs to one cluster: two files that both describe it would undo each other's work."""
    if target.role != DIRECTOR:
        return
    for other in others:
        shared = [service.key for service in cluster.services if service.key in other.entries]
        if other.role == DIRECTOR and shared:
            hint = f"take it out of one of the files, or stop the other first: lvs-director {other.instance} stop"
            if all(other.entries[key].interim for key in shared):
                hint = "it has left that file and is drained: wait, or reload that cluster with drain_timeout = 0"
            named = ", ".join(map(str, shared))
            raise Refused(f"{named} belongs to {other.file}, which is running here", hint=hint)


def deferred_to_director(target: Target, desired: Desired, others: Iterable[Record]) -> list[Key]:
    """On a machine with both roles the VIP stays on the director's interface while that role is up."""
    if target.role == DIRECTOR:
        return []
    directing = {
        key.address
        for other in others
        if other.role == DIRECTOR
        for key, entry in other.entries.items()
        if isinstance(key, AddressKey) and entry.applied is not None
    }
    return [
        key
        for key, value in desired.wanted.items()
        if value is not None and isinstance(key, (AddressKey, RouteKey)) and key.address in directing
    ]


def keep_stale_vips(desired: Desired, mine: Record | None, live: State) -> None:
    """A real server keeps VIPs that left the file, since the director may still send to it; says which they are.

    With a VIP stay the settings that keep it quiet, but for those that went with their interface.
    """
    if mine is None:
        return
    stale = [
        key
        for key, entry in mine.entries.items()
        if isinstance(key, AddressKey) and key not in desired.wanted and entry.applied is not None and key in live
    ]
    for key in stale:
        desired.notes.append(f"{key}: left the configuration and stays until stop or 'reload --prune'")
    desired.asked = desired.asked or (mine.asked if stale else ())
    addresses = {key.address for key in stale}
    for other, entry in mine.entries.items() if stale else ():
        belongs = isinstance(other, (SysctlKey, LinkKey)) or (
            isinstance(other, (AddressKey, RouteKey)) and other.address in addresses
        )
        if belongs and other not in desired.wanted and (other in live or not isinstance(other, (SysctlKey, LinkKey))):
            desired.wanted[other] = entry.applied


def too_much_at_once(removed: Removal) -> TooMuchAtOnce:
    """The brake's refusal."""
    return TooMuchAtOnce(
        f"this would take away {removed} at once; max_removal allows {removed.limit:.0%}",
        [str(key) for key in removed.keys],
        hint="if that is meant: --force this time, or another max_removal in [director]",
    )


def usable(plan: Plan, live: State, cluster: Cluster) -> None:
    """Every setting that is wanted must exist in this kernel. Raises NotConfigured with all that do not."""
    absent = [str(key) for key in plan.wanted if isinstance(key, SysctlKey) and key not in live]
    if absent:
        raise NotConfigured(
            f"this kernel has no setting {', '.join(absent)}",
            hint=f"correct the name in {cluster.file}, or load the module that brings it",
        )


def ask_for(added: Sequence[AddressKey]) -> arp.Probe:
    """Ask the network who has these addresses."""
    return arp.Probe([(key.interface, key.address) for key in added])


def duplicates(probe: arp.Probe) -> list[str]:
    """Addresses that another machine already answers for, a sentence each."""
    return [
        f"{address} is answered for by {hardware} on this network: another director that is active, or a real server "
        "that answers ARP for the VIP"
        for address, hardware in sorted(probe.answers().items())
    ]
