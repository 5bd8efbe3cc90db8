"""Other programs at work in our network namespace, found by name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """``since``: " since 09:14" or " since Nov 20", to stand behind its number; "" where that cannot be told."""

    pid: int
    name: str
    since: str = ""


def named(names: Collection[str]) -> list[Process]:
    """Processes of these names (proc(5), /proc/PID/comm) in our network namespace, without children of such.

    psutil describes what was found; looking for it in /proc first spares everybody else its import, which takes longer
    than a whole status.
    """
    found: dict[int, str] = {}
    # Every status looks at every process: so it takes half as long as with a file object and a whole path for each.
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for entry in os.listdir(proc):
            # ldirectord adds what it checks to its name: "ldirectord web".
            name = _comm(proc, entry).partition(" ")[0] if entry.isdecimal() else ""
            if name in names and _beside_us(entry):
                found[int(entry)] = name
    finally:
        os.close(proc)
    return _described(found) if found else []


def _comm(proc: int, pid: str) -> str:
    try:
        descriptor = os.open(f"{pid}/comm", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    except OSError:  # gone since
        return ""
    try:
        return os.read(descriptor, 64).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _beside_us(pid: str) -> bool:
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/ns/net"), os.stat("/proc/self/ns/net"))
    except OSError:  # gone since
        return False


def _described(found: dict[int, str]) -> list[Process]:
    try:
        import psutil
    except ImportError:  # a warning is no reason to fail
        return [Process(pid, name) for pid, name in found.items()]
    described = []
    for pid, name in sorted(found.items()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.ppid() not in found and process.status() != psutil.STATUS_ZOMBIE:
                described.append(Process(pid, name, _since(process.create_time())))
    return described


def _since(started: float) -> str:
    import time

    then = time.localtime(started)
    today = time.localtime()[:3] == then[:3]
    return time.strftime(" since %H:%M" if today else " since %b %d", then)
