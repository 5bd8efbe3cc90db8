"""A packet filter, whichever tool has written it: tables of chains of rules, in the few words that questions need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: What a match that nobody here understands is called: it may hold of a packet or not.
OTHER = "other"


@dataclass(frozen=True)
class Match:
    """One condition of a rule; it holds where one of the values does, or, ``negated``, where none does.

    ``what``: family ("4", "6"), protocol, source, destination (networks, or ranges "first-last"), sport, dport ("80"
    or "80:90"), state (NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED), syn (no value), in, out (interface; a "+" at
    its end stands for anything), icmp ("3", "3/4"), mark ("0x7/0xff"), ipvs (no value), or OTHER with its text.
    """

    what: str
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class Rule:
    """``action``: accept, drop, reject, return, jump, goto, continue (it decides nothing), or unknown.

    ``target``: the chain of a jump or goto, or what else is done: MARK, MASQUERADE, SNAT, DNAT, REDIRECT, TPROXY,
    NOTRACK; ``value`` is the mark that is set. ``text``: the rule as people know it.
    """

    text: str
    matches: tuple[Match, ...] = ()
    action: str = "continue"
    target: str = ""
    value: str = ""


@dataclass(frozen=True)
class Chain:
    """``hook``: prerouting, input, forward, output or postrouting; "" for a chain that is only jumped to."""

    name: str
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Table:
    """``family``: ip, ip6, inet, arp, bridge or netdev."""

    family: str
    name: str
    chains: Mapping[str, Chain] = field(default_factory=dict)

    def concerns(self, family: int) -> bool:
        """Whether it sees packets of IPv4 (4) or IPv6 (6)."""
        return self.family in ("inet", "ip6" if family == 6 else "ip")


@dataclass(frozen=True)
class Firewall:
    """Every table of the machine."""

    tables: tuple[Table, ...] = ()

    def bases(self, hook: str, family: int) -> Iterator[tuple[Table, Chain]]:
        """The chains that packets of a family (4 or 6) pass at a hook, in the order of their priorities."""
        found = [
            (table, chain)
            for table in self.tables
            if table.concerns(family)
            for chain in table.chains.values()
            if chain.hook == hook
        ]
        return iter(sorted(found, key=lambda each: each[1].priority))


def joined(first: Firewall, second: Firewall) -> Firewall:
    """One firewall of what two tools show; a table that both show counts once, as the first has it.

    Debian's iptables writes tables that nft lists as well, where not every match can be read.
    """
    known = {(table.family, table.name): set(table.chains) for table in first.tables}
    others = (
        table
        for table in second.tables
        if not any(chain in known.get((table.family, table.name), ()) for chain in table.chains)
    )
    return Firewall((*first.tables, *others))
