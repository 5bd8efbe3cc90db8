"""What somebody else has changed of what we applied, and why each change of a plan is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import QUIET, SysctlKey
from lvs_init.model.record import Record
from lvs_init.model.state import Change, Key, State, Value, same
from lvs_init.plan.intent import Plan


@dataclass(frozen=True)
class Drift:
    """A key whose live value is not what we applied. ``repaired``: the plan makes something else of it."""

    key: Key
    applied: Value | None
    live: Value | None
    repaired: bool


@dataclass(frozen=True)
class Foreign:
    """A service of the table that is not in the file. ``holder``: whose it is, "" where nobody here knows."""

    key: ServiceKey
    service: Service
    servers: int
    holder: str


def drifts(record: Record | None, live: State, plan: Plan, away: Collection[Key] = ()) -> Iterator[Drift]:
    """In the order of the record. ``away``: keys that another role of this machine keeps away for now."""
    if record is None:
        return
    changed = {change.key for step in plan.steps for change in step.changes}
    for key, entry in record.entries.items():
        now = live.get(key)
        if entry.transient or key in away or entry.wrote(now) or same(key, entry.applied, now):
            continue
        if isinstance(key, RealServerKey) and key.service not in live and key.service in record.entries:
            continue  # with its service, which is told of
        if isinstance(key, SysctlKey) and (now is None or _quiet_too(key, now, record)):
            continue
        if isinstance(key, RealServerKey) and _weight_alone(key, entry.applied, now, record):
            continue
        yield Drift(key, entry.applied, now, key in changed)
    for key, now in live.items():
        if isinstance(key, RealServerKey) and key not in record.entries and key.service in record.entries:
            yield Drift(key, None, now, key in changed)


def _weight_alone(key: RealServerKey, applied: Value | None, now: Value | None, record: Record) -> bool:
    """Where somebody else looks after weights, another weight is none of our business."""
    if key.service not in record.policy.live_weights or key in record.overruled:
        return False
    return (
        isinstance(applied, RealServer) and isinstance(now, RealServer) and replace(applied, weight=now.weight) == now
    )


def _quiet_too(key: SysctlKey, now: Value, record: Record) -> bool:
    """Several values of the ARP flags keep a real server quiet; any of them will do."""
    flag = key.path.rpartition("/")[2]
    return bool(record.asked) and now in QUIET.get(flag, ())


def foreign(live: State, plan: Plan, record: Record | None, others: Sequence[Record]) -> list[Foreign]:
    """Services that the plan leaves alone because they are not ours."""
    servers: dict[ServiceKey, int] = {}
    for key in live:
        if isinstance(key, RealServerKey):
            servers[key.service] = servers.get(key.service, 0) + 1
    found = []
    for key, value in live.items():
        if not isinstance(key, ServiceKey) or not isinstance(value, Service) or key in plan.wanted:
            continue
        if record is not None and key in record.entries:
            continue
        holder = next((other.holder for other in others if key in other.entries), "")
        found.append(Foreign(key, value, servers.get(key, 0), holder))
    return found


def cause(change: Change, plan: Plan, record: Record | None) -> str:
    """Why a change is made, in a few words; "" for what a first start makes."""
    key, before, after = change.key, change.before, change.after
    if key in plan.drains:
        return "left the file, drains" if after is not None else "left the file, its time is over"
    if isinstance(key, RealServerKey) and key in plan.overruled:
        return "by hand"
    if key in plan.leaving:
        return "left the file" if after is None else "left the file, as it was before"
    entry = record.entries.get(key) if record is not None else None
    if after is None:
        return "left the file" if entry is not None and entry.wrote(before) else "not in the file"
    if record is None or same(key, before, after):
        return ""
    if entry is None:
        return "new in the file"
    if not entry.wrote(before):
        return "is missing" if before is None else "somebody changed it"
    return "changed in the file"
