"""ipvsadm(8) 1.31: the IPVS table is written with one ``-R`` and read from ``-S`` and ``-L``.

Facts seen on Linux 6.1: ``-E`` and ``-e`` set what a line leaves out back to its default (wlc, weight 1, no
thresholds, ipip), so every line is complete. ``-R`` goes on after a line that the kernel refuses, and its exit status
is that of its last line: only reading again tells what was taken.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lvs_init.commands.command import Command, bulk_timeout
from lvs_init.model.address import canonical, family_of, netmask_of
from lvs_init.model.ipvs import (
    RealServer,
    RealServerKey,
    Service,
    ServiceKey,
    SyncDaemon,
    SyncDaemonKey,
    TimeoutKey,
    Tunnel,
    host_port,
)
from lvs_init.model.state import Change, Key, State, Value

#: The order in which ``--set`` takes them and ``--timeout`` shows them.
TIMEOUTS = ("tcp", "tcpfin", "udp")

LIST = Command(("ipvsadm", "-Sn"))
LIST_THRESHOLDS = Command(("ipvsadm", "-Ln", "--thresholds"))
LIST_TIMEOUTS = Command(("ipvsadm", "-Ln", "--timeout"))
LIST_DAEMONS = Command(("ipvsadm", "-Ln", "--daemon"))
CLEAR = Command(("ipvsadm", "-C"))

_PROTOCOL_OPTIONS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
_PROTOCOLS = {option: protocol for protocol, option in _PROTOCOL_OPTIONS.items()}
_FORWARDING_OPTIONS = {"dr": "-g", "tun": "-i", "nat": "-m"}
_FORWARDINGS = {option: forwarding for forwarding, option in _FORWARDING_OPTIONS.items()}


def restore(changes: Sequence[Change]) -> Command:
    """One process for any number of changes of services and real servers, in the given order."""
    text = "".join(f"{line(change)}\n" for change in changes)
    return Command(("ipvsadm", "-R"), stdin=text, timeout=bulk_timeout(len(changes)))


def line(change: Change) -> str:
    """One line for ``ipvsadm -R``. Raises TypeError for a change of anything but a service or a real server."""
    key, after = change.key, change.after
    if isinstance(key, ServiceKey):
        if after is None:
            return f"-D {_service(key)}"
        if isinstance(after, Service):
            return f"{'-A' if change.before is None else '-E'} {_service(key)} {_attributes(key, after)}"
    if isinstance(key, RealServerKey):
        where = f"{_service(key.service)} -r {host_port(key.address, key.port)}"
        if after is None:
            return f"-d {where}"
        if isinstance(after, RealServer):
            return f"{'-a' if change.before is None else '-e'} {where} {_real_server_attributes(after)}"
    raise TypeError(f"ipvsadm cannot make {after!r} of {key}")


def set_timeouts(changes: Sequence[Change]) -> Command:
    """Timeouts that no change names are left as they are, which ipvsadm spells 0."""
    wanted = {change.key.name: change.after for change in changes if isinstance(change.key, TimeoutKey)}
    return Command(("ipvsadm", "--set", *(str(wanted.get(name) or 0) for name in TIMEOUTS)))


def daemons(change: Change) -> tuple[Command, ...]:
    """One that speaks in another way is stopped and started again. Raises TypeError where it is of no sync daemon."""
    key, after = change.key, change.after
    if not isinstance(key, SyncDaemonKey) or not (after is None or isinstance(after, SyncDaemon)):
        raise TypeError(f"ipvsadm cannot make {after!r} of {key}")
    stop = (Command(("ipvsadm", "--stop-daemon", key.role)),) if change.before is not None else ()
    if after is None:
        return stop
    words = ["--mcast-interface", after.interface, "--syncid", str(after.syncid)]
    words += ["--mcast-group", after.group, "--mcast-port", str(after.port), "--mcast-ttl", str(after.ttl)]
    words += ["--sync-maxlen", str(after.maxlen)] if after.maxlen else []
    return (*stop, Command(("ipvsadm", "--start-daemon", key.role, *words)))


def _service(key: ServiceKey) -> str:
    if key.protocol == "fwmark":
        return f"-f {key.fwmark}" + (" -6" if key.family == 6 else "")
    return f"{_PROTOCOL_OPTIONS[key.protocol]} {host_port(key.address, key.port)}"


def _attributes(key: ServiceKey, service: Service) -> str:
    words = [f"-s {service.scheduler}"]
    if service.flags:
        words.append(f"-b {','.join(service.flags)}")
    if service.persistence is not None:
        words.append(f"-p {service.persistence}")
        if service.netmask is not None and service.netmask != _full_mask(key):
            words.append(f"-M {_netmask_text(key, service.netmask)}")
    if service.engine:
        words.append(f"--pe {service.engine}")
    if service.one_packet:
        words.append("-o")
    return " ".join(words)


def _real_server_attributes(server: RealServer) -> str:
    words = [_FORWARDING_OPTIONS[server.forwarding], f"-w {server.weight}"]
    if server.upper:
        words.append(f"-x {server.upper}")
    if server.lower:
        words.append(f"-y {server.lower}")
    if server.forwarding == "tun":
        tunnel = server.tunnel or Tunnel()
        words.append(f"--tun-type {tunnel.type}")
        if tunnel.type == "gue":
            words.append(f"--tun-port {tunnel.port}")
        if tunnel.type != "ipip":
            words.append(f"--tun-{tunnel.checksum}")
    return " ".join(words)


def parse_rules(text: str) -> dict[Key, Value]:
    """The table from ``ipvsadm -Sn``, which shows no thresholds and no timeouts.

    A tun real server always gets a Tunnel. Raises ValueError for a line that it cannot read.
    """
    state: dict[Key, Value] = {}
    for row in text.splitlines():
        words = row.split()
        if not words:
            continue
        try:
            options = _options(words[1:])
            key = _service_key(options)
            if words[0] == "-A":
                state[key] = _parse_attributes(key, options)
            elif words[0] == "-a":
                address, port = _parse_host_port(options["-r"])
                state[RealServerKey(key, address, port)] = _parse_real_server(options)
            else:
                raise ValueError(words[0])
        except (KeyError, ValueError) as error:
            raise ValueError(f"cannot read this line of ipvsadm -Sn: {row}") from error
    return state


def _options(words: Sequence[str]) -> dict[str, str]:
    """``-s rr -o`` -> {"-s": "rr", "-o": ""}: an option's value is the word after it, where that is no option.

    Only a mark may begin with "-": ipvsadm prints those from 2^31 on as negative numbers.
    """
    options: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("-") and (name != "-f" or options[name]):
            name = word
            options[name] = ""
        else:
            options[name] = word
    return options


def _service_key(options: Mapping[str, str]) -> ServiceKey:
    if "-f" in options:
        return ServiceKey("fwmark", fwmark=int(options["-f"]) % 2**32, family=6 if "-6" in options else 4)
    for option, protocol in _PROTOCOLS.items():
        if option in options:
            address, port = _parse_host_port(options[option])
            return ServiceKey(protocol, address, port, family=family_of(address))
    raise ValueError("no service")


def _parse_attributes(key: ServiceKey, options: Mapping[str, str]) -> Service:
    persistence = int(options["-p"]) if "-p" in options else None
    netmask = None
    if persistence is not None:
        netmask = _parse_netmask(options["-M"]) if "-M" in options else _full_mask(key)
    flags: list[str] = []
    if "-b" in options:
        # For sh and mh ipvsadm knows names for the first two flags and prints nothing for the third.
        flags = sorted(options["-b"].split(",")) if options["-b"] else ["flag-3"]
    return Service(
        scheduler=options["-s"],
        flags=tuple(flags),
        persistence=persistence,
        netmask=netmask,
        engine=options.get("--pe"),
        one_packet="-o" in options,
    )


def _parse_real_server(options: Mapping[str, str]) -> RealServer:
    forwarding = next((name for option, name in _FORWARDINGS.items() if option in options), "dr")
    tunnel = None
    if forwarding == "tun":
        checksum = next((name for name in ("csum", "remcsum") if f"--tun-{name}" in options), "nocsum")
        tunnel = Tunnel(options.get("--tun-type", "ipip"), int(options.get("--tun-port", "0")), checksum)
    return RealServer(forwarding, int(options["-w"]), tunnel=tunnel)


def parse_thresholds(text: str) -> dict[RealServerKey, tuple[int, int]]:
    """Each real server's (upper, lower) from ``ipvsadm -Ln --thresholds``."""
    thresholds: dict[RealServerKey, tuple[int, int]] = {}
    service: ServiceKey | None = None
    for row in text.splitlines():
        words = row.split()
        if len(words) >= 4 and words[0] == "->" and service is not None:
            address, port = _parse_host_port(words[1])
            thresholds[RealServerKey(service, address, port)] = (int(words[2]), int(words[3]))
        elif len(words) >= 3 and words[0] == "FWM":
            service = ServiceKey("fwmark", fwmark=int(words[1]) % 2**32, family=6 if words[2] == "IPv6" else 4)
        elif len(words) >= 3 and words[0].lower() in _PROTOCOL_OPTIONS:
            address, port = _parse_host_port(words[1])
            service = ServiceKey(words[0].lower(), address, port, family=family_of(address))
    return thresholds


