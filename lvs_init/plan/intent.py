"""What each verb wants of the kernel, and what will be remembered: the policy before the diff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lvs_init.model.ipvs import RealServerKey
from lvs_init.model.network import AddressKey, FilterTable, FilterTableKey, ModuleKey, SysctlKey
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Key, State, Value, Wanted, same
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, clobbered, switched_on
from lvs_init.plan.order import steps
from lvs_init.plan.step import Step


@dataclass(frozen=True)
class Plan:
    """Steps, what they aim at, and what is left alone with the reason."""

    steps: tuple[Step, ...]
    wanted: Wanted
    leaving: frozenset[Key] = frozenset()
    entries: Mapping[Key, Entry] = field(default_factory=dict)  # the memory once it is done
    left_alone: tuple[str, ...] = ()


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
) -> Plan:
    """start, restart, reload: converge to ``desired``; what the record holds beyond it is put back.

    ``deferred``: keys that another role of this machine keeps away for now (a VIP on lo while the director has it):
    remembered as ours, not set. ``cleared``/``flushed``: what clear_ipvs and flush_iptables do on the way up.
    ``keep``: keys whose former value is never put back (``restore_ip_forward = false``).
    """
    wanted: dict[Key, Value | None] = dict(desired)
    known = dict(record.entries) if record else {}
    readings = {key: str(value) for key, value in live.items() if isinstance(key, SysctlKey)}
    for master in (IPV4_FORWARD, IPV6_FORWARD):
        if wanted.get(master) == "1":
            for rewritten, result in switched_on(master, readings).items():
                wanted.setdefault(rewritten, result)
            for key, entry in known.items():  # what an earlier start saw rewritten stays remembered
                if isinstance(key, SysctlKey) and key not in wanted and _follows(key, master):
                    wanted[key] = entry.applied
    for key in list(live):
        if isinstance(key, RealServerKey) and key.service in desired and key not in wanted:
            wanted[key] = None  # a service of the file is the file's altogether
    away, left_alone, leaving = _retreat({key: known[key] for key in known if key not in wanted}, live, record, others)
    entries = _remember(wanted, live, known, keep | _followers(wanted, keep))
    wanted.update(away)
    for key in deferred:
        wanted.pop(key, None)
    for key in cleared:
        wanted[key] = None
        entries[key] = Entry(None, live.get(key), transient=True)
    if flushed is not None:
        wanted[FilterTableKey()] = flushed
        entries[FilterTableKey()] = Entry(flushed, live.get(FilterTableKey()), transient=True)
    return Plan(
        steps(wanted, live, leaving=leaving, cleared=cleared), wanted, frozenset(leaving), entries, tuple(left_alone)
    )


def _followers(keys: Iterable[Key], masters: Iterable[Key]) -> set[Key]:
    """Those of the keys that go with a master which stays as it is."""
    switches = [master for master in masters if isinstance(master, SysctlKey)]
    return {key for key in keys for master in switches if isinstance(key, SysctlKey) and _follows(key, master)}


def _follows(key: SysctlKey, master: SysctlKey) -> bool:
    """Whether this key is one that an earlier switch of ``master`` rewrote or guarded."""
    if master == IPV6_FORWARD and key.path.startswith("net/ipv6/conf/") and key.path.endswith("/accept_ra"):
        return True
    return bool(clobbered(master, [key]))


def _remember(wanted: Wanted, live: State, known: Mapping[Key, Entry], keep: frozenset[Key]) -> dict[Key, Entry]:
    entries: dict[Key, Entry] = {}
    for key, value in wanted.items():
        entry = known.get(key)
        former = entry.former if entry is not None else live.get(key)
        entries[key] = Entry(value, value if key in keep else former)
    return entries


def plan_down(record: Record, live: State, others: Sequence[Record] = ()) -> Plan:
    """stop: every key of the record gets back what was there before, as far as it is still ours to give."""
    away, left_alone, leaving = _retreat(record.entries, live, record, others)
    wanted: dict[Key, Value | None] = dict(away)
    ours = {key.address for key in record.entries if isinstance(key, AddressKey)}
    for other in others:  # a VIP that waited for us to go: director and real server on one machine
        for key, entry in other.entries.items():
            if isinstance(key, AddressKey) and key.address in ours and key not in live and entry.applied is not None:
                wanted.setdefault(key, entry.applied)
    return Plan(steps(wanted, live, leaving=leaving), wanted, frozenset(leaving), {}, tuple(left_alone))


def _retreat(
    entries: Mapping[Key, Entry], live: State, record: Record | None, others: Sequence[Record]
) -> tuple[dict[Key, Value | None], list[str], frozenset[Key]]:
    """What to want of keys that we let go, what is left alone and why, and which of them are put back."""
    wanted: dict[Key, Value | None] = {}
    left_alone: list[str] = []
    for key, entry in entries.items():
        if isinstance(key, ModuleKey):
            continue  # a module's users are not ours to know
        now = live.get(key)
        holders = [other for other in others if key in other.entries and not other.entries[key].transient]
        if holders:
            keeper = holders[0].entries[key].applied
            if not same(key, now, keeper):
                wanted[key] = keeper
            continue
        if entry.former is None or _loses_service(key, entries):
            wanted[key] = None
        elif now is None and entry.applied is not None:
            left_alone.append(f"{key}: was there before the start and is gone now; not brought back")
        elif now is not None and not entry.wrote(now) and not same(key, now, entry.former):
            left_alone.append(f"{key}: somebody changed it since, it keeps its present value {shown(now)}")
        else:
            wanted[key] = entry.former
            if not same(key, entry.applied, entry.former) and not entry.transient:
                left_alone.append(f"{key}: had {shown(entry.former)} before the start and gets it back")
    return wanted, _without_sysctl_noise(left_alone), frozenset(entries)


def _loses_service(key: Key, entries: Mapping[Key, Entry]) -> bool:
    """A real server has no place to return to when its service was not there before us."""
    if not isinstance(key, RealServerKey):
        return False
    service = entries.get(key.service)
    return service is not None and service.former is None


def _without_sysctl_noise(lines: list[str]) -> list[str]:
    """Settings that are simply put back are the normal case; only adopted things deserve a line."""
    return [line for line in lines if not (line.startswith("net.") and line.endswith("gets it back"))]


def shown(value: Value | None) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, (str, int)):
        return f"'{value}'"
    facts = ", ".join(f"{name} {item}" for name, item in vars(value).items() if item not in (None, (), ""))
    return f"({facts})"


def plan_back(plan: Plan, before: State, live: State) -> Plan:
    """Undo of a run that failed: every key that the plan aimed at gets the value that it had before the run.

    Compares the kernel with what was, and replays nothing. ``before`` is the state that the failed run was planned on.
    """
    wanted: dict[Key, Value | None] = {key: before.get(key) for key in plan.wanted if not isinstance(key, ModuleKey)}
    for step in plan.steps:
        for change in step.changes:
            if not isinstance(change.key, ModuleKey):
                wanted[change.key] = change.before
    leaving = frozenset(key for key in wanted if key not in plan.leaving)
    return Plan(steps(wanted, live, leaving=leaving), wanted, leaving)
