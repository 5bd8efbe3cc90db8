"""A scenario as one HTML file that needs nothing else: when what happened, who answered, what was lost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from html import escape

from lvs_init.faces.lab_html import document, drawing, notes, table
from lvs_init.lab.scenario import Scenario
from lvs_init.lab.steady import Course
from lvs_init.lab.topology import Topology

_COLOURS = ("#4878a8", "#d98c3f", "#5a9e5f", "#9467a8", "#8c6d4f", "#c97b9e", "#7f7f7f", "#b0a03c")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BELOW = 900, 160, 50, 30, 70, 40  # pixels
_LEVELS = 4  # of the numbers of marks, so that none covers those that follow it soon
_LABELS = 12  # along the time, at most


def page(scenario: Scenario, topology: Topology, file: str) -> str:
    """The whole file."""
    hosts = sorted({*scenario.before, *scenario.since})
    parts = [
        *_timeline(scenario.course, hosts),
        *table(["", "seconds", "what happened"], list(_events(scenario.course))),
        "<h2>Who answered</h2>",
        *table(
            ["real server", "before", "since"],
            [[host, str(scenario.before.get(host, 0)), str(scenario.since.get(host, 0))] for host in hosts],
        ),
        *(f"<p>{escape(line)}</p>" for line in scenario.noticed),
        "<h2>What was lost</h2>",
        *([f"<p>{escape(str(loss))}</p>" for loss in scenario.lost] or ['<p class="good">Nothing.</p>']),
        *_said(scenario.said),
        *drawing(topology),
        *notes(scenario.notes),
    ]
    return document(scenario.what, f"{file}: {scenario.what}", scenario.verdict, scenario.ok, parts)


def _said(lines: list[str]) -> Iterator[str]:
    if lines:
        yield "<h2>What the scripts said</h2>"
        yield from (f"<p><code>{escape(line)}</code></p>" for line in lines)


def _timeline(course: Course, hosts: list[str]) -> Iterator[str]:
    """A column for each step, in it the answers of each real server; lines where something happened; losses below."""
    yield "<h2>What happened when</h2>"
    if not course.answers:
        yield "<p>Nothing was asked.</p>"
        return
    seconds = course.step * len(course.answers)
    most = max(sum(step.values()) for step in course.answers) or 1
    across, up = (_WIDTH - _LEFT - _RIGHT) / seconds, _HEIGHT / most
    bottom = _TOP + _HEIGHT
    colours = dict(zip(hosts, itertools.cycle(_COLOURS)))
    yield f'<svg viewBox="0 0 {_WIDTH} {bottom + _BELOW}" width="{_WIDTH}" role="img" class="timeline">'
    for number, step in enumerate(course.answers):
        top = float(bottom)
        for host in sorted(step):
            height = step[host] * up
            top -= height
            yield (
                f'<rect x="{_LEFT + number * course.step * across:.1f}" y="{top:.1f}" fill="{colours[host]}" '
                f'width="{course.step * across:.1f}" height="{height:.1f}"/>'
            )
    yield f'<text x="0" y="{_TOP + 10}">{most / course.step:.0f}/s</text>'
    yield f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    every = max(1, round(seconds / _LABELS))
    for second in range(0, math.ceil(seconds), every):
        x = _LEFT + second * across
        yield f'<text x="{x:.1f}" y="{bottom + 32}" text-anchor="middle">{second} s</text>'
    for at, _ in course.losses:
        x = _LEFT + at * across
        yield f'<line class="lost" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom + 4}" y2="{bottom + 16}"/>'
    for number, (at, _) in enumerate(course.marks, 1):
        x = _LEFT + at * across
        y = _TOP - 10 - 15 * (number % _LEVELS)
        yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{number}</text>'
    yield "</svg>"
    named = "".join(f'<i style="background: {colours[host]}"></i>{escape(host)}' for host in hosts)
    yield f'<p class="legend">{named}</p>'


def _events(course: Course) -> Iterator[list[str]]:
    """Marks with their numbers, and losses of one kind that follow each other as one."""
    marks = [(at, str(number), what) for number, (at, what) in enumerate(course.marks, 1)]
    moments = sorted([*((at, "", f"lost: {what}") for at, what in course.losses), *marks])
    for (number, what), group in itertools.groupby(moments, key=lambda moment: moment[1:]):
        times = [moment[0] for moment in group]
        if len(times) == 1:
            yield [number, f"{times[0]:.1f}", what]
        else:
            yield ["", f"{times[0]:.1f} to {times[-1]:.1f}", f"{len(times)} x {what}"]
