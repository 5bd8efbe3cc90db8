"""Codes and their rules. A module of rules registers them when it is imported; ``catalogue.py`` imports them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from lvs_init.doctor.case import Case
from lvs_init.doctor.finding import Finding

Rule = Callable[[Case], Iterator[Finding]]

DIRECTOR, REALSERVER, NETWORK = "director", "realserver", "network"
EVERY_METHOD = ("dr", "nat", "tun")


@dataclass(frozen=True)
class Entry:
    """One known failure: a section of docs/findings.md, with a heading of its code and title.

    ``where``: the machine that shows it (DIRECTOR, REALSERVER, both, or NETWORK for what is none of ours).
    ``methods``: ways of forwarding that it harms. ``symptom``: what a client or an admin notices. ``cause``: why the
    kernel does that. ``cure``: what helps, in words. ``not_injected``: why no lab can bring it about, "" where one can.
    ``not_seen``: why no look at machines shows it, "" where one does. ``joined``: what one machine alone does not show.
    """

    code: str
    title: str
    where: tuple[str, ...]
    methods: tuple[str, ...]
    symptom: str
    cause: str
    cure: str
    not_injected: str = ""
    not_seen: str = ""
    joined: bool = False

    @property
    def anchor(self) -> str:
        """Its heading in docs/findings.md, as GitHub makes links of headings."""
        kept = (letter for letter in f"{self.code} {self.title}".lower() if letter.isalnum() or letter in " -_")
        return "".join(kept).replace(" ", "-")


ENTRIES: dict[str, Entry] = {}
RULES: dict[str, list[Rule]] = {}


def entry(
    code: str,
    title: str,
    *,
    where: tuple[str, ...],
    methods: tuple[str, ...] = EVERY_METHOD,
    symptom: str,
    cause: str,
    cure: str,
    not_injected: str = "",
    not_seen: str = "",
    joined: bool = False,
) -> Callable[[Rule], Rule]:
    """Register a code; as a decorator, a rule that finds it on one machine, too."""
    assert code not in ENTRIES, f"{code} twice"
    ENTRIES[code] = Entry(code, title, where, methods, symptom, cause, cure, not_injected, not_seen, joined)
    return rule_of(code)


def rule_of(code: str) -> Callable[[Rule], Rule]:
    """Register one more rule of a code."""

    def with_rule(rule: Rule) -> Rule:
        RULES.setdefault(code, []).append(rule)
        return rule

    return with_rule
