"""The clusters that are set up, each told in the words of every contender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

INTERFACE = "eth0"
OWN_ADDRESS = "192.168.0.1/16"  # VIPs and real servers lie in this network, so the kernel has a route to them
CONFIGURATION = "/etc/lvs/lvs.toml"


@dataclass(frozen=True)
class Cluster:
    """Direct routing, ``services`` of one VIP each, ``servers`` real servers in each service.

    ``parts``: in how many equal parts bash does it, one in each round. What takes it a minute then takes seconds, and
    counts as many times: its commands know nothing of each other, so their time grows with their number.
    """

    services: int
    servers: int
    parts: int = 1

    def __str__(self) -> str:
        return f"{self.services} x {self.servers}"

    def part(self, number: int) -> range:
        """The services of one part. Every number is one: after the last part comes the first again."""
        size = self.services // self.parts
        first = number % self.parts * size + 1
        return range(first, first + size)

    @property
    def all(self) -> range:
        """Every service."""
        return range(1, self.services + 1)

    def rules(self, services: Sequence[int]) -> list[str]:
        """The table's lines as ``ipvsadm -Sn`` prints them, sorted."""
        return sorted(line for service in services for line in self._rules(service))

    def _rules(self, service: int) -> list[str]:
        where = f"-t {vip(service)}:80"
        servers = (f"-a {where} -r 192.168.2.{number}:80 -g -w 1" for number in range(1, self.servers + 1))
        return [f"-A {where} -s wlc", *servers]

    def configuration(self) -> str:
        """What lvs-director reads."""
        text = f'[cluster]\nname = "bench"\nforwarding = "dr"\n\n[director]\ninterface = "{INTERFACE}"\n'
        servers = ", ".join(f'{{ rip = "192.168.2.{number}" }}' for number in range(1, self.servers + 1))
        for service in self.all:
            text += f'\n[[service]]\nvip = "{vip(service)}"\nport = 80\nrealservers = [{servers}]\n'
        return text

    def recipe(self, services: Sequence[int]) -> str:
        """The classic commands as a bash script, a process each: the table, then alias and host route of each VIP."""
        lines = ["#!/bin/bash", "echo 1 > /proc/sys/net/ipv4/ip_forward"]
        for service in services:
            address, label = vip(service), f"{INTERFACE}:{service}"
            lines += [f"/sbin/ipvsadm {rule}" for rule in self._rules(service)]
            lines.append(f"/sbin/ifconfig {label} {address} broadcast {address} netmask 255.255.255.255 up")
            lines.append(f"/sbin/route add -host {address} dev {label}")
        return "".join(f"{line}\n" for line in lines)

    def recipe_away(self, services: Sequence[int]) -> str:
        """The way back. The host route is not taken away: the kernel drops it together with its address."""
        lines = ["#!/bin/bash", *(f"/sbin/ifconfig {INTERFACE}:{service} down" for service in services)]
        lines += ["/sbin/ipvsadm -C", "echo 0 > /proc/sys/net/ipv4/ip_forward"]
        return "".join(f"{line}\n" for line in lines)


def vip(service: int) -> str:
    """The service's virtual address."""
    return f"192.168.1.{service}"


CLUSTERS = (Cluster(1, 2), Cluster(10, 10), Cluster(50, 20, parts=10))
