"""ifconfig(8), ip(8), route(8): which addresses a script brings up, and where."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from lvs_init.importing.facts import Alias, Facts, Unfit, address_of, number_of
from lvs_init.importing.said import Said
from lvs_init.importing.shell_walk import Call
from lvs_init.model.address import full_prefix, prefix_of

_OWN_NETWORK = "the machine's own network configuration"
_TUNNELS = ("tunl0", "ip6tnl0")
#: What ip(8) understands for the objects and verbs that matter here.
_OBJECTS = {
    "a": "address", "addr": "address", "address": "address", "r": "route", "ro": "route", "route": "route",
    "l": "link", "link": "link", "tunnel": "tunnel", "tun": "tunnel",
}  # fmt: skip
_SHOWING = {"s", "sh", "show", "ls", "list", "get"}


def read_ifconfig(call: Call, facts: Facts, said: Said) -> bool:
    """Whether anything came of it. Raises Unfit."""
    device, *words = call.argv[1:] or [""]
    if device.startswith("-") or not words:
        return False
    if "down" in words and len(words) == 1:
        return _down(call, device, facts, said)
    words = [word for word in words if word not in ("up", "add", "inet", "inet6", "arp", "-arp", "alias", "-dynamic")]
    options: dict[str, str] = {}
    address = ""
    while words:
        word = words.pop(0)
        if word in ("netmask", "broadcast", "mtu", "metric", "pointopoint", "dstaddr", "hw", "txqueuelen"):
            if words:
                options[word] = words.pop(0)
        elif not address:
            address = word
        else:
            raise Unfit(f"'{word}' is not understood")
    if not address:
        return False
    address, slash, length = address.partition("/")
    address = address_of(address)
    if slash:
        prefix, guessed = number_of(length, "prefix length"), False
    elif "netmask" in options:
        prefix, guessed = _mask(options["netmask"]), False
    else:
        prefix, guessed = _class_prefix(address), ":" not in address
    _bring_up(
        Alias(call.line, device.partition(":")[0], device if ":" in device else "", address, prefix, guessed), facts
    )
    return True


def read_ip(call: Call, facts: Facts, said: Said) -> bool:
    """The same for ip."""
    words = list(call.argv[1:])
    while words and words[0].startswith("-"):
        del words[0]
    if len(words) < 2:
        return False
    subject, verb, *rest = words
    subject = _OBJECTS.get(subject, subject)
    if verb in _SHOWING:
        return False
    if subject == "address" and verb in ("add", "a", "replace", "change"):
        return _add_address(call.line, rest, facts)
    if subject == "address" and verb in ("del", "delete", "d"):
        device = _after(rest, "dev")
        facts.aliases.pop((device, address_of(rest[0].partition("/")[0])) if rest else ("", ""), None)
        return False
    if subject == "route" and verb in ("add", "a", "replace", "append", "change"):
        return _route(call, rest, facts, said)
    if subject == "route" and verb in ("del", "delete", "flush"):
        return False
    if subject == "link" and verb == "set" and rest[-1:] == ["up"] and _after(rest, "dev") in ("lo", *_TUNNELS, ""):
        return False
    if subject == "tunnel" or (subject == "link" and verb == "set" and any(name in rest for name in _TUNNELS)):
        return False
    said.no_place(call.line, str(call), _OWN_NETWORK)
    return False


def read_route(call: Call, facts: Facts, said: Said) -> bool:
    """The same for route: a host route to a VIP is start's own work."""
    words = [word for word in call.argv[1:] if word not in ("-n", "-v", "-A", "inet", "inet6")]
    if words[:1] == ["add"]:
        return _route(call, words[1:], facts, said)
    return False


def _add_address(line: int, words: Sequence[str], facts: Facts) -> bool:
    device = _after(words, "dev")
    text = words[0] if words and words[0] != "dev" else _after(words, "local")
    if not device or not text:
        raise Unfit("the address or its device is missing")
    address, slash, length = text.partition("/")
    address = address_of(address)
    prefix = number_of(length, "prefix length") if slash else full_prefix(address)
    _bring_up(Alias(line, device, _after(words, "label"), address, prefix), facts)
    return True


def _bring_up(alias: Alias, facts: Facts) -> None:
    if not 0 < alias.prefix <= full_prefix(alias.address):
        raise Unfit(f"/{alias.prefix} is no prefix length of {alias.address}")
    facts.aliases[alias.device, alias.address] = alias


def _down(call: Call, device: str, facts: Facts, said: Said) -> bool:
    for key in [key for key, alias in facts.aliases.items() if alias.label == device]:
        del facts.aliases[key]
    if device == "lo":
        said.no_place(call.line, str(call), "start leaves lo up: its IPv6 addresses and routes would be lost")
    elif ":" not in device:
        said.no_place(call.line, str(call), _OWN_NETWORK)
    return False


def _route(call: Call, words: Sequence[str], facts: Facts, said: Said) -> bool:
    """Whether it is one to a VIP is known at the end only."""
    targets = [word for word in words if word not in ("-host", "host", "-net", "unicast", "local", "to")]
    address, slash, length = (targets or [""])[0].partition("/")
    try:
        address = address_of(address)
        if slash and int(length) != full_prefix(address):
            raise Unfit(length)
    except ValueError:
        said.no_place(call.line, str(call), _OWN_NETWORK)
        return False
    facts.routes.append((call.line, address, str(call)))
    return False


def _after(words: Sequence[str], name: str) -> str:
    return next((value for word, value in zip(words, words[1:]) if word == name), "")


def _mask(text: str) -> int:
    """Dotted, or as a hexadecimal number."""
    try:
        return prefix_of(str(ipaddress.IPv4Address(int(text, 16))) if text.startswith("0x") else text)
    except ValueError:
        raise Unfit(f"'{text}' is no network mask") from None


def _class_prefix(address: str) -> int:
    """What ifconfig takes where no mask is given: that of the address's class, or the address alone in IPv6."""
    if ":" in address:
        return 128
    first = int(address.partition(".")[0])
    return 8 if first < 128 else 16 if first < 192 else 24
