"""Every attribute that a reload edits in place: what the file says before and after, and what ipvsadm calls it then.

The pure plan (tests/unit/plan/test_edits.py) and the real kernel (tests/lab/test_reload.py) are held to one list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RR = 'scheduler = "rr"'
PERSISTENT = f"{RR}\npersistence = 60"
TIMEOUTS = ("[director.timeouts]\ntcp = 1000\nudp = 30\n", "[director.timeouts]\ntcp = 2000\nudp = 30\n")
RIP = {4: "192.168.0.11", 6: "fd00::11"}


@dataclass(frozen=True)
class Edit:
    """Lines of a service, or keys of its real server, before and after; what ipvsadm calls the two afterwards.

    ``thresholds``: upper and lower. ``protocol`` "" is a firewall mark.
    """

    before: str
    after: str
    service: str = "-s rr"
    server: str = "-g -w 1"
    tunnel: str = ""
    thresholds: tuple[int, int] = (0, 0)
    protocol: str = "tcp"
    family: int = 4

    @property
    def of_service(self) -> bool:
        return self.before.startswith("scheduler")


def _tunnel(kind: str, port: int = 0, checksum: str = "") -> str:
    keys = [f'type = "{kind}"']
    keys += [f"port = {port}"] if port else []
    keys += [f'checksum = "{checksum}"'] if checksum else []
    return f'forwarding = "tun", tunnel = {{ {", ".join(keys)} }}'


EDITS = {
    "scheduler": Edit(RR, 'scheduler = "wlc"', "-s wlc"),
    "scheduler of IPv6": Edit(RR, 'scheduler = "lc"', "-s lc", family=6),
    "scheduler of a firewall mark": Edit(RR, 'scheduler = "wlc"', "-s wlc", protocol=""),
    "scheduler with its flags": Edit(
        'scheduler = "sh"\nscheduler_flags = ["sh-port"]',
        'scheduler = "mh"\nscheduler_flags = ["mh-fallback"]',
        "-s mh -b mh-fallback",
    ),
    "flag comes": Edit('scheduler = "sh"', 'scheduler = "sh"\nscheduler_flags = ["sh-port"]', "-s sh -b sh-port"),
    "flag goes": Edit('scheduler = "mh"\nscheduler_flags = ["mh-port"]', 'scheduler = "mh"', "-s mh"),
    "persistence comes": Edit(RR, PERSISTENT, "-s rr -p 60"),
    "persistence goes": Edit(PERSISTENT, RR),
    "persistence timeout": Edit(PERSISTENT, f"{RR}\npersistence = 90", "-s rr -p 90"),
    "netmask": Edit(PERSISTENT, f'{PERSISTENT}\npersistence_netmask = "255.255.255.0"', "-s rr -p 60 -M 255.255.255.0"),
    "netmask goes": Edit(f"{PERSISTENT}\npersistence_netmask = 24", PERSISTENT, "-s rr -p 60"),
    "netmask of IPv6": Edit(PERSISTENT, f"{PERSISTENT}\npersistence_netmask = 64", "-s rr -p 60 -M 64", family=6),
    "engine comes": Edit(
        PERSISTENT, f'{PERSISTENT}\npersistence_engine = "sip"', "-s rr -p 60 --pe sip", protocol="udp"
    ),
    "engine goes": Edit(f'{PERSISTENT}\npersistence_engine = "sip"', PERSISTENT, "-s rr -p 60", protocol="udp"),
    "one packet comes": Edit(RR, f"{RR}\none_packet = true", "-s rr -o", protocol="udp"),
    "one packet goes": Edit(f"{RR}\none_packet = true", RR, protocol="udp"),
    "weight": Edit("weight = 1", "weight = 5", server="-g -w 5"),
    "weight of a firewall mark": Edit("weight = 1", "weight = 5", server="-g -w 5", protocol=""),
    "weight 0": Edit("weight = 3", "weight = 0", server="-g -w 0"),
    "forwarding": Edit("weight = 1", 'forwarding = "tun"', server="-i -w 1", tunnel="--tun-type ipip"),
    "forwarding of IPv6": Edit("weight = 1", 'forwarding = "nat"', server="-m -w 1", family=6),
    "thresholds come": Edit("weight = 1", "upper_threshold = 90, lower_threshold = 60", thresholds=(90, 60)),
    "upper threshold alone": Edit("upper_threshold = 100", "upper_threshold = 200", thresholds=(200, 0)),
    "lower threshold alone": Edit(
        "upper_threshold = 100", "upper_threshold = 100, lower_threshold = 50", thresholds=(100, 50)
    ),
    "thresholds go": Edit("upper_threshold = 9, lower_threshold = 5", "weight = 1"),
}

#: Kinds of tunnels that the configuration refuses until the lab has sent traffic through them.
TUNNELS = {
    "tunnel to gue": Edit(
        _tunnel("ipip"), _tunnel("gue", 6080), server="-i -w 1", tunnel="--tun-type gue --tun-port 6080 --tun-nocsum"
    ),
    "tunnel to gre": Edit(_tunnel("ipip"), _tunnel("gre"), server="-i -w 1", tunnel="--tun-type gre --tun-nocsum"),
    "tunnel to ipip": Edit(_tunnel("gue", 6080, "csum"), _tunnel("ipip"), server="-i -w 1", tunnel="--tun-type ipip"),
    "tunnel port": Edit(
        _tunnel("gue", 6080),
        _tunnel("gue", 6081),
        server="-i -w 1",
        tunnel="--tun-type gue --tun-port 6081 --tun-nocsum",
    ),
    "tunnel checksum of gue": Edit(
        _tunnel("gue", 6080),
        _tunnel("gue", 6080, "csum"),
        server="-i -w 1",
        tunnel="--tun-type gue --tun-port 6080 --tun-csum",
    ),
    "tunnel remote checksum": Edit(
        _tunnel("gue", 6080, "csum"),
        _tunnel("gue", 6080, "remcsum"),
        server="-i -w 1",
        tunnel="--tun-type gue --tun-port 6080 --tun-remcsum",
    ),
    "tunnel checksum of gre": Edit(
        _tunnel("gre"), _tunnel("gre", checksum="csum"), server="-i -w 1", tunnel="--tun-type gre --tun-csum"
    ),
    "tunnel checksum goes": Edit(
        _tunnel("gre", checksum="csum"), _tunnel("gre"), server="-i -w 1", tunnel="--tun-type gre --tun-nocsum"
    ),
}

ALL = {**EDITS, **TUNNELS}
NUMBERS = {name: number for number, name in enumerate(ALL)}


def vip(name: str) -> str:
    """Each edit has a VIP of its own, so that all of them fit in one file."""
    number = 100 + NUMBERS[name]
    return f"192.168.0.{number}" if ALL[name].family == 4 else f"fd00::{number}"


def file(names: Iterable[str], after: bool) -> str:
    """A configuration with the services of these edits, every one of them before or after."""
    text = '[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\ndip = "fd00::1"\n' + TIMEOUTS[after]
    for name in names:
        edit = ALL[name]
        lines = edit.after if after else edit.before
        own, server = (lines, "") if edit.of_service else (RR, f", {lines}")
        where = f'vip = "{vip(name)}"\nport = 80\nprotocol = "{edit.protocol}"'
        if not edit.protocol:
            where = f'fwmark = {NUMBERS[name]}\nvips = ["{vip(name)}"]'
        text += f'[[service]]\n{where}\n{own}\nrealservers = [{{ rip = "{RIP[edit.family]}"{server} }}]\n'
    return text


def service(name: str) -> str:
    """``-t 192.168.0.100:80``: the service as ipvsadm names it."""
    edit = ALL[name]
    if not edit.protocol:
        return f"-f {NUMBERS[name]}"
    return f"-{edit.protocol[0]} {_at(vip(name), 80)}"


def server(name: str) -> str:
    """``192.168.0.11:80``: its real server."""
    edit = ALL[name]
    return _at(RIP[edit.family], 80 if edit.protocol else 0)


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def line(name: str) -> str:
    """The one line for ``ipvsadm -R`` that makes the edit."""
    edit = ALL[name]
    if edit.of_service:
        return f"-E {service(name)} {edit.service}"
    thresholds = [f"{option} {count}" for option, count in zip(("-x", "-y"), edit.thresholds) if count]
    return " ".join(filter(None, [f"-e {service(name)} -r {server(name)} {edit.server}", *thresholds, edit.tunnel]))


def rules(name: str) -> list[str]:
    """The service and its real server as ``ipvsadm -Sn`` shows them afterwards, without thresholds."""
    edit = ALL[name]
    of_server = f"{edit.server} {edit.tunnel}".rstrip()
    return [f"-A {service(name)} {edit.service}", f"-a {service(name)} -r {server(name)} {of_server}"]


def thresholds(name: str) -> list[str]:
    """The thresholds of its real server as the lab's snapshot tells them."""
    edit = ALL[name]
    if edit.thresholds == (0, 0):
        return []
    upper, lower = edit.thresholds
    return [f"{edit.protocol.upper()} {_at(vip(name), 80)} {server(name)} upper {upper} lower {lower}"]
