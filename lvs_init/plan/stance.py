"""One of two directors: what it wants while it stands by, of all that it wants while it is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lvs_init.model.ipvs import RealServerKey, ServiceKey, SyncDaemon, SyncDaemonKey
from lvs_init.model.network import AddressKey, MarkRuleKey, RouteKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import ACTIVE, STANDBY, Entry, Record
from lvs_init.model.state import Key, Value, Wanted

MASTER, BACKUP = SyncDaemonKey("master"), SyncDaemonKey("backup")
#: The least that a backup's messages may be limited to (Linux ip_vs_sync.c start_sync_thread).
_LEAST_MAXLEN = 1024


def stance_for(verb: str, pair: bool, record: Record | None) -> str:
    """What a run shall come to. ``pair``: whether the file has ``[ha]``.

    Nobody but a cluster manager makes one active, and start makes no active one stand by: a director that was started
    before its file had ``[ha]`` counts as active.
    """
    if not pair:
        return ""
    if verb == "activate":
        return ACTIVE
    if record is None:
        return STANDBY
    return record.stance or ACTIVE


def in_stance(stance: str, active: Wanted, warm: bool) -> tuple[dict[Key, Value | None], dict[Key, Value | None]]:
    """``active``: what an active one wants. Returns what is wanted, and what ``Record.withheld`` is to remember.

    ``warm``: a standby with the table, so that only VIPs are to come. A VIP that somebody else has brought is taken
    away from a standby as well: a client must find one director.
    """
    if stance == STANDBY:
        return _withheld(active, warm)
    # No record has an entry for what was never there and shall not be.
    return dict(active), {key: None for key, value in active.items() if value is None} if stance else {}


def _withheld(active: Wanted, warm: bool) -> tuple[dict[Key, Value | None], dict[Key, Value | None]]:
    wanted: dict[Key, Value | None] = {}
    withheld: dict[Key, Value | None] = {}
    for key, value in active.items():
        aside = isinstance(key, (AddressKey, RouteKey, SyncDaemonKey))
        aside = aside or (not warm and isinstance(key, (ServiceKey, RealServerKey, MarkRuleKey)))
        (withheld if aside else wanted)[key] = value
        if isinstance(key, AddressKey) and value is not None:
            wanted[key] = None
    if MASTER in withheld or BACKUP in withheld:
        withheld = {MASTER: None, BACKUP: None, **withheld}
        wanted[MASTER], wanted[BACKUP] = withheld[BACKUP], _listening(withheld[MASTER])
    return wanted, withheld


def _listening(master: Value | None) -> Value | None:
    """The backup that hears a master like this."""
    if not isinstance(master, SyncDaemon) or not master.maxlen:
        return master
    return master.limited(max(master.maxlen, _LEAST_MAXLEN))


def spared(desired: Wanted, others: Sequence[Record]) -> dict[Key, Value | None]:
    """Without the wishes to have nothing where another director of this machine has something: two may share a VIP."""
    needed = {
        key
        for other in others
        if other.role == "director"
        for key, entry in other.entries.items()
        if entry.applied is not None and not entry.transient
    }
    return {key: value for key, value in desired.items() if value is not None or key not in needed}


def unclaimed(entries: Mapping[Key, Entry], serving: Wanted) -> dict[Key, Entry]:
    """The memory of one of a pair: nobody's VIP is given back, for by then another director may have it.

    ``serving``: what an active one wants.
    """
    kept: dict[Key, Entry] = {}
    for key, entry in entries.items():
        if isinstance(key, AddressKey) and serving.get(key) is not None:
            if entry.applied is None:
                continue
            entry = replace(entry, former=None)
        kept[key] = entry
    return kept


def undrained(policy: Policy) -> Policy:
    """A standby drains nothing: without a VIP no client comes back to finish anything."""
    return replace(policy, drain_timeout=0, drain_timeouts={})


def at_rest(record: Record | None) -> Record | None:
    """The record for the plan of a standby: whatever was being drained goes at once."""
    return None if record is None else replace(record, drains={}, policy=undrained(record.policy))
