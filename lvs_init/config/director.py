"""What the director wants: modules, forwarding, the table, marks, VIPs and their routes."""

from __future__ import annotations

from collections.abc import Mapping

from lvs_init.config.cluster import Cluster, NodeOverride, Vip, VirtualService
from lvs_init.config.desired import Desired, Labels, alias_for, facing, split_label
from lvs_init.model.address import family_of, full_prefix, network_of
from lvs_init.model.ha import HighAvailability
from lvs_init.model.ipvs import ServiceKey, SyncDaemon, SyncDaemonKey, TimeoutKey
from lvs_init.model.machine import Machine
from lvs_init.model.network import AddressKey, Alias, MarkRuleKey, ModuleKey, Route, RouteKey, SysctlKey
from lvs_init.model.policy import Policy
from lvs_init.model.record import Announcing


def director_wants(cluster: Cluster, machine: Machine, live: Mapping[AddressKey, Alias]) -> Desired:
    """``machine``: the node without us; ``live``: its addresses as they are now (ours keep their labels)."""
    desired = Desired()
    override = cluster.nodes.get(machine.node, NodeOverride())
    _modules(cluster, desired)
    _table(cluster, desired)
    labels = Labels(live)
    where = _vip_interfaces(cluster, override, machine, desired)
    if cluster.ha is None or cluster.ha.vips == "lvs":
        _vips(cluster, override, where, machine, live, labels, desired)
        _dip(cluster, override, machine, live, labels, desired)
    _sysctls(cluster, machine, where, desired)
    if cluster.ha is not None:
        _pair(cluster, cluster.ha, machine, desired)
    return desired


def _modules(cluster: Cluster, desired: Desired) -> None:
    names = ["ip_vs"]
    for service in cluster.services:
        names.append(f"ip_vs_{service.service.scheduler}")
        if service.service.engine:
            names.append(f"ip_vs_pe_{service.service.engine}")
    for name in dict.fromkeys(names):
        desired.wanted[ModuleKey(name)] = "loaded"


def _table(cluster: Cluster, desired: Desired) -> None:
    for name, seconds in cluster.director.timeouts.items():
        desired.wanted[TimeoutKey(name)] = seconds
    desired.policy = policy_of(cluster)
    for service in cluster.services:
        desired.wanted[service.key] = service.service
        for key, value in service.realservers:
            desired.wanted[key] = value
            desired.nat = desired.nat or value.forwarding == "nat"
        if service.match is not None:
            for vip in service.vips:
                for match in service.match:
                    rule = MarkRuleKey(vip.address, match.protocol, match.port, service.key.fwmark)
                    desired.wanted[rule] = "present"


def policy_of(cluster: Cluster) -> Policy:
    """How the file wants its table changed."""
    return Policy(
        cluster.director.drain_timeout,
        {service.key: service.drain_timeout for service in cluster.services if service.drain_timeout is not None},
        frozenset(service.key for service in cluster.services if service.weights == "live"),
    )


def _vip_interfaces(
    cluster: Cluster, override: NodeOverride, machine: Machine, desired: Desired
) -> dict[tuple[ServiceKey, Vip], str]:
    """Each service's VIPs -> the device that carries them, as far as one can be told."""
    named = override.interface or cluster.director.interface
    found: dict[tuple[ServiceKey, Vip], str] = {}
    for service in cluster.services:
        choice = service.interface or named
        path = f"{service.path}.interface" if service.interface else "director.interface"
        for vip in service.vips:
            device = split_label(choice)[0] if choice else facing(machine, vip.address)
            if device is None:
                desired.refuse(
                    cluster, "director.interface", f"no interface's subnet holds the VIP {vip.address}",
                    hint="name the interface that shall carry it: interface = \"eth0\" (this machine has "
                    f"{', '.join(sorted(machine.interfaces))})",
                )  # fmt: skip
            elif device not in machine.interfaces:
                desired.refuse(
                    cluster, path, "this machine has no such interface", device,
                    hint=f"it has {', '.join(sorted(machine.interfaces))}; [node.{machine.node}] can name another one "
                    "for this machine alone",
                )  # fmt: skip
            elif not machine.interfaces[device].up:
                desired.refuse(
                    cluster, path, "this interface is down, so it can carry no VIP", device,
                    hint=f"bring it up first: ip link set {device} up",
                )  # fmt: skip
            else:
                found[service.key, vip] = device
    return found


