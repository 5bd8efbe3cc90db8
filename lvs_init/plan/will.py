"""The admin's will over weights: what it makes of a real server now, and when it next makes something else of it.

Times are seconds since the epoch, so that a will goes on over a reboot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Callable

from lvs_init.model.ipvs import RealServer, RealServerKey, Service
from lvs_init.model.state import Key, State, Value, Wanted, apply
from lvs_init.model.will import Will


def overlay(wanted: Mapping[Key, Value | None], wills: Sequence[Will], clock: float) -> dict[RealServerKey, int | None]:
    """The weight that a will gives to each wanted real server that one is about; None: out of the table."""
    if not wills:
        return {}
    ruling = rulings(wills)
    found: dict[RealServerKey, int | None] = {}
    for key, value in wanted.items():
        if isinstance(key, RealServerKey) and isinstance(value, RealServer):
            will = ruling(key)
            if will is not None:
                found[key] = None if _is_over(will, clock) else weight(will, key, value.weight, clock)
    return found


def rulings(wills: Sequence[Will]) -> Callable[[RealServerKey], Will | None]:
    """Tells which will counts for a real server: the last that was said of it."""
    numbered = {(will.address, will.port): number for number, will in enumerate(wills)}

    def ruling(key: RealServerKey) -> Will | None:
        last = max(numbered.get((key.address, key.port), -1), numbered.get((key.address, None), -1))
        return wills[last] if last >= 0 else None

    return ruling


def refusals(live: State, wanted: Wanted, overruled: Iterable[Key]) -> Iterator[str]:
    """What is said by hand that turns clients away once ``wanted`` is done, a sentence for each service.

    ``overruled``: the real servers that it is about.
    """
    by_hand = [key for key in overruled if isinstance(key, RealServerKey)]
    if not by_hand:
        return
    after = apply(live, wanted)
    weighted = {key for key, value in after.items() if isinstance(value, RealServer) and value.weight}
    served = {key.service for key in weighted if isinstance(key, RealServerKey)}
    for key in dict.fromkeys(key.service for key in by_hand):
        service = after.get(key)
        drained = [each for each in by_hand if each.service == key and each in after and each not in weighted]
        if isinstance(service, Service) and key not in served:
            yield f"{key}: no real server has a weight above 0, so new clients are refused"
        elif isinstance(service, Service) and service.scheduler == "dh" and drained:
            yield f"{key}: the scheduler dh goes on choosing a drained real server, and refuses its clients"


def weight(will: Will, key: RealServerKey, file: int, clock: float) -> int:
    """The weight at this time: a straight line to the will's, from what it was then. ``file``: the file's weight."""
    start = will.starts.get(key, file)
    if will.over <= 0 or clock >= will.since + will.over:
        return will.weight
    gone = max(0.0, clock - will.since) / will.over
    steps = math.floor(abs(will.weight - start) * gone + 0.5)
    return start + (steps if will.weight > start else -steps)


def next_change(will: Will, files: Mapping[RealServerKey, int], clock: float) -> float | None:
    """When the will next makes something else of one of these real servers; None where it has come to its end.

    ``files``: their weights in the file. Steps less than a second apart are taken together.
    """
    if will.until is not None and clock < will.until:
        return will.until
    end = will.since + will.over
    if clock >= end:
        return None
    largest = max((abs(will.weight - will.starts.get(key, file)) for key, file in files.items()), default=0)
    if not largest:
        return end
    # A weight moves where its line has come half-way to the next whole number.
    pace = will.over / largest
    steps = math.floor((max(clock, will.since) - will.since) / pace + 0.5) + 0.5
    return min(end, max(will.since + steps * pace, clock + 1.0))


def said(wills: Sequence[Will], new: Will) -> tuple[Will, ...]:
    """The wills after one more: it takes the place of what was said of the same real servers before."""
    return (*(will for will in wills if not _covers(new, will)), new)


def withdrawn(wills: Sequence[Will], address: str, port: int | None) -> tuple[Will, ...]:
    """The wills without those about an address, or about an address and a port."""
    return tuple(will for will in wills if will.address != address or port not in (None, will.port))


def _covers(one: Will, other: Will) -> bool:
    return one.address == other.address and one.port in (None, other.port)


def _is_over(will: Will, clock: float) -> bool:
    return will.until is not None and clock >= will.until
