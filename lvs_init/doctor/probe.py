"""What a probe or a while of listening has heard on the network (``lvsctl doctor --probe``, ``--listen``)."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.doctor.case import DIRECTOR, Case
from lvs_init.doctor.finding import BROKEN, Finding, by_hand, several
from lvs_init.doctor.registry import rule_of


@rule_of("DIR06")
def second_machine(case: Case) -> Iterator[Finding]:
    """By the answers to the probe: those of real servers are ARP01's."""
    own = {interface.hardware for interface in case.interfaces.values()}
    known = {each.hardware: each.address for each in case.snapshot.neighbours or () if each.hardware}
    rips = {key.address for service in case.cluster.services for key, _ in service.realservers}
    for each in case.snapshot.probed or ():
        if each.address not in case.vips:
            continue
        others = [mac for mac in each.hardware if mac not in own and known.get(mac, "") not in rips]
        expected = 0 if case.serving(DIRECTOR) else 1
        if len(others) > expected:
            names = several(f"{mac} ({known[mac]})" if mac in known else mac for mac in others)
            yield Finding(
                "DIR06",
                BROKEN,
                f"{each.address} is answered for on {each.interface} by {names}"
                + (", too" if case.serving(DIRECTOR) else ""),
                "clients go to whichever of them answered last",
                by_hand(
                    "find that machine and take the VIP from it: an old director, a pair that does not hear itself, "
                    "a proxy"
                ),
                each.address,
            )


@rule_of("ARP01")
def real_server_heard(case: Case) -> Iterator[Finding]:
    """A real server that answered the director's probe."""
    known = {each.hardware: each.address for each in case.snapshot.neighbours or () if each.hardware}
    rips = {key.address for service in case.cluster.services for key, _ in service.realservers}
    for each in case.snapshot.probed or ():
        for mac in each.hardware if each.address in case.vips else ():
            if known.get(mac) in rips:
                yield Finding(
                    "ARP01",
                    BROKEN,
                    f"the real server {known[mac]} ({mac}) answers for {each.address} on {each.interface}",
                    "who asks and hears it first sends everything there, past the director",
                    by_hand(
                        f"on {known[mac]}: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"
                    ),
                    f"{each.address} at {known[mac]}",
                )


@rule_of("DIR16")
def silent_to_probe(case: Case) -> Iterator[Finding]:
    """A real server of the same network that did not answer."""
    for each in case.snapshot.probed or ():
        served = any(server.address == each.address for _, server in case.balanced)
        if not each.hardware and served and not case.has(each.address) and each.address not in case.vips:
            yield Finding(
                "DIR16",
                BROKEN,
                f"nobody on {each.interface} answers for {each.address}",
                "the director sends clients there, and each of them waits for nothing",
                by_hand(f"look at {each.address} and at the wire between; take it out until it is back"),
                each.address,
            )


@rule_of("ARP04")
def heard_in_the_vips_name(case: Case) -> Iterator[Finding]:
    """Somebody else has said unasked that the VIP is at its MAC."""
    yield from _heard(case, "ARP04", gratuitous=True)


@rule_of("ARP02")
def asked_in_the_vips_name(case: Case) -> Iterator[Finding]:
    """Somebody else has asked in the VIP's name."""
    yield from _heard(case, "ARP02", gratuitous=False)


def _heard(case: Case, code: str, *, gratuitous: bool) -> Iterator[Finding]:
    own = {interface.hardware for interface in case.interfaces.values()}
    known = {each.hardware: each.address for each in case.snapshot.neighbours or () if each.hardware}
    for each in case.snapshot.heard or ():
        others = [mac for mac in each.hardware if mac not in own]
        if each.gratuitous == gratuitous and each.address in case.vips and others and case.serving(DIRECTOR):
            names = several(f"{mac} ({known[mac]})" if mac in known else mac for mac in others)
            what = "announces" if gratuitous else "asks in the name of"
            yield Finding(
                code,
                BROKEN,
                f"{names} {what} {each.address} on {each.interface}",
                "everybody who hears it sends what is for the VIP there",
                by_hand("on that machine: the VIP on lo alone, arp_announce 2, no announcement of it"),
                f"{each.address} on {each.interface}",
            )
