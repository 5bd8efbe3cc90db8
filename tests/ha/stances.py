"""Inside a host: one of a pair of directors taken from stance to stance, killed on every way, and looked at."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from support import heartbeat, hooks, wrapper
from support.running import Ended, configure, run
from support.state import quick

from lvs_init.engine.daemons import daemons
from lvs_init.faces import heartbeat as heartbeat_face
from lvs_init.faces import lsb
from lvs_init.lab.snapshot import difference

MANAGER = "rc.d/resource.d"
MOST = 60  # more events than any verb has
_EVENT = "/run/lab-event"
#: What is called -> folder of the script and verb.
CALLS = {
    "boot": ("bin", "start"),
    "activate": (MANAGER, "start"),
    "stand-by": (MANAGER, "stop"),
    "reload": ("bin", "reload"),
    "restart": ("bin", "restart"),
    "stop": ("bin", "stop"),
    "status": (MANAGER, "status"),
}


def call(what: str, **more: Any) -> Ended:
    """One of CALLS for the director."""
    folder, verb = CALLS[what]
    return run("director", verb, folder=folder, **more)


def quicken() -> None:
    """Before direct(): what else its process would wait for."""
    hooks.hurried()
    hooks.brisk()


def direct(what: str) -> Ended:
    """As call() does, in this process: to fork it takes longer in a guest than most of what is called."""
    folder, verb = CALLS[what]
    out, err = io.StringIO(), io.StringIO()
    face = heartbeat_face if folder == MANAGER else lsb
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = face.main("director", "usage", [verb], {})
    return Ended(code, out.getvalue(), err.getvalue())


def told(what: str) -> list[int | str]:
    """The same, with its end as JSON can carry it."""
    ended = call(what)
    return [ended.code, ended.stdout, ended.stderr]


def state() -> dict[str, Any]:
    """What a director can change, sync daemons included."""
    found = daemons() or {} if os.path.exists("/proc/net/ip_vs") else {}
    return {**quick(), "daemons": sorted(f"{key}: {value.told}" for key, value in found.items())}


def announcements(interface: str, address: str, rounds: int, seconds: float) -> list[float]:
    """When this address was announced by gratuitous ARP, in seconds since the first time; those close together as one.

    Ends with the round of that number, or when the time is over.
    """
    found: list[float] = []
    own = socket.inet_aton(address)
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as channel:
        channel.bind((interface, 0x0806))
        while len(found) < rounds and (left := end - time.monotonic()) > 0:
            channel.settimeout(left)
            try:
                frame = channel.recv(256)
            except TimeoutError:
                break
            now = time.monotonic()
            if frame[28:32] == frame[38:42] == own and (not found or now - found[-1] > 0.4):
                found.append(now)
    return [when - found[0] for when in found]


@dataclass
class Ways:
    """Three places to be, and the ways between them."""

    text: str
    cases: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    where: str = ""
    places: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See the three undisturbed."""
        quicken()
        configure(self.text)
        self.places["stopped"] = state()
        for what, place in (("boot", "standby"), ("activate", "active")):
            self.must(what)
            self.places[place] = state()
        self.must("stand-by")
        self.same("there and back", "standby")
        self.must("stop")
        self.same("undisturbed", "stopped")

    def enter(self, place: str) -> None:
        """Go to where a way begins."""
        now = state()
        if now != self.places[place]:
            standby = "boot" if now == self.places["stopped"] else "stand-by"
            self.must({"stopped": "stop", "standby": standby, "active": "activate"}[place])
            self.same("before", place)
        if os.path.exists(_EVENT):
            os.unlink(_EVENT)

    def must(self, what: str) -> None:
        ended = direct(what)
        if ended.code:
            self.complain(f"{what}: exit {ended.code}: {ended.stderr}")

    def same(self, when: str, place: str) -> None:
        for line in difference(self.places[place], state()):
            self.complain(f"{when}, {place}: {line}")

    def complain(self, text: str) -> None:
        self.wrong.append(f"{self.where}: {text}")


#: From where, by what.
WAYS = (
    ("stopped", "boot"),
    ("stopped", "activate"),
    ("standby", "activate"),
    ("active", "stand-by"),
    ("active", "stop"),
)
#: Who comes after a kill, in turns, and what it then must be.
AFTER = (("activate", "active"), ("stand-by", "standby"), ("stop", "stopped"))


def killed(text: str, ways: Sequence[Sequence[str]] = WAYS) -> dict[str, Any]:
    """SIGKILL at every event of every way, then a takeover, a stop of the resource, or a stop."""
    life = Ways(text)
    for place, what in ways:
        for number in range(1, MOST):
            then, there = AFTER[number % len(AFTER)]
            life.where = f"{what} from {place}, killed at {number}, then {then}"
            life.enter(place)
            ended = call(what, before=lambda number=number: hooks.at_event(number, signal.SIGKILL))  # type: ignore[misc]
            if ended.code != -signal.SIGKILL:
                break
            life.cases[f"{place} {what}"] = number
            _judge(life)
            if then == "stand-by" and not _started():  # killed before anything was noted
                there = "stopped"
            life.must(then)
            life.same("afterwards", there)
    life.where = "at the end"
    life.enter("stopped")
    return {"cases": life.cases, "wrong": life.wrong}


def _started() -> bool:
    return any(name.endswith((".record", ".journal")) for name in os.listdir("/run/lvs"))


def _judge(life: Ways) -> None:
    """Status of what was cut short: of one mind with Heartbeat, and up only where the VIP is."""
    ended = direct("status")
    if ended.code not in (0, 1, 2, 3) or not heartbeat.agree(ended.code, ended.stdout):
        life.complain(f"status: exit {ended.code}: {ended.stdout}{ended.stderr}")
    now = state()
    if ended.code == 0 and not {*life.places["active"]["addresses"]} <= {*now["addresses"]}:
        life.complain(f"status says that it runs: {ended.stdout}")


def hung(what: str) -> list[int | str]:
    """With an ipvsadm that never ends, and with nothing but ipvsadm to reach the table."""
    wrapper.plan("hang", 1, 1 << 20, "ipvsadm")
    try:
        ended = call(what, before=hooks.impatient, channel="ipvsadm")
    finally:
        wrapper.remove()
    return [ended.code, ended.stdout, ended.stderr]
