"""All that a director or real server can change on a host, as one comparable value.

take() runs in a host and costs few processes: `ip -batch` once a family, and /proc/sys is read directly. Reading
loads no module: ipvsadm would load ip_vs and iptables-save its tables, so each is asked only where /proc has it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from lvs_init.lab.children import ENVIRONMENT

Snapshot = dict[str, Any]

# Left out of net.ipv6.conf, each with its reason: stable_secret fails to be read until it is set; mtu is the link's
# own, which is there already, and a router may lower it at any time.
_VOLATILE = {"stable_secret", "mtu"}
# Of what ip(8) tells of an address: the rest are lifetimes and flags that count down or come and go (tentative).
_ADDRESS = ("family", "local", "prefixlen", "broadcast", "scope", "label", "secondary", "address")
# Of a route: metrics of the kernel's own IPv6 routes and the life of learnt ones are left out with all the rest.
_ROUTE = ("type", "dst", "gateway", "via", "dev", "table", "protocol", "scope", "prefsrc", "src", "metric", "nexthops")
# Each program, and where the kernel says which tables there are: a file that is empty or missing without iptables.
_FIREWALLS = {"iptables-save": "/proc/net/ip_tables_names", "ip6tables-save": "/proc/net/ip6_tables_names"}
_COUNTERS = re.compile(r"\[\d+:\d+\]")


def take() -> Snapshot:
    """Everything of this network namespace and this host's lock and record files, sorted where order says nothing."""
    links, *four = _ip((), "address", "route list table all", "rule")
    six = _ip(("-6",), "route list table all", "rule")
    return {
        "links": {link["ifname"]: {"up": "UP" in link["flags"], "mtu": link["mtu"]} for link in links},
        "addresses": {
            link["ifname"]: [_only(_ADDRESS, each) for each in link["addr_info"] if not _link_local(each.get("local"))]
            for link in links
        },
        "routes": _sorted(
            _only(_ROUTE, route) for routes, _ in (four, six) for route in routes if not _link_local(route.get("dst"))
        ),
        "rules": {"4": four[1], "6": six[1]},
        "sysctls": dict(sorted(_sysctls())),
        "ipvs": _ipvs(),
        "iptables": {program: _firewall(program, names) for program, names in _FIREWALLS.items()},
        "files": _files("/var/lock/subsys", "/run/lvs"),
    }


def difference(before: Any, after: Any, path: str = "") -> list[str]:
    """What differs between two snapshots, a line each: "sysctls/net.ipv4.ip_forward: 0 -> 1". Empty: they are equal."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [
            line
            for key in keys
            for line in difference(before.get(key), after.get(key), f"{path}/{key}" if path else key)
        ]
    if isinstance(before, list) and isinstance(after, list):
        gone = [f"{path}: - {_text(item)}" for item in before if item not in after]
        come = [f"{path}: + {_text(item)}" for item in after if item not in before]
        return gone + come or [f"{path}: other order or number: {_text(before)} -> {_text(after)}"]
    return [f"{path}: {_text(before)} -> {_text(after)}"]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _run(*argv: str, stdin: str = "") -> str:
    done = subprocess.run(argv, env=ENVIRONMENT, input=stdin, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _ip(options: Sequence[str], *commands: str) -> list[list[dict[str, Any]]]:
    """What iproute2 lists for each command, all in one process."""
    text = _run("ip", "-j", "-N", *options, "-batch", "-", stdin="\n".join(commands)).strip()
    lists = []
    while text:
        entries, end = json.JSONDecoder().raw_decode(text)
        lists.append([entry for entry in entries if entry])  # an address that a filter hid is {}
        text = text[end:].lstrip()
    if len(lists) != len(commands):
        raise OSError(f"ip listed {len(lists)} things for {commands}")
    return lists


def _only(names: tuple[str, ...], entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


def _sorted(entries: Iterator[Any]) -> list[Any]:
    return sorted(entries, key=_text)


def _link_local(address: str | None) -> bool:
    # The kernel makes IPv6 link-local addresses and routes (and the one for multicast, ff00::/8) by itself, some time
    # after a link came up, the local route only when duplicate address detection is over.
    return address is not None and address.startswith(("fe80:", "ff00:"))


def _sysctls() -> Iterator[tuple[str, str]]:
    yield "net.ipv4.ip_forward", _value("/proc/sys/net/ipv4/ip_forward")
    for top in ("net/ipv4/conf", "net/ipv6/conf"):
        for interface in _listed(f"/proc/sys/{top}"):
            for name in _listed(f"/proc/sys/{top}/{interface}"):
                if name not in _VOLATILE:
                    # In sysctl's own writing a dot in an interface's name is a slash.
                    key = f"{top}.".replace("/", ".") + interface.replace(".", "/") + f".{name}"
                    yield key, _value(f"/proc/sys/{top}/{interface}/{name}")
    for name in _listed("/proc/sys/net/ipv4/vs"):
        yield f"net.ipv4.vs.{name}", _value(f"/proc/sys/net/ipv4/vs/{name}")


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _value(path: str) -> str:
    # Not open(): it makes twice as many system calls, and there are hundreds of these files.
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4096).decode("ascii", "replace").strip()
    except OSError as error:
        return f"unreadable: {error.strerror}"
    finally:
        os.close(file)


def _ipvs() -> dict[str, list[str]]:
    if not os.path.exists("/proc/net/ip_vs"):
        return {}
    return {
        "rules": sorted(_run("ipvsadm", "-Sn").splitlines()),
        "thresholds": sorted(_thresholds(_run("ipvsadm", "-Ln", "--thresholds"))),
        "timeout": _run("ipvsadm", "-L", "--timeout").splitlines(),
        "daemon": _run("ipvsadm", "-L", "--daemon").splitlines(),
    }


def _thresholds(text: str) -> Iterator[str]:
    service = ""
    for line in text.splitlines()[3:]:
        words = line.split()
        if words[0] != "->":
            service = " ".join(words[:2])
        elif words[2:4] != ["0", "0"]:
            yield f"{service} {words[1]} upper {words[2]} lower {words[3]}"


def _firewall(program: str, names: str) -> list[str]:
    """The rules, without tables that are as empty as one that is not there."""
    path = shutil.which(program, path=ENVIRONMENT["PATH"])
    if path is None or ("legacy" in os.path.realpath(path) and not _lines(names)):
        return []
    kept: list[str] = []
    table: list[str] = []
    for line in _run(path).splitlines():
        if line.startswith("*"):
            table = [line]
        elif line == "COMMIT":
            kept += table if any(not word.endswith(" ACCEPT") for word in table[1:]) else []
        elif not line.startswith("#"):
            table.append(_COUNTERS.sub("", line).rstrip())
    return kept


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def _files(*directories: str) -> list[str]:
    return sorted(
        os.path.join(place, name)
        for directory in directories
        for place, inner, names in os.walk(directory)
        for name in [*inner, *names]
    )
