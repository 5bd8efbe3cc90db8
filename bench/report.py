"""What was measured, as a table for people and as JSON, with what it was measured on."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass

from bench.cluster import CLUSTERS
from bench.contest import BASH, OURS, PYTHON, RESTORE, Measured
from lvs_init.lab.node import Node
from lvs_init.lab.place import SYSTEM_PYTHON

VERSION = 1  # of the JSON's shape


@dataclass(frozen=True)
class Row:
    """A comparison. ``aim``: the ratio of our time to theirs that is not to be exceeded; None for one just shown."""

    work: str
    against: str
    aim: float | None = None


ROWS = (
    *(Row(f"start, {each}", BASH, 1.0 if each.services >= 10 else None) for each in CLUSTERS),
    *(Row(f"start, {each}", RESTORE) for each in CLUSTERS),
    *(Row(f"stop, {each}", BASH) for each in CLUSTERS),
    Row(f"start again, {CLUSTERS[0]}", PYTHON),
    Row(f"status, {CLUSTERS[0]}", PYTHON, 5.0),
)


def facts(node: Node) -> dict[str, str]:
    """Date, machine and versions: without them no number can be compared with another."""
    sh = [SYSTEM_PYTHON, "-c", "import sh; print(sh.__version__)"]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": f"{_processor()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end",
        "system": _distribution(),
        "kernel": node.run(["uname", "-srm"]).check().stdout.strip(),
        "python": node.run([SYSTEM_PYTHON, "-V"]).check().stdout.split()[1],
        "sh": node.run(sh).check().stdout.strip(),
        "ipvsadm": node.run(["ipvsadm", "--version"]).check().stdout.split()[1],
        "bash": node.run(["bash", "--version"]).check().stdout.split()[3],
    }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _distribution() -> str:
    with open("/etc/os-release", encoding="utf-8") as file:
        names = [line.partition("=")[2].strip().strip('"') for line in file if line.startswith("PRETTY_NAME=")]
    return names[0] if names else "unknown"


def table(measured: Measured, about: dict[str, str], rounds: int) -> str:
    """The rows as text: our median, theirs, the ratio, programs run."""
    lines = [f"{name:8} {text}" for name, text in about.items()]
    lines += [f"{'rounds':8} {rounds}; medians in seconds; a ratio below 1 means that lvs-init is faster", ""]
    lines.append(f"{'work':20} {'against':16} {'ours':>7} {'theirs':>7} {'ratio':>7} {'aim':>5} {'programs':>12}")
    for row in ROWS:
        ours, theirs = measured[row.work, OURS], measured[row.work, row.against]
        aim = "" if row.aim is None else f"{row.aim:g}"
        programs = f"{ours.processes} : {theirs.processes}"
        lines.append(
            f"{row.work:20} {row.against:16} {ours.median:7.2f} {theirs.median:7.2f} "
            f"{ours.median / theirs.median:7.2f} {aim:>5} {programs:>12}".rstrip()
        )
    return "\n".join(lines)


def as_json(measured: Measured, about: dict[str, str], rounds: int) -> str:
    """Everything that was measured. Seconds are medians; ``runs`` has every single one."""
    rows = []
    for row in ROWS:
        ours, theirs = measured[row.work, OURS], measured[row.work, row.against]
        rows.append(
            {
                "work": row.work,
                "against": row.against,
                "ours": ours.median,
                "theirs": theirs.median,
                "ratio": ours.median / theirs.median,
                "aim": row.aim,
                "programs": {"ours": ours.processes, "theirs": theirs.processes},
                "runs": {"ours": ours.seconds, "theirs": theirs.seconds},
            }
        )
    return json.dumps({"version": VERSION, "about": about, "rounds": rounds, "rows": rows}, indent=2)
