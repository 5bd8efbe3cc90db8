"""What files of /proc show, as parts of a Snapshot (proc(5); Linux Documentation/networking/snmp_counter.rst)."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Connections, Listener
from lvs_init.model.ipvs import host_port

#: Of these counters' files, what rules ask for.
_COUNTED = {
    "Ip": ("InAddrErrors", "OutNoRoutes", "InUnknownProtos", "ForwDatagrams", "ReasmOKs", "ReasmFails", "FragFails"),
    "Icmp": ("InRedirects", "OutRedirects", "OutTimeExcds"),
    "TcpExt": ("IPReversePathFilter", "ArpFilter", "PAWSPassive", "PAWSEstab"),
    "IpExt": ("InNoRoutes",),
}
_LISTENING, _UNCONNECTED = "0A", "07"
_APART = ("07", "0A")  # nobody at the other end; all other states have somebody (include/net/tcp_states.h)
_SIZE = re.compile(r"\(size=(\d+)\)")
MOST_CLIENTS = 4


def counters(text: str) -> dict[str, int]:
    """Of /proc/net/snmp or /proc/net/netstat: "Ip.InAddrErrors" -> packets."""
    found: dict[str, int] = {}
    rows = [row.split() for row in text.splitlines()]
    for names, values in zip(rows[::2], rows[1::2]):
        if names and values and names[0] == values[0]:
            group = names[0].rstrip(":")
            shown = dict(zip(names[1:], values[1:]))
            for name in _COUNTED.get(group, ()):
                if shown.get(name, "").lstrip("-").isdigit():
                    found[f"{group}.{name}"] = int(shown[name])
    return found


def per_cpu(text: str, name: str) -> int | None:
    """The sum of a column of /proc/net/stat/*: hexadecimal, a row each processor. None where there is none."""
    rows = [row.split() for row in text.splitlines()]
    if not rows or name not in rows[0]:
        return None
    place = rows[0].index(name)
    try:
        return sum(int(row[place], 16) for row in rows[1:])
    except (ValueError, IndexError):
        return None


def listeners(text: str, protocol: str) -> list[Listener]:
    """Sockets of /proc/net/tcp, tcp6, udp or udp6 that wait for anybody."""
    wanted = _LISTENING if protocol == "tcp" else _UNCONNECTED
    found = {(each[0], each[1]) for each in _sockets(text) if each[4] == wanted}
    return [Listener(protocol, address, port) for address, port in sorted(found)]


def peers(text: str, own: Iterable[str]) -> Iterator[str]:
    """Who is connected to one of our own addresses, has been, or tries, by /proc/net/tcp or tcp6."""
    mine = set(own)
    for address, _, peer, _, state in _sockets(text):
        if state not in _APART and address in mine:
            yield peer


def _sockets(text: str) -> Iterator[tuple[str, int, str, int, str]]:
    for row in text.splitlines()[1:]:
        words = row.split()
        try:
            yield (*_end(words[1]), *_end(words[2]), words[3])
        except (ValueError, IndexError):
            continue


def _end(text: str) -> tuple[str, int]:
    """``0100007F:0050``: the address in words of four bytes, each in this processor's own order."""
    packed, _, port = text.partition(":")
    words = [struct.pack("=I", int(packed[start : start + 8], 16)) for start in range(0, len(packed), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), int(port, 16)


def buckets(text: str) -> int | None:
    """The size of the connection table's hash, by the heading of /proc/net/ip_vs."""
    found = _SIZE.search(text[:200])
    return int(found[1]) if found else None


def connections(rows: Iterable[str]) -> tuple[Connections, tuple[str, ...]]:
    """The sum of /proc/net/ip_vs_conn_sync, or ip_vs_conn, and some of the clients. ``rows``: with the heading."""
    lines = iter(rows)
    origin = "Origin" in next(lines, "")
    states: Counter[str] = Counter()
    of_servers: Counter[str] = Counter()
    templates: Counter[str] = Counter()
    clients: dict[str, None] = {}
    synced = total = 0
    for row in lines:
        words = row.split()
        if len(words) < 8:
            continue
        total += 1
        server = host_port(_address(words[5]), int(words[6], 16))
        if words[2] == "0000":
            templates[server] += 1
            continue
        states[clean(words[7])] += 1
        of_servers[f"{host_port(_address(words[3]), int(words[4], 16))} {server}"] += 1
        synced += origin and words[8] == "SYNC"
        if len(clients) < MOST_CLIENTS:
            clients[_address(words[1])] = None
    found = Connections(total, dict(states), dict(of_servers), dict(templates), synced if origin else None)
    return found, tuple(clients)


def _address(text: str) -> str:
    if ":" in text:
        return str(ipaddress.IPv6Address(text))
    return str(ipaddress.IPv4Address(int(text, 16)))


def applications(text: str) -> tuple[str, ...]:
    """The helpers of /proc/net/ip_vs_app: "ftp"."""
    rows = (row.split() for row in text.splitlines()[1:])
    return tuple(sorted({clean(words[-1]) for words in rows if words}))


def modules(
    loaded: Collection[str], builtin: Collection[str], there: Collection[str] | None, names: Iterable[str]
) -> dict[str, str]:
    """Each of the names -> "loaded", "builtin", "available" or "absent"; not in it where nothing tells.

    ``there``: the modules that this kernel could load, None where that is unknown.
    """
    found = {}
    for name in names:
        if name in loaded:
            found[name] = "loaded"
        elif name in builtin:
            found[name] = "builtin"
        elif there is not None:
            found[name] = "available" if name in there else "absent"
    return found


def some(texts: Iterable[str], most: int = MOST_CLIENTS) -> tuple[str, ...]:
    """The first few, each once."""
    return tuple(islice(dict.fromkeys(texts), most))
