"""A finding: what is wrong, with the values that show it, why that matters here, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Optional

from lvs_init.commands import ip, sysctl
from lvs_init.commands.command import shell_text
from lvs_init.model.network import AddressKey, Alias, SysctlKey
from lvs_init.model.state import Change, Key, Value

BROKEN, WILL_BREAK, RISK, NOTE = "broken", "will-break", "risk", "note"
#: Worst first. broken: traffic fails now; will-break: it will when something ordinary happens (a reboot, a takeover,
#: the real server's next word); risk: it may; note: worth knowing, nothing to mend.
SEVERITIES = (BROKEN, WILL_BREAK, RISK, NOTE)

Wanted = tuple[tuple[Key, Optional[Value]], ...]


@dataclass(frozen=True)
class Fix:
    """``text``: sh, to be pasted as it is; what no command can do is a comment (``# ...``). "" for nothing to do.

    ``wanted``: the same for the planner, where settings and addresses are all it takes. Only that can be carried out
    by ``--fix``.
    """

    text: str = ""
    wanted: Wanted = ()

    def __add__(self, other: Fix) -> Fix:
        """One after the other. What cannot be carried out in part is not carried out at all."""
        both = bool(self.wanted and other.wanted)
        return Fix("\n".join(filter(None, (self.text, other.text))), self.wanted + other.wanted if both else ())


@dataclass(frozen=True)
class Finding:
    """``seen``: the very values. ``why``: why that matters for this way of forwarding. ``about``: what it is about, so
    that the same fault of two VIPs makes two findings ("192.168.0.219", "eth0", "tcp 192.168.0.219:80").

    ``node``: which machine it was seen on, where several were looked at; "" for this one.
    """

    code: str
    severity: str
    seen: str
    why: str
    fix: Fix = Fix()
    about: str = ""
    node: str = ""

    @property
    def order(self) -> tuple[int, str, str, str, str]:
        """What findings are sorted by: the worst first."""
        return SEVERITIES.index(self.severity), self.code, self.node, self.about, self.seen


def several(names: Iterable[str], most: int = 4) -> str:
    """``a, b, c, d and 5 more``."""
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def by_hand(text: str) -> Fix:
    """A fix in words: each line a comment."""
    return Fix("\n".join(f"# {line}" for line in text.splitlines()))


def by_command(*lines: str) -> Fix:
    """A fix that people run: commands that ``--fix`` keeps its hands off, as firewall rules."""
    return Fix("\n".join(lines))


def settings(values: Mapping[str, str]) -> Fix:
    """Kernel settings, path with slashes -> value: ``sysctl -w net.ipv4.conf.all.arp_ignore=1 ...``."""
    return Fix(
        shell_text(sysctl.write(list(values.items()))),
        tuple((SysctlKey(path), value) for path, value in values.items()),
    )


def addresses(wanted: Iterable[tuple[AddressKey, Alias | None]]) -> Fix:
    """Addresses to add (an Alias) and to remove (None), in this order."""
    pairs = tuple(wanted)
    changes = [Change(key, None if alias else Alias(), alias) for key, alias in pairs]
    return Fix("\n".join(shell_text(ip.change(change)) for change in changes), pairs)
