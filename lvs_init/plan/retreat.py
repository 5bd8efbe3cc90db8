"""Letting keys go: what is put back, what is left alone, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.model.network import AddressKey, FilterTable, LinkKey, ModuleKey, RouteKey, SysctlKey
from lvs_init.model.record import Entry, Record
from lvs_init.model.state import Key, State, Value, Wanted, same
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, switched


def retreat(
    entries: Mapping[Key, Entry], live: State, others: Sequence[Record]
) -> tuple[dict[Key, Value | None], list[str]]:
    """What to want of keys that we let go, and what is left alone or returned, a sentence each."""
    wanted: dict[Key, Value | None] = {}
    told: list[str] = []
    rewritten = _rewritten(entries, live)
    for key, entry in entries.items():
        if isinstance(key, ModuleKey) or key == LinkKey("lo"):
            continue  # a module's users are not ours to know, and a machine without lo is broken
        now = live.get(key)
        holders = [other for other in others if key in other.entries and not other.entries[key].transient]
        if holders:
            if now is None and not entry.wrote(None):
                continue  # it has gone with its interface: nobody's to bring back while leaving
            keepers = [other.entries[key].applied for other in holders]
            if not any(same(key, now, keeper) for keeper in keepers):
                wanted[key] = keepers[0]
            if isinstance(key, AddressKey) and now is not None:
                told.append(f"{key}: stays, {holders[0].holder} needs it too")
        elif entry.former is None or _loses_service(key, entries):
            wanted[key] = None
        elif now is None and (not entry.wrote(None) or _without_service(key, entries, live)):
            if not isinstance(key, SysctlKey):  # a setting comes and goes with its interface
                told.append(f"{key}: was there before the start and is gone now; not brought back")
        elif not entry.wrote(now) and not same(key, now, entry.former) and now != rewritten.get(key):
            told.append(f"{key}: somebody changed it since, it keeps its present value {shown(now)}")
        else:
            wanted[key] = entry.former
            if isinstance(key, _ADOPTED) and not entry.transient:
                told += _given_back(key, entry)
    return wanted, told


def _rewritten(entries: Iterable[Key], live: State) -> dict[Key, Value]:
    """What the kernel alone made of settings when forwarding was switched off, in a stop that was cut short."""
    settings = [key for key in entries if isinstance(key, SysctlKey)]
    off = [master for master in (IPV4_FORWARD, IPV6_FORWARD) if master in settings and live.get(master) == "0"]
    return {key: value for master in off for key, value in switched(master, "0", settings).items()}


#: What people put there by hand or with other programs and want to hear of; settings put back are the normal case.
_ADOPTED = (AddressKey, ServiceKey, RealServerKey)


def _given_back(key: Key, entry: Entry) -> list[str]:
    if not same(key, entry.applied, entry.former):
        return [f"{key}: had {shown(entry.former)} before the start and gets it back"]
    return [] if isinstance(key, RealServerKey) else [f"{key}: was there before the start and stays"]


def _loses_service(key: Key, entries: Mapping[Key, Entry]) -> bool:
    """A real server has no place to return to when its service was not there before us."""
    if not isinstance(key, RealServerKey):
        return False
    service = entries.get(key.service)
    return service is not None and service.former is None


def _without_service(key: Key, entries: Mapping[Key, Entry], live: State) -> bool:
    """A real server cannot return either when somebody has removed its service since."""
    if not isinstance(key, RealServerKey) or key.service in live:
        return False
    service = entries.get(key.service)
    return service is None or service.applied is not None


def shown(value: Value | None) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    if isinstance(value, (str, int)):
        return f"'{value}'"
    if isinstance(value, FilterTable):
        return f"({len(value.lines)} lines)"
    shows = {name: item for name, item in vars(value).items() if name == "weight" or item not in (None, (), "", 0)}
    facts = ", ".join(f"{name} {item}" for name, item in shows.items())
    return f"({facts})"


def waiting(let_go: Iterable[Key], wanted: Wanted, live: State, others: Sequence[Record]) -> dict[Key, Value | None]:
    """VIPs, with their routes, that another role put off until we go: director and real server on one machine."""
    gone = {key.address for key in let_go if isinstance(key, AddressKey) and wanted.get(key, live.get(key)) is None}
    gone -= {key.address for key, value in wanted.items() if isinstance(key, AddressKey) and value is not None}
    return {
        key: entry.applied
        for other in others
        for key, entry in other.entries.items()
        if isinstance(key, (AddressKey, RouteKey)) and key.address in gone and key not in live
    }
