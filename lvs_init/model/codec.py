"""Keys, values and records as plain JSON structures and back: the form on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from lvs_init.model import ipvs, network
from lvs_init.model.policy import Policy
from lvs_init.model.record import Announcing, Entry, Record
from lvs_init.model.state import Key, Value
from lvs_init.model.will import Will

#: Goes up with any change of the form; a record of another version is not understood and so not used.
VERSION = 3
#: Of those without stance and announcements, which an upgrade of a running director finds.
_READ = (2, VERSION)

_KEYS: dict[str, type[Any]] = {
    "service": ipvs.ServiceKey,
    "realserver": ipvs.RealServerKey,
    "timeout": ipvs.TimeoutKey,
    "daemon": ipvs.SyncDaemonKey,
    "address": network.AddressKey,
    "route": network.RouteKey,
    "link": network.LinkKey,
    "sysctl": network.SysctlKey,
    "module": network.ModuleKey,
    "mark": network.MarkRuleKey,
    "filter": network.FilterTableKey,
}
_VALUES: dict[str, type[Any]] = {
    "service": ipvs.Service,
    "realserver": ipvs.RealServer,
    "daemon": ipvs.SyncDaemon,
    "address": network.Alias,
    "route": network.Route,
    "filter": network.FilterTable,
}
_NAMES: dict[type[Any], str] = {kind: name for name, kind in _KEYS.items()}
_FIELDS: dict[type[Any], Sequence[str]] = {
    kind: getattr(kind, "_fields", None) or [field.name for field in fields(kind)]
    for kind in (*_KEYS.values(), *_VALUES.values(), ipvs.Tunnel)
}


def kind_of(key: Key) -> str:
    """The short name of a key's kind: "service", "address", ..."""
    return _NAMES[type(key)]


# Services and attributes recur in most of a large record: what is equal becomes one object, which nobody changes.


@lru_cache(maxsize=1 << 10)
def _shared(thing: Any) -> Any:
    return _plain(thing)


@lru_cache(maxsize=1 << 10)
def _shared_service(data: tuple[Any, ...]) -> Any:
    return _build(ipvs.ServiceKey, data)


@lru_cache(maxsize=1 << 10)
def _shared_value(kind: str, data: tuple[Any, ...]) -> Any:
    return _build(_VALUES[kind], data)


def _hashable(data: Any) -> Any:
    return tuple(map(_hashable, data)) if isinstance(data, list) else data


def _plain(thing: Any) -> Any:
    if type(thing) in _FIELDS:
        return [_plain(getattr(thing, name)) for name in _FIELDS[type(thing)]]
    if isinstance(thing, tuple):
        return [_plain(item) for item in thing]
    return thing


def _build(kind: type[Any], data: Sequence[Any]) -> Any:
    values = []
    for name, item in zip(_FIELDS[kind], data):
        if name == "service":
            item = _shared_service(_hashable(item))
        elif name == "tunnel" and item is not None:
            item = _build(ipvs.Tunnel, item)
        elif isinstance(item, list):
            item = tuple(item)
        values.append(item)
    if len(values) != len(_FIELDS[kind]) or len(data) != len(values):
        raise ValueError(f"{kind.__name__} has {len(data)} fields")
    if kind is ipvs.ServiceKey and not isinstance(values[1], str):
        raise ValueError(f"{values[1]!r} is no address of a service")
    return kind(*values)


def key_to_plain(key: Key) -> list[Any]:
    """``["address", "eth0", "192.168.0.219", 32]``."""
    if isinstance(key, ipvs.RealServerKey):
        return ["realserver", _shared(key.service), key.address, key.port]
    return [kind_of(key), *_plain(key)]


def key_from_plain(data: list[Any]) -> Key:
    """The inverse. Raises ValueError, KeyError or TypeError for what was never a key."""
    key: Key = _build(_KEYS[data[0]], data[1:])
    return key


def value_to_plain(value: Value | None) -> Any:
    """A value, or None, as JSON."""
    return _plain(value)


def value_from_plain(key: Key, data: Any) -> Value | None:
    """The inverse for a value of that key."""
    kind = kind_of(key)
    if data is None or kind not in _VALUES:
        plain: Value | None = data
        return plain
    value: Value = _shared_value(kind, _hashable(data))
    return value


