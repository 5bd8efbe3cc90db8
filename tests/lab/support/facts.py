"""A snapshot as lines for people, so that documents and messages can name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lvs_init.lab.snapshot import Snapshot


def facts(snapshot: Snapshot) -> set[str]:
    return set(_facts(snapshot))


def _facts(snapshot: Snapshot) -> Iterator[str]:
    for name, link in snapshot["links"].items():
        yield f"link {name} {_words(link)}"
        for address in snapshot["addresses"][name]:
            label = address.get("label", name)
            rest = {key: value for key, value in address.items() if key not in ("local", "prefixlen", "label")}
            yield f"address {address['local']}/{address['prefixlen']} on {label} {_words(rest)}"
    for route in snapshot["routes"]:
        yield f"route {_words(route)}"
    for name, value in snapshot["sysctls"].items():
        yield f"{name} = {value}"
    for part, lines in snapshot["ipvs"].items():
        yield from (f"ipvsadm {part}: {line}" for line in lines)
    for program, lines in snapshot["iptables"].items():
        name = ""
        for line in lines:
            if line.startswith("*"):
                name = f"{program.partition('-')[0]} -t {line[1:]}"
            elif not line.endswith(" ACCEPT"):
                yield f"{name} {line}"
    for file in snapshot["files"]:
        yield f"file {file}"


def _words(values: dict[str, Any]) -> str:
    return " ".join(f"{name} {value}" for name, value in values.items())


_PER_INTERFACE = re.compile(r"(net\.ipv[46]\.conf)\.([^.]+)\.(\S+ = .*)")


def gathered(lines: Iterable[str]) -> set[str]:
    """The same setting of several interfaces as one line: net.ipv4.conf.{all,lo}.forwarding = 1."""
    together: dict[tuple[str, str], list[str]] = {}
    rest = set()
    for line in lines:
        found = _PER_INTERFACE.fullmatch(line)
        if found:
            together.setdefault((found[1], found[3]), []).append(found[2])
        else:
            rest.add(line)
    for (top, setting), interfaces in together.items():
        names = ",".join(sorted(interfaces))
        rest.add(f"{top}.{names if len(interfaces) == 1 else '{' + names + '}'}.{setting}")
    return rest
