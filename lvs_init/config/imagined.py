"""A director made up from configurations alone: what can be planned without a machine.

It has the interfaces that the files name, an address of its own in the network of each VIP, and the DIP.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from lvs_init.config.cluster import Cluster, Vip
from lvs_init.config.desired import split_label
from lvs_init.model.address import broadcast_of, family_of, full_prefix, network_of
from lvs_init.model.machine import Interface, Machine
from lvs_init.model.network import AddressKey, Alias

_USUAL = "eth0"  # where no file names the interface of a VIP
_USUAL_DIP = "eth1"
_PREFIX = {4: 24, 6: 64}  # of a network that no file tells the size of


def imagined_director(clusters: Sequence[Cluster]) -> Machine:
    """A machine on which any of these can be started, one after the other."""
    taken = {*_configured(clusters)}
    addresses: dict[AddressKey, Alias] = {AddressKey("lo", "127.0.0.1", 8): Alias()}
    named = [(device, vip) for cluster in clusters for device, vip in _vips(cluster)]
    for device, vip in [*(pair for pair in named if pair[0]), *(pair for pair in named if not pair[0])]:
        network = network_of(vip.address, _prefix(vip))
        there = {network_of(key.address, key.prefix): key.interface for key in addresses}
        if network not in there or (device and there[network] != device):
            own = _free(network, taken)
            addresses[AddressKey(device or _USUAL, own, _prefix(vip))] = Alias("", broadcast_of(own, _prefix(vip)))
    devices = {key.interface for key in addresses}
    for cluster in clusters:
        dip = cluster.director.dip
        if cluster.director.dip_interface:
            devices.add(cluster.director.dip_interface)
        elif dip is not None:
            network = network_of(dip.address, _prefix(dip))
            facing = [key.interface for key in addresses if network_of(key.address, key.prefix) == network]
            addresses[AddressKey((*facing, _USUAL_DIP)[0], dip.address, _prefix(dip))] = Alias(
                "", broadcast_of(dip.address, _prefix(dip))
            )
    devices |= {key.interface for key in addresses}
    interfaces = {name: Interface(name, loopback=name == "lo") for name in sorted(devices)}
    return Machine("", interfaces, addresses)


def _vips(cluster: Cluster) -> Iterator[tuple[str, Vip]]:
    for service in cluster.services:
        for vip in service.vips:
            yield split_label(service.interface or cluster.director.interface or "")[0], vip


def _configured(clusters: Sequence[Cluster]) -> Iterator[str]:
    for cluster in clusters:
        yield from (vip.address for vip in cluster.vips)
        yield from (key.address for service in cluster.services for key, _ in service.realservers)
        yield from (dip.address for dip in (cluster.director.dip,) if dip)


def _prefix(vip: Vip) -> int:
    return vip.prefix if vip.prefix < full_prefix(vip.address) else _PREFIX[family_of(vip.address)]


def _free(network: str, taken: set[str]) -> str:
    """An address of the network that no file has; from its end, where machines are rare."""
    space = ipaddress.ip_network(network)
    last = int(space.broadcast_address)
    for number in range(last - (1 if space.version == 4 else 0), int(space.network_address), -1):
        address = str(type(space.network_address)(number))
        if address not in taken:
            taken.add(address)
            return address
    return str(space.network_address)
