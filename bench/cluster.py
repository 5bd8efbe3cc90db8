"""The clusters that are set up."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from bench.words import DIRECT_ROUTING, INTERFACE, Service, ipvsadm_lines

FORWARDING = DIRECT_ROUTING
OWN_ADDRESS = "192.168.0.1/16"  # VIPs and real servers lie in this network, so the kernel has a route to them
_FIRST_VIP, _FIRST_RIP = "192.168.1.1", "192.168.64.1"


@dataclass(frozen=True)
class Cluster:
    """Direct routing, ``services`` services with ``servers`` real servers each.

    ``ports``: how many services a VIP has. ``shared``: all services have the same machines as real servers, else each
    its own. ``parts``: in how many equal parts bash does it, one in each round. What
    takes it a minute then takes seconds, and counts as many times: its commands know nothing of each other, so their
    time grows with their number. ``changed``: the weight of the first real server of the service in the middle.
    """

    services: int
    servers: int
    ports: int = 1
    parts: int = 1
    changed: int = 1
    shared: bool = False

    def __str__(self) -> str:
        return f"{self.services} x {self.servers}"

    @property
    def realservers(self) -> int:
        """How many there are in all."""
        return self.services * self.servers

    @property
    def all(self) -> range:
        """Every service, by its number."""
        return range(1, self.services + 1)

    @property
    def middle(self) -> int:
        """The service in the middle."""
        return (self.services + 1) // 2

    def part(self, number: int) -> range:
        """The services of one part. Every number is one: after the last part comes the first again."""
        size = self.services // self.parts
        first = number % self.parts * size + 1
        return range(first, first + size)

    def address(self, service: int) -> tuple[str, int]:
        """VIP and port."""
        return _after(_FIRST_VIP, (service - 1) // self.ports), 80 + (service - 1) % self.ports

    def vips(self, services: Sequence[int]) -> list[str]:
        """Each once, in their order."""
        return list(dict.fromkeys(self.address(service)[0] for service in services))

    def weights(self, service: int) -> dict[str, int]:
        """The RIPs of a service, each with its weight."""
        first = 0 if self.shared else (service - 1) * self.servers
        rips = [_after(_FIRST_RIP, first + number) for number in range(self.servers)]
        return {rip: self.changed if (service, rip) == (self.middle, rips[0]) else 1 for rip in rips}

    def told(self, services: Sequence[int]) -> list[Service]:
        """These services, ready to be put into words."""
        return [Service(*self.address(number), self.weights(number)) for number in services]

    def recipe(self, services: Sequence[int]) -> str:
        """The classic commands as a bash script, a process each: the table, then alias and host route of each VIP."""
        lines = ["#!/bin/bash", "echo 1 > /proc/sys/net/ipv4/ip_forward"]
        lines += [f"/sbin/ipvsadm {line}" for line in ipvsadm_lines(self.told(services), FORWARDING)]
        for number, vip in enumerate(self.vips(services), 1):
            label = f"{INTERFACE}:{number}"
            lines.append(f"/sbin/ifconfig {label} {vip} broadcast {vip} netmask 255.255.255.255 up")
            lines.append(f"/sbin/route add -host {vip} dev {label}")
        return "".join(f"{line}\n" for line in lines)

    def recipe_away(self, services: Sequence[int]) -> str:
        """The way back. The host route is not taken away: the kernel drops it together with its address."""
        labels = range(1, len(self.vips(services)) + 1)
        lines = ["#!/bin/bash", *(f"/sbin/ifconfig {INTERFACE}:{number} down" for number in labels)]
        lines += ["/sbin/ipvsadm -C", "echo 0 > /proc/sys/net/ipv4/ip_forward"]
        return "".join(f"{line}\n" for line in lines)


def _after(address: str, count: int) -> str:
    number = struct.unpack("!I", socket.inet_aton(address))[0]
    return socket.inet_ntoa(struct.pack("!I", number + count))


SMALL, MIDDLE = Cluster(1, 2), Cluster(10, 10, shared=True)
MANY = Cluster(50, 20, shared=True)
WIDE = Cluster(1000, 1, parts=40)
#: 1000, 4000 and 10000 real servers, on 20 VIPs each time: up to 8 VIPs, each costs two programs more.
GROWING = (Cluster(250, 4, ports=13), Cluster(1000, 4, ports=50), Cluster(2500, 4, ports=125))
HUGE = Cluster(5000, 4, ports=50)
