"""What a packet filter does with a packet, said only where it is certain.

A question leaves open what it does not know (which client asks?), and rules may ask what nobody here understands; then
the answer is ``unknown``, never a guess.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from lvs_init.model.address import family_of
from lvs_init.model.firewall import Chain, Firewall, Match, Rule, Table

ACCEPT, DROP, UNKNOWN = "accept", "drop", "unknown"
_CONTINUE = "continue"
_TRACKING = -200  # the priority of connection tracking (NF_IP_PRI_CONNTRACK)

#: Chain -> its outcomes, each with the rule or policy that brings it about first. A chain that is being walked has
#: every outcome: the kernel refuses loops, a forged snapshot may hold one.
_Walked = dict[str, dict[str, str]]


class Packet(NamedTuple):
    """ "" and None: any. ``interface``: where it came in; it is never "lo" here unless it says so.

    ``state``: NEW, ESTABLISHED, RELATED, INVALID or UNTRACKED. ``syn``: whether it opens a TCP connection.
    """

    family: int
    protocol: str = "tcp"
    source: str = ""
    destination: str = ""
    sport: int | None = None
    dport: int | None = None
    state: str = ""
    syn: bool | None = None
    interface: str = ""
    out: str = ""
    icmp: str = ""  # "3/4"


class Fate(NamedTuple):
    """``verdict``: accept, drop or unknown; ``rule``: what drops it, in the words of who wrote it; and in which chain
    of which table its way there began."""

    verdict: str
    rule: str = ""
    table: Table | None = None
    chain: Chain | None = None


def fate(firewall: Firewall, hook: str, packet: Packet, below: int = 98) -> Fate:
    """What becomes of a packet at a hook, in the chains whose priority is below the one given.

    IPVS takes its packets at input with priority 98 and 99 (Linux 6.1 net/netfilter/ipvs/ip_vs_core.c ip_vs_ops4):
    what comes later never sees them.
    """
    verdict = ACCEPT
    for table, chain in firewall.bases(hook, packet.family):
        if chain.priority >= below:
            continue
        outcomes = dict(_walk(table, chain, packet, {}))
        dropped = outcomes.pop(DROP, None)
        if dropped is not None and not outcomes:
            return Fate(DROP, dropped, table, chain)
        if dropped is not None:
            verdict = UNKNOWN
    return Fate(verdict)


def arrives(firewall: Firewall, packet: Packet, below: int = 98) -> Fate:
    """Whether a packet for this machine gets through prerouting and input, by default to where IPVS waits for it."""
    packet = packet._replace(state=_state(firewall, packet))
    before = fate(firewall, "prerouting", packet)
    if before.verdict == DROP:
        return before
    after = fate(firewall, "input", packet, below)
    return before if after.verdict == ACCEPT else after


def passes(firewall: Firewall, hook: str, packet: Packet) -> Fate:
    """The same for a packet that goes on from here: hook forward."""
    return fate(firewall, hook, packet._replace(state=_state(firewall, packet)))


def _state(firewall: Firewall, packet: Packet) -> str:
    """The state that connection tracking gives it: UNTRACKED where a rule says so before tracking begins."""
    found = [
        certain
        for rule, certain in rules_reached(firewall, "prerouting", packet, below=_TRACKING)
        if rule.target == "NOTRACK"
    ]
    if any(found):
        return "UNTRACKED"
    return "" if found else packet.state


def rules_reached(firewall: Firewall, hook: str, packet: Packet, below: int = 1 << 31) -> Iterator[tuple[Rule, bool]]:
    """Every rule of a hook that may concern the packet, and whether it does for certain."""
    for table, chain in firewall.bases(hook, packet.family):
        if chain.priority < below:
            yield from _passed(table, chain, packet, True, set())


def redirected(firewall: Firewall, packet: Packet) -> bool:
    """Whether prerouting may give the packet another destination, or a local socket: REDIRECT, DNAT or TPROXY."""
    reached = rules_reached(firewall, "prerouting", packet)
    return any(rule.target in ("REDIRECT", "DNAT", "TPROXY") for rule, _ in reached)


def holds(rule: Rule, packet: Packet) -> bool | None:
    """Whether a rule's conditions hold of the packet; None: that depends on what the question leaves open."""
    answers = [_match(match, packet) for match in rule.matches]
    if False in answers:
        return False
    return None if None in answers else True


