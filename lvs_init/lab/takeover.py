"""A takeover by hand: the standby gets the VIP, and what was open goes on there or does not.

The scripts of a pair would put right on the way what a fault has broken; so this moves the addresses, and then moves
them back.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from lvs_init.lab.node import Node
from lvs_init.lab.tracked import tracked
from lvs_init.model.address import full_prefix

CONNECTIONS = 12
_BACKUP_ONLY = "/proc/sys/net/ipv4/vs/backup_only"
_PAUSE, _SLOWLY = 0.1, 1.0  # seconds between two looks at what the standby knows
#: Times that connections are asked over, of two packets each: fewer than would make the kernel tell of them anyway, and
#: for longer than the doctor's advice lets it wait.
_STIRRED = 20
#: No connection of any takeover has the port of an earlier one, which directors may still know.
_FIRST_PORT, _PORTS = 10_000, 1_000
_numbers = itertools.count()


@dataclass(frozen=True)
class Takeover:
    """``device``: of either director, towards the clients. ``forget``: makes those forget who send to
    the VIP."""

    client: Node
    active: Node
    standby: Node
    vip: str
    port: int
    device: str
    forget: Callable[[], None]

    def watch(self, patience: float, late: Callable[[], None], stir: bool) -> dict[str, Any]:
        """``late``: done once the connections are open. ``patience``: seconds that the standby has to be told of them.
        ``stir``: ask over them meanwhile. What lab/connections.py ask_all() told after the takeover."""
        number = next(_numbers)
        first = _FIRST_PORT + number % _PORTS * CONNECTIONS
        name = f"takeover-{number}"
        held = self.client.serve(
            "lvs_init.lab.connections:hold_all",
            name=name, address=self.vip, port=self.port, first=first, count=CONNECTIONS,
        )  # fmt: skip
        try:
            late()
            self._wait(name, range(first, first + CONNECTIONS), patience, stir)
            before = self.standby.read(_BACKUP_ONLY)
            self._move(self.active, self.standby, "0")
            try:
                told: dict[str, Any] = self.client.call("lvs_init.lab.connections:ask_all", name=name, what="all")
            finally:
                self._move(self.standby, self.active, before)
        finally:
            held.kill()
        return told

    def _wait(self, name: str, ports: Iterable[int], patience: float, stir: bool) -> None:
        """A message leaves when the next one is begun, or after two seconds (Linux ip_vs_sync.c): so others go on."""
        deadline = time.monotonic() + patience
        wanted = set(ports)
        rounds = 0
        while not wanted <= self._known() and (rounds < _STIRRED if stir else time.monotonic() < deadline):
            self.client.call("lvs_init.lab.connections:ask_all", name=name, what="all" if stir else "new")
            time.sleep(_SLOWLY if stir else _PAUSE)
            rounds += 1

    def _known(self) -> set[int]:
        """Ports of clients whose connections the standby has."""
        return {each.client_port for each in tracked(self.standby) if each.port == self.port}

    def _move(self, giver: Node, taker: Node, backup_only: str) -> None:
        giver.ip(f"address del {self.vip}/{full_prefix(self.vip)} dev {self.device}")
        self.standby.write(_BACKUP_ONLY, backup_only)
        taker.ip(*_brought(self.vip, self.device))
        self.forget()


def _brought(vip: str, device: str) -> Sequence[str]:
    """As lvs-director brings it."""
    full = f"{vip}/{full_prefix(vip)}"
    if ":" in vip:
        return (f"address add {full} dev {device} nodad",)
    added = f"address add {full} brd {vip} dev {device} label {device}:1"
    return (added, f"route replace {full} dev {device} src {vip}")
