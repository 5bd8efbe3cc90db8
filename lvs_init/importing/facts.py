"""What a script or a saved table says of a cluster, before it is given the form of a configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from lvs_init.model.address import canonical, full_prefix

#: What TOML can hold, as far as it is needed.
Plain = Union[bool, int, str, list[str]]


class Unfit(ValueError):
    """A command that the program itself would refuse, or that says what lvs.toml cannot."""


@dataclass
class RealServerFact:
    """``port`` 0: as its service's. ``attributes``: keys of lvs.toml."""

    line: int
    address: str
    port: int
    forwarding: str
    attributes: dict[str, Plain]


@dataclass
class ServiceFact:
    """``protocol`` "fwmark": then ``fwmark`` and ``family`` tell it from others, else ``address`` and ``port``."""

    line: int
    protocol: str
    address: str
    port: int
    fwmark: int
    family: int
    attributes: dict[str, Plain] = field(default_factory=dict)
    real_servers: dict[tuple[str, int], RealServerFact] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, int, int, int]:
        return (self.protocol, self.address, self.port, self.fwmark, self.family)

    @property
    def forwardings(self) -> set[str]:
        return {server.forwarding for server in self.real_servers.values()}


@dataclass(frozen=True)
class Alias:
    """An address that is brought up. ``guessed``: no mask was written, so that the class of the address gave one."""

    line: int
    device: str
    label: str  # "" where there is none, else with the device: "eth0:1"
    address: str
    prefix: int
    guessed: bool = False

    @property
    def alone(self) -> bool:
        return self.prefix == full_prefix(self.address)


@dataclass(frozen=True)
class Mark:
    """A firewall rule that marks. ``rest``: what else it asks of packets, which a match cannot."""

    line: int
    value: int
    address: str  # "" for any
    protocols: tuple[tuple[str, int], ...]
    rest: str
    text: str


@dataclass
class Facts:
    """Lines count from 1; 0 is "nowhere"."""

    services: dict[tuple[str, str, int, int, int], ServiceFact] = field(default_factory=dict)
    aliases: dict[tuple[str, str], Alias] = field(default_factory=dict)  # (device, address)
    routes: list[tuple[int, str, str]] = field(default_factory=list)  # line, address, command
    settings: dict[str, tuple[int, str]] = field(default_factory=dict)  # path with slashes
    marks: list[Mark] = field(default_factory=list)
    timeouts: dict[str, int] = field(default_factory=dict)
    cleared: int = 0
    flushed: int = 0
    forwards: bool = False


def address_of(text: str) -> str:
    """Canonical text. Raises Unfit for a name, since nothing is looked up."""
    try:
        return canonical(text.strip("[]"))
    except ValueError:
        raise Unfit(f"'{text}' is not an address, and names are not looked up") from None


def number_of(text: str, what: str, base: int = 10) -> int:
    """Raises Unfit."""
    try:
        if len(text) > 12 or not text.isascii() or "_" in text:
            raise ValueError(text)
        return int(text, base)
    except ValueError:
        raise Unfit(f"'{text}' is no {what}") from None
