"""What a role wants of its machine: the common parts of director and real server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.config.cluster import Cluster
from lvs_init.model.address import broadcast_of, family_of, full_prefix, inside, network_of
from lvs_init.model.machine import Machine
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.policy import Policy
from lvs_init.model.problem import Problem
from lvs_init.model.record import Announcing
from lvs_init.model.state import Key, Value

#: A device name with its label must fit in 15 characters (IFNAMSIZ - 1, linux/if.h); ifconfig cuts a longer one off
#: without a word and then changes the interface's own address.
LONGEST_LABEL = 15


@dataclass
class Desired:
    """The outcome of asking what a role wants: wanted state, and everything that stands in the way.

    ``announce``: addresses that neighbours must hear of. ``keep``: keys never put back. ``notes``: what people should
    know and nobody has to mend.
    """

    wanted: dict[Key, Value | None] = field(default_factory=dict)
    announce: list[AddressKey] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keep: frozenset[Key] = frozenset()
    nat: bool = False
    gateways: tuple[str, ...] = ()  # what a real server under nat must have as its gateway
    policy: Policy = field(default_factory=Policy)
    asked: tuple[str, ...] = ()  # a real server's interfaces that could be asked for a VIP
    warm: bool = True  # whether a standby has the table
    announcing: Announcing = field(default_factory=Announcing)
    withheld: dict[Key, Value | None] = field(default_factory=dict)  # of what an active one wants, see plan/stance.py

    def refuse(self, cluster: Cluster, path: str, message: str, found: str = "", hint: str = "") -> None:
        """Note one more mistake that only this machine could show; what is wrong for each of 300 VIPs is told once."""
        problem = Problem(cluster.file, path, message, found, hint)
        if problem not in self.problems:
            self.problems.append(problem)


def split_label(interface: str) -> tuple[str, str]:
    """``eth0:1`` -> (``eth0``, ``eth0:1``); ``eth0`` -> (``eth0``, "")."""
    device, colon, _ = interface.partition(":")
    return device, interface if colon else ""


def facing(machine: Machine, address: str) -> str | None:
    """The interface whose subnet holds the address; None where there is none. The narrowest subnet wins."""
    best: AddressKey | None = None
    for key in machine.addresses:
        interface = machine.interfaces.get(key.interface)
        if interface is None or interface.loopback or key.prefix >= full_prefix(key.address) or key.address == address:
            continue
        if inside(address, network_of(key.address, key.prefix)) and (
            best is None or (key.prefix, best.interface) > (best.prefix, key.interface)
        ):
            best = key
    return best.interface if best else None


class Labels:
    """Hands out alias labels: the first free ``IF:N`` that nobody holds, never one twice."""

    def __init__(self, live: Mapping[AddressKey, Alias]) -> None:
        self._taken = {alias.label for alias in live.values() if alias.label}
        self._next: dict[str, int] = {}

    def take(self, interface: str) -> str:
        """The next free label, counted from 1, on lo from 0; "" where it would be too long to be one."""
        number = self._next.get(interface, 0 if interface == "lo" else 1)
        while f"{interface}:{number}" in self._taken:
            number += 1
        self._next[interface] = number + 1
        label = f"{interface}:{number}"
        return label if len(label) <= LONGEST_LABEL else ""

    def claim(self, label: str) -> None:
        """Reserve a fixed label."""
        self._taken.add(label)


def alias_for(key: AddressKey, live: Mapping[AddressKey, Alias], labels: Labels, fixed: str = "") -> Alias:
    """How to set an address: as it is where it is there already, else with a label of its own.

    IPv6 addresses have neither label nor broadcast.
    """
    if key in live:
        return live[key]
    if family_of(key.address) == 6:
        return Alias()
    return Alias(fixed or labels.take(key.interface), broadcast_of(key.address, key.prefix))
