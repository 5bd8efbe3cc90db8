"""A reload whose every change of the table happens while requests pass: each is made alone, and waited for in between.

To be used as a hook (Node.entry) of a director's script; report() in the same host tells afterwards what passed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lvs_init.engine import apply
from lvs_init.lab.guest import LabError
from lvs_init.plan.step import Phase, Step

_NOTES = "/run/lab-paced"
_CONNECTIONS, _PACKETS = 4, 20  # that the director forwards between two changes, at least
_PATIENCE = 30.0  # seconds
_TABLE = (Phase.TABLE, Phase.TABLE_AWAY)


def paced() -> None:
    """Split the steps of this process that change the table, and wait for traffic before and after every change."""
    original = apply._do

    def _do(step: Step, *rest: Any) -> None:
        changes = [replace(step, changes=(change,)) for change in step.changes] if step.phase in _TABLE else [step]
        for one in changes:
            if step.phase in _TABLE:
                _note(one.subject)
            original(one, *rest)
            if step.phase in _TABLE:
                _await_traffic()

    apply._do = _do
    with open(_NOTES, "w", encoding="utf-8"):
        pass


def report() -> list[dict[str, Any]]:
    """For each change "what" it was, and how many "connections" and "packets" the director had forwarded before it."""
    with open(_NOTES, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _note(what: str) -> None:
    connections, packets = _passed()
    with open(_NOTES, "a", encoding="utf-8") as file:
        file.write(json.dumps({"what": what, "connections": connections, "packets": packets}) + "\n")


def _await_traffic() -> None:
    connections, packets = _passed()
    end = time.monotonic() + _PATIENCE
    while True:
        now = _passed()
        if now[0] >= connections + _CONNECTIONS and now[1] >= packets + _PACKETS:
            return
        if time.monotonic() > end:
            raise LabError("no traffic passes: the load has ended, or the director forwards nothing")
        time.sleep(0.005)  # the kernel tells nobody when it counts


def _passed() -> tuple[int, int]:
    """New connections and packets from clients so far: one hexadecimal line a processor, then one of all."""
    with open("/proc/net/ip_vs_stats_percpu", encoding="ascii") as file:
        per_processor = list(_counts(file.read()))
    return sum(line[0] for line in per_processor), sum(line[1] for line in per_processor)


def _counts(text: str) -> Iterator[tuple[int, int]]:
    for line in text.splitlines()[2:]:
        words = line.split()
        if len(words) != 6 or words[0] == "~":
            return
        yield int(words[1], 16), int(words[2], 16)
