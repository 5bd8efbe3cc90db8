"""Which subnet an address is in, and addresses that are still free there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from lvs_init.errors import LvsError
from lvs_init.model.address import family_of, full_prefix, inside, network_of

#: What most networks have; a configuration says it of few of its addresses.
_USUAL = {4: 24, 6: 64}


class CannotBuild(LvsError):
    """No hosts can be made of this configuration."""


class Subnets:
    """The subnets of a configuration, each address in exactly one of them."""

    def __init__(self, addresses: Iterable[tuple[str, int]]) -> None:
        """``addresses``: with the prefix that the configuration gives them; a full one, or 0, means nothing is known.

        Raises CannotBuild for an address that no host of its subnet could have.
        """
        known = list(addresses)
        self._taken = {address for address, _ in known}
        self._networks: list[str] = []
        for address, prefix in sorted(
            known, key=lambda each: _width(*each)
        ):  # the widest first: it holds narrower ones
            if not any(inside(address, network) for network in self._networks):
                self._networks.append(network_of(address, _width(address, prefix)))
        for address in self._taken:
            self._refuse_unusable(address)

    def of(self, address: str) -> str:
        """The subnet of one of the addresses: ``192.168.0.0/24``."""
        return next(network for network in self._networks if inside(address, network))

    def take(self, subnet: str, place: int) -> str:
        """A free address: the one at that place, counted from the network's own, else the first. Raises CannotBuild."""
        network = ipaddress.ip_network(subnet)
        for offset in (place, *range(1, min(network.num_addresses - 1, 1000))):
            if offset < network.num_addresses - 1:
                address = str(network[offset])
                if address not in self._taken:
                    self._taken.add(address)
                    return address
        raise CannotBuild(f"{subnet} has no free address left for the lab's own hosts")

    def spare(self, candidates: Sequence[str]) -> str:
        """The first of these subnets that overlaps with none, from now on one of them. Raises CannotBuild."""
        for candidate in candidates:
            network = ipaddress.ip_network(candidate)
            if not any(network.overlaps(ipaddress.ip_network(other)) for other in self._networks):
                self._networks.append(candidate)
                return candidate
        raise CannotBuild(f"the configuration uses {' and '.join(candidates)}, so nothing is left for the lab's client")

    def _refuse_unusable(self, address: str) -> None:
        subnet = self.of(address)
        network = ipaddress.ip_network(subnet)
        if address in (str(network.network_address), str(network.broadcast_address)):
            raise CannotBuild(
                f"{address} is not the address of a host in {subnet}, which the lab takes it to be in",
                hint="a longer or shorter prefix of a VIP or DIP in that network says how wide it is",
            )


def _width(address: str, prefix: int) -> int:
    return prefix if 0 < prefix < full_prefix(address) else _USUAL[family_of(address)]
