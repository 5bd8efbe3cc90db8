"""``python3 -m bench.ha``: what clients notice of a failover, with ours, a bash script and keepalived on the directors.

Ours and the bash script are resources of the same Heartbeat, which takes a node for dead after two seconds, as
keepalived does here. The pair, its real servers and its client are those of tests/ha.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pair import control, ours
from pair.control import NODES, VIP, Settings, Software
from pair.lab import INSIDE, SERVERS, Pair
from pair.view import Seen, View

from bench import report
from lvs_init.errors import LvsError
from lvs_init.lab.place import PRELOADED, Place, open_place

#: Dead after three advertisements and a part of one: 1.5 s and 0.2 to 0.3 s.
_KEEPALIVED = """
vrrp_instance pair {{
    version 3
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority {priority}
    advert_int 0.5
    virtual_ipaddress {{
        {vip}/32 dev eth0
    }}
}}
global_defs {{
    lvs_sync_daemon hb0 pair
}}
virtual_server {vip} 80 {{
    lb_algo wlc
    lb_kind DR
    protocol TCP
    {servers}
}}
"""
_AFTER = 12  # requests that are waited for after each event


def keepalived(place: Place) -> Software:
    servers = "\n    ".join(
        f"real_server {rip} 80 {{\n        weight {weight}\n    }}" for rip, weight in zip(SERVERS.values(), (1, 2))
    )
    text = _KEEPALIVED.format(priority=100, vip=VIP, servers=servers)
    # One text for both, as the pair has it: the first node's priority is set when it is switched on.
    raised = ["sed", "-i", f"/priority/s/100/{150}/", "/etc/keepalived/keepalived.conf"]
    preferred = ("sh", "-c", f"[ $(uname -n) != {NODES[0]} ] || {' '.join(raised)}")
    return Software({"/etc/keepalived/keepalived.conf": (text, "644")}, boot=[preferred], init="/etc/init.d/keepalived")


CONTENDERS: Mapping[str, Callable[[Place], Software]] = {
    "lvs-init": lambda place: ours.software(place, Settings()),
    "bash": lambda place: control.software(Settings()),
    "keepalived": keepalived,
}
EVENTS = ("orderly stop", "return", "kill -9")


@dataclass(frozen=True)
class Noticed:
    """gap: the longest time in seconds without an answer. Requests and downloads that were lost, and of how many."""

    gap: float
    lost: int
    asked: int
    broken: int
    downloads: int


def rounds(place: Place, software: Software, count: int) -> Iterator[tuple[str, Noticed]]:
    """Every event, so many times."""
    first, second = NODES
    with Pair(place, software) as pair:
        pair.switch_on(*NODES)
        pair.start(*NODES)
        pair.await_holders(first)
        for _ in range(count):
            yield EVENTS[0], _seen(pair, second, lambda: pair.stop(first))
            yield EVENTS[1], _seen(pair, first, lambda: pair.start(first))
            yield EVENTS[2], _seen(pair, second, lambda: pair.kill(first))
            pair.switch_on(first)
            pair.start(first)
            pair.await_holders(first)


def _seen(pair: Pair, holder: str, event: Callable[[], None]) -> Noticed:
    if pair.runs_heartbeat:
        pair.settle()
    with View(pair) as view:
        event()
        pair.await_holders(holder)
        view.advance(requests=_AFTER)
        return _noticed(view.finish())


def _noticed(seen: Seen) -> Noticed:
    done = sum(seen.downloads.done["download"].values())
    return Noticed(
        seen.gap, seen.requests.losses, seen.requests.asked, seen.downloads.losses, done + seen.downloads.losses
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.ha", description="what clients notice of a failover")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    began = time.time()
    try:
        with open_place("guest", preload=[*PRELOADED, *INSIDE], paths=sys.path) as place:
            about = report.facts(place.switch)
            print(f"{'event':14} {'by':12} {'gap, s':>22} {'requests lost':>16} {'downloads lost':>16}")
            for name, software in CONTENDERS.items():
                found: dict[str, list[Noticed]] = {event: [] for event in EVENTS}
                for event, noticed in rounds(place, software(place), arguments.rounds):
                    found[event].append(noticed)
                for event in EVENTS:
                    print(line(event, name, found[event]), flush=True)
    except LvsError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print()
    for what, text in {**about, **report.circumstances(began, arguments.rounds)}.items():
        print(f"{what:10} {text}")
    return 0


def line(event: str, name: str, found: list[Noticed]) -> str:
    """A row: the median gap and its range, and sums."""
    gaps = [noticed.gap for noticed in found]
    gap = f"{statistics.median(gaps):.1f} ({min(gaps):.1f} to {max(gaps):.1f})"
    lost = f"{sum(each.lost for each in found)} of {sum(each.asked for each in found)}"
    broken = f"{sum(each.broken for each in found)} of {sum(each.downloads for each in found)}"
    return f"{event:14} {name:12} {gap:>22} {lost:>16} {broken:>16}"


if __name__ == "__main__":
    sys.exit(main())
