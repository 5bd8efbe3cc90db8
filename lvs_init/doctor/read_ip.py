"""What ``ip -j -d`` prints, as parts of a Snapshot (iproute2 5.x and 6.x)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lvs_init.commands.command import Command, bulk_timeout
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import (
    Address,
    Interface,
    Neighbour,
    PolicyRule,
    Route,
    RouteAnswer,
    RouteQuestion,
)

Listing = list[dict[str, Any]]

SHOW = ("address", "route show table all", "rule", "neighbour")
RULES_OF_IPV6 = Command(("ip", "-6", "-j", "rule"))

_FAILED = re.compile(r"Command failed -:(\d+)")
_REFUSED = "refused"
_FAMILIES = {"inet": 4, "inet6": 6}


def batch(questions: Sequence[RouteQuestion]) -> Command:
    """Everything in one process: what SHOW lists, then the questions. It goes on after one that fails."""
    lines = [*SHOW, *map(_get, questions)]
    text = "".join(f"{line}\n" for line in lines)
    return Command(("ip", "-j", "-d", "-force", "-batch", "-"), stdin=text, timeout=bulk_timeout(len(lines)))


def _get(question: RouteQuestion) -> str:
    words = ["route get", question.to]
    words += ["from", question.source] if question.source else []
    words += ["iif", question.iif] if question.iif else []
    words += ["mark", str(question.mark)] if question.mark else []
    return " ".join(words)


def split(stdout: str) -> list[Listing]:
    """What each line of a batch printed; one that failed printed nothing. Raises ValueError for what is no JSON."""
    decoder, place = json.JSONDecoder(), 0
    shown: list[Listing] = []
    while True:
        rest = stdout[place:].lstrip()
        if not rest:
            break
        entries, place = decoder.raw_decode(stdout, len(stdout) - len(rest))
        shown.append([entry for entry in entries if entry])
    if len(shown) < len(SHOW) or (shown[0] and "ifname" not in shown[0][0]):
        raise ValueError("ip shows something else than was asked for")
    return shown


def refusals(stderr: str) -> dict[int, str]:
    """Why lines of a batch failed, by their number, from 1 on. ip says a reason and then the line."""
    found: dict[int, str] = {}
    reason = ""
    for row in stderr.splitlines():
        failed = _FAILED.match(row)
        if failed:
            found[int(failed[1])] = reason or _REFUSED
            reason = ""
        elif row.strip():
            reason = clean(row.rpartition("answers: ")[2].strip())
    return found


def interfaces(listed: Listing) -> tuple[Interface, ...]:
    """From ``ip -d address``."""
    return tuple(map(_interface, listed))


def _interface(entry: Mapping[str, Any]) -> Interface:
    flags = entry.get("flags", ())
    info = entry.get("linkinfo", {})
    data = info.get("info_data", {})
    hardware = str(entry.get("address", ""))
    return Interface(
        name=clean(entry["ifname"]),
        up="UP" in flags,
        loopback="LOOPBACK" in flags,
        noarp="NOARP" in flags,
        mtu=int(entry.get("mtu", 0)),
        type=clean(entry.get("link_type", "")),
        hardware=hardware if hardware.count(":") == 5 and hardware.strip("0:") else "",
        carrier="LOWER_UP" in flags if "UP" in flags else None,
        kind=clean(info.get("info_kind", "")),
        master=clean(entry.get("master", "")),
        local=_end(data.get("local")),
        remote=_end(data.get("remote")),
    )


def _end(address: Any) -> str:
    return "" if address in (None, "any", "0.0.0.0", "::") else clean(str(address))


def addresses(listed: Listing) -> tuple[Address, ...]:
    """From the same."""
    return tuple(
        Address(
            interface=clean(link["ifname"]),
            address=clean(entry.get("local") or entry["address"]),
            prefix=int(entry["prefixlen"]),
            scope=clean(entry.get("scope", "global")),
            label=clean(entry.get("label", "")),
            broadcast=clean(entry.get("broadcast", "")),
            secondary=bool(entry.get("secondary")),
            tentative=bool(entry.get("tentative")),
            dadfailed=bool(entry.get("dadfailed")),
            deprecated=bool(entry.get("deprecated")),
        )
        for link in listed
        for entry in link.get("addr_info", ())
        if entry.get("family") in _FAMILIES
    )


def routes(listed: Listing) -> tuple[Route, ...]:
    """From ``ip -d route show table all``: both families. A route of several next hops counts once for each."""
    found = []
    for entry in listed:
        for hop in entry.get("nexthops") or [entry]:
            via = hop.get("gateway") or hop.get("via", {}).get("host", "")
            found.append(
                Route(
                    to=clean(entry["dst"]),
                    table=clean(str(entry.get("table", "main"))),
                    type=clean(entry.get("type", "unicast")),
                    via=clean(via),
                    device=clean(hop.get("dev", "")),
                    source=clean(entry.get("prefsrc", "")),
                    scope=clean(str(entry.get("scope", ""))),
                    metric=int(entry.get("metric", 0)),
                    mtu=_mtu(entry),
                    family=6 if ":" in entry["dst"] + via or "pref" in entry else 4,
                )
            )
    return tuple(found)


def _mtu(entry: Mapping[str, Any]) -> int:
    for metrics in (entry, *(each for each in entry.get("metrics") or () if isinstance(each, dict))):
        if isinstance(metrics.get("mtu"), int):
            return int(metrics["mtu"])
    return 0


def policy_rules(listed: Listing, family: int) -> tuple[PolicyRule, ...]:
    """From ``ip rule`` or ``ip -6 rule``."""
    return tuple(
        PolicyRule(
            priority=int(entry["priority"]),
            table=clean(str(entry.get("table", ""))),
            source=_network(entry, "src", "srclen") or "all",
            to=_network(entry, "dst", "dstlen"),
            iif=clean(entry.get("iif", "")),
            oif=clean(entry.get("oif", "")),
            mark=clean(str(entry.get("fwmark", ""))),
            action=clean(str(entry.get("action", ""))),
            family=family,
        )
        for entry in listed
    )


def _network(entry: Mapping[str, Any], name: str, length: str) -> str:
    address = clean(str(entry.get(name, "")))
    return f"{address}/{entry[length]}" if length in entry else address


def neighbours(listed: Listing) -> tuple[Neighbour, ...]:
    """From ``ip neighbour``."""
    return tuple(
        Neighbour(
            clean(entry["dst"]),
            clean(entry.get("dev", "")),
            clean(entry.get("lladdr", "")),
            clean((entry.get("state") or [""])[0]),
        )
        for entry in listed
    )


def answers(questions: Sequence[RouteQuestion], shown: Sequence[Listing], stderr: str) -> tuple[RouteAnswer, ...]:
    """The kernel's answers to ``ip route get``. ``shown``: what the batch printed behind what SHOW lists.

    Of many refusals not all reasons are there: which question an answer belongs to is in the answer itself.
    """
    reasons = refusals(stderr)
    left = list(reversed(shown))
    found = []
    for number, question in enumerate(questions, len(SHOW) + 1):
        if left and left[-1] and _asked(left[-1][0]) == question[:3]:
            found.append(_answer(question, left.pop()[0]))
        else:
            found.append(RouteAnswer(*question, kind="error", error=reasons.get(number, _REFUSED)))
    if left:
        raise ValueError(f"ip gave {len(left)} answers that nobody asked for")
    return tuple(found)


def _asked(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    source = entry.get("from", "")
    return entry["dst"], "" if source in ("::", "0.0.0.0") else source, entry.get("iif", "")


def _answer(question: RouteQuestion, entry: Mapping[str, Any]) -> RouteAnswer:
    return RouteAnswer(
        *question,
        kind=clean(entry.get("type", "unicast")),
        via=clean(entry.get("gateway") or entry.get("via", {}).get("host", "")),
        device=clean(entry.get("dev", "")),
        preferred=clean(entry.get("prefsrc", "")),
        redirected="redirected" in (entry.get("cache") or ()),
        mtu=_mtu(entry),
    )
