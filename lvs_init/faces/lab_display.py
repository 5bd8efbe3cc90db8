"""A rehearsal on a screen: a line a step while it goes on, tables of what it has shown at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence

from lvs_init.faces.terminal import DIM, GREEN, RED, coloured, columns, is_terminal
from lvs_init.lab.prediction import ABOUT
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.report import HostReport, Report, ServiceReport
from lvs_init.lab.topology import Topology
from lvs_init.lab.watching import Doing, Watch
from lvs_init.system import streams

_STEP = 44  # columns of a step's text; its result stands beside it
_LOOK = 0.5  # seconds at least between two looks at what hosts are doing
_MOST_LINES = 12  # of what a host is left with


class Progress:
    """A line for each step, at its end. On a terminal also what is being done now, and below it what every director and
    real server is doing."""

    def __init__(self) -> None:
        self._text = ""
        self._begun = 0.0
        self._below: list[str] = []
        self._drawn = 0  # lines that are to be drawn anew
        self._due = 0.0

    def begin(self, text: str) -> None:
        self._text, self._begun = text, time.monotonic()
        self._draw()

    def end(self, result: str, fine: bool) -> None:
        mark = coloured("ok  ", GREEN) if fine else coloured("FAIL", RED)
        seconds = time.monotonic() - self._begun
        line = f"{self._text:<{_STEP}}  {seconds:4.1f} s  {result}".rstrip()
        self._text = ""
        if is_terminal():
            sys.stdout.write(self._erased())
        streams.out(f"  {mark}{line}")

    def follow(self, rehearsal: Rehearsal) -> None:
        watch = Watch(rehearsal)

        def look() -> None:
            if self._text and time.monotonic() >= self._due:
                began = time.monotonic()
                self._below = list(doing(watch.look()))
                self._draw()
                ended = time.monotonic()
                self._due = ended + max(_LOOK, 5 * (ended - began))  # with many hosts it takes a while

        if is_terminal():
            rehearsal.place.meanwhile = look

    def _draw(self) -> None:
        if is_terminal():
            size = shutil.get_terminal_size()
            lines = [f"  ..  {self._text}", *(f"        {line}" for line in self._below)][: size.lines - 2]
            text = "".join(coloured(line[: size.columns - 1], DIM) + "\n" for line in lines)
            sys.stdout.write(self._erased() + text)
            sys.stdout.flush()
            self._drawn = len(lines)

    def _erased(self) -> str:
        """What takes back what was drawn (ECMA-48: lines up, erase to the end)."""
        drawn, self._drawn = self._drawn, 0
        return f"\x1b[{drawn}A\x1b[J" if drawn else ""


def doing(hosts: Sequence[Doing]) -> Iterator[str]:
    """A line for each: how much it has done, how much it does in a second, what its script has said."""
    rows = []
    for host in hosts:
        count = "-" if host.count is None else f"{host.count} {'connections' if host.directs else 'requests'}"
        rows.append([host.host, count, f"{host.rate:.0f}/s", host.state])
    yield from columns(rows)


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
