"""A State: what is, or what shall be, as one flat mapping of keys to values.

``desired``, ``live``, what was ``applied`` and what was ``former`` are all States, so one diff serves every verb.
In a State that is wanted, a key with the value None means: this must not be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional, Union

from lvs_init.model.ipvs import (
    RealServer,
    RealServerKey,
    Service,
    ServiceKey,
    SyncDaemon,
    SyncDaemonKey,
    TimeoutKey,
)
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

Key = Union[
    AddressKey,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    RealServerKey,
    RouteKey,
    ServiceKey,
    SyncDaemonKey,
    SysctlKey,
    TimeoutKey,
]
Value = Union[str, int, Alias, Route, Service, RealServer, SyncDaemon, FilterTable]
State = Mapping[Key, Value]  # what is there
Wanted = Mapping[Key, Optional[Value]]  # what shall be there; None: shall not


def same(key: Key, one: Value | None, other: Value | None) -> bool:
    """Whether two values of a key mean the same to the cluster.

    An address and a host route are right wherever they are there: how the alias is called is nobody's business, and an
    adopted address keeps the label it came with.
    """
    if isinstance(key, (AddressKey, RouteKey)):
        return (one is None) == (other is None)
    return one == other or (isinstance(one, SyncDaemon) and one.alike(other))


def apply(state: State, wanted: Wanted) -> dict[Key, Value]:
    """The state after everything wanted was done: the pure twin of the kernel.

    Removing a service removes its real servers; removing an address removes the host routes to it once no device has
    it any more, as Linux does (ip_vs_ctl.c ip_vs_unlink_service, fib_frontend.c fib_del_ifaddr).
    """
    result = dict(state)
    for key, value in wanted.items():
        if value is not None:
            result[key] = value
            continue
        result.pop(key, None)
        if isinstance(key, ServiceKey):
            for other in [k for k in result if isinstance(k, RealServerKey) and k.service == key]:
                del result[other]
        elif isinstance(key, AddressKey):
            left = {other.address for other in result if isinstance(other, AddressKey)}
            for route in [k for k in result if isinstance(k, RouteKey) and k.address == key.address]:
                if route.address not in left:
                    del result[route]
    return result


class Change(NamedTuple):
    """One key's way from what is there to what shall be. None: not there."""

    key: Key
    before: Value | None
    after: Value | None

    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.key, self.after, self.before)
