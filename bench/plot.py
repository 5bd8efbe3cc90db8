"""``python3 -m bench.plot``: draw what ``python3 -m bench`` has saved, for docs/performance.md."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping

from bench.numbers import BASH, EMPTY, FLOOR, KEEPALIVED, LDIRECTORD, OURS, PYTHON, RESTORE, SIZES, Measured, start
from bench.report import measured_of

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 44, 52  # room around the area of the points
_COLOURS = {
    OURS: "#0b6bcb",
    KEEPALIVED: "#2a8a3e",
    LDIRECTORD: "#b3261e",
    BASH: "#a15c00",
    RESTORE: "#7a4fb5",
    FLOOR: "#777777",
}

#: Real servers -> seconds.
Line = Mapping[int, float]


def lines(measured: Measured) -> dict[str, dict[int, float]]:
    """What each contender needs to start, by the number of real servers. Ours without the interpreter's own start."""
    found: dict[str, dict[int, float]] = {}
    for who in _COLOURS:
        for cluster in SIZES:
            samples = measured.get((start(cluster), who))
            if samples:
                off = measured[EMPTY, PYTHON].median if who == OURS else 0.0
                found.setdefault(who, {})[cluster.realservers] = samples.median - off
    return found


def svg(drawn: Mapping[str, Line], caption: str) -> str:
    """The lines on logarithmic scales, each with its name at its end."""
    sizes = [size for line in drawn.values() for size in line]
    times = [time for line in drawn.values() for time in line.values()]
    across = _Scale(min(sizes), max(sizes), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(min(times), max(times), _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 20, caption, "start", "black"),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, "real servers", "middle", "black"),
        *_grid(across, up),
    ]
    ends = _apart({who: up(line[max(line)]) for who, line in drawn.items()})
    for who, line in drawn.items():
        points = [(across(size), up(time)) for size, time in sorted(line.items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[who]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_COLOURS[who]}"/>' for x, y in points]
        parts.append(_text(_WIDTH - _RIGHT + 12, ends[who] + 4, who, "start", _COLOURS[who]))
        parts.append(
            f'<line x1="{points[-1][0] + 6:.1f}" y1="{points[-1][1]:.1f}" x2="{_WIDTH - _RIGHT + 9}" '
            f'y2="{ends[who]:.1f}" stroke="{_COLOURS[who]}" stroke-opacity="0.4" stroke-dasharray="2 3"/>'
        )
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """From a number to its place between two borders, by its logarithm; a little room is left at both."""

    def __init__(self, least: float, most: float, first: float, last: float) -> None:
        self._low, self._high = math.log10(least) - 0.1, math.log10(most) + 0.1
        self._first, self._last = first, last

    def __call__(self, number: float) -> float:
        return self._first + (math.log10(number) - self._low) / (self._high - self._low) * (self._last - self._first)

    def powers(self) -> list[float]:
        """The powers of ten in between."""
        return [float(f"1e{power}") for power in range(math.ceil(self._low), math.floor(self._high) + 1)]


def _grid(across: _Scale, up: _Scale) -> Iterator[str]:
    for size in across.powers():
        x = across(size)
        yield f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#dddddd"/>'
        yield _text(x, _HEIGHT - _BOTTOM + 18, f"{size:g}", "middle", "#444444")
    for time in up.powers():
        y = up(time)
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield _text(_LEFT - 8, y + 4, f"{time:g} s", "end", "#444444")


def _apart(places: Mapping[str, float]) -> dict[str, float]:
    """The same places, moved down where two names would lie upon each other."""
    moved: dict[str, float] = {}
    lowest = 0.0
    for who, place in sorted(places.items(), key=lambda each: each[1]):
        moved[who] = lowest = max(place, lowest + 17)
    return moved


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escaped}</text>'


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.plot", description="draw what bench has saved")
    parser.add_argument("saved", help="the JSON file that bench wrote")
    parser.add_argument("drawing", help="the SVG file to be written")
    arguments = parser.parse_args()
    with open(arguments.saved, encoding="utf-8") as file:
        measured, about = measured_of(file.read())
    with open(arguments.drawing, "w", encoding="utf-8") as file:
        file.write(svg(lines(measured), f"From nothing to the full table, medians ({about['date'].split(',')[0]})"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
