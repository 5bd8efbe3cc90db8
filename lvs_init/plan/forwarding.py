"""Keys that the kernel rewrites when another key changes.

Writing net.ipv4.ip_forward copies the value to default and to every interface and sets all.accept_redirects to its
opposite (Linux net/ipv4/devinet.c inet_forward_change), so 0 -> 1 -> 0 is not an undo by itself; IPv6's all.forwarding
copies likewise (net/ipv6/addrconf.c addrconf_fixup_forwarding) and makes the kernel ignore router advertisements where
accept_ra is 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from lvs_init.model.network import SysctlKey

IPV4_FORWARD = SysctlKey("net/ipv4/ip_forward")
IPV6_FORWARD = SysctlKey("net/ipv6/conf/all/forwarding")
_IPV4_REDIRECTS = SysctlKey("net/ipv4/conf/all/accept_redirects")


def clobbered(master: SysctlKey, present: Iterable[SysctlKey]) -> list[SysctlKey]:
    """Those of the keys present that the kernel rewrites when ``master`` changes, in a stable order."""
    if master == IPV4_FORWARD:
        found = [key for key in present if _is_forwarding(key, "ipv4") or key == _IPV4_REDIRECTS]
    elif master == IPV6_FORWARD:
        found = [key for key in present if _is_forwarding(key, "ipv6")]
    else:
        return []
    return sorted(found, key=lambda key: key.path)


def _is_forwarding(key: SysctlKey, family: str) -> bool:
    parts = key.path.split("/")
    return len(parts) == 5 and parts[:3] == ["net", family, "conf"] and parts[4] == "forwarding" and parts[3] != "all"


def switched(master: SysctlKey, value: str, present: Iterable[SysctlKey]) -> dict[SysctlKey, str]:
    """What the kernel makes of the other keys when ``master`` becomes ``value``."""
    opposite = "0" if value == "1" else "1"
    return {key: opposite if key == _IPV4_REDIRECTS else value for key in clobbered(master, present)}


def switched_on(master: SysctlKey, live: dict[SysctlKey, str]) -> dict[SysctlKey, str]:
    """What else holds after ``master`` went from 0 to 1: the values to want, so that each former one is remembered.

    Empty where it is on already: then nothing is rewritten.
    """
    if live.get(master) == "1":
        return {}
    wanted = switched(master, "1", live)
    if master == IPV6_FORWARD:
        for key, value in live.items():
            if key.path.startswith("net/ipv6/conf/") and key.path.endswith("/accept_ra") and value == "1":
                wanted[key] = "2"  # 2: keep taking router advertisements while forwarding (ip-sysctl.rst accept_ra)
    return wanted


def rank(key: SysctlKey) -> int:
    """Writing order: what must hold before forwarding, forwarding, what forwarding rewrites and all the rest."""
    if key.path.endswith("/accept_ra"):
        return 0
    if key in (IPV4_FORWARD, IPV6_FORWARD):
        return 1
    return 2
