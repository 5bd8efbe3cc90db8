"""Every code that there is, and the examination of one machine by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lvs_init.doctor import (  # noqa: F401 - they register their rules
    addresses,
    arp,
    both,
    connections,
    direct,
    firewall,
    host,
    ipv6,
    nat,
    probe,
    sync,
    table,
    tunnel,
)
from lvs_init.doctor.case import Case
from lvs_init.doctor.finding import Finding
from lvs_init.doctor.registry import ENTRIES, NETWORK, RULES, Entry

#: By code.
CATALOGUE: dict[str, Entry] = dict(sorted(ENTRIES.items()))


def diagnose(case: Case) -> list[Finding]:
    """What is wrong with this machine: the worst first, nothing twice. Never raises for a Snapshot, however odd."""
    found: dict[Finding, None] = {}
    for code, rules in RULES.items():
        if _concerns(CATALOGUE[code], case):
            for rule in rules:
                found.update(dict.fromkeys(rule(case)))
    return ordered(list(found))


def diagnose_all(cases: Sequence[Case]) -> list[Finding]:
    """The same of several machines, each finding with the name of the one that it was seen on, and what only all of
    them together show. What one of them would fear and another one shows to be well is left out."""
    found = [
        replace(finding, node=case.snapshot.node)
        for case in cases
        for finding in diagnose(case)
        if not both.settled(finding, case, cases)
    ]
    return ordered([*found, *both.joined(cases)])


def _concerns(entry: Entry, case: Case) -> bool:
    here = NETWORK in entry.where or bool(case.roles.intersection(entry.where))
    return here and bool(case.methods.intersection(entry.methods))


def ordered(findings: list[Finding], node: str = "") -> list[Finding]:
    """Sorted by severity, code and subject; one of each code, subject and node. ``node``: where they were seen."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for finding in sorted(findings, key=lambda finding: finding.order):
        named = replace(finding, node=node) if node and not finding.node else finding
        kept.setdefault((named.code, named.node, named.about), named)
    return list(kept.values())
