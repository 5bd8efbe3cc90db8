"""The records of every role and cluster on this machine, and the journal of the run that is under way."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from lvs_init.engine import wills
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.model.codec import record_from_plain, record_to_plain
from lvs_init.model.record import Entry, Record, merge
from lvs_init.model.state import Key
from lvs_init.model.will import Will
from lvs_init.system import files, identity, store

_RECORD = ".record"
_JOURNAL = ".journal"
#: What each file holds: of its latest version alone, since a keeper goes on for hours.
_loaded: dict[str, tuple[tuple[int, ...], tuple[Record | None, str]]] = {}


@dataclass
class Memory:
    """What is remembered. ``mine`` has an interrupted run's journal folded in; ``others`` likewise.

    ``interrupted``: there is a journal, of a run that was cut short or is at work; ``recorded``: an earlier one held,
    and came to the same stance.
    ``wills``: what was said by hand of each director's real servers, by instance.
    """

    paths: Paths
    target: Target
    mine: Record | None = None
    interrupted: bool = False
    recorded: bool = False
    others: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    wills: dict[str, tuple[Will, ...]] = field(default_factory=dict)
    _journaled: Record | None = None

    def begin(self, working_towards: Record) -> None:
        """Write the journal: the record that this run works towards, before its first effect."""
        self._journaled = merge(self.mine, working_towards)
        if self._journaled is not None:
            _save(self._path(_JOURNAL), self._journaled)

    def begin_without(self, keys: Iterable[Key], working_towards: Record) -> None:
        """What a run that could not take these away leaves: a journal which says that they are to go."""
        gone = {key: Entry(None, None) for key in keys}
        self.begin(replace(working_towards, entries={**working_towards.entries, **gone}))

    def abandon(self) -> None:
        """The run was undone: the journal of an earlier interrupted run returns, otherwise it goes."""
        if self.interrupted and self.mine is not None:
            _save(self._path(_JOURNAL), self.mine)
        else:
            files.remove(self._path(_JOURNAL))

    def commit(self, record: Record) -> None:
        """The run holds: its record replaces the former one where it says anything else, then the journal goes.

        Where that is what the journal says, as after most starts, the journal becomes the record.
        """
        if record == self._journaled:
            files.move(self._path(_JOURNAL), self._path(_RECORD))
        else:
            if self.interrupted or record != self.mine:
                _save(self._path(_RECORD), record)
            files.remove(self._path(_JOURNAL))
        self._journaled = None
        self.mine, self.interrupted, self.recorded = record, False, True
        _loaded[self._path(_RECORD)] = (_version(self._path(_RECORD)), (record, ""))

    def forget(self) -> None:
        """Stopped: record and journal go, and a trial with what it would go back to."""
        files.remove(self._path(_RECORD))
        files.remove(self._path(_JOURNAL))
        files.remove(self.paths.trial(self.target.role, self.target.instance))
        self.mine, self.interrupted, self.recorded = None, False, False

    @property
    def my_wills(self) -> tuple[Will, ...]:
        """What was said by hand of the target's real servers."""
        return self.wills.get(self.target.instance, ()) if self.target.role == DIRECTOR else ()

    def _path(self, suffix: str) -> str:
        return _path_of(self.paths, self.target.role, self.target.instance, suffix)


def recall(paths: Paths, target: Target) -> Memory:
    """Read everything that is remembered here. A broken or stale file counts as none; a broken one is told of."""
    memory = Memory(paths, target)
    pairs: dict[tuple[str, str], dict[str, Record | None]] = {}
    for role, instance, suffix, record, problem in _files(paths):
        if problem:
            memory.problems.append(problem)
        pairs.setdefault((role, instance), {})[suffix] = record
    for (role, instance), found in sorted(pairs.items()):
        journal = found.get(_JOURNAL)
        merged = merge(found.get(_RECORD), journal)
        if (role, instance) == (target.role, target.instance):
            memory.mine, memory.interrupted = merged, journal is not None and journal != found.get(_RECORD)
            recorded = found.get(_RECORD)
            memory.recorded = recorded is not None and merged is not None and recorded.stance == merged.stance
        elif merged is not None:
            memory.others.append(merged)
    directors = {other.instance for other in memory.others if other.role == DIRECTOR}
    for instance in directors.union([target.instance] if target.role == DIRECTOR else ()):
        memory.wills[instance] = wills.recall(paths, instance, memory.problems)
    return memory


def started(paths: Paths, role: str) -> list[str]:
    """The instances of a role that have been started, or whose start or stop was cut short."""
    return sorted({instance for this, instance, _, record, _ in _files(paths) if this == role and record is not None})


def damaged(paths: Paths, role: str) -> dict[str, str]:
    """The instances of a role that left a file of this boot which cannot be read, each with a sentence about it."""
    return {instance: problem for this, instance, _, _, problem in _files(paths) if this == role and problem}


def _files(paths: Paths) -> Iterator[tuple[str, str, str, Record | None, str]]:
    """Role, instance, suffix, record and problem of each record and journal."""
    for name in _names(paths):
        stem, suffix = os.path.splitext(name)
        role, _, instance = stem.partition("-")
        if suffix in (_RECORD, _JOURNAL) and instance:
            yield (role, instance, suffix, *_load(os.path.join(paths.run, name)))


def _names(paths: Paths) -> list[str]:
    try:
        return sorted(os.listdir(paths.run))
    except FileNotFoundError:
        return []


def _path_of(paths: Paths, role: str, instance: str, suffix: str) -> str:
    return os.path.join(paths.run, f"{role}-{instance}{suffix}")


def _save(path: str, record: Record) -> None:
    files.private_directory(os.path.dirname(path))
    store.save(path, {"boot": identity.boot_id(), "namespace": identity.netns_id(), "record": record_to_plain(record)})


def _load(path: str) -> tuple[Record | None, str]:
    """What a file holds. A verb asks several times, and twice as many real servers take it twice as long each time."""
    version = _version(path)
    if not version:
        _loaded.pop(path, None)
        return None, ""
    if path not in _loaded or _loaded[path][0] != version:
        _loaded[path] = (version, _understood(path))
    return _loaded[path][1]


def _version(path: str) -> tuple[int, ...]:
    """Differs when the file does, since it is replaced and never written over; empty where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _understood(path: str) -> tuple[Record | None, str]:
    """The record, if it speaks of this boot and this network namespace: after a power cut nothing it says is true."""
    problems: list[str] = []
    data = store.load(path, problems)
    if data is None:
        return None, "; ".join(problems)
    if data.get("boot") != identity.boot_id() or data.get("namespace") != identity.netns_id():
        return None, ""
    try:
        return record_from_plain(data["record"]), ""
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return None, f"{path} is not understood ({error}); what it remembered is lost"
