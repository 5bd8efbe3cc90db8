"""What an admin has said by hand, on a screen or in a log: what became of it, and how far a drain is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lvs_init.engine.hand import Heard, Said, standings
from lvs_init.engine.moment import counted
from lvs_init.model.ipvs import host_port
from lvs_init.system import streams

if TYPE_CHECKING:
    from lvs_init.model.ipvs import RealServer, RealServerKey

_SELDOM = 10.0  # seconds between two lines where nobody watches them come


def lines(said: Said, heard: Sequence[Heard]) -> Iterator[str]:
    """A line for each real server, and how to take it back."""
    now = standings(heard)
    for each in heard:
        for key, value in each.servers.items():
            where = f"{host_port(key.address, key.port)} in {key.service}"
            if not each.started:
                yield f"{where}: counts when {each.outcome.target.instance} is started"
            elif key not in now:
                yield f"{where}: not in the table"
            else:
                yield f"{where}: {_standing(said, key, value, now[key].weight, now[key].connections)}"
        if not each.servers:
            yield f"{said.subject}: not in {each.outcome.target.instance} any more; forgotten"
    if said.verb == "drain" and said.timeout is not None:
        yield f"after {said.timeout:g} s it leaves the table; 'lvsctl undrain {said.subject}' takes that back"
    elif said.verb != "undrain":
        yield f"'lvsctl undrain {said.subject}' takes that back"


def _standing(said: Said, key: RealServerKey, value: RealServer, weight: int, connections: int) -> str:
    if said.verb == "undrain":
        return f"weight {weight}" + (" as in the file" if weight == value.weight else "")
    if said.verb == "drain":
        return f"drained, {counted(connections)} left"
    if said.over:
        return f"weight {weight}, on its way to {said.weight} in {said.over:g} s"
    return f"weight {weight}"


class Progress:
    """One line that changes on a terminal; elsewhere a line now and then."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._shown = ""
        self._since = 0.0

    def show(self, text: str) -> None:
        """How far it is now."""
        if self._quiet or text == self._shown:
            return
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif time.monotonic() < self._since + _SELDOM:
            return
        else:
            streams.out(text)
        self._shown, self._since = text, time.monotonic()

    def end(self) -> None:
        """Leave the line."""
        if self._terminal and self._shown:
            sys.stderr.write("\n")
            sys.stderr.flush()
