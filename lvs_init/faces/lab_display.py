"""A rehearsal on a screen: a line a step while it goes on, tables of what it has shown at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence

from lvs_init.faces.terminal import DIM, GREEN, RED, coloured, columns, is_terminal
from lvs_init.lab.prediction import ABOUT
from lvs_init.lab.report import HostReport, Report, ServiceReport
from lvs_init.lab.topology import Topology
from lvs_init.system import streams

_STEP = 44  # columns of a step's text; its result stands beside it
_MOST_LINES = 12  # of what a host is left with


class Progress:
    """A line for each step: what it is when it begins, how it ended in its place. Without a terminal, at its end."""

    def __init__(self) -> None:
        self._text = ""
        self._begun = 0.0

    def begin(self, text: str) -> None:
        self._text, self._begun = text, time.monotonic()
        if is_terminal():
            sys.stdout.write(coloured(f"  ..  {text}"[: shutil.get_terminal_size().columns - 1], DIM))
            sys.stdout.flush()

    def end(self, result: str, fine: bool) -> None:
        mark = coloured("ok  ", GREEN) if fine else coloured("FAIL", RED)
        seconds = time.monotonic() - self._begun
        line = f"{self._text:<{_STEP}}  {seconds:4.1f} s  {result}".rstrip()
        if is_terminal():
            sys.stdout.write("\r\x1b[K")
        streams.out(f"  {mark}{line}")


def opening(file: str, summary: str, topology: Topology) -> Iterator[str]:
    """What is going to be rehearsed, and with which hosts."""
    yield f"{file}: {summary}"
    yield ""
    rows = [
        [host.name, ", ".join(f"{device} {address}" for device, address in host.addresses)] for host in topology.hosts
    ]
    yield from _table([], rows)
    yield ""


def closing(report: Report) -> Iterator[str]:
    """The tables, and whether all of it held."""
    for service in report.services:
        yield ""
        yield from _service(service)
    yield ""
    yield from _table(
        ["VIP", "the network is answered by"], [[vip.vip, _judged(_named(vip.owners), vip.ok)] for vip in report.vips]
    )
    yield ""
    rows = [
        [host.host, _status(host), "as before" if not host.left else _judged("changed", False)] for host in report.hosts
    ]
    yield from _table(["host", "while it ran", "after stop"], rows)
    yield from _complaints(report)
    yield ""
    yield coloured("All of it held.", GREEN) if report.ok else coloured("It did not hold.", RED)


def _service(service: ServiceReport) -> Iterator[str]:
    how = f"{service.service}  {service.scheduler}, {service.rule}"
    if not service.sent:
        yield f"  {how}: not asked"
        return
    answered = f"{service.answered} of {service.sent} requests answered"
    errors = ", ".join(f"{name} {times}" for name, times in service.errors.items())
    yield f"  {how}: {answered}" + (f" ({errors})" if errors else "")
    rows = [
        [
            f"  {share.host}",
            share.realserver,
            share.forwarding,
            str(share.weight),
            _judged(str(share.requests), share.ok),
            _predicted(share.predicted, service.rule),
        ]
        for share in service.shares
    ]
    if rows:
        yield from _table(["  real server", "", "by", "weight", "requests", "predicted"], rows, numbers=3)


def _predicted(number: int | None, rule: str) -> str:
    if number is None:
        return "-"
    return f"~{number}" if rule == ABOUT and number else str(number)


def _status(host: HostReport) -> str:
    said = [call.headline for call in host.status()]
    return ", ".join(said) if said else "-"


def _complaints(report: Report) -> Iterator[str]:
    """Whatever was said on stderr or went wrong, by host."""
    for note in report.notes:
        yield f"\n  note: {note}"
    for host in report.hosts:
        lines = [f"{call.script} {call.verb}: {line}" for call in host.calls for line in call.warned]
        lines += [
            f"{call.script} {call.verb}: exit code {call.code}: {line}"
            for call in host.calls
            if not call.ok
            for line in call.said or ["nothing on stdout"]
        ]
        lines += [f"left over: {line}" for line in host.left[:_MOST_LINES]]
        if len(host.left) > _MOST_LINES:
            lines.append(f"left over: {len(host.left) - _MOST_LINES} more (--json has them)")
        if lines:
            yield f"\n  {host.host}"
            yield from (f"    {line}" for line in lines)


def _named(owners: Sequence[str]) -> str:
    return ", ".join(owners) or "nobody"


def _judged(text: str, fine: bool) -> str:
    return text if fine else f"{text} !"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> Iterator[str]:
    """Aligned columns, two blanks apart. ``numbers``: how many of the last ones stand to the right."""
    for place, text in enumerate(columns([head, *rows] if head else list(rows), numbers)):
        yield coloured(f"  {text}", DIM) if head and place == 0 else f"  {text}"
