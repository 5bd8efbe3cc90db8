"""What timed work there is to do: the record's own wishes, and of those only what time or a will has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lvs_init.model.ipvs import RealServer, RealServerKey
from lvs_init.model.network import AddressKey, RouteKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key, State
from lvs_init.model.will import Will
from lvs_init.plan.drain import GRACE, Moment
from lvs_init.plan.intent import Plan, plan_up
from lvs_init.plan.order import steps
from lvs_init.plan.will import next_change, overlay, rulings


def plan_tend(record: Record, live: State, others: Sequence[Record], moment: Moment, wills: Sequence[Will]) -> Plan:
    """Go on with drains and wills; whatever else has drifted from the record is for start and reload to repair."""
    desired = record.desired
    ours = {key: value for key, value in live.items() if not _stranger(key, record)}
    plan = plan_up(desired, ours, record, others, policy=record.policy, moment=moment, wills=wills)
    timed = {*plan.overruled, *record.overruled, *record.drains, *plan.interim, *plan.leaving}
    wanted = {
        key: value
        for key, value in plan.wanted.items()
        if (key in timed or (key not in desired and isinstance(key, (AddressKey, RouteKey))))
        and (not isinstance(key, RealServerKey) or (key.service in live and not _deleted(key, record, live)))
    }
    return replace(plan, wanted=wanted, steps=steps(wanted, live, leaving=plan.leaving))


def _stranger(key: Key, record: Record) -> bool:
    """A real server that somebody else has put into one of our services."""
    known = key in record.entries or key in record.overruled or key in record.drains
    return isinstance(key, RealServerKey) and not known and key.service in record.entries


def _deleted(key: RealServerKey, record: Record, live: State) -> bool:
    """Whether somebody else has taken it away; what was taken out by a will may come back."""
    return key not in live and key in record.entries and record.entries[key].applied is not None


def next_due(
    record: Record, wills: Sequence[Will], moment: Moment, weights: Mapping[RealServerKey, int]
) -> float | None:
    """When there is something to do next, in seconds of CLOCK_BOOTTIME; None where nothing is timed.

    ``weights``: of the real servers that are in the table now. A drain that has ended is due at once.
    """
    times = [record.announcing.due] if record.announcing.left else []
    for key, deadline in record.drains.items():
        if key not in weights:
            times.append(deadline + GRACE if deadline <= moment.now else moment.now)
        elif weights[key] or not moment.connections.get(key):
            times.append(moment.now)
        else:
            times.append(deadline)
    ruling = rulings(wills)
    for key, weight in overlay(record.overruled, wills, moment.clock).items():
        will = ruling(key)
        if will is None or (will.until is None and not will.over):
            continue
        applied = record.entries[key].applied if key in record.entries else None
        file = record.overruled[key]
        if weight != (applied.weight if isinstance(applied, RealServer) else None):
            times.append(moment.now)
        change = next_change(will, {key: file.weight if isinstance(file, RealServer) else 0}, moment.clock)
        if change is not None:
            times.append(moment.now + change - moment.clock)
    return min(times, default=None)
