"""What a real server wants: ARP flags first, then the VIPs where its forwarding method needs them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from lvs_init.config.cluster import Cluster, NodeOverride, VirtualService
from lvs_init.config.desired import Desired, Labels, alias_for
from lvs_init.model.address import family_of, full_prefix
from lvs_init.model.ipvs import RealServer
from lvs_init.model.machine import Machine
from lvs_init.model.network import QUIET, AddressKey, Alias, LinkKey, ModuleKey, Route, RouteKey, SysctlKey, effective

#: What start writes where it has to, as the classic scripts.
_ARP = {"arp_ignore": "1", "arp_announce": "2"}

#: Where packets of a tunnel type come out on a real server, by the VIP's and the RIP's family.
_RECEIVERS = {("ipip", 4): ("ipip", "tunl0"), ("ipip", 6): ("ip6_tunnel", "ip6tnl0")}


def realserver_wants(cluster: Cluster, machine: Machine, live: Mapping[AddressKey, Alias]) -> Desired:
    """``machine``: the node without us; ``live``: its addresses as they are now (ours keep their labels).

    Wants nothing and says so in ``notes`` where every RIP of the machine is under nat.
    """
    desired = Desired()
    own = _own_addresses(machine)
    labels = Labels(live)
    carried: list[tuple[str, str]] = []
    for service in cluster.services:
        for key, value in service.realservers:
            if key.address not in own:
                continue
            if value.forwarding == "nat":
                desired.nat = True
                continue
            _vips_of(service, value, live, labels, desired, carried)
    if any(family_of(address) == 4 for address, _ in carried):
        _arp_flags(cluster, machine, {device for _, device in carried}, desired)
    for path, setting in cluster.realserver.sysctl.items():
        desired.wanted[SysctlKey(path)] = setting
    if desired.nat:
        dips = (cluster.director.dip, *(node.dip for node in cluster.nodes.values()))
        desired.gateways = tuple(dict.fromkeys(dip.address for dip in dips if dip))
        desired.notes.extend(wrong_gateway(desired.gateways, machine.gateways))
    return desired


def own_rips(cluster: Cluster, machine: Machine) -> tuple[str, ...]:
    """The cluster's RIPs that are addresses of this machine, in file order."""
    own = _own_addresses(machine)
    rips = [key.address for service in cluster.services for key, _ in service.realservers]
    return tuple(dict.fromkeys(rip for rip in rips if rip in own))


def _own_addresses(machine: Machine) -> set[str]:
    """Every machine has the loopback addresses, so as a RIP they mean the director alone."""
    return {key.address for key in machine.addresses if not ipaddress.ip_address(key.address).is_loopback}


def _vips_of(
    service: VirtualService,
    value: RealServer,
    live: Mapping[AddressKey, Alias],
    labels: Labels,
    desired: Desired,
    carried: list[tuple[str, str]],
) -> None:
    for vip in service.vips:
        device = "lo"
        if value.forwarding == "tun":
            tunnel = value.tunnel.type if value.tunnel else "ipip"
            module, device = _RECEIVERS[tunnel, family_of(vip.address)]
            desired.wanted[ModuleKey(module)] = "loaded"
            if family_of(vip.address) == 4:
                # 2 (any way back will do) passes whatever all.rp_filter says, as long as tunl0 has the VIP itself.
                desired.wanted[SysctlKey(f"net/ipv4/conf/{device}/rp_filter")] = "2"
        key = AddressKey(device, vip.address, full_prefix(vip.address))
        if key in desired.wanted:
            continue
        alias = alias_for(key, live, labels)
        desired.wanted[key] = alias
        carried.append((vip.address, device))
        # Some scripts leave lo down; then no local address answers and no host route can be set.
        desired.wanted[LinkKey(device)] = "up"
        if device == "lo" and family_of(vip.address) == 4:
            desired.wanted[RouteKey(device, vip.address)] = Route(alias.label)


def _arp_flags(cluster: Cluster, machine: Machine, carriers: set[str], desired: Desired) -> None:
    """Judge the effective value, max(all, interface), on every interface that could be asked for a VIP."""
    override = cluster.nodes.get(machine.node, NodeOverride())
    named = override.realserver_interface or cluster.realserver.interface
    asked = [named] if named else sorted(
        interface.name
        for interface in machine.interfaces.values()
        if not interface.loopback and not interface.noarp and interface.name not in carriers  # down now, up later
    )  # fmt: skip
    if named and named not in machine.interfaces:
        desired.refuse(
            cluster, "realserver.interface", "this machine has no such interface", named,
            hint=f"it has {', '.join(sorted(machine.interfaces))}",
        )  # fmt: skip
        return
    desired.asked = tuple(asked)
    for flag, value in _ARP.items():
        readings: dict[str, str] = {
            name: machine.sysctls.get(f"net/ipv4/conf/{name}/{flag}", "0") for name in ("all", *asked)
        }
        if asked and all(effective(readings["all"], readings[name]) in QUIET[flag] for name in asked):
            continue
        desired.wanted[SysctlKey(f"net/ipv4/conf/all/{flag}")] = value
        desired.wanted[SysctlKey(f"net/ipv4/conf/lo/{flag}")] = value
        for name in asked:
            if effective(value, readings[name]) not in QUIET[flag]:
                desired.wanted[SysctlKey(f"net/ipv4/conf/{name}/{flag}")] = value


def wrong_gateway(dips: Sequence[str], gateways: Sequence[str]) -> list[str]:
    """Under nat the answer must go back through the director: a sentence where the default gateway is another."""
    families = {family_of(dip) for dip in dips}
    found = [gateway for gateway in gateways if family_of(gateway) in families]
    if not dips or any(gateway in dips for gateway in found):
        return []
    return [
        f"the default gateway is {found[0] if found else 'missing'} and must be the DIP {' or '.join(dips)} "
        "under nat: answers to clients bypass the director"
    ]