def record_to_plain(record: Record) -> dict[str, Any]:
    """A record as a JSON object."""
    return {
        "version": VERSION,
        "role": record.role,
        "instance": record.instance,
        "cluster": record.cluster,
        "file": record.file,
        "fingerprint": record.fingerprint,
        "degraded": list(record.degraded),
        "gateways": list(record.gateways),
        "asked": list(record.asked),
        "lost": list(record.lost),
        "nat": record.nat,
        "entries": [
            [
                key_to_plain(key),
                _shared(entry.applied),
                _shared(entry.former),
                [_plain(value) for value in entry.maybe],
                entry.transient,
                entry.interim,
            ]
            for key, entry in record.entries.items()
        ],
        "drains": [[key_to_plain(key), deadline] for key, deadline in record.drains.items()],
        "overruled": [[key_to_plain(key), _plain(value)] for key, value in record.overruled.items()],
        "policy": {
            "drain_timeout": record.policy.drain_timeout,
            "drain_timeouts": [[_plain(key), seconds] for key, seconds in record.policy.drain_timeouts.items()],
            "live_weights": [_plain(key) for key in sorted(record.policy.live_weights, key=str)],
        },
        "stance": record.stance,
        "warm": record.warm,
        "withheld": [[key_to_plain(key), _plain(value)] for key, value in record.withheld.items()],
        "announcing": {**vars(record.announcing), "addresses": [key_to_plain(k) for k in record.announcing.addresses]},
    }


def record_from_plain(data: dict[str, Any]) -> Record:
    """The inverse. Raises ValueError, KeyError, IndexError or TypeError for what was never a record of this version."""
    if not isinstance(data, dict) or data.get("version") not in _READ:
        raise ValueError(f"no record of version {VERSION}")
    entries: dict[Key, Entry] = {}
    for plain_key, applied, former, maybe, transient, interim in data["entries"]:
        key = key_from_plain(plain_key)
        entries[key] = Entry(
            value_from_plain(key, applied),
            value_from_plain(key, former),
            tuple(value_from_plain(key, item) for item in maybe),
            bool(transient),
            bool(interim),
        )
    overruled: dict[Key, Value] = {}
    for plain_key, plain in data["overruled"]:
        key = key_from_plain(plain_key)
        value = value_from_plain(key, plain)
        if value is not None:
            overruled[key] = value
    return Record(
        role=data["role"],
        instance=data["instance"],
        entries=entries,
        cluster=data["cluster"],
        file=data["file"],
        fingerprint=data["fingerprint"],
        degraded=tuple(data["degraded"]),
        gateways=tuple(data["gateways"]),
        asked=tuple(data["asked"]),
        lost=tuple(data["lost"]),
        nat=bool(data["nat"]),
        drains={_real_server(key): float(deadline) for key, deadline in data["drains"]},
        overruled=overruled,
        policy=Policy(
            drain_timeout=int(data["policy"]["drain_timeout"]),
            drain_timeouts={
                _build(ipvs.ServiceKey, key): int(seconds) for key, seconds in data["policy"]["drain_timeouts"]
            },
            live_weights=frozenset(_build(ipvs.ServiceKey, key) for key in data["policy"]["live_weights"]),
        ),
        **(_of_a_pair(data) if data["version"] == VERSION else {}),
    )


def _of_a_pair(data: dict[str, Any]) -> dict[str, Any]:
    """What a record of version 2 does not have."""
    keys = [(key_from_plain(plain_key), value) for plain_key, value in data["withheld"]]
    said = data["announcing"]
    return {
        "stance": str(data["stance"]),
        "warm": bool(data["warm"]),
        "withheld": {key: value_from_plain(key, value) for key, value in keys},
        "announcing": Announcing(
            int(said["count"]),
            float(said["interval"]),
            int(said["left"]),
            float(said["due"]),
            tuple(_address(key) for key in said["addresses"]),
        ),
    }


def _address(data: list[Any]) -> network.AddressKey:
    key = key_from_plain(data)
    if not isinstance(key, network.AddressKey):
        raise ValueError(f"{key} is no address")
    return key


def _real_server(data: list[Any]) -> ipvs.RealServerKey:
    key = key_from_plain(data)
    if not isinstance(key, ipvs.RealServerKey):
        raise ValueError(f"{key} is no real server")
    return key


def will_to_plain(will: Will) -> dict[str, Any]:
    """A will as a JSON object."""
    return {**vars(will), "starts": [[key_to_plain(key), weight] for key, weight in will.starts.items()]}


def will_from_plain(data: dict[str, Any]) -> Will:
    """The inverse. Raises ValueError, KeyError or TypeError for what was never a will."""
    return Will(
        address=str(data["address"]),
        port=None if data["port"] is None else int(data["port"]),
        weight=int(data["weight"]),
        since=float(data["since"]),
        over=float(data["over"]),
        until=None if data["until"] is None else float(data["until"]),
        starts={_real_server(key): int(weight) for key, weight in data["starts"]},
    )
