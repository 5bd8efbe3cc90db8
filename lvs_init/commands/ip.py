"""ip(8) of iproute2: what ifconfig and route do, with the same result in the kernel, and in bulk.

That both leave the same addresses and routes is held by tests/lab/test_commands.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from lvs_init.commands.command import Command, bulk_timeout
from lvs_init.commands.ifconfig import LABEL_LIMIT
from lvs_init.model.address import family_of, full_prefix
from lvs_init.model.network import AddressKey, Alias, LinkKey, RouteKey
from lvs_init.model.state import Change


def address_add(key: AddressKey, alias: Alias) -> Command:
    """A label that the kernel has no room for is left out.

    An IPv6 address is deprecated from the start: it serves whoever asks for it, and the kernel does not choose it as
    the source of the machine's own packets (RFC 6724, rule 3). It would otherwise: a /128 wins against the interface's
    own /64 (rule 8), and a real server, which has the VIP as well, takes a tunnel's packet from there for its own.
    """
    argv = ["ip", "address", "add", f"{key.address}/{key.prefix}"]
    if alias.broadcast:
        argv += ["broadcast", alias.broadcast]
    if alias.label and len(alias.label) <= LABEL_LIMIT:
        argv += ["label", alias.label]
    argv += ["dev", key.interface]
    if family_of(key.address) == 6:
        argv += ["preferred_lft", "0"]
    return Command(tuple(argv))


def address_remove(key: AddressKey) -> Command:
    return Command(("ip", "address", "del", f"{key.address}/{key.prefix}", "dev", key.interface))


def route_add(key: RouteKey) -> Command:
    """The preferred source is the address itself, as route(8) makes it for a route through an alias.

    "append", as "add" refuses where another device has a host route to the address: a VIP on its way from lo to eth0.
    """
    return Command(("ip", "route", "append", _host(key), "dev", key.interface, "scope", "link", "src", key.address))


def route_delete(key: RouteKey) -> Command:
    return Command(("ip", "route", "del", _host(key), "dev", key.interface))


def link(key: LinkKey, value: str) -> Command:
    """``value``: up or down."""
    return Command(("ip", "link", "set", "dev", key.interface, value))


def change(change: Change) -> Command:
    """The command for one change of an address, a host route or a link. Raises TypeError for anything else."""
    key, after = change.key, change.after
    if isinstance(key, AddressKey):
        return address_add(key, after) if isinstance(after, Alias) else address_remove(key)
    if isinstance(key, RouteKey):
        return route_delete(key) if after is None else route_add(key)
    if isinstance(key, LinkKey) and isinstance(after, str):
        return link(key, after)
    raise TypeError(f"ip cannot make {after!r} of {key}")


def batch(changes: Sequence[Change]) -> Command:
    """All of them in one process, in order; ip stops at the first that fails and names its line."""
    lines = [" ".join(change(one).argv[1:]) for one in changes]
    return Command(
        ("ip", "-batch", "-"), stdin="".join(f"{line}\n" for line in lines), timeout=bulk_timeout(len(lines))
    )


def _host(key: RouteKey) -> str:
    return f"{key.address}/{full_prefix(key.address)}"
