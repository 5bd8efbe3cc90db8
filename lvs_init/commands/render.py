"""The changes of one step -> the commands that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from lvs_init.commands import ifconfig, ip, iptables, ipvsadm, modprobe, route, sysctl
from lvs_init.commands.command import FEW, Command
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import RealServerKey, ServiceKey, SyncDaemonKey, TimeoutKey
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTable,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.state import Change


@dataclass(frozen=True)
class Tools:
    """What this machine has. iproute2 is always there."""

    net_tools: bool


def render(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    """The commands for changes of one kind, in their order; none where there is nothing that a command could do.

    Nothing is rendered for what cannot be undone (a module stays loaded, a setting or a timeout that was unknown before
    stays) and for IPv6 host routes, which come and go with their address. Raises ValueError for mixed kinds.
    """
    kinds = {_KINDS[type(change.key)] for change in changes}
    if len(kinds) > 1:
        raise ValueError("the changes of one step are of one kind")
    return next((kind(changes, tools) for kind in kinds), ())


def _table(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    return (ipvsadm.restore(changes),)


def _timeouts(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    known = [change for change in changes if change.after is not None]
    return (ipvsadm.set_timeouts(known),) if known else ()


def _daemons(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    return tuple(command for change in changes for command in ipvsadm.daemons(change))


def _network(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    """ifconfig and route for a few, as admins know them; one ip for many, or where net-tools cannot serve."""
    possible = [change for change in changes if _possible(change)]
    if len(possible) > 1 and (len(possible) > FEW or not tools.net_tools):
        return (ip.batch(possible),)
    return tuple(
        _net_tools(change) if tools.net_tools and _served(change) else ip.change(change) for change in possible
    )


def _possible(change: Change) -> bool:
    if isinstance(change.key, RouteKey):
        return family_of(change.key.address) == 4
    return not isinstance(change.key, LinkKey) or change.after is not None


def _served(change: Change) -> bool:
    """Whether ifconfig or route can do it: an IPv4 address or route needs a label that they take."""
    key, after = change.key, change.after
    if isinstance(key, AddressKey):
        return isinstance(after, Alias) and ifconfig.serves(key, after)
    if isinstance(key, RouteKey) and after is not None:
        return isinstance(after, Route) and 0 < len(after.label) <= ifconfig.LABEL_LIMIT
    return True


def _net_tools(change: Change) -> Command:
    key, after = change.key, change.after
    if isinstance(key, AddressKey) and isinstance(after, Alias):
        return ifconfig.add(key, after)
    if isinstance(key, RouteKey):
        return route.add_host(key, after.label) if isinstance(after, Route) else route.delete_host(key)
    if isinstance(key, LinkKey) and isinstance(after, str):
        return ifconfig.link(key, after)
    raise TypeError(f"net-tools cannot make {after!r} of {key}")


def _sysctls(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    pairs = [
        (change.key.path, change.after)
        for change in changes
        if isinstance(change.key, SysctlKey) and isinstance(change.after, str)
    ]
    return (sysctl.write(pairs),) if pairs else ()


def _modules(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    names = [change.key.name for change in changes if isinstance(change.key, ModuleKey) and change.after is not None]
    return (modprobe.load(names),) if names else ()


def _marks(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    if len(changes) > FEW:
        return iptables.restore_marks(changes)
    return tuple(
        iptables.delete_mark(change.key) if change.after is None else iptables.append_mark(change.key)
        for change in changes
        if isinstance(change.key, MarkRuleKey)
    )


def _filter_table(changes: Sequence[Change], tools: Tools) -> tuple[Command, ...]:
    tables = [change.after for change in changes if isinstance(change.after, FilterTable)]
    return tuple(command for table in tables for command in iptables.filter_table(table))


_KINDS: dict[type, Callable[[Sequence[Change], Tools], tuple[Command, ...]]] = {
    ServiceKey: _table,
    RealServerKey: _table,
    TimeoutKey: _timeouts,
    SyncDaemonKey: _daemons,
    AddressKey: _network,
    RouteKey: _network,
    LinkKey: _network,
    SysctlKey: _sysctls,
    ModuleKey: _modules,
    MarkRuleKey: _marks,
    FilterTableKey: _filter_table,
}
