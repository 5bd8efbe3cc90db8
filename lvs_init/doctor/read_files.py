"""What files of /etc say that will hold after a reboot, as parts of a Snapshot."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Ifcfg, PersistedSetting
from lvs_init.model.network import slashed

#: Of what sysctl.d sets, what may matter here.
_OURS = ("net/",)


def in_order(found: Mapping[str, Iterable[str]]) -> list[str]:
    """Paths in the order in which they are read. ``found``: directory -> names in it, the directory that wins first.

    As sysctl.d(5) and modprobe.d(5): sorted by name whatever the directory, and of two of a name one counts.
    """
    chosen: dict[str, str] = {}
    for directory, names in found.items():
        for name in names:
            if name.endswith(".conf"):
                chosen.setdefault(name, f"{directory}/{name}")
    return [chosen[name] for name in sorted(chosen)]


def persisted(file: str, text: str) -> list[PersistedSetting]:
    """The lines of a sysctl.d file that set something of the network (sysctl.d(5), sysctl.conf(5))."""
    settings = []
    for row in text.splitlines():
        name, equals, value = row.strip().partition("=")
        name = name.strip().lstrip("-").strip()
        if equals and name and name[0] not in "#;" and slashed(name).startswith(_OURS):
            settings.append(PersistedSetting(clean(file), clean(slashed(name)), clean(" ".join(value.split()))))
    return settings


def names(text: str) -> list[str]:
    """A name a line, as in modules-load.d(5)."""
    rows = (row.strip() for row in text.splitlines())
    return [clean(row.replace("-", "_").split()[0]) for row in rows if row and row[0] not in "#;"]


def module_options(text: str) -> dict[str, str]:
    """``options ip_vs conn_tab_bits=20`` of modprobe.d(5): ip_vs -> conn_tab_bits=20."""
    found: dict[str, str] = {}
    for row in text.splitlines():
        words = row.split()
        if len(words) >= 3 and words[0] == "options":
            name = words[1].replace("-", "_")
            found[clean(name)] = clean(" ".join(filter(None, (found.get(name, ""), *words[2:]))))
    return found


def ifcfg(file: str, text: str) -> Ifcfg:
    """A Red Hat /etc/sysconfig/network-scripts/ifcfg-*."""
    values = assignments(text)
    device = values.get("DEVICE") or file.rpartition("/ifcfg-")[2]
    return Ifcfg(clean(file), clean(device), clean(values.get("ARPUPDATE", "")))


def assignments(text: str) -> dict[str, str]:
    """KEY=value lines; what no shell would read as one is left out."""
    found: dict[str, str] = {}
    for row in text.splitlines():
        name, equals, value = row.strip().partition("=")
        if equals and name.isidentifier():
            try:
                found[name] = " ".join(shlex.split(value, comments=True))
            except ValueError:
                continue
    return found
