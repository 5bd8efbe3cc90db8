"""The one diff: what is wanted against what is there, as steps in the one order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from lvs_init.model.address import full_prefix
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey, SyncDaemonKey, TimeoutKey
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.state import Change, Key, State, Value, Wanted, same
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, clobbered, rank
from lvs_init.plan.step import Phase, Step


def steps(
    wanted: Wanted, live: State, *, leaving: Collection[Key] = (), cleared: Collection[Key] = ()
) -> tuple[Step, ...]:
    """The steps that make ``live`` hold everything in ``wanted``; keys in neither are left alone.

    ``leaving``: keys that are put back rather than set, so they come last. ``cleared``: services of others that
    ``clear_ipvs`` removes. Empty exactly when there is nothing to do.
    """
    phases: dict[Phase, list[Change]] = {}
    labels = {
        alias.label: key.address
        for key, alias in live.items()
        if isinstance(alias, Alias) and isinstance(key, AddressKey)
    }
    held = {(key.interface, key.address) for key in live if isinstance(key, AddressKey)}
    staying = {key.address for key, value in {**live, **wanted}.items() if isinstance(key, AddressKey) and value}
    for key, value in wanted.items():
        before = live.get(key)
        if same(key, before, value):
            continue
        if value is None and (isinstance(key, _LASTING) or _implied(key, wanted, live, staying)):
            continue
        change = Change(key, before, _fit_label(key, value, labels, held))
        phases.setdefault(_phase(change, key in leaving, key in cleared), []).append(change)
    for phase in (Phase.SYSCTLS, Phase.SYSCTLS_BACK):
        if phase in phases:
            phases[phase] = _with_clobbered(phases[phase], wanted, live)
    return tuple(Step(phase, tuple(sorted(phases[phase], key=_position))) for phase in sorted(phases))


#: What has a value or does not exist at all: nothing of ours can make it absent.
_LASTING = (SysctlKey, TimeoutKey, LinkKey, ModuleKey, FilterTableKey)


def _implied(key: Key, wanted: Wanted, live: State, staying: Collection[str]) -> bool:
    """Whether the kernel removes this by itself with something else that shall go.

    A service takes its real servers with it, an address the host route through it (unless another device has the
    address, too: Linux fib_frontend.c fib_del_ifaddr).
    """
    if isinstance(key, RealServerKey):
        return key.service in wanted and wanted[key.service] is None and key.service in live
    if isinstance(key, RouteKey):
        address = AddressKey(key.interface, key.address, full_prefix(key.address))
        return key.address not in staying and address in live
    return False


def _fit_label(
    key: Key, value: Value | None, labels: dict[str, str], held: Collection[tuple[str, str]]
) -> Value | None:
    """The value, without its label where ifconfig could not set the address under it.

    Where another address holds the label, ifconfig would replace that one; where the interface has the address with
    another prefix length, the mask of its class may be the one that is there (ifconfig.serves), and is refused.
    """
    if not isinstance(key, (AddressKey, RouteKey)) or not isinstance(value, (Alias, Route)) or not value.label:
        return value
    if (key.interface, key.address) in held and (isinstance(key, AddressKey) or labels.get(value.label) != key.address):
        return replace(value, label="")
    holder = labels.setdefault(value.label, key.address)
    return value if holder == key.address else replace(value, label="")


def _phase(change: Change, leaving: bool, cleared: bool) -> Phase:
    key, gone = change.key, change.after is None
    if isinstance(key, ModuleKey):
        return Phase.MODULES
    if isinstance(key, SysctlKey):
        return Phase.SYSCTLS_BACK if leaving else Phase.SYSCTLS
    if isinstance(key, FilterTableKey):
        return Phase.FIREWALL_BACK if leaving else Phase.FIREWALL
    if isinstance(key, TimeoutKey):
        return Phase.TIMEOUTS_BACK if leaving else Phase.TIMEOUTS
    if isinstance(key, (ServiceKey, RealServerKey)):
        away = leaving or (gone and isinstance(key, ServiceKey))
        return Phase.CLEAR if cleared else Phase.TABLE_AWAY if away else Phase.TABLE
    if isinstance(key, SyncDaemonKey):
        return Phase.TO_MASTER if (key.role == "master") != gone else Phase.TO_BACKUP
    if isinstance(key, MarkRuleKey):
        return Phase.MARKS_AWAY if gone else Phase.MARKS
    if isinstance(key, LinkKey):
        return Phase.LINKS if change.after == "up" else Phase.LINKS_BACK
    if isinstance(key, AddressKey):
        return Phase.ADDRESSES_AWAY if gone else Phase.ADDRESSES
    return Phase.ROUTES_AWAY if gone else Phase.ROUTES


def _position(change: Change) -> tuple[int, int]:
    """The place within a step. Equal places keep the order of the configuration.

    In the table: services before their real servers, adds before edits before deletes. Among edits a real server that
    gets no new connections any more comes last: another one may only just have got a weight.
    """
    key = change.key
    if isinstance(key, SysctlKey):
        return rank(key), 0
    if isinstance(key, SyncDaemonKey):
        return 0 if change.after is None else 1, 0
    if isinstance(key, (ServiceKey, RealServerKey)):
        drained = isinstance(change.after, RealServer) and change.after.weight == 0
        verb = 0 if change.before is None else 3 if change.after is None else 2 if drained else 1
        return verb, 1 if isinstance(key, RealServerKey) else 0
    return 0, 0


def _with_clobbered(changes: list[Change], wanted: Wanted, live: State) -> list[Change]:
    """Every key that the kernel rewrites on the way is written too, even to the value that it has now."""
    present = {change.key: change for change in changes}
    sysctls = [key for key in live if isinstance(key, SysctlKey)]
    for master in (IPV4_FORWARD, IPV6_FORWARD):
        if master not in present:
            continue
        for key in clobbered(master, sysctls):
            if key not in present:
                value = wanted.get(key, live[key])
                present[key] = Change(key, live[key], value)
    return list(present.values())
