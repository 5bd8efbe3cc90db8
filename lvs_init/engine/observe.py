"""Reading the machine: a few bulk reads, parsed by ``commands``, as one live State."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lvs_init.commands import iptables, modprobe, route, sysctl
from lvs_init.engine.channel import Table
from lvs_init.engine.reading import shown_by
from lvs_init.model.ipvs import SyncDaemonKey, TimeoutKey
from lvs_init.model.machine import Interface, Machine
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    SysctlKey,
)
from lvs_init.model.record import Record
from lvs_init.model.state import Key, Value
from lvs_init.system import files, identity, netinfo
from lvs_init.system.runner import Runner

#: Read for every interface: what deciding, and what putting forwarding back, needs to know.
_PER_INTERFACE = (
    "net/ipv4/conf/{}/forwarding",
    "net/ipv4/conf/{}/arp_ignore",
    "net/ipv4/conf/{}/arp_announce",
    "net/ipv6/conf/{}/forwarding",
    "net/ipv6/conf/{}/accept_ra",
)
_ALWAYS = ("net/ipv4/ip_forward", "net/ipv4/conf/all/accept_redirects")


@dataclass(frozen=True)
class Observation:
    """The live State and the interfaces it was read on."""

    live: dict[Key, Value]
    interfaces: dict[str, Interface]
    gateways: tuple[str, ...]

    @property
    def addresses(self) -> dict[AddressKey, Alias]:
        """The addresses alone."""
        return {k: v for k, v in self.live.items() if isinstance(k, AddressKey) and isinstance(v, Alias)}

    def machine(self, records: Iterable[Record]) -> Machine:
        """The node as it would be without what the records say we did."""
        addresses = self.addresses
        sysctls = {key.path: str(value) for key, value in self.live.items() if isinstance(key, SysctlKey)}
        for record in records:
            for key, entry in record.entries.items():
                if isinstance(key, AddressKey) and entry.former is None:
                    addresses.pop(key, None)
                elif isinstance(key, SysctlKey) and key.path in sysctls and entry.former is not None:
                    sysctls[key.path] = str(entry.former)
        return Machine(identity.node_name(), self.interfaces, addresses, sysctls, self.gateways)


def look(sysctls: Iterable[str] = ()) -> Observation:
    """What deciding needs to know of the machine, read without starting a process."""
    live: dict[Key, Value] = {}
    interfaces = netinfo.interfaces()
    _add(live, netinfo.addresses())
    _add(live, route.parse_proc(files.read_small("/proc/net/route") or ""))
    _add(live, {LinkKey(name): "up" if interface.up else "down" for name, interface in interfaces.items()})
    standard = {pattern.format(name) for name in ("all", "default", *interfaces) for pattern in _PER_INTERFACE}
    live.update(read_sysctls(standard.union(_ALWAYS, sysctls)))
    return Observation(live, interfaces, netinfo.gateways())


def _add(live: dict[Key, Value], found: Mapping[Any, Any]) -> None:
    """Readings of one kind of key become part of the State of all kinds."""
    live.update(found)


def observe(runner: Runner, table: Table, interest: Iterable[Key]) -> Observation:
    """The whole live State. ``interest``: keys that need a read of their own (sysctls, modules, timeouts, rules)."""
    keys = set(interest)
    seen = look(key.path for key in keys if isinstance(key, SysctlKey))
    live = seen.live
    live.update(_modules({key.name for key in keys if isinstance(key, ModuleKey)}))
    timeouts, daemons = (any(isinstance(key, kind) for key in keys) for kind in (TimeoutKey, SyncDaemonKey))
    live.update(table.read(timeouts=timeouts, daemons=daemons))
    for family in {6 if ":" in key.address else 4 for key in keys if isinstance(key, MarkRuleKey)}:
        _add(live, shown_by(runner, iptables.LIST_MARKS[family], partial(iptables.parse_marks, family=family)))
    if FilterTableKey() in keys:
        live[FilterTableKey()] = shown_by(runner, iptables.SAVE_FILTER, iptables.parse_save)
    return seen


def read_sysctls(paths: Iterable[str]) -> dict[Key, Value]:
    """Those of the settings that this kernel has now."""
    found: dict[Key, Value] = {}
    for path in paths:
        text = files.read_small(sysctl.proc_path(SysctlKey(path)))
        if text is not None:
            found[SysctlKey(path)] = sysctl.normalise(text)
    return found


def _modules(names: set[str]) -> dict[Key, Value]:
    """Loaded modules have a directory in sysfs; those built into the kernel stand in a list of its build."""
    found: dict[Key, Value] = {
        ModuleKey(name): "loaded" for name in names if os.path.isdir(f"/sys/module/{modprobe.canonical_name(name)}")
    }
    if len(found) < len(names):
        builtin = files.read_small(f"/lib/modules/{os.uname().release}/modules.builtin")
        have = modprobe.parse_builtin(builtin or "")
        found.update({ModuleKey(name): "loaded" for name in names if modprobe.canonical_name(name) in have})
    return found
