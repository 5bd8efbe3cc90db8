"""What status says of timed things: drains, wills, and whether anybody looks after them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from lvs_init.commands.proc_ip_vs import ProcTable
from lvs_init.engine import keeper
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import boottime, connections, counted, weights
from lvs_init.engine.paths import Paths
from lvs_init.model.ipvs import RealServerKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key
from lvs_init.model.will import Will
from lvs_init.plan.drain import Moment
from lvs_init.plan.tend import next_due


def timed_notes(paths: Paths, memory: Memory, record: Record, table: ProcTable) -> Iterator[str]:
    """A sentence for each drain and each will, and one where the keeper that they need is not there."""
    connected = connections(table)
    now = boottime()
    for key, deadline in record.drains.items():
        if key not in connected and deadline <= now:
            yield f"{key} was cut off; its clients are told so for a few seconds more"
        elif key in connected:
            yield f"draining {key}: {counted(connected[key])}, {max(0.0, deadline - now):.0f} s left"
    for will in memory.my_wills:
        yield by_hand(will, record.desired)
    due = next_due(record, memory.my_wills, Moment(now, time.time(), connected), weights(table))
    if due is not None and not memory.interrupted and not keeper.holder(paths):
        yield "no keeper is at work on what is timed; 'reload' starts one"


def by_hand(will: Will, desired: Iterable[Key]) -> str:
    """``192.168.0.11 is drained by hand since 2026-11-22 20:15``. ``desired``: what the file wants."""
    now = time.time()
    since = f"by hand since {_clock(will.since)}"
    if not any(isinstance(key, RealServerKey) and will.concerns(key) for key in desired):
        return f"{will.subject} is no real server of the file, and something is said of it {since}"
    if will.until is not None and now >= will.until:
        return f"{will.subject} is out of the table {since}"
    if will.until is not None:
        return f"{will.subject} is drained {since}, and leaves the table in {will.until - now:.0f} s"
    left = will.since + will.over - now
    if left > 0:
        return f"{will.subject} is on its way to weight {will.weight} {since}, {left:.0f} s left"
    if not will.weight:
        return f"{will.subject} is drained {since}"
    return f"{will.subject} has weight {will.weight} {since}"


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
