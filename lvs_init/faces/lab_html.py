"""A rehearsal's report as one HTML file that needs nothing else: hosts and networks drawn, shares, owners, findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from lvs_init.lab.report import Report, ServiceReport
from lvs_init.lab.topology import Topology

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: .2em 1em .2em 0; text-align: left; vertical-align: top; }
th { font-weight: normal; color: #666; } .number { text-align: right; } .bar { background: #4878a8; height: .8em; }
.good { color: #1a7a2e; } .bad { color: #b3261e; font-weight: bold; } code { white-space: pre-wrap; }
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 12px monospace; } .line { stroke: #888; }
.legend i { display: inline-block; width: .8em; height: .8em; margin: 0 .4em 0 1.2em; }
.mark { stroke: #222; stroke-dasharray: 4 3; } .lost { stroke: #b3261e; stroke-width: 2; }
.host { fill: #eef3f8; stroke: #4878a8; } .director { fill: #dbe9d8; stroke: #3d7a35; }
"""
_CHARACTER, _GAP, _ROW, _MARGIN = 7.3, 20, 46, 20  # pixels; a monospaced character of 12 is 7.2 wide


def page(report: Report, topology: Topology, file: str) -> str:
    """The whole file."""
    parts = [
        *drawing(topology),
        *(line for service in report.services for line in _service(service)),
        "<h2>Who answers for the VIPs</h2>",
        *table(
            ["VIP", "answered by"],
            [[vip.vip, _judged(", ".join(vip.owners) or "nobody", vip.ok)] for vip in report.vips],
        ),
        "<h2>What the init scripts said</h2>",
        *table(["host", "script", "", "", "after stop"], list(_calls(report))),
        *_findings(report),
        "<h2>What was done when</h2>",
        *table(
            ["seconds", "", ""],
            [[f"{step.at:.1f}", step.what, _judged(step.result or "done", step.ok)] for step in report.steps],
        ),
        *notes(report.notes),
    ]
    verdict = "All of it held." if report.ok else "It did not hold."
    return document(report.cluster, f"Rehearsal of {file}", verdict, report.ok, parts)


def document(title: str, heading: str, verdict: str, fine: bool, parts: Iterable[str]) -> str:
    """A whole file. ``parts``: HTML."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            f"<style>{_STYLE}</style></head><body>",
            f'<h1>{escape(heading)}</h1><p class="{"good" if fine else "bad"}">{escape(verdict)}</p>',
            *parts,
            "</body></html>\n",
        ]
    )


def drawing(topology: Topology) -> Iterator[str]:
    """Hosts side by side, their networks as lines below, a dot where a host is on one."""
    yield "<h2>Hosts and networks</h2>"
    texts = [[host.name, *(" ".join(address) for address in host.addresses)] for host in topology.hosts]
    box = 16 + _CHARACTER * max(len(text) for lines in texts for text in lines)
    column = box + _GAP
    width = _MARGIN * 2 + column * len(topology.hosts)
    addresses = max(len(host.addresses) for host in topology.hosts)
    height = 34 + 15 * addresses
    below = {name: _MARGIN + height + _ROW * (place + 1) for place, name in enumerate(topology.segments)}
    yield f'<svg viewBox="0 0 {width:.0f} {max(below.values()) + _ROW}" width="{width:.0f}" role="img">'
    for name, subnets in topology.segments.items():
        y = below[name]
        yield f'<line class="line" x1="{_MARGIN}" x2="{width - _MARGIN:.0f}" y1="{y}" y2="{y}" stroke-width="3"/>'
        label = escape(", ".join(subnets) or name)
        yield f'<text x="{width - _MARGIN:.0f}" y="{y + 16}" text-anchor="end">{label}</text>'
    for place, host in enumerate(topology.hosts):
        x = round(_MARGIN + column * place)
        for number, wire in enumerate(host.wires):
            at = x + 25 + 30 * number
            yield f'<line class="line" x1="{at}" x2="{at}" y1="{_MARGIN + height}" y2="{below[wire.segment]}"/>'
            yield f'<circle cx="{at}" cy="{below[wire.segment]}" r="4"/>'
        kind = "director" if host.directs else "host"
        yield f'<rect class="{kind}" x="{x}" y="{_MARGIN}" width="{box:.0f}" height="{height}" rx="6"/>'
        yield f'<text x="{x + 8}" y="{_MARGIN + 18}" font-weight="bold">{escape(host.name)}</text>'
        for line, text in enumerate(texts[place][1:], 1):
            yield f'<text x="{x + 8}" y="{_MARGIN + 20 + 15 * line}">{escape(text)}</text>'
    yield "</svg>"


def _service(service: ServiceReport) -> Iterator[str]:
    yield f"<h2>{escape(service.service)}</h2>"
    if not service.sent:
        yield "<p>Not asked.</p>"
        return
    errors = ", ".join(f"{name} {times}" for name, times in service.errors.items())
    said = (
        f"{escape(service.scheduler)}, {escape(service.rule)}: {service.answered} of {service.sent} requests answered"
    )
    yield f"<p>{said}{f' ({escape(errors)})' if errors else ''}</p>"
    most = max([share.requests for share in service.shares] or [1]) or 1
    rows = [
        [
            escape(share.host), escape(share.realserver), escape(share.forwarding), str(share.weight),
            _judged(str(share.requests), share.ok), "-" if share.predicted is None else str(share.predicted),
            f'<div class="bar" style="width: {12 * share.requests / most:.1f}em"></div>',
        ]
        for share in service.shares
    ]  # fmt: skip
    yield from _rows(["real server", "", "by", "weight", "requests", "predicted", ""], rows)


def _calls(report: Report) -> Iterator[list[str]]:
    for host in report.hosts:
        for call in host.calls:
            left = "as before" if not host.left else "; ".join(host.left[:5])
            said = _judged(call.headline, call.ok)
            yield [host.host, f"{call.script} {call.verb}", said, "; ".join(call.warned), left]


def _findings(report: Report) -> Iterator[str]:
    yield "<h2>What the doctor found</h2>"
    if not report.findings:
        yield '<p class="good">Nothing.</p>'
        return
    rows = [
        [
            escape(each["host"]), escape(each["severity"]), escape(each["code"]), escape(each["seen"]),
            f"<code>{escape(each['fix'])}</code>",
        ]
        for each in report.findings
    ]  # fmt: skip
    yield from _rows(["host", "", "code", "seen", "fix"], rows)


def notes(lines: Sequence[str]) -> Iterator[str]:
    """A paragraph each."""
    if lines:
        yield "<h2>Notes</h2>"
        yield from (f"<p>{escape(line)}</p>" for line in lines)


def _judged(text: str, fine: bool) -> str:
    return text if fine else f"{text} !"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Cells are text."""
    yield from _rows(head, [[escape(cell) for cell in row] for row in rows])


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are HTML already."""
    yield "<table><tr>" + "".join(f"<th>{title}</th>" for title in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td{_class(cell)}>{cell}</td>" for cell in row) + "</tr>"
    yield "</table>"


def _class(cell: str) -> str:
    names = [*(["number"] if cell.rstrip(" !").isdigit() else []), *(["bad"] if cell.endswith(" !") else [])]
    return f' class="{" ".join(names)}"' if names else ""
