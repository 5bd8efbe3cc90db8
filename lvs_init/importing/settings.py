"""Kernel settings of a script: what start does by itself, what lvs.toml takes, what is for sysctl.d."""

from __future__ import annotations

from lvs_init.config.problems import Problems
from lvs_init.config.sysctl import read_sysctls
from lvs_init.importing.facts import Facts
from lvs_init.importing.said import Said
from lvs_init.importing.toml_text import Key
from lvs_init.model.network import dotted

#: The values that hide a VIP on a real server.
_HIDING = {"arp_ignore": ("1", "2"), "arp_announce": ("2",)}
_FORWARDING = ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv6/conf/all/forwarding")


def settings_of(facts: Facts, role: str, tunnels: bool, said: Said) -> tuple[Key, ...]:
    """The keys of ``[director.sysctl]`` or ``[realserver.sysctl]``. ``tunnels``: it is about tun."""
    keys = []
    for path, (line, value) in facts.settings.items():
        name = path.rpartition("/")[2]
        text = f"{dotted(path)} = {value}"
        if path in _FORWARDING:
            if value != "1":
                said.no_place(line, text, "start switches forwarding on")
        elif name in _HIDING:
            if value not in _HIDING[name]:
                said.no_place(line, text, "start of a real server sets what hides its VIP, stop puts it back")
        elif name == "rp_filter" and tunnels:
            said.no_place(line, text, "start sets tunl0.rp_filter = 2, which is enough")
        else:
            problems = Problems("")
            read_sysctls({path: value}, (role, "sysctl"), problems)
            if problems:
                said.no_place(line, text, "sysctl.d is the place for it")
            else:
                keys.append(Key(dotted(path), int(value) if value.isdecimal() and len(value) < 19 else value))
    return tuple(keys)
