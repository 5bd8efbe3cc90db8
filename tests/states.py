"""Random machines and random wishes over one small universe, so that they meet often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, TimeoutKey
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTable,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    ModuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.record import Record
from lvs_init.model.state import Key, Value
from lvs_init.plan.intent import Plan

SERVICES = (
    ServiceKey("tcp", "192.168.0.219", 80),
    ServiceKey("udp", "192.168.0.220", 53),
    ServiceKey("fwmark", fwmark=7),
)
RIPS = ("192.168.0.11", "192.168.0.12", "192.168.0.13")
SERVERS = {key: tuple(RealServerKey(key, rip, key.port) for rip in RIPS) for key in SERVICES}
ADDRESSES = tuple(AddressKey(device, f"192.168.0.{n}", 32) for device in ("eth0", "lo") for n in (219, 220))
FORWARD = SysctlKey("net/ipv4/ip_forward")
FORWARD6 = SysctlKey("net/ipv6/conf/all/forwarding")
SWITCHES = (
    FORWARD,
    SysctlKey("net/ipv4/conf/all/accept_redirects"),
    *(SysctlKey(f"net/ipv4/conf/{name}/forwarding") for name in ("default", "eth0", "eth1")),
    FORWARD6,
    *(SysctlKey(f"net/ipv6/conf/{name}/forwarding") for name in ("default", "eth0")),
)
LEVELS = (
    *(SysctlKey(f"net/ipv6/conf/{name}/accept_ra") for name in ("default", "eth0")),
    *(SysctlKey(f"net/ipv4/conf/{name}/arp_ignore") for name in ("all", "lo")),
)
TIMEOUTS = tuple(TimeoutKey(name) for name in ("tcp", "tcpfin", "udp"))
MARKS = (MarkRuleKey("192.168.0.219", "tcp", 80, 7), MarkRuleKey("192.168.0.219", "", 0, 7))
MODULES = (ModuleKey("ip_vs"), ModuleKey("ipip"))
TUNNEL = LinkKey("tunl0")
RULES = (FilterTable(("*filter", "COMMIT")), FilterTable(("*filter", "-A INPUT -j DROP", "COMMIT")))

services = st.sampled_from((Service("rr"), Service("wlc"), Service("wrr", persistence=300, netmask=32)))
servers = st.builds(RealServer, st.sampled_from(("dr", "nat")), st.integers(0, 2))


def some(among: Sequence[Any]) -> st.SearchStrategy[list[Any]]:
    """A part of them, in their order."""
    bits = st.integers(0, 2 ** len(among) - 1)
    return bits.map(lambda drawn: [thing for number, thing in enumerate(among) if drawn >> number & 1])


def digits(base: int, count: int) -> st.SearchStrategy[list[int]]:
    """So many numbers below ``base``, at the price of one draw."""
    return st.integers(0, base**count - 1).map(lambda drawn: [drawn // base**place % base for place in range(count)])


@st.composite
def tables(draw: st.DrawFn, among: Sequence[ServiceKey] = SERVICES) -> dict[Key, Value]:
    table: dict[Key, Value] = {}
    for key in draw(some(among)):
        table[key] = draw(services)
        for server in draw(some(SERVERS[key])):
            table[server] = draw(servers)
    return table


@st.composite
def lives(draw: st.DrawFn) -> dict[Key, Value]:
    """A machine, whoever made it what it is."""
    live: dict[Key, Value] = draw(tables())
    for number, address in enumerate(draw(some(ADDRESSES))):
        live[address] = Alias(f"{address.interface}:{number}", address.address)
        if draw(st.booleans()):
            live[RouteKey(address.interface, address.address)] = Route()
    live.update({key: str(digit) for key, digit in zip(SWITCHES, draw(digits(2, len(SWITCHES))))})
    live.update({key: str(digit) for key, digit in zip(LEVELS, draw(digits(3, len(LEVELS))))})
    live.update({key: (30, 900)[digit] for key, digit in zip(TIMEOUTS, draw(digits(2, len(TIMEOUTS))))})
    live[TUNNEL] = draw(st.sampled_from(("up", "down")))
    live[FilterTableKey()] = draw(st.sampled_from(RULES))
    live.update(dict.fromkeys(draw(some((*MARKS, *MODULES))), "present"))
    live.update({key: "loaded" for key in live if isinstance(key, ModuleKey)})
    return live


def label_of(address: AddressKey) -> str:
    return f"{address.interface}:{ADDRESSES.index(address) + 1}"


@st.composite
def wishes(
    draw: st.DrawFn, among: Sequence[ServiceKey] = SERVICES, addresses: Sequence[AddressKey] = ADDRESSES
) -> dict[Key, Value | None]:
    """What a role may want. A setting is always wanted to be the same, so that two roles do not contradict."""
    wanted: dict[Key, Value | None] = dict.fromkeys(draw(some(MODULES)), "loaded")
    wanted.update(draw(tables(among)))
    for address in draw(some(addresses)):
        wanted[address] = Alias(label_of(address), address.address)
        if draw(st.booleans()):
            wanted[RouteKey(address.interface, address.address)] = Route(label_of(address))
    for key in draw(some((FORWARD, FORWARD6, *LEVELS[2:]))):
        wanted[key] = "1"
    wanted.update(dict.fromkeys(draw(some(TIMEOUTS)), 60))
    wanted.update(dict.fromkeys(draw(some(MARKS)), "present"))
    if draw(st.booleans()):
        wanted[TUNNEL] = "up"
    return wanted


@st.composite
def directors(draw: st.DrawFn) -> dict[Key, Value | None]:
    """As wishes, and the VIPs must not be on lo."""
    wanted = draw(wishes(addresses=ADDRESSES[:2]))
    for address in [key for key in wanted if isinstance(key, AddressKey)]:
        wanted[AddressKey("lo", address.address, 32)] = None
        wanted[RouteKey("lo", address.address)] = None
    return wanted


def record_of(plan: Plan, *, role: str = "director", instance: str = "web", complete: bool = True) -> Record:
    """What the engine remembers of a plan: at its end without the transient entries."""
    entries = {key: entry for key, entry in plan.entries.items() if not (complete and entry.transient)}
    return Record(role, instance, entries)
