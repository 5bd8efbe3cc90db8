"""How single values of the file are read: raw TOML value -> typed, canonical value, or ``Unfit`` with the reason.

A reader is a value of its own, so that one object drives validation and the tables of docs/configuration.md: ``kind``
is what TOML calls the type, ``allowed`` says which values of it are taken.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import NamedTuple, Union

from lvs_init.config.cluster import Vip
from lvs_init.model.address import full_prefix, prefix_of

#: Linux net/core/dev.c dev_valid_name and IFNAMSIZ, which counts the closing zero; labels share the limit.
LONGEST_INTERFACE = 15

_DEVICE = re.compile(r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+=,-]*")
_LABEL = re.compile(r"[A-Za-z0-9_.-]+")


class Unfit(ValueError):
    """The value cannot be taken. ``hint``: what to write instead, may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _unquoted(raw: object) -> str:
    return "write it without quotes" if isinstance(raw, str) and raw.isdecimal() else ""


@dataclass(frozen=True)
class Boolean:
    """true or false."""

    kind = "boolean"
    allowed = "true, false"

    def read(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise Unfit("must be true or false", "write it without quotes" if isinstance(raw, str) else "")
        return raw


@dataclass(frozen=True)
class Integer:
    """A whole number within bounds, both included. TOML's booleans are none."""

    low: int
    high: int
    kind = "integer"

    @property
    def allowed(self) -> str:
        return f"{self.low} to {self.high}"

    def read(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not self.low <= raw <= self.high:
            raise Unfit(f"must be an integer from {self.allowed}", _unquoted(raw))
        return raw


@dataclass(frozen=True)
class Choice:
    """One word of several."""

    options: tuple[str, ...]
    kind = "string"

    @property
    def allowed(self) -> str:
        return ", ".join(self.options)

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or raw not in self.options:
            raise Unfit(f"must be one of {self.allowed}")
        return raw


@dataclass(frozen=True)
class Name:
    """The cluster's name, which becomes part of file names."""

    kind = "string"
    allowed = "1 to 32 letters, digits, `.`, `_`, `-`; the first a letter or digit"
    _pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not self._pattern.fullmatch(raw):
            raise Unfit(
                "must be a name of 1 to 32 letters, digits, '.', '_' and '-' that begins with a letter or digit"
            )
        return raw


@dataclass(frozen=True)
class Interface:
    """A network device; with ``label``, also a device and a label ("eth0:1")."""

    label: bool = False
    kind = "string"

    @property
    def allowed(self) -> str:
        return "a network interface" + (", or one with a label (`eth0:1`)" if self.label else "")

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw:
            raise Unfit("must be the name of a network interface")
        device, colon, label = raw.partition(":")
        if colon and not self.label:
            raise Unfit(
                "must be an interface without a label", f"write '{device}'" if _DEVICE.fullmatch(device) else ""
            )
        if len(raw) > LONGEST_INTERFACE:
            what = "an interface and its label" if colon else "the name of an interface"
            raise Unfit(f"must have at most {LONGEST_INTERFACE} characters, as {what} in Linux")
        if not _DEVICE.fullmatch(device) or device in (".", ".."):
            raise Unfit("must be the name of a network interface: no blanks, no '/', no '-' at its beginning")
        if colon and not _LABEL.fullmatch(label):
            raise Unfit("must have a label after the ':'", f"as in '{device}:1'")
        return raw


@dataclass(frozen=True)
class Address:
    """A unicast IPv4 or IPv6 address -> its canonical text. Loopback addresses are taken with ``loopback`` only."""

    loopback: bool = False
    kind = "string"
    allowed = "an IPv4 or IPv6 address"

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise Unfit("must be an IPv4 or IPv6 address in quotes")
        if "/" in raw:
            raise Unfit("must be an address without a prefix length", "leave out the '/' and what follows")
        return self.unicast(raw)

    def unicast(self, text: str) -> str:
        """Canonical text of an address that a machine can own. A zone or a name is none."""
        if "%" in text:
            raise Unfit("must be an address without a zone", "leave out the '%' and what follows")
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Unfit("must be an IPv4 or IPv6 address", "names are not resolved: write the address") from None
        if address.is_unspecified or (address.version == 4 and int(address) < 1 << 24):
            raise Unfit("must be the address of a machine, not an unspecified one")
        if address.is_multicast:
            raise Unfit("must be a unicast address, not a multicast one")
        canonical = str(address)
        if canonical == "255.255.255.255":
            raise Unfit("must be a unicast address, not the broadcast address")
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                raise Unfit("must not be an IPv4 address in IPv6 form", f"write '{address.ipv4_mapped}'")
            if address.is_link_local:
                raise Unfit("must not be link-local: IPVS has no place for the interface that it belongs to")
        if address.is_loopback and not self.loopback:
            raise Unfit("must not be a loopback address")
        return canonical


@dataclass(frozen=True)
class AddressWithPrefix:
    """``a.b.c.d`` or ``a.b.c.d/24`` -> Vip; alone it has the prefix length 32 or 128."""

    kind = "string"
    allowed = "an IPv4 or IPv6 address, alone or with `/` and a prefix length"

    def read(self, raw: object) -> Vip:
        if not isinstance(raw, str):
            raise Unfit("must be an IPv4 or IPv6 address in quotes")
        text, slash, length = raw.partition("/")
        address = Address().unicast(text)
        full = full_prefix(address)
        if not slash:
            return Vip(address, full)
        # isdecimal alone takes the digits of every script.
        if not (length.isascii() and length.isdecimal() and len(length) <= 3 and 1 <= int(length) <= full):
            raise Unfit(f"must have a prefix length from 1 to {full} after the '/'")
        prefix = int(length)
        network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
        if prefix < full - 1 and address == str(network.network_address):
            raise Unfit(f"must be an address in the network {network}, not the network itself")
        if network.version == 4 and prefix < 31 and address == str(network.broadcast_address):
            raise Unfit(f"must not be the broadcast address of {network}")
        return Vip(address, prefix)


@dataclass(frozen=True)
class Persistence:
    """Seconds, or true for the kernel's own default -> seconds. ipvsadm(8) -p; its parser takes 31 days at most."""

    kind = "integer or boolean"
    allowed = "1 to 2678400, or true for 300"

    def read(self, raw: object) -> int | None:
        if isinstance(raw, bool):
            return 300 if raw else None
        if not isinstance(raw, int) or not 1 <= raw <= 31 * 86400:
            raise Unfit("must be an integer from 1 to 2678400, or true for 300", _unquoted(raw))
        return raw


@dataclass(frozen=True)
class Share:
    """A part of all: a number from 0 to 1, or text with a percent sign -> the number."""

    kind = "number or string"
    allowed = '0.0 to 1.0, or `"0%"` to `"100%"`'

    def read(self, raw: object) -> float:
        if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,3} ?%", raw) and int(raw.rstrip(" %")) <= 100:
            return int(raw.rstrip(" %")) / 100
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= 1:
            raise Unfit("must be a share: a number from 0.0 to 1.0, or such as '25%'")
        return float(raw)


@dataclass(frozen=True)
class Seconds:
    """A time in seconds, whole or not; milliseconds are the finest that Heartbeat reads (ha.cf: ``200ms``)."""

    low: float
    high: float
    kind = "number"

    @property
    def allowed(self) -> str:
        return f"{self.low} to {self.high}"

    def read(self, raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not self.low <= raw <= self.high:
            raise Unfit(f"must be a number of seconds from {self.allowed}", _unquoted(raw))
        return round(raw, 3)


@dataclass(frozen=True)
class NodeName:
    """A machine's name as both Heartbeat, which turns capital letters into small ones, and Pacemaker know it."""

    kind = "string"
    allowed = "what `uname -n` prints, without capital letters"
    _pattern = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

    def read(self, raw: object) -> str:
        if isinstance(raw, str) and self._pattern.fullmatch(raw):
            return raw
        if isinstance(raw, str) and self._pattern.fullmatch(raw.lower()):
            raise Unfit(
                "must have small letters alone: Heartbeat makes them small, Pacemaker does not",
                f"call the machine {raw.lower()!r} (hostnamectl, /etc/hostname)",
            )
        raise Unfit("must be the name of a machine", "write what 'uname -n' prints there")


@dataclass(frozen=True)
class Multicast:
    """An address of a multicast group -> its canonical text; IPv6 where ``both``."""

    both: bool = False
    kind = "string"

    @property
    def allowed(self) -> str:
        return "a multicast address, 224.0.0.0/4" + (" or ff00::/8" if self.both else "")

    def read(self, raw: object) -> str:
        try:
            address = ipaddress.ip_address(raw) if isinstance(raw, str) and "%" not in raw else None
        except ValueError:
            address = None
        if address is None or not address.is_multicast or (address.version == 6 and not self.both):
            raise Unfit(f"must be {self.allowed}", "for example '239.255.81.1'")
        return str(address)


@dataclass(frozen=True)
class Device:
    """A type of STONITH device."""

    kind = "string"
    allowed = "a plugin of `stonith -L` (Heartbeat) or a `fence_` agent (Pacemaker)"
    _pattern = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_.-]{1,64})?")

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not self._pattern.fullmatch(raw) or raw.startswith("-"):
            raise Unfit("must be a type of STONITH device", "'stonith -L' and 'ls /usr/sbin/fence_*' list them")
        return raw


