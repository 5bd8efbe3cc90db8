"""/proc/net/ip_vs: the IPVS table as any user can read it without a process, with its traffic.

It shows neither schedulers' flags, persistence engines, thresholds nor kinds of tunnels, and of a firewall-mark
service not the family (Linux 6.1 net/netfilter/ipvs/ip_vs_ctl.c ip_vs_info_seq_show): what is complete comes from
``ipvsadm -Sn``.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lvs_init.model.address import canonical, family_of
from lvs_init.model.ipvs import ServiceKey, host_port

_FORWARDINGS = {"Masq": "nat", "Route": "dr", "Tunnel": "tun", "Local": "local"}
_FORWARD_WORDS = {forwarding: word for word, forwarding in _FORWARDINGS.items()}


@dataclass(frozen=True)
class ProcServer:
    """A real server and its connections. ``forwarding`` is ``local`` where the kernel was told so."""

    address: str
    port: int
    forwarding: str
    weight: int
    active: int
    inactive: int


@dataclass(frozen=True)
class ProcService:
    """A service. ``family_known`` is False where nothing tells the family of a firewall mark, and the key's is a guess.

    ``one_packet`` is never shown for IPv6.
    """

    key: ServiceKey
    scheduler: str
    one_packet: bool
    persistent: bool
    servers: tuple[ProcServer, ...]
    family_known: bool = True


@dataclass(frozen=True)
class ProcTable:
    """Services in the order of their addresses."""

    services: Mapping[ServiceKey, ProcService]

    def find(self, key: ServiceKey) -> ProcService | None:
        """The service; for a firewall mark also one that may as well be of the key's family."""
        found = self.services.get(key)
        if found is None and key.protocol == "fwmark":
            other = self.services.get(key._replace(family=10 - key.family))
            found = other if other is not None and not other.family_known else None
        return found


def has_services(text: str) -> bool:
    """Whether /proc/net/ip_vs lists anything below its three lines of headings."""
    return len(text.split("\n", 4)) > 4


def parse_proc(text: str) -> ProcTable:
    """The table from /proc/net/ip_vs, sorted: the kernel shows it in the order of its hash. Raises ValueError."""
    rows: list[tuple[list[str], list[list[str]]]] = []
    for row in text.splitlines()[3:]:
        words = row.split()
        if not words:
            continue
        if words[0] == "->":
            rows[-1][1].append(words)
        else:
            rows.append((words, []))
    # In hexadecimal of one length the order of the text is that of the numbers.
    rows.sort(key=lambda row: (row[0][0], len(row[0][1]), row[0][1]))
    services: dict[ServiceKey, ProcService] = {}
    for words, servers in rows:
        service = _service(words, [_server(server) for server in sorted(servers, key=lambda server: server[1])])
        twin = services.get(service.key)
        if twin is not None:
            service, twin = _apart(service, twin)
            services[twin.key] = twin
        services[service.key] = service
    return ProcTable(services)


def _service(words: Sequence[str], servers: Sequence[ProcServer]) -> ProcService:
    protocol, where, scheduler, flags = words[0].lower(), words[1], words[2], words[3:]
    known = True
    if protocol == "fwm":
        family = _family_of_mark(flags, servers)
        known = family is not None
        key = ServiceKey("fwmark", fwmark=int(where, 16), family=family or 4)
    else:
        address, port = _host_port(where)
        key = ServiceKey(protocol, address, port, family=family_of(address))
    return ProcService(key, scheduler, "ops" in flags, "persistent" in flags, tuple(servers), known)


def _family_of_mark(flags: Sequence[str], servers: Sequence[ProcServer]) -> int | None:
    """Told by a real server (but one of a tunnel may be of the other family), or by the netmask of persistence.

    There the kernel keeps IPv6's prefix length, and shows it with its bytes turned round like a mask: 64 is 40000000.
    """
    for server in servers:
        if server.forwarding != "tun":
            return family_of(server.address)
    if "persistent" in flags:
        (mask,) = struct.unpack("=I", struct.pack(">I", int(flags[-1], 16)))
        return 6 if 1 <= mask <= 128 else 4
    return None


def _apart(one: ProcService, other: ProcService) -> tuple[ProcService, ProcService]:
    """Two services of one mark are of the two families, so knowing one tells the other."""
    sure, guessed = (one, other) if one.family_known else (other, one)
    key = sure.key._replace(family=10 - sure.key.family)
    return replace(guessed, key=key, family_known=sure.family_known), sure


def _server(words: Sequence[str]) -> ProcServer:
    address, port = _host_port(words[1])
    return ProcServer(address, port, _FORWARDINGS[words[2]], int(words[3]), int(words[4]), int(words[5]))


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        return canonical(host[1:-1]), int(port, 16)
    return str(ipaddress.IPv4Address(int(host, 16))), int(port, 16)


def render_table(table: ProcTable) -> str:
    """A listing for people in the form of ``ipvsadm -Ln``, whose columns stay in line for IPv6 too."""
    width = max([24, *(len(_where(server)) for service in table.services.values() for server in service.servers)])
    lines = [
        "Prot LocalAddress:Port Scheduler Flags",
        f"  -> {'RemoteAddress:Port':<{width}} Forward Weight ActiveConn InActConn",
    ]
    for service in table.services.values():
        words = [service.scheduler, *["persistent"] * service.persistent, *["ops"] * service.one_packet]
        lines.append(f"{_name(service)} {' '.join(words)}")
        lines += [
            f"  -> {_where(server):<{width}} {_FORWARD_WORDS[server.forwarding]:<7} {server.weight:<6} "
            f"{server.active:<10} {server.inactive}"
            for server in service.servers
        ]
    return "".join(f"{line}\n" for line in lines)


def _name(service: ProcService) -> str:
    key = service.key
    if key.protocol == "fwmark":
        return f"FWM  {key.fwmark}" + (" IPv6" if key.family == 6 else "")
    return f"{key.protocol.upper():<4} {host_port(key.address, key.port)}"


def _where(server: ProcServer) -> str:
    return host_port(server.address, server.port)
