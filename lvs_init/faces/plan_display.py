"""A plan on a screen: each step with its reason, its changes and its commands, then what an admin should know."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass

from lvs_init.commands.command import shell_text
from lvs_init.commands.render import render
from lvs_init.engine.preview import Preview
from lvs_init.faces.terminal import BOLD, DIM, GREEN, RED, YELLOW, coloured, columns, shorter
from lvs_init.model.network import AddressKey, RouteKey
from lvs_init.model.state import Change, Key, Value, same
from lvs_init.model.will import Will
from lvs_init.plan.drift import Drift, Foreign, cause
from lvs_init.plan.retreat import shown
from lvs_init.plan.step import Phase, Step

_WIDTH = 100
_COLOURS = {"+": GREEN, "~": YELLOW, "-": RED}


def lines(preview: Preview) -> Iterator[str]:
    """All of it."""
    announced = list(preview.foresight.announced)
    yield from _heading(preview)
    for number, step in enumerate(preview.foresight.plan.steps, 1):
        if step.phase >= Phase.ROUTES_AWAY:
            yield from _announcements(announced)
        yield ""
        indent = " " * len(f"{number}. ")
        yield from textwrap.wrap(f"{number}. {step.reason}", _WIDTH, subsequent_indent=indent, break_on_hyphens=False)
        yield from _changes(step, preview)
        for command in render(step.changes, preview.tools):
            first, *others = shell_text(command).splitlines()
            yield coloured(f"   $ {first}", DIM)
            yield from (coloured(f"     {line}", DIM) for line in others)
    yield from _announcements(announced)
    yield from _part("drifted from what was applied:", [_drift(drift) for drift in preview.drifts])
    yield from _part("for a while:", _timed(preview))
    yield from _part("not ours, left alone:", [_foreign(found) for found in preview.foreign])
    yield from _part("left as it is:", [[note] for note in preview.notes])
    yield from _part("warning:", [[warning] for warning in preview.warnings])
    yield from _brake(preview)


def _heading(preview: Preview) -> Iterator[str]:
    count = len(preview.foresight.plan.steps)
    subject = f"lvs-{preview.target.role}"
    if preview.target.instance not in ("", "lvs"):
        subject += f" {preview.target.instance}"
    todo = f"{count} step{'' if count == 1 else 's'}" if count else "nothing to do"
    told = f"{subject}: {preview.verb} of {shorter(preview.target.file)}: {todo}"
    if preview.since and preview.since != preview.target.file:
        told += f" (so far {shorter(preview.since)})"
    yield coloured(told, BOLD)


def _announcements(announced: list[AddressKey]) -> Iterator[str]:
    """Once, when all of them are there."""
    while announced:
        key = announced.pop(0)
        yield f"   {key.address} is announced on {key.interface}"


def _changes(step: Step, preview: Preview) -> Iterator[str]:
    made = [change for change in step.changes if not same(change.key, change.before, change.after)]
    rows = [
        [_mark(change), str(change.key), cause(change, preview.foresight.plan, preview.record), _difference(change)]
        for change in made
    ]
    for row, text in zip(rows, columns(rows)):
        yield f"   {coloured(text[:1], _COLOURS[row[0]])}{text[1:]}"


def _mark(change: Change) -> str:
    return "+" if change.before is None else "-" if change.after is None else "~"


def _difference(change: Change) -> str:
    """``weight 1 -> 5``, or all there is to say of what comes."""
    key, before, after = change.key, change.before, change.after
    if after is None:
        return ""
    if before is None:
        return _told(key, after)
    return difference(key, before, after)


def difference(key: Key, before: Value, after: Value) -> str:
    """What is different of two values of a key: ``weight 1 -> 5, upper 0 -> 100``."""
    if not (is_dataclass(before) and is_dataclass(after)):
        return f"{_plain(before)} -> {_plain(after)}"
    pairs = [(field.name, getattr(before, field.name), getattr(after, field.name)) for field in fields(before)]
    return ", ".join(f"{name} {_plain(one)} -> {_plain(other)}" for name, one, other in pairs if one != other)


def _told(key: Key, value: Value) -> str:
    if isinstance(key, (AddressKey, RouteKey)):
        return getattr(value, "label", "") and f"as {value.label}"  # type: ignore[union-attr]
    return shown(value).strip("()'") if value != "present" else ""


def _plain(value: object) -> str:
    if value is None or value == () or value == "":
        return "none"
    if isinstance(value, tuple):
        return "+".join(str(item) for item in value)
    if is_dataclass(value):
        return " ".join(str(getattr(value, field.name)) for field in fields(value) if getattr(value, field.name))
    return str(value)


def _part(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield coloured(title, BOLD)
        yield from (f"   {line}" for line in columns(rows))


def _drift(drift: Drift) -> list[str]:
    if drift.applied is None:
        what = "somebody added it"
    elif drift.live is None:
        what = "is gone"
    else:
        what = difference(drift.key, drift.applied, drift.live)
    return [str(drift.key), what, "is put right" if drift.repaired else "stays so"]


def _foreign(found: Foreign) -> list[str]:
    count = f"{found.servers} real server{'' if found.servers == 1 else 's'}"
    return [str(found.key), f"{found.service.scheduler}, {count}", f"of {found.holder}" if found.holder else ""]


def _timed(preview: Preview) -> list[list[str]]:
    plan = preview.foresight.plan
    rows = [
        [
            str(key),
            "drains",
            f"goes when its connections have ended, after {max(0.0, end - plan.moment.now):.0f} s at the latest",
        ]
        for key, end in plan.drains.items()
    ]
    return rows + [[will.subject, f"weight {will.weight}", _since(will)] for will in preview.wills]


def _since(will: Will) -> str:
    told = f"by hand since {_clock(will.since)}"
    if will.until is not None:
        told += f", taken out at {_clock(will.until)}"
    elif will.over:
        told += f", reached at {_clock(will.since + will.over)}"
    return told


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _brake(preview: Preview) -> Iterator[str]:
    removed = preview.foresight.removal
    if removed.too_much:
        yield ""
        yield coloured(f"reload refuses this unless forced: it takes away {removed} at once", RED)
        yield f"   (max_removal allows {removed.limit:.0%})"
