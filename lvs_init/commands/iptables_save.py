"""iptables-save(8) and ip6tables-save(8): every table of a family, as rules that can be asked questions."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

from lvs_init.commands.command import Command
from lvs_init.model.firewall import OTHER, Chain, Firewall, Match, Rule, Table

SAVE = {4: Command(("iptables-save",)), 6: Command(("ip6tables-save",))}

#: Where the tables' chains are among those of other tables (Linux include/uapi/linux/netfilter_ipv4.h NF_IP_PRI_*).
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT = 100  # nat's INPUT and POSTROUTING

_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
#: Targets after which a packet goes on to the next rule (iptables-extensions(8)).
_PASSING = {
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "ECN", "HL", "HMARK", "LED", "LOG",
    "MARK", "NFLOG", "NOTRACK", "RATEEST", "SECMARK", "SET", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TRACE", "TTL",
}  # fmt: skip
#: Targets that end the table and let the packet go on, somewhere.
_SENDING = {"BALANCE", "DNAT", "DNPT", "MASQUERADE", "NETMAP", "REDIRECT", "SAME", "SNAT", "SNPT", "TPROXY"}

#: As getprotobyname(3) and the protocols' own matches write them.
_PROTOCOLS = {"icmpv6": "ipv6-icmp", "icmp6": "ipv6-icmp", "58": "ipv6-icmp", "4": "ipencap", "ipip": "ipencap",
              "1": "icmp", "6": "tcp", "17": "udp", "132": "sctp"}  # fmt: skip

_OPTIONS: dict[str, tuple[str, Callable[[str], tuple[str, ...]]]] = {
    "-p": ("protocol", lambda text: (protocol(text),)),
    "-s": ("source", lambda text: (text,)),
    "-d": ("destination", lambda text: (text,)),
    "-i": ("in", lambda text: (text,)),
    "-o": ("out", lambda text: (text,)),
    "--src-range": ("source", lambda text: (text,)),
    "--dst-range": ("destination", lambda text: (text,)),
    **dict.fromkeys(("--sport", "--sports"), ("sport", lambda text: tuple(text.split(",")))),
    **dict.fromkeys(("--dport", "--dports"), ("dport", lambda text: tuple(text.split(",")))),
    "--ctstate": ("state", lambda text: tuple(text.split(","))),
    "--state": ("state", lambda text: tuple(text.split(","))),
    "--icmp-type": ("icmp", lambda text: () if text in ("any", "255") else (text,)),
    "--icmpv6-type": ("icmp", lambda text: (text,)),
    "--mark": ("mark", lambda text: (text,)),
}
#: Matches all of whose options are known here, or, like a comment, do not matter.
_MATCHING = {
    "comment", "conntrack", "icmp", "icmp6", "iprange", "mark", "multiport", "sctp", "state", "tcp", "udp",
}  # fmt: skip
_SYN = ("FIN,SYN,RST,ACK", "SYN")  # what --syn is printed as
_MARKS = ("--set-xmark", "--set-mark", "--or-mark")


def protocol(name: str) -> str:
    """One name for a protocol that has several: ``4`` and ``ipip`` are ``ipencap``, ``icmpv6`` is ``ipv6-icmp``."""
    return _PROTOCOLS.get(name.lower(), name.lower())


def parse(text: str, family: int) -> Firewall:
    """``family``: 4 for what iptables-save prints, 6 for ip6tables-save. Raises ValueError for what neither prints."""
    tables: list[Table] = []
    chains: dict[str, Chain] = {}
    rules: dict[str, list[Rule]] = {}
    for row in (row.strip() for row in text.splitlines()):
        if row.startswith("*"):
            chains, rules = {}, {}
            tables.append(Table("ip6" if family == 6 else "ip", row[1:], chains))
        elif row.startswith(":") and tables:
            name, policy = (*row[1:].split(), "-", "-")[:2]
            chains[name] = _chain(name, policy, tables[-1].name)
        elif row == "COMMIT":
            chains.update({name: replace(chains[name], rules=tuple(own)) for name, own in rules.items()})
        elif row and not row.startswith("#"):
            words = shlex.split(row)
            if len(words) < 2 or words[0] != "-A" or words[1] not in chains:
                raise ValueError(f"no rule of a chain: {row[:80]}")
            table = "" if tables[-1].name == "filter" else f"-t {tables[-1].name} "
            rules.setdefault(words[1], []).append(replace(_rule(words, set(chains)), text=table + row))
    return Firewall(tuple(tables))


def _chain(name: str, policy: str, table: str) -> Chain:
    if policy == "-":
        return Chain(name)
    late = table == "nat" and name in ("INPUT", "POSTROUTING")
    priority = _SOURCE_NAT if late else _PRIORITIES.get(table, 0)
    return Chain(name, name.lower(), priority, _VERDICTS.get(policy, "accept"))


def _rule(words: list[str], chains: set[str]) -> Rule:
    matches: list[Match] = []
    negated, position = False, 2
    while position < len(words):
        word, following = words[position], words[position + 1] if position + 1 < len(words) else ""
        if word in ("-j", "-g"):
            return Rule("", tuple(matches), *_action(word, following, words[position + 2 :], chains))
        if word == "!":
            negated, position = True, position + 1
            continue
        match, position = _match(words, position, following, negated)
        if match is not None:
            matches.append(match)
        negated = False
    return Rule("", tuple(matches))


def _match(words: list[str], position: int, following: str, negated: bool) -> tuple[Match | None, int]:
    """The condition that begins at the position, if it is one, and where the next one begins."""
    word = words[position]
    if word == "--comment" or (word == "-m" and following in _MATCHING):
        return None, position + 2
    if word == "-m":
        return Match("ipvs") if following == "ipvs" else Match(OTHER, (following,)), position + 2
    if word == "--ipvs" and not negated:  # -m ipvs has said it
        return None, position + 1
    if word == "--tcp-flags":
        flags = tuple(words[position + 1 : position + 3])
        return Match("syn" if flags == _SYN else OTHER, (), negated), position + 3
    if word in _OPTIONS:
        what, read = _OPTIONS[word]
        values = read(following)
        return Match(what, values, negated) if values else None, position + 2
    end = position + 1
    while end < len(words) and not words[end].startswith("-") and words[end] != "!":
        end += 1
    return Match(OTHER, (" ".join(words[position:end]),), negated), end


def _action(word: str, target: str, rest: list[str], chains: set[str]) -> tuple[str, str, str]:
    """A rule's action, target and value."""
    if target in chains:
        return "goto" if word == "-g" else "jump", target, ""
    if target in _VERDICTS:
        return _VERDICTS[target], "", ""
    if target in _SENDING:
        return "accept", target, ""
    if target == "CT" and "--notrack" in rest:
        return "continue", "NOTRACK", ""
    if target == "MARK":
        return (
            "continue",
            target,
            next((rest[place + 1] for place in range(len(rest) - 1) if rest[place] in _MARKS), ""),
        )
    return "continue" if target in _PASSING else "unknown", target, ""
