"""The free tables of kernel settings: ``[director.sysctl]`` and ``[realserver.sysctl]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lvs_init.config.problems import Path, Problems, shown
from lvs_init.config.values import Interface, Unfit
from lvs_init.model.network import slashed

#: What may be set; a star stands for the rest of a name.
ALLOWED = ("net.ipv4.vs.*", "net.ipv4.conf.INTERFACE.*", "net.netfilter.nf_conntrack*", "net.nf_conntrack_max")

_LONGEST_VALUE = 256
_DEEPEST = 8
_PLAIN = re.compile(r"net/ipv4/vs/[a-z0-9_]+|net/netfilter/nf_conntrack[a-z0-9_]*|net/nf_conntrack_max")
_OF_INTERFACE = re.compile(r"net/ipv4/conf/([^/]+)/[a-z0-9_]+")


def read_sysctls(raw: Mapping[str, object], path: Path, problems: Problems) -> dict[str, str]:
    """Path with slashes -> value as text, blanks folded."""
    result: dict[str, str] = {}
    for keys, value in _leaves(raw, ()):
        place = (*path, *keys)
        name = slashed(keys[0]) if len(keys) == 1 else "/".join(keys)
        reason = _refusal(name)
        if reason:
            problems.add(place, reason, hint=f"allowed are {', '.join(ALLOWED)}")
            continue
        if name in result:
            problems.add(place, "stands there twice", found=shown(value), hint="dots and slashes mean the same")
            continue
        try:
            result[name] = _text(value)
        except Unfit as unfit:
            problems.add(place, unfit.message, found=shown(value), hint=unfit.hint)
    return result


def _text(value: object) -> str:
    """What is written to the kernel."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Unfit("must be an integer or a string", "write 1 for on, 0 for off")
    if isinstance(value, int):
        if value.bit_length() > 63:
            raise Unfit("is larger than any kernel setting")
        return str(value)
    text = " ".join(value.split())
    if not text or len(text) > _LONGEST_VALUE or not (text.isascii() and text.isprintable()):
        raise Unfit(f"must be 1 to {_LONGEST_VALUE} printable ASCII characters")
    return text


def _leaves(raw: Mapping[str, object], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Names without quotes make tables of tables in TOML (``net.ipv4.vs.conntrack = 1``): the values at their ends."""
    for key, value in raw.items():
        keys = (*above, key)
        if isinstance(value, dict) and value and len(keys) < _DEEPEST:
            yield from _leaves(value, keys)
        else:
            yield keys, value


def _refusal(name: str) -> str:
    """Why a setting is not taken; "" where it is."""
    if _PLAIN.fullmatch(name):
        return ""
    of_interface = _OF_INTERFACE.fullmatch(name)
    if of_interface:
        try:
            Interface().read(of_interface.group(1))
        except Unfit:
            return "names no network interface"
        return ""
    if name.startswith("net/ipv4/conf/") and name.count("/") > 4:
        return (
            "has too many parts: where an interface's name has dots, write slashes (net/ipv4/conf/eth0.100/rp_filter)"
        )
    return "is not a kernel setting of load balancing, and others are for sysctl.d"