def _vips(
    cluster: Cluster,
    override: NodeOverride,
    where: Mapping[tuple[ServiceKey, Vip], str],
    machine: Machine,
    live: Mapping[AddressKey, Alias],
    labels: Labels,
    desired: Desired,
) -> None:
    fixed = split_label(override.interface or cluster.director.interface or "")[1]
    first = next((vip for service in cluster.services if service.interface is None for vip in service.vips), None)
    for service in cluster.services:
        for vip in service.vips:
            device = where.get((service.key, vip))
            if device is None:
                continue
            key = AddressKey(device, vip.address, vip.prefix)
            if key not in desired.wanted:
                label = ""
                if fixed and vip == first and key not in live:
                    label = fixed
                    labels.claim(label)
                    if label in {alias.label for alias in machine.addresses.values()}:  # a VIP of ours makes room
                        desired.refuse(
                            cluster, "director.interface", f"the label {label} is held by another address", label,
                            hint="name a free one, or the device alone and a label is found",
                        )  # fmt: skip
                desired.wanted[key] = alias_for(key, live, labels, label)
                desired.announce.append(key)
                _refuse_primary(cluster, service, key, machine, desired)
                _away_from_tunnels_and_loopback(key, machine, desired)
            if _needs_host_route(service, vip):
                alias = desired.wanted[key]
                desired.wanted[RouteKey(device, vip.address)] = Route(alias.label if isinstance(alias, Alias) else "")


def _needs_host_route(service: VirtualService, vip: Vip) -> bool:
    """As the classic scripts: a host route under dr and tun. IPv6's comes with the address by itself."""
    return (
        family_of(vip.address) == 4
        and vip.prefix == full_prefix(vip.address)
        and any(forwarding != "nat" for forwarding in service.forwardings)
    )


def _refuse_primary(
    cluster: Cluster, service: VirtualService, key: AddressKey, machine: Machine, desired: Desired
) -> None:
    """A VIP with a subnet that comes first on its interface would become the source of the director's own packets."""
    if key.prefix == full_prefix(key.address) or key in machine.addresses:
        return
    network = network_of(key.address, key.prefix)
    first = (network_of(other.address, other.prefix) for other in machine.addresses if other.interface == key.interface)
    if network in first:
        return
    desired.refuse(
        cluster, f"{service.path}.vip", f"/{key.prefix} would make the VIP the first address of {network} on "
        f"{key.interface}, and the director would speak to its real servers in the VIP's name",
        f"{key.address}/{key.prefix}",
        hint=f"give {key.interface} an address of its own in {network} first, or write the VIP without a prefix",
    )  # fmt: skip


def _away_from_tunnels_and_loopback(key: AddressKey, machine: Machine, desired: Desired) -> None:
    """While this machine directs, the VIP is on its interface alone, not where its real server role would have it."""
    for device in ("lo", "tunl0", "ip6tnl0"):
        if device != key.interface and device in machine.interfaces:
            desired.wanted[AddressKey(device, key.address, full_prefix(key.address))] = None
            desired.wanted[RouteKey(device, key.address)] = None


