"""nft(8): the ruleset as JSON (libnftables-json(5)), as rules that can be asked questions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lvs_init.commands.command import Command
from lvs_init.commands.iptables_save import protocol
from lvs_init.model.firewall import OTHER, Chain, Firewall, Match, Rule, Table

LIST = Command(("nft", "-j", "list", "ruleset"))

_META = {"iifname": "in", "iif": "in", "oifname": "out", "oif": "out", "l4proto": "protocol", "mark": "mark"}
_PAYLOAD = {"saddr": "source", "daddr": "destination", "sport": "sport", "dport": "dport", "type": "icmp"}
_FAMILIES = {"ip": "4", "ip6": "6", "ipv4": "4", "ipv6": "6"}
_ICMP = {"destination-unreachable": "3", "echo-request": "8", "echo-reply": "0", "time-exceeded": "11",
         "redirect": "5", "parameter-problem": "12"}  # fmt: skip
_ICMP6 = {"destination-unreachable": "1", "packet-too-big": "2", "time-exceeded": "3", "echo-request": "128",
          "echo-reply": "129", "nd-neighbor-solicit": "135", "nd-neighbor-advert": "136"}  # fmt: skip
_ACTIONS = {"accept", "drop", "goto", "jump", "reject", "return"}
_SENDING = {"dnat", "masquerade", "redirect", "snat", "tproxy"}
#: Statements that neither choose packets nor decide on them.
_PASSING = {"counter", "log", "comment", "mangle", "ct helper", "ct timeout", "flow", "dup", "set", "map"}


def parse(text: str) -> Firewall:
    """What ``nft -j list ruleset`` prints. Raises ValueError where it is no such JSON."""
    try:
        return _read(json.loads(text)["nftables"] if text.strip() else [])
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"no ruleset of nft: {type(error).__name__} {error}") from error


def _read(items: Iterable[Mapping[str, Mapping[str, Any]]]) -> Firewall:
    tables: dict[tuple[str, str], dict[str, Chain]] = {}
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for item in items:
        for kind, thing in item.items():
            if kind == "table":
                tables[str(thing["family"]), str(thing["name"])] = {}
            elif kind == "chain":
                tables[thing["family"], thing["table"]][thing["name"]] = _chain(thing)
            elif kind == "rule":
                rules.setdefault((thing["family"], thing["table"], thing["chain"]), []).extend(_rules(thing))
    for (family, table, name), own in rules.items():
        chains = tables[family, table]
        chains[name] = replace(chains[name], rules=tuple(own))
    return Firewall(tuple(Table(*place, chains) for place, chains in tables.items()))


def _chain(thing: Mapping[str, Any]) -> Chain:
    policy = str(thing.get("policy", "accept"))
    return Chain(str(thing["name"]), str(thing.get("hook", "")), int(thing.get("prio", 0)), policy)


def _rules(thing: Mapping[str, Any]) -> Iterator[Rule]:
    """One rule is as many as its verdict map has entries, else one."""
    text = f"{thing['family']} {thing['table']} {thing['chain']}: " + " ".join(_text(each) for each in thing["expr"])
    matches: list[Match] = []
    rule = Rule(text)
    for statement in thing["expr"]:
        ((kind, value),) = statement.items()
        if kind == "match":
            matches += _matches(value["left"], value["right"], value["op"])
        elif kind == "vmap":
            yield from _mapped(text, matches, value)
            return
        elif kind in _ACTIONS:
            rule = replace(rule, action=kind, target=_target(value))
        elif kind in _SENDING:
            rule = replace(rule, action="accept", target=kind.upper())
        elif kind == "notrack":
            rule = replace(rule, target="NOTRACK")
        elif kind == "mangle" and value.get("key") == {"meta": {"key": "mark"}}:
            rule = replace(rule, target="MARK", value=_flat(value.get("value")))
        elif kind in ("queue", "synproxy"):
            rule = replace(rule, action="unknown", target=kind)
        elif kind == "xt":  # of iptables, which alone can read it: a match or a target
            matches.append(Match(OTHER, (kind,)))
            rule = replace(rule, action="unknown" if rule.action == "continue" else rule.action)
        elif kind not in _PASSING:
            matches.append(Match(OTHER, (kind,)))
    yield replace(rule, matches=tuple(matches))


def _mapped(text: str, matches: list[Match], value: Mapping[str, Any]) -> Iterator[Rule]:
    entries = value["data"].get("set") if isinstance(value["data"], dict) else None
    if not isinstance(entries, list):
        yield Rule(text, tuple(matches), "unknown")
        return
    for key, verdict in entries:
        ((action, target),) = verdict.items()
        chosen = tuple(_matches(value["key"], key, "=="))
        shown = f"{text.partition(' vmap ')[0]} {_flat(value['key'])} {_flat(key)} : {_text(verdict)}"
        yield Rule(shown, (*matches, *chosen), action if action in _ACTIONS else "continue", _target(target))


def _target(value: Any) -> str:
    """The chain of a jump."""
    return str(value["target"]) if isinstance(value, dict) and "target" in value else ""


def _matches(left: Any, right: Any, operator: str) -> list[Match]:
    """The condition with what it takes for granted: a field of tcp is one of tcp packets alone."""
    what, implied = _subject(left)
    if what == "syn" and right == "syn":
        return [*implied, Match(what, (), operator == "!=")]
    values = _values(right, what, implied)
    if what in (OTHER, "syn") or values is None or operator not in ("==", "!=", "in"):
        return [*implied, Match(OTHER, (_text({"match": {"left": left, "right": right, "op": operator}}),))]
    return [*implied, Match(what, values, operator == "!=")]


def _subject(left: Any) -> tuple[str, list[Match]]:
    if not isinstance(left, dict) or len(left) != 1:
        return OTHER, []
    ((kind, value),) = left.items()
    if kind == "meta":
        return ("family" if value["key"] == "nfproto" else _META.get(value["key"], OTHER)), []
    if kind == "ct":
        return ("state" if value["key"] == "state" else OTHER), []
    if kind == "payload" and "protocol" in value:
        name, field = value["protocol"], value["field"]
        if name in ("ip", "ip6"):
            what = "protocol" if field in ("protocol", "nexthdr") else _PAYLOAD.get(field, OTHER)
            return what, [Match("family", (_FAMILIES[name],))]
        if (name, field) == ("tcp", "flags"):
            return "syn", [Match("protocol", ("tcp",))]
        return _PAYLOAD.get(field, OTHER), [] if name == "th" else [Match("protocol", (protocol(name),))]
    if kind == "&" and isinstance(value, list) and value[0] == {"payload": {"protocol": "tcp", "field": "flags"}}:
        return "syn" if {"fin", "syn", "rst", "ack"} == set(_flags(value[1])) else OTHER, [Match("protocol", ("tcp",))]
    return OTHER, []


def _values(right: Any, what: str, implied: list[Match]) -> tuple[str, ...] | None:
    """The values as text; None where they are in a named set, or of a kind that is not understood."""
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    values = []
    for value in right if isinstance(right, list) else [right]:
        if isinstance(value, dict) and "elem" in value:
            value = value["elem"].get("val")
        if isinstance(value, dict) and "prefix" in value:
            value = f"{value['prefix']['addr']}/{value['prefix']['len']}"
        elif isinstance(value, dict) and "range" in value:
            low, high = value["range"]
            value = f"{low}-{high}" if what in ("source", "destination") else f"{low}:{high}"
        if isinstance(value, (dict, list)) or (isinstance(value, str) and value.startswith("@")):
            return None
        values.append(_value(str(value), what, implied))
    return tuple(values)


def _flags(value: Any) -> list[str]:
    """``{"|": ["fin", "syn"]}``, however deep -> fin, syn."""
    if isinstance(value, dict):
        value = value["|"]
    return [flag for each in value for flag in _flags(each)] if isinstance(value, list) else [str(value)]


def _value(text: str, what: str, implied: list[Match]) -> str:
    if what == "state":
        return text.upper()
    if what == "protocol":
        return protocol(text)
    if what == "family":
        return _FAMILIES.get(text, text)
    if what == "icmp":
        return (_ICMP if Match("protocol", ("icmp",)) in implied else _ICMP6).get(text, text)
    if what in ("in", "out") and text.endswith("*"):
        return text[:-1] + "+"
    return text


def _text(statement: Mapping[str, Any]) -> str:
    """Something that its author recognises, on one line."""
    ((kind, value),) = statement.items()
    if kind == "match":
        sign = "" if value["op"] in ("==", "in") else f"{value['op']} "
        return f"{_flat(value['left'])} {sign}{_flat(value['right'])}"
    return kind if value is None or kind == "counter" else f"{kind} {_flat(value)}"


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return "{ " + ", ".join(_flat(each) for each in value) + " }"
    if not isinstance(value, dict):
        return str(value)
    if isinstance(value.get("prefix"), dict):
        return f"{value['prefix']['addr']}/{value['prefix']['len']}"
    if "range" in value:
        return "-".join(_flat(end) for end in value["range"])
    for kind in ("ct", "fib"):
        if kind in value:
            return f"{kind} {_flat(value[kind])}"
    return " ".join(_flat(each) for each in value.values())