def _walk(table: Table, chain: Chain, packet: Packet, walked: _Walked) -> dict[str, str]:
    """Every outcome that is possible: accept, drop, continue for a return."""
    if chain.name in walked:
        return walked[chain.name]
    walked[chain.name] = dict.fromkeys((ACCEPT, DROP, _CONTINUE), f"chain {chain.name}")
    found: dict[str, str] = {}
    for rule in chain.rules:
        answer = holds(rule, packet)
        if answer is False:
            continue
        outcomes = _outcomes(table, rule, packet, walked)
        ends = rule.action in ("return", "goto")
        for outcome, why in outcomes.items():
            if outcome != _CONTINUE:
                found.setdefault(outcome, why)
            elif ends:
                found.setdefault(_end(chain), why)
        if answer and (ends or _CONTINUE not in outcomes):
            break
    else:
        found.setdefault(_end(chain), f"policy {chain.policy.upper()} of {chain.name}")
    walked[chain.name] = found
    return found


def _end(chain: Chain) -> str:
    """What a chain comes to when its rules have not decided."""
    if not chain.hook:
        return _CONTINUE
    return DROP if chain.policy == "drop" else ACCEPT


def _outcomes(table: Table, rule: Rule, packet: Packet, walked: _Walked) -> dict[str, str]:
    if rule.action == "accept":
        return {ACCEPT: rule.text}
    if rule.action in ("drop", "reject"):
        return {DROP: rule.text}
    if rule.action in ("continue", "return"):
        return {_CONTINUE: rule.text}
    if rule.action in ("jump", "goto") and rule.target in table.chains:
        return _walk(table, table.chains[rule.target], packet, walked)
    return dict.fromkeys((ACCEPT, DROP, _CONTINUE), rule.text)


def _passed(table: Table, chain: Chain, packet: Packet, sure: bool, visited: set[str]) -> Iterator[tuple[Rule, bool]]:
    """The rules that the packet may meet, until one ends the chain for certain; each chain once."""
    visited.add(chain.name)
    for rule in chain.rules:
        answer = holds(rule, packet)
        if answer is False:
            continue
        certain = sure and answer is True
        yield rule, certain
        if rule.action in ("jump", "goto") and rule.target in table.chains and rule.target not in visited:
            yield from _passed(table, table.chains[rule.target], packet, certain, visited)
        if rule.action not in ("continue", "jump"):
            if answer is True:
                return
            sure = False


def _match(match: Match, packet: Packet) -> bool | None:
    answer = _answer(match, packet)
    return answer if answer is None or not match.negated else not answer


def _answer(match: Match, packet: Packet) -> bool | None:
    what, values = match.what, match.values
    if what == "family":
        return str(packet.family) in values
    if what == "protocol":
        return packet.protocol in values or "all" in values
    if what == "source":
        return _inside(packet.source, values)
    if what == "destination":
        return _inside(packet.destination, values)
    if what in ("sport", "dport"):
        return _port(packet.sport if what == "sport" else packet.dport, values)
    if what == "state":
        return packet.state in values if packet.state else None
    if what == "syn":
        return packet.syn if packet.protocol == "tcp" else False
    if what == "in":
        return _device(packet.interface, values)
    if what == "out":
        return _device(packet.out, values)
    if what == "icmp":
        return _icmp(packet.icmp, values)
    return None


def _inside(address: str, networks: tuple[str, ...]) -> bool | None:
    if any(network in ("0.0.0.0/0", "::/0") for network in networks):
        return True
    if not address:
        return None
    return any(_holds(network, address) for network in networks)


def _holds(network: str, address: str) -> bool:
    first, dash, last = network.partition("-")
    try:
        if dash:
            ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
            return family_of(address) == ends[0].version and int(ends[0]) <= _number(address) <= int(ends[1])
        found = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    return found.version == family_of(address) and ipaddress.ip_address(address) in found


def _number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def _port(port: int | None, values: tuple[str, ...]) -> bool | None:
    if port is None:
        return None
    for value in values:
        low, _, high = value.partition(":")
        if not (low.isdecimal() and (high or low).isdecimal()):
            return None
        if int(low) <= port <= int(high or low):
            return True
    return False


def _device(name: str, values: tuple[str, ...]) -> bool | None:
    if not name:
        return False if values == ("lo",) else None
    return any(name.startswith(value[:-1]) if value.endswith("+") else name == value for value in values)


def _icmp(kind: str, values: tuple[str, ...]) -> bool | None:
    if not kind:
        return None
    if not all(value.replace("/", "").isdecimal() for value in values):
        return None
    return any(kind == value or kind.partition("/")[0] == value for value in values)
