"""What was measured, as a table for people and as JSON, with what it was measured on."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from bench.numbers import Measured, Result, Samples
from lvs_init.lab.node import Node
from lvs_init.lab.place import SYSTEM_PYTHON

VERSION = 2  # of the JSON's shape
_HEAD = ("work", "against", "ours", "theirs", "python", "result", "aim", "", "runs", "programs")


def facts(node: Node) -> dict[str, str]:
    """Machine and versions: without them no number can be compared with another."""
    versions = {
        "kernel": (["uname", "-srm"], 0),
        "python": ([SYSTEM_PYTHON, "-V"], 1),
        "sh": ([SYSTEM_PYTHON, "-c", "import sh; print(sh.__version__)"], 0),
        "ipvsadm": (["ipvsadm", "--version"], 1),
        "keepalived": (["keepalived", "--version"], 1),
        "ldirectord": (["dpkg-query", "-W", "-f", "${Version}", "ldirectord"], 0),
        "bash": (["bash", "--version"], 3),
    }
    found = {"machine": f"{_processor()}, {os.cpu_count()} processors", "system": _distribution()}
    for name, (argv, word) in versions.items():
        done = node.run(argv).check()
        line = (done.stdout + done.stderr).strip().splitlines()[0]  # keepalived tells its version on stderr
        found[name] = line if name == "kernel" else line.split()[word]
    return found


def circumstances(began: float, rounds: int) -> dict[str, str]:
    """When it was measured, for how long, and how busy the machine was. ``began``: seconds of time.time()."""
    minutes = (time.time() - began) / 60
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.localtime(began)) + f", {minutes:.0f} minutes, {rounds} rounds",
        "load": "{:.1f} {:.1f} {:.1f} at the end (1, 5, 15 minutes)".format(*os.getloadavg()),
    }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _distribution() -> str:
    with open("/etc/os-release", encoding="utf-8") as file:
        names = [line.partition("=")[2].strip().strip('"') for line in file if line.startswith("PRETTY_NAME=")]
    return names[0] if names else "unknown"


def table(results: Sequence[Result], about: dict[str, str]) -> str:
    """The rows as text: our median, theirs, what is taken off ours, the ratio, runs and programs of each."""
    lines = [f"{name:10} {text}" for name, text in about.items()]
    lines += ["", "Medians, in seconds. Result: ours / theirs; with *: (ours - python) / theirs.", ""]
    rows = [_HEAD, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [f"{text:{'<' if number < 2 else '>'}{widths[number]}}" for number, text in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    below = result.theirs is not None and result.theirs.over
    return (
        result.work + (" *" if result.interpreter is not None else ""),
        result.against,
        _seconds(result.ours),
        _seconds(result.theirs),
        "" if result.interpreter is None else f"{result.interpreter:.3f}",
        ("< " if below else "") + _number(result.value),
        "" if result.aim is None else f"{result.aim:g}",
        {None: "", True: "met", False: "missed"}[result.met],
        _pair(result, lambda samples: len(samples.seconds)),
        _pair(result, lambda samples: samples.programs),
    )


def _seconds(samples: Samples | None) -> str:
    return "" if samples is None else ("> " if samples.over else "") + f"{samples.median:.3f}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def _pair(result: Result, what: Callable[[Samples], int]) -> str:
    numbers = [what(samples) for samples in (result.ours, result.theirs) if samples is not None]
    return " : ".join(map(str, numbers)) if all(numbers) else ""


def as_json(measured: Measured, results: Sequence[Result], about: dict[str, str]) -> str:
    """Everything that was measured: every single run in seconds, and the table's rows."""
    runs = [{"work": work, "who": who, **asdict(samples)} for (work, who), samples in measured.items()]
    rows = [
        {"work": each.work, "against": each.against, "value": each.value, "aim": each.aim, "star": each.interpreter}
        for each in results
    ]
    return json.dumps({"version": VERSION, "about": about, "rows": rows, "measured": runs}, indent=1) + "\n"


def measured_of(text: str) -> tuple[Measured, dict[str, str]]:
    """What as_json() wrote. Raises ValueError for another version's."""
    found = json.loads(text)
    if found["version"] != VERSION:
        raise ValueError(f"version {found['version']} instead of {VERSION}: measure again")
    runs = found["measured"]
    measured = {(run.pop("work"), run.pop("who")): Samples(**run) for run in runs}
    return measured, found["about"]