def _dip(
    cluster: Cluster,
    override: NodeOverride,
    machine: Machine,
    live: Mapping[AddressKey, Alias],
    labels: Labels,
    desired: Desired,
) -> None:
    device = override.dip_interface or cluster.director.dip_interface
    dip = override.dip or cluster.director.dip
    if dip is not None and device is not None:
        if device not in machine.interfaces:
            desired.refuse(
                cluster, "director.dip_interface", "this machine has no such interface", device,
                hint=f"it has {', '.join(sorted(machine.interfaces))}",
            )  # fmt: skip
            return
        key = AddressKey(device, dip.address, dip.prefix)
        desired.wanted[key] = alias_for(key, live, labels)
        desired.announce.append(key)
    elif dip is not None and desired.nat and not any(key.address == dip.address for key in machine.addresses):
        desired.notes.append(
            f"the DIP {dip.address} is no address of this machine, so real servers under nat cannot answer through it; "
            "give it to an interface or set dip_interface"
        )


def _sysctls(cluster: Cluster, machine: Machine, where: Mapping[tuple[ServiceKey, Vip], str], desired: Desired) -> None:
    families = {family_of(vip.address) for vip in cluster.vips}
    forward = SysctlKey("net/ipv4/ip_forward")
    if 4 in families:
        desired.wanted[forward] = "1"
    if 6 in families and any(service.key.family == 6 and "nat" in service.forwardings for service in cluster.services):
        desired.wanted[SysctlKey("net/ipv6/conf/all/forwarding")] = "1"
    if not cluster.director.restore_ip_forward:
        desired.keep = frozenset({forward, SysctlKey("net/ipv6/conf/all/forwarding")})
    for device in sorted(_one_network(cluster, machine, where)):
        desired.wanted[SysctlKey("net/ipv4/conf/all/send_redirects")] = "0"
        desired.wanted[SysctlKey(f"net/ipv4/conf/{device}/send_redirects")] = "0"
    for path, value in cluster.director.sysctl.items():
        desired.wanted[SysctlKey(path)] = value


def _pair(cluster: Cluster, ha: HighAvailability, machine: Machine, desired: Desired) -> None:
    """What an active one of two wants besides; ``plan/stance.py`` makes a standby's wish of it."""
    desired.warm = ha.warm_standby
    own = {key.address for key in machine.addresses}
    if desired.warm and ha.sync is None and any(_serves_here(service, own) for service in cluster.services):
        desired.warm = False
        desired.notes.append(
            "this machine is a real server, too: without [ha.sync] it has no table while it stands by, since it would "
            "pass on what it shall answer itself"
        )
    desired.announcing = Announcing(ha.announce_count, ha.announce_interval)
    if machine.node and machine.node.lower() not in [node.lower() for node in ha.nodes]:
        desired.notes.append(f"this machine is called {machine.node}, and [ha] is about {' and '.join(ha.nodes)}")
    if ha.sync is not None:
        desired.wanted[SyncDaemonKey("master")] = SyncDaemon(
            cluster.ha_interface(machine.node, ha.sync.interface),
            ha.sync.syncid,
            ha.sync.group,
            ha.sync.port,
            ha.sync.ttl,
            ha.sync.maxlen or 0,
        )
        desired.wanted[SyncDaemonKey("backup")] = None
        for key, value in ha.sync.settings.items():
            desired.wanted[key] = value


def _serves_here(service: VirtualService, own: set[str]) -> bool:
    """Whether this machine is a real server that has the VIP on lo while another one directs."""
    return any(value.forwarding != "nat" and key.address in own for key, value in service.realservers)


def _one_network(cluster: Cluster, machine: Machine, where: Mapping[tuple[ServiceKey, Vip], str]) -> set[str]:
    """Interfaces on which clients' packets come in and go out again to real servers under nat.

    The kernel would tell such a real server of a shorter way, past the director; it takes 0 on ``all`` and on the
    interface to keep it quiet, since the two are or-ed (Linux include/linux/inetdevice.h IN_DEV_TX_REDIRECTS).
    """
    shared: set[str] = set()
    for service in cluster.services:
        if service.key.family != 4:
            continue
        devices = {where.get((service.key, vip)) for vip in service.vips}
        for key, value in service.realservers:
            device = facing(machine, key.address) if value.forwarding == "nat" else None
            if device is not None and device in devices:
                shared.add(device)
    return shared
