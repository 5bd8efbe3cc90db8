"""Files of /etc and records of /run for a Snapshot: what holds after a reboot, and what was started here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lvs_init.doctor import read_files
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Address, PersistedSetting, Snapshot, Started
from lvs_init.engine import memory
from lvs_init.engine.look import Look
from lvs_init.engine.request import DIRECTOR, REALSERVER, Target
from lvs_init.model.ipvs import ServiceKey
from lvs_init.model.network import AddressKey, Alias, SysctlKey
from lvs_init.model.record import Record
from lvs_init.system import files

_ETC, _RUN, _LIB = "/etc", "/run", ("/usr/local/lib", "/usr/lib", "/lib")
_NETWORK_SCRIPTS = "/etc/sysconfig/network-scripts"
#: What restores or writes an IPVS table at boot besides us.
_UNITS = ("ipvsadm", "keepalived", "ldirectord")


def add(found: Snapshot, look: Look) -> Snapshot:
    """What files say."""
    return replace(
        found,
        persisted=tuple(_persisted()),
        modules_load=tuple(name for file in _found("modules-load.d", "/etc/modules") for name in _lines(file)),
        module_options=_module_options(),
        ifcfg=tuple(
            read_files.ifcfg(f"{_NETWORK_SCRIPTS}/{name}", files.read_small(f"{_NETWORK_SCRIPTS}/{name}") or "")
            for name in _listed(_NETWORK_SCRIPTS)
            if name.startswith("ifcfg-")
        ),
        units=tuple(unit for unit in _UNITS if _starts_at_boot(unit)),
        started=look.attempt("what was started here", lambda: tuple(_started(look))),
    )


def _found(folder: str, *more: str) -> list[str]:
    directories = [f"{place}/{folder}" for place in (_ETC, _RUN, *_LIB)]
    return [*read_files.in_order({directory: _listed(directory) for directory in directories}), *more]


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _persisted() -> Iterator[PersistedSetting]:
    for file in _found("sysctl.d", "/etc/sysctl.conf"):
        yield from read_files.persisted(file, files.read_small(file) or "")


def _lines(file: str) -> list[str]:
    return read_files.names(files.read_small(file) or "")


def _module_options() -> Mapping[str, str]:
    texts = (files.read_small(file) or "" for file in _found("modprobe.d"))
    return read_files.module_options("\n".join(texts))


def _starts_at_boot(unit: str) -> bool:
    """By systemd or by rc. Debian's ipvsadm does nothing unless AUTO says so (/etc/default/ipvsadm)."""
    enabled = os.path.lexists(f"/etc/systemd/system/multi-user.target.wants/{unit}.service") or any(
        name.startswith("S") and name[3:] == unit for name in _listed("/etc/rc3.d")
    )
    text = files.read_small(f"/etc/default/{unit}")
    if not enabled or unit != "ipvsadm" or text is None:
        return enabled
    return read_files.assignments(text).get("AUTO") == "true"


def _started(look: Look) -> Iterator[Started]:
    for role in (DIRECTOR, REALSERVER):
        for instance in memory.started(look.paths, role):
            record = memory.recall(look.paths, Target(role, instance, "")).mine
            if record is not None:
                yield facts(record)


def facts(record: Record) -> Started:
    """What rules need to know of a record."""
    applied = {key: entry.applied for key, entry in record.entries.items() if entry.applied is not None}
    return Started(
        role=record.role,
        instance=clean(record.instance),
        file=clean(record.file),
        fingerprint=record.fingerprint,
        stance=record.stance,
        addresses=tuple(
            Address(clean(key.interface), key.address, key.prefix, label=clean(value.label))
            for key, value in applied.items()
            if isinstance(key, AddressKey) and isinstance(value, Alias)
        ),
        services=tuple(str(key) for key in applied if isinstance(key, ServiceKey)),
        sysctls={clean(key.path): clean(str(value)) for key, value in applied.items() if isinstance(key, SysctlKey)},
        degraded=tuple(map(clean, record.degraded)),
    )
