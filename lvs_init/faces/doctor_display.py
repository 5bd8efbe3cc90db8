"""Findings on a screen and as JSON."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from lvs_init.doctor.case import Case
from lvs_init.doctor.catalogue import CATALOGUE
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, SEVERITIES, WILL_BREAK, Finding
from lvs_init.doctor.registry import Entry
from lvs_init.faces.terminal import BOLD, DIM, RED, YELLOW, coloured, is_terminal, shorter
from lvs_init.system import streams

_VERSION = 1
_USUAL_WIDTH = 100  # where there is no terminal
_WORDS = {BROKEN: "broken now", WILL_BREAK: "will break", RISK: "at risk", NOTE: "to know"}
_COLOURS = {BROKEN: RED, WILL_BREAK: YELLOW, RISK: YELLOW, NOTE: DIM}


def tell(file: str, cases: Sequence[Case], findings: Sequence[Finding]) -> None:
    """A summary, every finding with what mends it, what could not be seen."""
    streams.out(_summary(file, cases, findings))
    for severity in SEVERITIES:
        of_severity = [finding for finding in findings if finding.severity == severity]
        if of_severity:
            streams.out("")
            streams.out(coloured(_WORDS[severity], _COLOURS[severity]))
        for finding in of_severity:
            for line in _lines(finding):
                streams.out(line)
    for case in cases:
        for unseen in case.snapshot.unseen:
            of = f" of {case.snapshot.node}" if len(cases) > 1 else ""
            streams.err(f"lvsctl: note: not seen{of}: {unseen.what} ({unseen.why})")


def _summary(file: str, cases: Sequence[Case], findings: Sequence[Finding]) -> str:
    who = ", ".join(f"{case.snapshot.node} ({' and '.join(sorted(case.roles))})" for case in cases)
    counts = [(sum(finding.severity == severity for finding in findings), severity) for severity in SEVERITIES]
    said = ", ".join(f"{number} {_WORDS[severity]}" for number, severity in counts if number)
    return f"{shorter(file)} on {who}: {said or 'nothing is wrong'}"


def _lines(finding: Finding) -> Iterator[str]:
    width = shutil.get_terminal_size((_USUAL_WIDTH, 0)).columns if is_terminal() else _USUAL_WIDTH
    on = f" on {finding.node}" if finding.node else ""
    about = f" ({finding.about})" if finding.about else ""
    yield f"  {coloured(finding.code, BOLD)}  {CATALOGUE[finding.code].title}{about}{on}"
    for name, text in (("seen", finding.seen), ("why", finding.why)):
        yield from textwrap.wrap(
            f"{name:<5}{text}", max(width, 40), initial_indent=" " * 9, subsequent_indent=" " * 14,
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
    # What is to be pasted stays as it is.
    for number, line in enumerate(finding.fix.text.splitlines()):
        yield f"         {'fix' if number == 0 else '':<5}{line}"
    yield f"         more {coloured(_place(finding.code), DIM)}"


def _place(code: str) -> str:
    return f"lvsctl doctor --explain {code}"


def tell_programs(file: str, cases: Sequence[Case], findings: Sequence[Finding]) -> None:
    """The same as JSON, docs/json.md."""
    import json

    answer = {
        "version": _VERSION,
        "file": file,
        "nodes": [
            {
                "node": case.snapshot.node,
                "roles": sorted(case.roles),
                "unseen": [{"what": unseen.what, "why": unseen.why} for unseen in case.snapshot.unseen],
            }
            for case in cases
        ],
        "findings": [_plain(finding) for finding in findings],
    }
    streams.out(json.dumps(answer, indent=2))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "title": CATALOGUE[finding.code].title,
        "node": finding.node,
        "about": finding.about,
        "seen": finding.seen,
        "why": finding.why,
        "fix": finding.fix.text,
        "fixable": bool(finding.fix.wanted),
        "read_more": f"docs/findings.md#{CATALOGUE[finding.code].anchor}",
    }


def tell_entry(entry: Entry) -> None:
    """All that is known of a code."""
    streams.out(f"{coloured(entry.code, BOLD)}  {entry.title}")
    parts = [
        ("where", ", ".join(entry.where)),
        ("methods", ", ".join(entry.methods)),
        ("symptom", entry.symptom),
        ("cause", entry.cause),
        ("cure", entry.cure),
        ("seen", "by several machines together: --with, --ssh" if entry.joined else ""),
        ("not seen", f"by doctor: {entry.not_seen}" if entry.not_seen else ""),
    ]
    for name, text in parts:
        if text:
            for line in textwrap.wrap(
                f"{name:<10}{text}", _USUAL_WIDTH, initial_indent="  ", subsequent_indent=" " * 12,
                break_on_hyphens=False, break_long_words=False,
            ):  # fmt: skip
                streams.out(line)
    streams.out(f"  more      docs/findings.md#{entry.anchor}")


def tell_mended(number: int, back: str) -> None:
    """What was done, and how to take it back."""
    say(f"{'one thing is' if number == 1 else f'{number} things are'} set right; this takes it back:")
    for line in back.splitlines():
        streams.out(f"  {line}")


def say(text: str) -> None:
    """A line after the findings."""
    streams.out("")
    streams.out(text)
