"""iptables(8), ip6tables(8) and their save and restore: our own MARK rules, and the filter table for flush_iptables.

Every writer waits up to five seconds (``-w 5``) for the lock that other users of iptables may hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lvs_init.commands.command import Command, bulk_timeout
from lvs_init.model.address import canonical, family_of
from lvs_init.model.network import FilterTable, MarkRuleKey
from lvs_init.model.state import Change

#: Tells our rules from those of others.
COMMENT = "lvs-init"

#: A chain's line, ``:INPUT ACCEPT [2:86]``.
_CHAIN = re.compile(r"(:\S+ \S+) \[\d+:\d+\]")

#: One of our rules, as iptables prints it: nothing more in it and nothing less.
_OURS = re.compile(
    r"-A PREROUTING -d (\S+)/(?:32|128)(?: -p (\w+))?(?: -m \w+ --dport (\d+))?"
    rf' -m comment --comment "?{COMMENT}"? -j MARK --set-xmark 0x([0-9a-f]+)/0xffffffff'
)

_WAIT = ("-w", "5")
_PROGRAMS = {4: "iptables", 6: "ip6tables"}

LIST_MARKS = {
    family: Command((program, *_WAIT, "-t", "mangle", "-S", "PREROUTING")) for family, program in _PROGRAMS.items()
}
FLUSH = Command(("iptables", *_WAIT, "-F"))
ZERO = Command(("iptables", *_WAIT, "-Z"))
SAVE_FILTER = Command(("iptables-save", "-t", "filter"))


def append_mark(key: MarkRuleKey) -> Command:
    return Command((_PROGRAMS[family_of(key.address)], *_WAIT, "-t", "mangle", "-A", *_rule(key)))


def delete_mark(key: MarkRuleKey) -> Command:
    return Command((_PROGRAMS[family_of(key.address)], *_WAIT, "-t", "mangle", "-D", *_rule(key)))


def restore_marks(changes: Sequence[Change]) -> tuple[Command, ...]:
    """Any number of changes of MARK rules: one process a family, which takes all of them or none."""
    commands = []
    for family, program in _PROGRAMS.items():
        rules = [
            " ".join(("-D" if change.after is None else "-A", *_rule(change.key)))
            for change in changes
            if isinstance(change.key, MarkRuleKey) and family_of(change.key.address) == family
        ]
        if rules:
            text = "".join(f"{row}\n" for row in ("*mangle", *rules, "COMMIT"))
            argv = (f"{program}-restore", *_WAIT, "--noflush", "-T", "mangle")
            commands.append(Command(argv, stdin=text, timeout=bulk_timeout(len(rules))))
    return tuple(commands)


def _rule(key: MarkRuleKey) -> tuple[str, ...]:
    protocol = ("-p", key.protocol) if key.protocol else ()
    port = ("--dport", str(key.port)) if key.port else ()
    return (
        "PREROUTING", "-d", key.address, *protocol, *port,
        "-m", "comment", "--comment", COMMENT, "-j", "MARK", "--set-mark", str(key.fwmark),
    )  # fmt: skip


def parse_marks(text: str, family: int) -> dict[MarkRuleKey, str]:
    """Our rules, and no others, in what LIST_MARKS prints for the family (4 or 6)."""
    rules: dict[MarkRuleKey, str] = {}
    for row in text.splitlines():
        found = _OURS.fullmatch(row.strip())
        if found:
            address, protocol, port, mark = found.groups()
            key = MarkRuleKey(canonical(address), protocol or "", int(port or 0), int(mark, 16))
            if family_of(key.address) == family:
                rules[key] = "present"
    return rules


def parse_save(text: str) -> FilterTable:
    """What ``iptables-save`` prints, without what differs between two reads of the same table.

    Comments hold the time; counters depend on traffic, so they are no part of the value (they count from 0 again after
    a restore, as they do after ``iptables -Z``).
    """
    rows = (row.strip() for row in text.splitlines())
    return FilterTable(
        tuple(
            _CHAIN.sub(r"\1 [0:0]", row) if row.startswith(":") else row
            for row in rows
            if row and not row.startswith("#")
        )
    )


def restore_filter(table: FilterTable) -> Command:
    """Replaces the whole filter table at once, rules, chains and policies."""
    text = "".join(f"{row}\n" for row in table.lines)
    return Command(("iptables-restore", *_WAIT, "-T", "filter"), stdin=text, timeout=bulk_timeout(len(table.lines)))


def filter_table(table: FilterTable) -> tuple[Command, ...]:
    """Makes the filter table what it shall be: emptied as the classic scripts do it, or put back."""
    return (FLUSH, ZERO) if flushed(table) else (restore_filter(table),)


def flushed(table: FilterTable) -> bool:
    """Whether no rule is left, which is what ``iptables -F`` does; policies and chains stay."""
    return not any(row.startswith("-A ") for row in table.lines)


def without_rules(table: FilterTable) -> FilterTable:
    """What ``iptables -F`` makes of the table."""
    return FilterTable(tuple(row for row in table.lines if not row.startswith("-A ")))


def policies(table: FilterTable) -> dict[str, str]:
    """Built-in chain -> ACCEPT or DROP. Chains that users made have none and are left out."""
    chains = (row[1:].split() for row in table.lines if row.startswith(":"))
    return {words[0]: words[1] for words in chains if len(words) >= 2 and words[1] != "-"}
