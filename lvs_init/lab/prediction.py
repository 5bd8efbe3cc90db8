"""How a service's scheduler shares out the requests of one client that asks again and again, one at a time. Pure.

Sources: Linux 6.1 net/netfilter/ipvs/ip_vs_{rr,wrr,lc,wlc,fo,sh,dh,mh,lblc,lblcr}.c.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.config.cluster import VirtualService
from lvs_init.model.ipvs import RealServerKey

IN_TURN = "in turn"
BY_WEIGHT = "by weight"
ABOUT = "about by weight"
ONE = "all to one"
ANY = "shared somehow"
NOBODY = "refused, no real server has a weight"

_FEWEST, _FEWEST_FOR_ABOUT = 6, 12
#: Above it nobody waits for an exact outcome; weights such as 999 and 1000 would ask for 1999 requests.
_MOST = 120
#: By the client's address, unless a flag adds its port.
_BY_CLIENT = {"sh": "sh-port", "mh": "mh-port"}
_BY_DESTINATION = ("dh", "lblc", "lblcr")


@dataclass(frozen=True)
class Prediction:
    """``count``: how many requests it is about. ``shares``: what is sure of each real server, None where nothing is.

    ``tolerance``: by how much a share may be missed.
    """

    rule: str
    count: int
    shares: Mapping[RealServerKey, int | None] = field(default_factory=dict)
    tolerance: int = 0

    def fits(self, key: RealServerKey, got: int) -> bool:
        """Whether that many requests are what this real server should have been asked."""
        share = self.shares[key]
        if self.rule == ONE and share is None:
            return got in (0, self.count)
        return share is None or abs(got - share) <= self.tolerance


def predict(service: VirtualService, questions: int = 1, wanted: int | None = None) -> Prediction:
    """``questions``: over how many VIPs and ports the requests go.

    ``wanted``: a number of requests, which is rounded up to one that can be shared exactly; None: a small one.
    """
    weights = {key: value.weight for key, value in service.realservers}
    active = {key: weight for key, weight in weights.items() if weight}
    idle: dict[RealServerKey, int | None] = dict.fromkeys(weights, 0)
    rule, ratio = _rule(service, active, questions)
    divisor = math.gcd(*ratio.values()) if ratio else 1
    period = sum(ratio.values()) // divisor or 1
    if period > _MOST and rule != NOBODY:
        rule = ABOUT
    count = _count(1 if period > _MOST else period, questions, rule, wanted)
    if any(0 < value.upper <= count for _, value in service.realservers):
        rule, ratio = ANY, {}  # connections that are over still count, so somebody is full before the end
    total = sum(ratio.values())
    certain = {key: round(count * weight / total) for key, weight in ratio.items()}
    shares = {key: certain.get(key) if weight else 0 for key, weight in weights.items()}
    if rule == NOBODY:
        shares = idle
    tolerance = max(1, math.ceil(max(certain.values(), default=0) / 4)) if rule == ABOUT else 0
    return Prediction(rule, count, shares, tolerance)


def _rule(
    service: VirtualService, active: Mapping[RealServerKey, int], questions: int
) -> tuple[str, Mapping[RealServerKey, int]]:
    """What it goes by, and the ratio in which; an empty one where none is sure."""
    scheduler, flags = service.service.scheduler, service.service.flags
    if not active:
        return NOBODY, {}
    if len(active) == 1:
        return ONE, dict.fromkeys(active, 1)
    if service.service.persistence is not None:
        return ONE, {}
    if scheduler == "rr":
        return IN_TURN, dict.fromkeys(active, 1)
    if scheduler == "wrr":
        return BY_WEIGHT, active
    # They count connections, also those that are over for two minutes; one-packet scheduling leaves none to count.
    if scheduler in ("lc", "wlc") and not service.service.one_packet:
        return ABOUT, active if scheduler == "wlc" else dict.fromkeys(active, 1)
    if scheduler in _BY_CLIENT and _BY_CLIENT[scheduler] not in flags:
        return ONE, {}
    if scheduler in _BY_DESTINATION and questions == 1:
        return ONE, {}
    if scheduler == "fo":
        heaviest = [key for key, weight in active.items() if weight == max(active.values())]
        return ONE, {**dict.fromkeys(active, 0), heaviest[0]: 1} if len(heaviest) == 1 else {}
    return ANY, {}


def _count(period: int, questions: int, rule: str, wanted: int | None) -> int:
    """A multiple of the period and of the questions."""
    step = math.lcm(period, max(questions, 1))
    least = wanted or (_FEWEST_FOR_ABOUT if rule == ABOUT else _FEWEST)
    return math.ceil(least / step) * step
