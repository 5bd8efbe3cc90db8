"""Rules that let a packet through a firewall: ahead of all others, in the chain where it is dropped."""

from __future__ import annotations

import shlex

from lvs_init.doctor.finding import Fix, by_command, by_hand
from lvs_init.doctor.verdict import Fate, Packet
from lvs_init.model.firewall import Chain, Table

_NAMES = {"ipencap": "4", "ipv6-icmp": "icmpv6"}


def let_in(fate: Fate, packet: Packet) -> Fix:
    """A rule without a state, for the chain that the packet is dropped in. Never carried out by ``--fix``."""
    if fate.table is None or fate.chain is None:
        return by_hand(f"accept {packet.protocol} packets to {packet.destination or 'it'}")
    if fate.table.family in ("ip", "ip6") and fate.chain.name == fate.chain.hook.upper():
        return by_command(_iptables(fate.table, fate.chain, packet))
    return by_command(_nft(fate.table, fate.chain, packet))


def _iptables(table: Table, chain: Chain, packet: Packet) -> str:
    words = ["ip6tables" if packet.family == 6 else "iptables"]
    if table.name != "filter":
        words += ["-t", table.name]
    words += ["-I", chain.name]
    for option, value in (("-s", packet.source), ("-d", packet.destination)):
        words += [option, value] if value else []
    words += ["-p", _NAMES.get(packet.protocol, packet.protocol)]
    for option, port in (("--sport", packet.sport), ("--dport", packet.dport)):
        words += [option, str(port)] if port else []
    if packet.icmp:
        words += ["--icmpv6-type" if packet.family == 6 else "--icmp-type", packet.icmp]
    return shlex.join((*words, "-j", "ACCEPT"))


def _nft(table: Table, chain: Chain, packet: Packet) -> str:
    family = "ip6" if packet.family == 6 else "ip"
    words = ["nft", "insert", "rule", table.family, table.name, chain.name]
    for field, value in (("saddr", packet.source), ("daddr", packet.destination)):
        words += [family, field, value] if value else []
    ports = [(field, port) for field, port in (("sport", packet.sport), ("dport", packet.dport)) if port]
    for field, port in ports:
        words += [packet.protocol, field, str(port)]
    if packet.icmp:
        words += ["icmpv6" if packet.family == 6 else "icmp", "type", packet.icmp.partition("/")[0]]
    elif not ports:
        words += ["meta", "l4proto", _NAMES.get(packet.protocol, packet.protocol)]
    return shlex.join((*words, "accept"))
