"""Whether parts of a Snapshot are what rules can work with: addresses that are some, ports that there are."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from lvs_init.doctor import snapshot as parts

_WORD = re.compile(r"(?!-)[A-Za-z0-9_.:@+-]*")


def _address(text: str) -> bool:
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False


def _network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text == "default"
    return True


def _maybe(text: str) -> bool:
    return text == "" or _address(text)


def _port(number: int) -> bool:
    return 0 <= number <= 65535


def _named(*words: str) -> bool:
    """Whether these stand in a command, that an admin pastes, for nothing but themselves."""
    return all(_WORD.fullmatch(word) for word in words)


def _prefix(entry: parts.Address) -> bool:
    sound = _address(entry.address) and 0 <= entry.prefix <= (128 if ":" in entry.address else 32)
    return sound and _named(entry.interface, entry.label)


#: Kind -> whether such a thing is sound.
CHECKS: Mapping[type[Any], Callable[[Any], bool]] = {
    parts.Address: _prefix,
    parts.Answered: lambda each: _address(each.address),
    parts.Interface: lambda each: _named(each.name, each.master, each.kind),
    parts.Listener: lambda each: _address(each.address) and _port(each.port) and each.protocol in ("tcp", "udp"),
    parts.LiveServer: lambda each: (
        _address(each.address) and _port(each.port) and each.forwarding in ("dr", "nat", "tun", "local")
    ),
    parts.LiveService: lambda each: (
        each.protocol in ("tcp", "udp", "sctp", "fwmark")
        and (_maybe(each.address) if each.protocol == "fwmark" else _address(each.address))
        and _port(each.port)
        and each.family in (4, 6, None)
    ),
    parts.Neighbour: lambda each: _address(each.address) and _named(each.device),
    parts.Route: lambda each: (
        _network(each.to)
        and _maybe(each.via)
        and each.family in (4, 6)
        and _named(each.table, each.type, each.device, each.source, each.scope)
    ),
    parts.RouteAnswer: lambda each: (
        _address(each.to) and all(map(_maybe, (each.source, each.via, each.preferred))) and _named(each.device)
    ),
    parts.SyncDaemon: lambda each: _named(each.interface),
    parts.Snapshot: lambda each: all(map(_address, each.clients)),
}
