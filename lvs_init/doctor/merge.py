"""What holds of conf/all and conf/INTERFACE together (Linux 6.1 include/linux/inetdevice.h, net/ipv4/devinet.c)."""

from __future__ import annotations

from collections.abc import Mapping

LARGEST, EITHER, BOTH, OWN = "max", "or", "and", "interface"

#: Setting of net/ipv4/conf -> how its two values become one. accept_redirects depends on forwarding: see below.
MERGED = {
    **dict.fromkeys(("arp_ignore", "arp_announce", "arp_accept", "arp_notify", "rp_filter"), LARGEST),
    **dict.fromkeys(
        (
            "send_redirects", "secure_redirects", "shared_media", "log_martians", "proxy_arp", "proxy_arp_pvlan",
            "arp_filter", "accept_local", "route_localnet", "promote_secondaries", "src_valid_mark",
            "drop_gratuitous_arp",
        ),
        EITHER,
    ),
    **dict.fromkeys(("accept_source_route", "mc_forwarding"), BOTH),
    **dict.fromkeys(("forwarding", "medium_id", "tag"), OWN),
}  # fmt: skip


def effective(name: str, interface: str, sysctls: Mapping[str, str]) -> int | None:
    """What holds on the interface of ``net/ipv4/conf/*/NAME``; None where it cannot be told.

    ``sysctls``: path with slashes -> value. An alias (``eth0:1``) has no settings of its own: its device's count.
    """
    device = interface.partition(":")[0]
    here = _number(sysctls.get(f"net/ipv4/conf/{device}/{name}"))
    everywhere = _number(sysctls.get(f"net/ipv4/conf/all/{name}"))
    how = _rule(name, device, sysctls)
    if here is None or (everywhere is None and how != OWN):
        return None
    if how == OWN or everywhere is None:
        return here
    if how == LARGEST:
        return max(everywhere, here)
    return int(bool(everywhere or here) if how == EITHER else bool(everywhere and here))


def _rule(name: str, device: str, sysctls: Mapping[str, str]) -> str:
    if name == "accept_redirects":
        return BOTH if _number(sysctls.get(f"net/ipv4/conf/{device}/forwarding")) else EITHER
    return MERGED.get(name, OWN)


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
