"""A pair of directors under load: one hands over to the other, which then dies.

What decides who is to be active is not needed for it: its part, to find out that a node is dead and to call the
resource scripts, is played here.
"""

from __future__ import annotations

import time
from dataclasses import replace

from lvs_init.errors import LvsError
from lvs_init.lab.course import Listener
from lvs_init.lab.node import Node
from lvs_init.lab.rehearsal import RESOURCE, Rehearsal
from lvs_init.lab.scenario import Act, Scenario, Told, outcome, under_load
from lvs_init.lab.tracked import Tracked, tracked

_HEARD = 15.0  # seconds until a standby has heard of a connection or never will; the daemon sends every two seconds
_LOOK = 0.3  # seconds from one look to the next; a request takes less


def failover_under_load(rehearsal: Rehearsal, listener: Listener) -> Scenario:
    """``rehearsal``: of a pair. Raises LabError, LvsError where the lab has nobody to bring the VIPs."""
    ha = rehearsal.cluster.ha
    if ha is None or ha.vips != "lvs":
        raise LvsError("the lab has no IPaddr2 to bring the VIPs", hint='leave out vips = "ipaddr2" of [ha]')
    first, second = (host.name for host in rehearsal.topology.directors)
    notes = [f"Nothing finds out here that a node is dead: deadtime, {ha.deadtime:g} s, comes on top of the gap."]
    if ha.sync is None:
        notes.append("Without [ha.sync] connections end with the director that they go through.")

    def hear(active: str, standby: str) -> None:
        if ha.sync is None:
            return
        listener.begin(f"{standby} hears of connections")
        heard = _has_heard(rehearsal.nodes[standby], rehearsal.nodes[active])
        listener.end("of all that go on" if heard else f"not of all, in {_HEARD:g} s", heard)
        if not heard:
            notes.append(f"{standby} has not heard of all connections of {active}: the sync daemons do not reach it.")

    def hand_over() -> Told:
        return outcome([rehearsal.call(first, RESOURCE, "stop"), rehearsal.call(second, RESOURCE, "start")])

    def die() -> Told:
        rehearsal.nodes[second].close()
        rehearsal.states[second] = "dead"
        return outcome([rehearsal.call(first, RESOURCE, "start")])

    acts = [
        Act(f"{first} hands over to {second}", hand_over, lambda: hear(first, second)),
        Act(f"{second} dies, {first} takes over", die, lambda: hear(second, first)),
    ]
    scenario = under_load(rehearsal, "failover", acts, listener, long=True)
    return replace(scenario, notes=tuple(notes))


def _has_heard(standby: Node, active: Node) -> bool:
    """Wait until the standby has all connections that are established at the active one for longer than a moment."""
    end = time.monotonic() + _HEARD
    before = _established(active)
    while time.monotonic() < end:
        time.sleep(_LOOK)  # the kernel tells nobody that it has heard
        now = _established(active)
        if before & now <= {_name(each) for each in tracked(standby)}:
            return True
        before = now
    return False


def _established(node: Node) -> set[tuple[str | int, ...]]:
    return {_name(each) for each in tracked(node) if each.state == "ESTABLISHED"}


def _name(each: Tracked) -> tuple[str | int, ...]:
    """The same on every director."""
    return each.protocol, each.client, each.client_port, each.vip, each.port
