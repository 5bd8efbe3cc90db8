"""What holds for a while only, laid over what the file wants: drains, wills, weights that somebody else looks after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey
from lvs_init.model.network import AddressKey, LinkKey, MarkRuleKey, RouteKey, SysctlKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Key, State, Value, Wanted
from lvs_init.model.will import Will
from lvs_init.plan.drain import SETTINGS, Moment, decide, settings, sharing
from lvs_init.plan.retreat import retreat
from lvs_init.plan.will import overlay


@dataclass(frozen=True)
class Interim:
    """``wanted``: what to want instead of the file's, and besides. ``keys``: those that the file does not want at all.

    ``drains``, ``overruled``, ``policy``: for the record, and ``looked_after``: the file's values of real servers whose
    weights stay as they are. ``again``: see drain.Drains.
    """

    wanted: Mapping[Key, Value | None] = field(default_factory=dict)
    keys: frozenset[Key] = frozenset()
    drains: Mapping[RealServerKey, float] = field(default_factory=dict)
    overruled: Mapping[Key, Value] = field(default_factory=dict)
    looked_after: Mapping[Key, Value] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    again: bool = False


def needs_traffic(desired: Wanted, live: State, record: Record | None, wills: Sequence[Will]) -> bool:
    """Whether a plan depends on connections: counting them takes as long as reading the whole table."""
    known: Mapping[Key, Entry] = record.entries if record is not None else {}
    ending = [will for will in wills if will.until is not None]
    return bool(record is not None and record.drains) or any(
        isinstance(key, RealServerKey)
        and (key.service in desired or key.service in known)
        and (desired.get(key) is None or any(will.concerns(key) for will in ending))
        for key in live
    )


def interim(
    wanted: Wanted,
    live: State,
    record: Record | None,
    others: Sequence[Record],
    policy: Policy,
    moment: Moment,
    wills: Sequence[Will],
) -> Interim:
    """``wanted``: the file's, with None for real servers that its services shall not have."""
    record = record or Record("", "")
    weighted = _looked_after(wanted, live, record, policy)
    changed: dict[Key, Value | None] = dict(weighted)
    overruled: dict[Key, Value] = {}
    by_hand = overlay(wanted, wills, moment.clock)
    looked_after = {key: value for key, value in wanted.items() if value and key in weighted and key not in by_hand}
    for key, weight in by_hand.items():
        value = wanted[key]
        if isinstance(value, RealServer):
            overruled[key] = value
            changed[key] = None if weight is None else replace(value, weight=weight)
    policy = _inherited(policy, wanted, record)
    leaving = {key: moment.now for key, weight in by_hand.items() if weight is None and key in live}
    for key in _leaving(wanted, live, record, others):
        leaving[key] = moment.now + policy.patience(key.service)
    services = _services([*leaving, *by_hand], wanted, live)
    drains = decide(leaving, services, live, record.drains, moment)
    staying = {key.service for key in drains.deadlines if key.service not in wanted and key.service in record.entries}
    stays = _stays(staying, wanted, live, record.entries)
    changed.update(stays)
    ours: dict[Key, Value | None] = {
        key: value for key, value in drains.values.items() if key.service in wanted or key.service in staying
    }
    changed.update(ours)
    drained = [key for key, value in drains.values.items() if value is not None]
    drained += [key for key, weight in by_hand.items() if weight == 0]
    for name in settings(drains, drained, services):
        if name in live and name not in wanted:
            stays[name] = changed[name] = "1"
    for service in services.keys() & {key.service for key in drained}:
        shared = sharing(services[service])
        if shared != services[service]:
            changed[service] = shared
            if service in wanted:
                overruled[service] = services[service]
    keys = frozenset({*stays, *live.keys() & drains.deadlines.keys()})
    policy = replace(
        policy, drain_timeouts={k: v for k, v in policy.drain_timeouts.items() if k in wanted or k in staying}
    )
    return Interim(changed, keys, drains.deadlines, overruled, looked_after, policy, drains.again)


def _looked_after(wanted: Wanted, live: State, record: Record, policy: Policy) -> dict[Key, Value]:
    """weights = "live": a weight stays as it is; new real servers, and those that we had drained, get the file's."""
    found: dict[Key, Value] = {}
    for key, value in wanted.items() if policy.live_weights else ():
        if isinstance(key, RealServerKey) and isinstance(value, RealServer) and key.service in policy.live_weights:
            now = live.get(key)
            if isinstance(now, RealServer) and key not in record.drains and key not in record.overruled:
                found[key] = replace(value, weight=now.weight)
    return found


def _inherited(policy: Policy, wanted: Wanted, record: Record) -> Policy:
    """A service that has left the file keeps the drain timeout of its own."""
    left = {key: seconds for key, seconds in record.policy.drain_timeouts.items() if key not in wanted}
    return replace(policy, drain_timeouts={**left, **policy.drain_timeouts})


def _leaving(wanted: Wanted, live: State, record: Record, others: Sequence[Record]) -> list[RealServerKey]:
    """The real servers in the table that have no place there any more, or whose service has none."""
    found = [key for key, value in wanted.items() if value is None and isinstance(key, RealServerKey) and key in live]
    let_go = {key: entry for key, entry in record.entries.items() if key not in wanted}
    if any(isinstance(key, (RealServerKey, ServiceKey)) for key in let_go):
        away, _ = retreat(let_go, live, others)
        gone = {key for key, value in away.items() if value is None}
        found += [key for key in live if isinstance(key, RealServerKey) and (key in gone or key.service in gone)]
    return found


def _services(keys: Iterable[RealServerKey], wanted: Wanted, live: State) -> dict[ServiceKey, Service]:
    found = {}
    for service in {key.service for key in keys}:
        value = wanted.get(service) or live.get(service)
        if isinstance(value, Service):
            found[service] = value
    return found


def _stays(
    staying: Collection[ServiceKey], wanted: Wanted, live: State, known: Mapping[Key, Entry]
) -> dict[Key, Value | None]:
    """What services that left the file need until their real servers are drained: VIPs, routes, marks, settings."""
    if not staying:
        return {}
    marks = {key.fwmark for key in staying if key.protocol == "fwmark"}
    rules = [key for key in known if isinstance(key, MarkRuleKey) and key.fwmark in marks]
    vips = {key.address for key in staying}.union(key.address for key in rules)
    if marks - {key.fwmark for key in rules}:  # marked by the admin: any VIP that leaves may be meant
        vips.update(key.address for key in known if isinstance(key, AddressKey))
    vips -= {key.address for key, value in wanted.items() if isinstance(key, AddressKey) and value is not None}

    def needed(key: Key) -> bool:
        if isinstance(key, (SysctlKey, LinkKey)):
            return key in live and key not in SETTINGS
        return key in staying or key in rules or (isinstance(key, (AddressKey, RouteKey)) and key.address in vips)

    return {key: entry.applied for key, entry in known.items() if key not in wanted and needed(key)}
