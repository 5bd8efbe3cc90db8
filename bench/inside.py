"""What is done and timed in a node, by Node.call: programs that end, daemons that fill a table, the floor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from bench.accounting import collect
from bench.cluster import Cluster
from bench.netlink import Contents, Table
from bench.words import SCHEDULER
from lvs_init.lab.children import ENVIRONMENT

_DIRECT_ROUTING = 3  # as the kernel numbers it
_LOOK = 0.005  # seconds between two looks at a table that somebody else fills; the kernel tells nobody of changes
_CALM = 0.2  # seconds in which a daemon must not have worked to count as idle


def run(argv: Sequence[str]) -> dict[str, Any]:
    """Run a program to its end: seconds, exit code, what it said, programs run, itself included, KiB at the peak.

    The peak (getrusage(2)) is that of the process or of one of those that it waited for, whichever is larger.
    """
    collect()
    said = os.memfd_create("said")
    actions = [(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
    started = time.monotonic()
    pid = os.posix_spawn(argv[0], list(argv), ENVIRONMENT, file_actions=actions, setsid=True)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    text = os.pread(said, 1 << 16, 0).decode(errors="replace")
    return {
        "seconds": seconds,
        "code": os.waitstatus_to_exitcode(status),
        "said": text,
        "programs": collect(),
        "peak": usage.ru_maxrss,
    }


def fill(argv: Sequence[str], cluster: dict[str, Any], limit: float) -> dict[str, Any]:
    """Start a daemon and wait until the table is full: its process and the seconds; None where ``limit`` was over."""
    wanted = Cluster(**cluster)
    table = Table()
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
    last, count = wanted.address(wanted.services), wanted.servers
    started = time.monotonic()
    pid = os.posix_spawn(argv[0], list(argv), ENVIRONMENT, file_actions=actions, setsid=True)
    # The last one is what is cheap to ask for; the rest is looked at once it is there.
    while len(table.realservers(*last)) < count or difference(table.contents(), wanted, wanted.all):
        if time.monotonic() - started > limit:
            return {"pid": pid, "seconds": None}
        time.sleep(_LOOK)
    return {"pid": pid, "seconds": time.monotonic() - started}


def reload(pid: int, cluster: dict[str, Any], limit: float) -> float:
    """Send SIGHUP to an idle daemon and wait until the kernel has the changed weight: seconds."""
    wanted = Cluster(**cluster)
    table = Table()
    where, weights = wanted.address(wanted.middle), wanted.weights(wanted.middle)
    calm(pid)
    started = time.monotonic()
    os.kill(pid, signal.SIGHUP)
    while {rip: weight for rip, (_, weight) in table.realservers(*where).items()} != weights:
        if time.monotonic() - started > limit:
            raise TimeoutError(f"the daemon has not changed the weight within {limit:g} s")
        time.sleep(_LOOK)
    seconds = time.monotonic() - started
    calm(pid)
    return seconds


def calm(pid: int) -> None:
    """Wait until a daemon and its children have nothing to do."""
    before, now = -1, _ticks(pid)
    while now != before:
        time.sleep(_CALM)
        before, now = now, _ticks(pid)


def _ticks(pid: int) -> int:
    """Processor time of a process and its descendants (proc(5): utime and stime)."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(fields[11]) + int(fields[12]) + sum(_ticks(int(child)) for child in file.read().split())


def quiet(limit: float = 10.0) -> None:
    """Wait until this machine has nothing to do, which may have hosts to take away still; ``limit`` seconds at most."""
    deadline = time.monotonic() + limit
    before, now = -2, _busy()
    while now - before > 1 and time.monotonic() < deadline:
        time.sleep(_CALM)
        before, now = now, _busy()


def _busy() -> int:
    """Ticks that the processors have not been idle (proc(5): user, nice, system, irq, softirq)."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = file.readline().split()
    return sum(int(fields[number]) for number in (1, 2, 3, 6, 7))


def floor(cluster: dict[str, Any]) -> float:
    """Fill the table by a bare loop over messages that are there already: send, hear the kernel's answer, next."""
    wanted = Cluster(**cluster)
    table = Table()
    messages = []
    for service in wanted.all:
        where = wanted.address(service)
        messages.append(table.new_service(*where, SCHEDULER))
        messages += [table.new_realserver(*where, rip, weight) for rip, weight in wanted.weights(service).items()]
    started = time.monotonic()
    for message in messages:
        table.send(message)
    return time.monotonic() - started


def verify(cluster: dict[str, Any], services: Sequence[int]) -> str:
    """What is wrong with the table; nothing where it holds just these services."""
    return difference(Table().contents(), Cluster(**cluster), services)


def difference(found: Contents, cluster: Cluster, services: Sequence[int]) -> str:
    """What is wrong with a table; nothing where it holds just these services of the cluster."""
    wanted = {
        cluster.address(service): (
            SCHEDULER,
            {rip: (_DIRECT_ROUTING, weight) for rip, weight in cluster.weights(service).items()},
        )
        for service in services
    }
    wrong = [where for where in {**wanted, **found} if wanted.get(where) != found.get(where)]
    if not wrong:
        return ""
    where = wrong[0]
    return f"{len(wrong)} services are not as wanted, {where} is {found.get(where)} instead of {wanted.get(where)}"
