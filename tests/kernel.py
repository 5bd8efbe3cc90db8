"""A kernel in memory, as far as plans go: it refuses what Linux refuses and rewrites what Linux rewrites."""

from __future__ import annotations

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, SyncDaemon, TimeoutKey
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTableKey,
    LinkKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.state import Change, Key, State, Value

#: What has always some value.
LASTING = (SysctlKey, TimeoutKey, LinkKey, FilterTableKey)


class Kernel:
    """``starved``: services that lost their last real server with a weight while they went on."""

    def __init__(self, state: State) -> None:
        self.state: dict[Key, Value] = dict(state)
        self.starved: list[ServiceKey] = []

    def do(self, change: Change) -> None:
        """Make one change. Raises AssertionError where Linux or its tools would refuse it."""
        key, after = change.key, change.after
        here = key in self.state
        assert change.before == self.state.get(key), f"{change}: the plan took something else for granted"
        if isinstance(key, LASTING):
            assert here and after is not None, f"{change}: there is no such setting, or it cannot be absent"
        if isinstance(key, RealServerKey):
            assert key.service in self.state, f"{change}: there is no such service"
        if after is None:
            self._remove(key)
            return
        if here:
            assert isinstance(after, (Service, RealServer, SyncDaemon, *(str, int))) or isinstance(
                key, FilterTableKey
            ), change
        if isinstance(after, Alias) and after.label:
            labels = [value.label for value in self.state.values() if isinstance(value, Alias)]
            assert after.label not in labels, f"{change}: ifconfig would replace the holder of the label"
        if isinstance(key, AddressKey) and isinstance(after, Alias) and after.label:
            there = {(other.interface, other.address) for other in self.state if isinstance(other, AddressKey)}
            assert (key.interface, key.address) not in there, (
                f"{change}: ifconfig may set it with the mask of its class"
            )
        self.state[key] = Route() if isinstance(key, RouteKey) else after
        if isinstance(key, RealServerKey):
            self._judge(key.service, change.before)
        if isinstance(key, SysctlKey) and change.before != after:
            self._rewrite(key, after)

    def _remove(self, key: Key) -> None:
        assert not isinstance(key, ModuleKey), f"{key}: is never unloaded"
        before = self.state.pop(key)
        if isinstance(key, ServiceKey):
            for server in self.servers(key):
                del self.state[server]
        elif isinstance(key, RealServerKey):
            self._judge(key.service, before)
        elif isinstance(key, AddressKey):
            left = {other.address for other in self.state if isinstance(other, AddressKey)}
            for route in [other for other in self.state if isinstance(other, RouteKey)]:
                if route.address == key.address and route.address not in left:
                    del self.state[route]

    def servers(self, service: ServiceKey) -> list[RealServerKey]:
        return [key for key in self.state if isinstance(key, RealServerKey) and key.service == service]

    def serves(self, service: ServiceKey) -> bool:
        """Whether a new connection would find a real server."""
        return any(isinstance(self.state[key], RealServer) and self.state[key].weight for key in self.servers(service))  # type: ignore[union-attr]

    def _judge(self, service: ServiceKey, before: Value | None) -> None:
        if isinstance(before, RealServer) and before.weight and not self.serves(service):
            self.starved.append(service)

    def _rewrite(self, key: SysctlKey, value: Value) -> None:
        """devinet.c inet_forward_change, addrconf.c addrconf_fixup_forwarding."""
        family = {"net/ipv4/ip_forward": "ipv4", "net/ipv6/conf/all/forwarding": "ipv6"}.get(key.path)
        if family is None:
            return
        for other in [key for key in self.state if isinstance(key, SysctlKey)]:
            if other.path.startswith(f"net/{family}/conf/") and other.path.endswith("/forwarding"):
                self.state[other] = value
        redirects = SysctlKey("net/ipv4/conf/all/accept_redirects")
        if family == "ipv4" and redirects in self.state:
            self.state[redirects] = "0" if value == "1" else "1"
