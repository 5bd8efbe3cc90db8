"""What each verb wants of the kernel, and what will be remembered: the policy before the diff."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lvs_init.model.address import full_prefix
from lvs_init.model.ipvs import RealServerKey
from lvs_init.model.network import (
    AddressKey,
    FilterTable,
    FilterTableKey,
    ModuleKey,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.policy import Policy
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Key, State, Value, Wanted, same
from lvs_init.model.will import Will
from lvs_init.plan.drain import Moment
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, clobbered, switched_on
from lvs_init.plan.interim import interim
from lvs_init.plan.order import steps
from lvs_init.plan.retreat import retreat, waiting
from lvs_init.plan.retreat import shown as shown
from lvs_init.plan.stance import spared
from lvs_init.plan.step import Step


@dataclass(frozen=True)
class Plan:
    """Steps, what they aim at, and what is left alone with the reason.

    ``interim``, ``drains``, ``overruled``, ``policy``, ``again``: see plan/interim.py.
    """

    steps: tuple[Step, ...]
    wanted: Wanted
    leaving: frozenset[Key] = frozenset()
    entries: Mapping[Key, Entry] = field(default_factory=dict)  # the memory once it is done
    left_alone: tuple[str, ...] = ()
    interim: frozenset[Key] = frozenset()
    drains: Mapping[RealServerKey, float] = field(default_factory=dict)
    overruled: Mapping[Key, Value] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    again: bool = False
    moment: Moment = field(default_factory=Moment)  # that it was made for


def plan_up(
    desired: Wanted,
    live: State,
    record: Record | None,
    others: Sequence[Record] = (),
    *,
    deferred: frozenset[Key] = frozenset(),
    cleared: frozenset[Key] = frozenset(),
    flushed: FilterTable | None = None,
    keep: frozenset[Key] = frozenset(),
    policy: Policy = Policy(),  # noqa: B008 - frozen
    moment: Moment = Moment(),  # noqa: B008 - frozen
    wills: Sequence[Will] = (),
) -> Plan:
    """start, restart, reload: converge to ``desired``; what the record holds beyond it is put back.

    ``deferred``: keys that another role of this machine keeps away for now (a VIP on lo while the director has it):
    remembered as ours, not set. ``cleared``/``flushed``: what clear_ipvs and flush_iptables do on the way up, with what
    an interrupted start has cleared already. ``keep``: keys whose former value is never put back. ``policy`` is the
    file's; ``moment`` and ``wills`` say how far drains are and what an admin has said by hand.
    """
    known = dict(record.entries) if record else {}
    wanted = spared(desired, others)
    wanted.update(_with_forwarding(wanted, live, [known, *(other.entries for other in others)]))
    for key in (*live, *known):
        if isinstance(key, RealServerKey) and key.service in desired and key not in wanted:
            wanted[key] = None  # a service of the file is the file's altogether
    meanwhile = interim(wanted, live, record, others, policy, moment, wills)
    wanted.update(meanwhile.wanted)
    entries = _remember(wanted, live, known, others, keep.union(_followers(wanted, keep)))
    for key in meanwhile.keys & entries.keys():
        entries[key] = replace(entries[key], interim=True)
    for key, file in meanwhile.looked_after.items():
        entries[key] = replace(entries[key], applied=file)  # no weight of now may pass for the file's later
    for key in cleared:
        wanted[key], entries[key] = None, Entry(None, live.get(key), transient=True)
    if flushed is not None:
        wanted[FilterTableKey()] = flushed
        entries[FilterTableKey()] = Entry(flushed, live.get(FilterTableKey()), transient=True)
    let_go = {key: entry for key, entry in known.items() if key not in wanted}
    away, left_alone = retreat(let_go, live, others)
    leaving = frozenset(let_go)
    wanted.update(away)
    without = [key for key, value in desired.items() if value is None and key in known]
    for key, value in waiting([*let_go, *without], wanted, live, others).items():
        wanted.setdefault(key, value)
    for key in deferred:
        wanted.pop(key, None)
    todo = steps(wanted, live, leaving=leaving, cleared=cleared)
    return Plan(
        todo,
        wanted,
        leaving,
        entries,
        tuple(left_alone),
        interim=meanwhile.keys,
        drains=meanwhile.drains,
        overruled=meanwhile.overruled,
        policy=meanwhile.policy,
        again=meanwhile.again,
        moment=moment,
    )


def _with_forwarding(wanted: Wanted, live: State, memories: Sequence[Mapping[Key, Entry]]) -> dict[Key, Value | None]:
    """What holds besides while forwarding is on: rewritten now, or at an earlier start of ours or of another holder."""
    found: dict[Key, Value | None] = {}
    readings = {key: str(value) for key, value in live.items() if isinstance(key, SysctlKey)}
    for master in (IPV4_FORWARD, IPV6_FORWARD):
        if wanted.get(master) != "1":
            continue
        found.update({key: value for key, value in switched_on(master, readings).items() if key not in wanted})
        for entries in memories:
            for key in _followers(entries, [master]) if master in entries else ():
                if key in live and key not in wanted:  # an interface that is gone has taken its settings along
                    found.setdefault(key, entries[key].applied)
    return found


def _followers(keys: Iterable[Key], masters: Iterable[Key]) -> list[SysctlKey]:
    """Those of the keys that go with one of the masters, in their order."""
    switches = [master for master in masters if isinstance(master, SysctlKey)]
    return [key for key in keys if isinstance(key, SysctlKey) and any(_follows(key, master) for master in switches)]


def _follows(key: SysctlKey, master: SysctlKey) -> bool:
    """Whether this key is one that an earlier switch of ``master`` rewrote or guarded."""
    if master == IPV6_FORWARD and key.path.startswith("net/ipv6/conf/") and key.path.endswith("/accept_ra"):
        return True
    return bool(clobbered(master, [key]))


def _remember(
    wanted: Wanted, live: State, known: Mapping[Key, Entry], others: Sequence[Record], keep: Collection[Key]
) -> dict[Key, Entry]:
    """The memory of what is wanted; nothing is remembered of what was absent and stays so."""
    entries: dict[Key, Entry] = {}
    for key, value in wanted.items():
        former = value if key in keep else known[key].former if key in known else _found(key, live, others)
        if value is not None or former is not None:
            entries[key] = Entry(value, former)
    return entries


def _found(key: Key, live: State, others: Sequence[Record]) -> Value | None:
    """What was there before any of us: where another holder has put what is there now, what that one found.

    So the last holder of a key puts back what the first one found, in whatever order they leave.
    """
    now = live.get(key)
    for other in others:
        entry = other.entries.get(key)
        if entry is not None and not entry.transient and (entry.wrote(now) or same(key, entry.applied, now)):
            return entry.former
    return now


def plan_down(record: Record, live: State, others: Sequence[Record] = ()) -> Plan:
    """stop: every key of the record gets back what was there before, as far as it is still ours to give."""
    wanted, left_alone = retreat(record.entries, live, others)
    for key, value in waiting(record.entries, wanted, live, others).items():
        wanted.setdefault(key, value)
    leaving = frozenset(record.entries)
    return Plan(steps(wanted, live, leaving=leaving), wanted, leaving, {}, tuple(left_alone))


def plan_back(plan: Plan, before: State, live: State) -> Plan:
    """Undo of a run that failed: every key that the plan aimed at gets the value that it had before the run.

    Compares the kernel with what was, and replays nothing. ``before`` is the state that the failed run was planned on.
    """
    wanted: dict[Key, Value | None] = {key: before.get(key) for key in plan.wanted if not isinstance(key, ModuleKey)}
    for step in plan.steps:
        for change in step.changes:
            if not isinstance(change.key, ModuleKey):
                wanted[change.key] = change.before
    for key, value in before.items():
        if _owner(key) in wanted:
            wanted[key] = value  # it may have gone with its service or its address
    leaving = frozenset(key for key in wanted if key not in plan.leaving)
    return Plan(steps(wanted, live, leaving=leaving), wanted, leaving)


def _owner(key: Key) -> Key | None:
    """What takes this key along when it goes."""
    if isinstance(key, RealServerKey):
        return key.service
    if isinstance(key, RouteKey):
        return AddressKey(key.interface, key.address, full_prefix(key.address))
    return None
