"""A place for hosts: where they run, what is run in them, what joins them.

with open_place() as place:
    place.bridge("lan")
    director = place.node("director")
    place.join(director, "lan", "eth0")
    director.ip("address add 10.0.0.1/24 brd + dev eth0")
    director.run(["ping", "-c1", "10.0.0.2"])
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Callable

import lvs_init
from lvs_init.errors import NotInstalled
from lvs_init.lab import guest
from lvs_init.lab.guest import Inside, LabError
from lvs_init.lab.node import Node
from lvs_init.lab.window import Lines, Message, Window

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(lvs_init.__file__)))
SYSTEM_PYTHON = "/usr/bin/python3"
PRELOADED = (
    "sh",
    "psutil",
    "netifaces",
    "lvs_init.lab.load",
    "lvs_init.lab.probe",
    "lvs_init.lab.server",
    "lvs_init.lab.snapshot",
    "lvs_init.lab.traffic",
)

_BOOT_TIMEOUT = 60.0
_GRACE = 30.0  # seconds that an answer may come after the time allowed for what was asked
_MEANWHILE = 0.25  # seconds between two calls of what is done while an answer is waited for
_BOOT = """import sys
sys.path[:0] = {paths!r}
from lvs_init.lab import boot, children
children.ENVIRONMENT.update({environment!r})
boot.{call}
"""


class Place:
    """Hosts and the bridges that join them. Use open_place()."""

    def __init__(self, inside: Inside, where: str, interpreter: str, environment: Mapping[str, str]) -> None:
        self.where = where  # "here" or "guest"
        self.interpreter = interpreter
        self.environment = dict(environment)  # of all that runs inside, besides PATH and TERM
        self._inside = inside
        self._window = Window(inside.directory)
        self._numbers = itertools.count(1)
        self._lines = Lines()
        self._rung: set[int] = set()  # answers that are there
        self._ended: set[int] = set()  # hosts that are gone
        #: Called again and again while an answer is waited for; it may ask itself.
        self.meanwhile: Callable[[], None] | None = None
        self.switch = Node(self, "", 0)  # the agent's own namespace, in which the bridges are

    def node(self, name: str) -> Node:
        """A new host: only lo, its own /run and files. The name is its hostname, and free again once it is closed."""
        number = self.ask("", {"do": "host", "name": name})
        return Node(self, name, number, self.answer(number, _GRACE)["pid"])

    def bridge(self, *names: str) -> None:
        # Without snooping every multicast frame goes everywhere, as on a switch that knows no MLD.
        self.switch.ip(*(f"link add name {name} up type bridge mcast_snooping 0" for name in names))

    def unbridge(self, *names: str) -> None:
        self.switch.ip(*(f"link delete dev {name}" for name in names))

    def join(self, node: Node, bridge: str, interface: str, mac: str | None = None) -> None:
        self.joins([(node, bridge, interface, mac)])

    def joins(self, wires: Sequence[tuple[Node, str, str, str | None]]) -> None:
        """Give nodes an interface (up) in a bridge each: (node, bridge, interface, MAC or None), in one go."""
        lines = []
        for node, bridge, interface, mac in wires:
            port = f"port{next(self._numbers)}"
            peer = f"name {interface} netns {node.pid}" + (f" address {mac}" if mac else "")
            lines.append(f"link add name {port} up master {bridge} type veth peer {peer}")
        self.switch.ip(*lines)
        for node in {wire[0].name: wire[0] for wire in wires}.values():
            node.up(*(wire[2] for wire in wires if wire[0] is node))

    # What nodes use

    def script(self, name: str) -> list[str]:
        """How to run one of bin/*: by its first line where that names our interpreter."""
        path = os.path.join(ROOT, "bin", name)
        return [path] if self.interpreter == SYSTEM_PYTHON else [self.interpreter, path]

    def ask(self, node: str, request: Message) -> int:
        """Hand a request in; returns its number."""
        number = next(self._numbers)
        self._window.put(f"{number}.request", request)
        try:
            self._inside.doorbell.send(f"{number} {node}".rstrip().encode() + b"\n")
        except OSError:
            raise self._gone() from None
        return number

    def answer(self, number: int, timeout: float, host: int = 0) -> Message:
        """The answer to a request; waits at most `timeout` seconds. Raises LabError.

        host: the number of the request that made the host which answers; 0: the agent does.
        """
        deadline = time.monotonic() + timeout
        while number not in self._rung:
            if host in self._ended:
                raise LabError("the host has ended")
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabError(f"no answer from the lab for {timeout:.0f} s" + self._console())
            patience = min(left, _MEANWHILE) if self.meanwhile else left
            if select.select([self._inside.doorbell], [], [], patience)[0]:
                self._read_doorbell()
            self._pass_the_time()
        self._rung.discard(number)
        answer = self._window.get(f"{number}.answer")
        for name in ("answer", "request") if number else ("answer",):
            self._window.remove(f"{number}.{name}")
        if "error" in answer:
            raise LabError(answer["error"])
        return answer

    def _pass_the_time(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
            self.meanwhile = meanwhile

    def _read_doorbell(self) -> None:
        try:
            piece = self._inside.doorbell.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            raise self._gone()
        for line in self._lines.feed(piece):
            number = int(line)
            (self._rung if number >= 0 else self._ended).add(abs(number))

    def _gone(self) -> LabError:
        return LabError("the lab has ended" + self._console())

    def _console(self) -> str:
        with open(self._inside.log, encoding="utf-8", errors="replace") as file:
            return f"; the end of its console:\n{file.read()[-3000:]}"

    def close(self) -> None:
        self._window.close()
        self._inside.end()


def choose(where: str = "auto") -> str:
    """Where a lab can be: "here" or "guest". Raises NotInstalled with what to install where it cannot be."""
    reasons = {"here": ("this kernel", guest.why_not_here), "guest": ("User-Mode Linux", guest.why_no_guest)}
    missing = []
    for candidate in (where,) if where != "auto" else ("here", "guest"):
        name, why_not = reasons[candidate]
        reason = why_not()
        if reason is None:
            return candidate
        missing.append(f"{name}: {reason}")
    hint = "" if where == "here" else "apt-get install user-mode-linux kmod"
    raise NotInstalled(f"no place for a lab: {'; '.join(missing)}", hint=hint)


@contextlib.contextmanager
def open_place(
    where: str = "auto",
    interpreter: str = SYSTEM_PYTHON,
    log: str | None = None,
    megabytes: int = 512,
    preload: Sequence[str] = PRELOADED,
    paths: Sequence[str] = (ROOT,),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Place]:
    """Open a lab and close it with all that is in it.

    where: "here" (this kernel), "guest" (User-Mode Linux) or "auto". interpreter: the Python inside, which may be a
    virtual environment's. log: where its console goes (default: a file that is removed). megabytes: the guest's
    memory. preload: modules that scripts find already imported. paths: what the Python inside finds modules on.
    environment: what all that runs inside finds there besides PATH and TERM.
    """
    where = choose(where)
    directory = tempfile.mkdtemp(prefix="lvs-lab-")
    console = log or os.path.join(directory, "console")
    program = [interpreter, os.path.join(directory, "boot.py")]
    call = (
        f"guest({directory!r}, {list(preload)!r})"
        if where == "guest"
        else f"here({directory!r}, int(sys.argv[1]), {list(preload)!r})"
    )
    with open(program[1], "w", encoding="utf-8") as file:
        found_on = [os.path.abspath(path) for path in paths]
        file.write(_BOOT.format(paths=found_on, environment=dict(environment), call=call))
    if where == "guest":
        inside = guest.start_guest(directory, program, megabytes, console)
    else:
        inside = guest.start_here(directory, program, console)
    place = Place(inside, where, interpreter, environment)
    try:
        place.answer(0, _BOOT_TIMEOUT)
        yield place
    finally:
        place.close()
