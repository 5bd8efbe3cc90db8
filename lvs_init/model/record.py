"""What a role has applied here, and what was there before: the memory that stop, status and reload work from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lvs_init.model.ipvs import RealServerKey, SyncDaemon
from lvs_init.model.network import AddressKey
from lvs_init.model.policy import Policy
from lvs_init.model.state import Key, Value


@dataclass(frozen=True)
class Entry:
    """One key's memory.

    ``applied``: what we want there (None: that it is absent). ``former``: what was there before us (None: nothing).
    ``maybe``: other values of ours that a run which was cut short may have left.
    ``transient``: given back only if the start that changed it does not come to its end (``clear_ipvs``).
    ``interim``: not what the file wants: here for a drain or a will alone, and for as long as that lasts.
    """

    applied: Value | None
    former: Value | None
    maybe: tuple[Value | None, ...] = ()
    transient: bool = False
    interim: bool = False

    def wrote(self, value: Value | None) -> bool:
        """Whether this value is one that we put there."""
        if value == self.applied or value in self.maybe:
            return True
        return isinstance(value, SyncDaemon) and any(value.alike(ours) for ours in (self.applied, *self.maybe))


@dataclass(frozen=True)
class Announcing:
    """Addresses that neighbours are told of several times: ``count`` times, ``interval`` seconds from each to the next.

    ``left``: how often they are still to be told, next at ``due``, in seconds of CLOCK_BOOTTIME.
    """

    count: int = 0
    interval: float = 1.0
    left: int = 0
    due: float = 0.0
    addresses: tuple[AddressKey, ...] = ()


#: One of a pair of directors (``[ha]``) has a stance: the active one serves, the standby is ready to.
ACTIVE, STANDBY = "active", "standby"


@dataclass(frozen=True)
class Record:
    """A role of a cluster on this machine.

    ``stance``: ACTIVE, STANDBY, or "" without ``[ha]``. ``withheld``: what one of a pair wants while it is active and
    has no entry; ``warm``: whether it has the table while it stands by.
    """

    role: str  # "director" or "realserver"
    instance: str  # the configuration file's stem
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    cluster: str = ""
    file: str = ""
    fingerprint: str = ""  # of the configuration's bytes
    degraded: tuple[str, ...] = ()  # what was left out, a sentence each
    gateways: tuple[str, ...] = ()  # under nat a real server's default gateway must be one of these
    lost: tuple[str, ...] = ()  # what start emptied for good, a sentence each
    nat: bool = False  # a service forwards by nat, so ip_forward is required
    asked: tuple[str, ...] = ()  # interfaces on which a real server must be quiet about its VIPs
    drains: Mapping[RealServerKey, float] = field(default_factory=dict)  # deadlines, see plan/drain.py
    overruled: Mapping[Key, Value] = field(default_factory=dict)  # what the file says where ``applied`` is otherwise
    policy: Policy = field(default_factory=Policy)
    stance: str = ""
    warm: bool = True
    withheld: Mapping[Key, Value | None] = field(default_factory=dict)
    announcing: Announcing = field(default_factory=Announcing)

    @property
    def holder(self) -> str:
        """Who this is among those who share a key: ``director web``."""
        return f"{self.role} {self.instance}"

    @property
    def desired(self) -> dict[Key, Value | None]:
        """What the file wanted when it was last applied: without what is here for a while only."""
        wanted: dict[Key, Value | None] = {
            key: entry.applied for key, entry in self.entries.items() if not (entry.interim or entry.transient)
        }
        wanted.update(self.overruled)
        return wanted

    @property
    def serving(self) -> dict[Key, Value | None]:
        """What the file wanted of an active one."""
        return {**self.desired, **self.withheld}


def merge(record: Record | None, journal: Record | None) -> Record | None:
    """The record with a run that was cut short folded in; None where there is neither.

    The journal holds the record that the run was working towards. What was there before the first of the two runs is
    what counts as former; both runs' values count as ours. Nothing is replayed: the kernel is compared with the result.
    """
    if journal is None:
        return record
    if record is None:
        return journal
    entries: dict[Key, Entry] = dict(record.entries)
    for key, entry in journal.entries.items():
        earlier = entries.get(key)
        if earlier is None:
            entries[key] = entry
        elif earlier.applied != entry.applied:
            entries[key] = replace(
                entry, former=earlier.former, maybe=tuple(dict.fromkeys((*earlier.maybe, earlier.applied)))
            )
        else:
            entries[key] = replace(earlier, interim=entry.interim)
    overruled = {key: value for key, value in record.overruled.items() if key not in journal.entries}
    return replace(
        journal,
        entries=entries,
        drains={**record.drains, **journal.drains},
        overruled={**overruled, **journal.overruled},
    )
