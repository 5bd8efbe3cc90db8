"""Configurations for hosts without traffic: the director has 192.168.0.1 and 192.168.10.10, the real server
192.168.0.11; in IPv6 fd00::1, fd00:10::10 and fd00::11."""

from __future__ import annotations

from collections.abc import Sequence


def cluster(forwarding: str, *services: str, director: str = "", more: str = "") -> str:
    """A whole file. Nobody brakes where most of it changes at once."""
    director = f'[director]\ninterface = "eth0"\nmax_removal = 1.0\n{director}\n{more}\n'
    head = f'[cluster]\nforwarding = "{forwarding}"\n{director}'
    return head + "".join(services)


def service(vip: str, *rips: str, port: int = 80, scheduler: str = "wrr", more: str = "") -> str:
    """A service; a RIP may have its weight behind a blank."""
    servers = ", ".join(
        f'{{ rip = "{rip}", weight = {weight or 1} }}' for rip, _, weight in (text.partition(" ") for text in rips)
    )
    return f'[[service]]\nvip = "{vip}"\nport = {port}\nscheduler = "{scheduler}"\n{more}\nrealservers = [{servers}]\n'


def fwmark(mark: int, vips: Sequence[str], *rips: str, ports: Sequence[int] = (80, 443)) -> str:
    """A service by firewall mark with rules of its own."""
    match = ", ".join(f'{{ protocol = "tcp", port = {port} }}' for port in ports)
    servers = ", ".join(f'{{ rip = "{rip}" }}' for rip in rips)
    return (
        f"[[service]]\nfwmark = {mark}\nvips = {list(vips)}\nmatch = [{match}]\n"
        f'scheduler = "rr"\nrealservers = [{servers}]\n'
    )


def _pair(forwarding: str, network: str, prefix: str = "", dip: str = "") -> tuple[str, str]:
    """A file and what it is changed into: a service, a VIP and a real server leave, others come, a weight changes."""
    vip = f"{network}.2{{}}{prefix}"
    rip = ("192.168.10" if forwarding == "nat" else network) + ".1{}"
    first = cluster(
        forwarding,
        service(vip.format(19), rip.format(1), rip.format(2) + " 2"),
        service(vip.format(21), rip.format(1)),
        director=dip,
    )
    second = cluster(
        forwarding,
        service(vip.format(19), rip.format(1) + " 5", rip.format(3)),
        service(vip.format(20), rip.format(1), rip.format(2)),
        director=dip,
    )
    return first, second


DR, DR_CHANGED = _pair("dr", "192.168.0")
TUN, TUN_CHANGED = _pair("tun", "192.168.0")
NAT, NAT_CHANGED = _pair("nat", "192.168.0", "/24", 'dip = "192.168.10.10"')
#: So many that bulk commands are used for addresses and routes.
MANY = cluster("dr", *(service(f"192.168.0.{number}", "192.168.0.11", "192.168.0.12") for number in range(220, 230)))
MANY_CHANGED = cluster(
    "dr", *(service(f"192.168.0.{number}", "192.168.0.11 3", "192.168.0.13") for number in range(225, 240))
)
MARK = cluster("dr", fwmark(7, ["192.168.0.219"], "192.168.0.11", "192.168.0.12"))
MARK_CHANGED = cluster("dr", fwmark(7, ["192.168.0.219", "192.168.0.220"], "192.168.0.11", ports=(80, 25)))
DR6 = cluster("dr", service("fd00::219", "fd00::11", "fd00::12"))
NAT6 = cluster("nat", service("fd00::219", "fd00:10::11", "fd00:10::12"), director='dip = "fd00:10::10"')