class Mask(NamedTuple):
    """A prefix length, and whether it was written as a dotted mask, which only IPv4 knows."""

    prefix: int
    dotted: bool


@dataclass(frozen=True)
class Netmask:
    """A dotted mask (IPv4) or a prefix length (both families) -> prefix length. ipvsadm(8) -M."""

    kind = "string or integer"
    allowed = "`255.255.255.0` (IPv4 only), or a prefix length from 1 to 32 (IPv4) or 128 (IPv6)"

    def read(self, raw: object) -> Mask:
        if isinstance(raw, str):
            try:
                # A dotted mask begins with a one: otherwise ipaddress would take "0.0.0.255" as a host mask.
                if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", raw) and int(raw.split(".")[0]) >= 128:
                    return Mask(prefix_of(raw), dotted=True)
            except ValueError:
                pass
            raise Unfit(
                "must be a network mask without holes, such as '255.255.255.0', or a prefix length without quotes"
            )
        if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= 128:
            raise Unfit("must be a network mask such as '255.255.255.0' or a prefix length")
        return Mask(raw, dotted=False)


@dataclass(frozen=True)
class Array:
    """An array whose elements one reader takes."""

    element: Choice | AddressWithPrefix | Address | NodeName

    @property
    def kind(self) -> str:
        return f"array of {self.element.kind}s"

    @property
    def allowed(self) -> str:
        return self.element.allowed


@dataclass(frozen=True)
class Table:
    """A table with keys of its own, described in the schema under ``name``; with ``many``, an array of them.

    ``named``: the tables in it have names of the user's choice, as ``[node.NAME]``. ``holds``: so have the keys, and
    this says in words what they and their values are.
    """

    name: str
    many: bool = False
    named: bool = False
    holds: str = ""

    @property
    def kind(self) -> str:
        return "array of tables" if self.many else "table"

    @property
    def allowed(self) -> str:
        return self.holds or "see below"


Reader = Union[
    Boolean, Integer, Choice, Name, Interface, Address, AddressWithPrefix, Persistence, Netmask, Share, Seconds,
    NodeName, Multicast, Device, Array, Table,
]  # fmt: skip