def with_thresholds(state: State, thresholds: Mapping[RealServerKey, tuple[int, int]]) -> dict[Key, Value]:
    """The state with what ``-S`` does not show filled in."""
    result = dict(state)
    for key, (upper, lower) in thresholds.items():
        server = result.get(key)
        if isinstance(server, RealServer):
            result[key] = replace(server, upper=upper, lower=lower)
    return result


def parse_timeouts(text: str) -> dict[TimeoutKey, int]:
    """Seconds from ``ipvsadm -Ln --timeout``: ``Timeout (tcp tcpfin udp): 900 120 300``."""
    _, found, numbers = text.partition("):")
    values = numbers.split()
    if not found or len(values) != len(TIMEOUTS):
        raise ValueError(f"cannot read this from ipvsadm -Ln --timeout: {text.strip()}")
    return {TimeoutKey(name): int(value) for name, value in zip(TIMEOUTS, values)}


def parse_daemons(text: str) -> dict[SyncDaemonKey, SyncDaemon]:
    """From ``ipvsadm -Ln --daemon``, a line each: ``master sync daemon (mcast=eth0, syncid=1, maxlen=1472, ...)``."""
    found: dict[SyncDaemonKey, SyncDaemon] = {}
    for row in text.splitlines():
        role, told, facts = row.partition(" sync daemon (")
        if not told or role not in ("master", "backup"):
            raise ValueError(f"cannot read this line of ipvsadm -Ln --daemon: {row}")
        said = dict(fact.split("=", 1) for fact in facts.rstrip(")").split(", "))
        default = SyncDaemon(said["mcast"])
        found[SyncDaemonKey(role)] = SyncDaemon(
            said["mcast"],
            int(said["syncid"]),
            canonical(said.get("group", default.group)),
            int(said.get("port", default.port)),
            int(said.get("ttl", default.ttl)),
            int(said.get("maxlen", default.maxlen)),
        )
    return found


def _parse_host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    # What ipvsadm prints without brackets is an IPv4 address in canonical form already; big tables are read often.
    return (canonical(host[1:-1]) if host.startswith("[") else host), int(port)


def _full_mask(key: ServiceKey) -> int:
    return 128 if key.family == 6 else 32


def _netmask_text(key: ServiceKey, netmask: int) -> str:
    if key.family == 6:
        return str(netmask)
    return netmask_of(netmask) if netmask >= 0 else str(ipaddress.IPv4Address(-netmask))


def _parse_netmask(text: str) -> int:
    """A prefix length; a mask with holes (``-M 24`` means 0.0.0.24) as its negative number, so that none is lost."""
    if "." not in text:
        return int(text)
    mask = int(ipaddress.IPv4Address(text))
    prefix = bin(mask).count("1")
    return prefix if text == netmask_of(prefix) else -mask
