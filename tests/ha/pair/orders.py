"""What Heartbeat's ResourceManager does with our script, without shells and interpreters, which take most of its time.

serve() runs in a node of the pair, carry_out() in the lab's own namespace (Place.switch).
"""

from __future__ import annotations

import json
import signal
import socket
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from stances import call, direct, quicken, state
from support import hooks
from support.heartbeat import agree, judges_running

_PORT = 8
_PATIENCE = 60.0  # seconds


def serve(address: str) -> Iterator[bool]:
    """Do as carry_out() says, one order after the other, in this process."""
    quicken()
    with socket.create_server((address, _PORT)) as door:
        yield True
        while True:
            visitor, _ = door.accept()
            with visitor, visitor.makefile("rw") as told:
                name, *arguments = json.loads(told.readline())
                try:
                    answer = [True, _ORDERS[name](*arguments)]
                except Exception:  # noqa: BLE001 - for who has asked
                    answer = [False, traceback.format_exc()]
                told.write(json.dumps(answer) + "\n")


def carry_out(orders: Sequence[Sequence[Any]]) -> list[Any]:
    """``orders``: for whom (an address), what, and with which arguments. Returns what each came to."""
    answers = []
    for address, *order in orders:
        with socket.create_connection((address, _PORT), _PATIENCE) as line, line.makefile("rw") as told:
            told.write(json.dumps(order) + "\n")
            told.flush()
            done, answer = json.loads(told.readline())
        assert done, f"{order} at {address}:\n{answer}"
        answers.append(answer)
    return answers


def _boot() -> None:
    _must("boot")


def _take() -> None:
    if not judges_running(direct("status").stdout):
        _must("activate")


def _give() -> None:
    _must("stand-by")


def _crash(what: str, event: int) -> None:
    """It is killed when this event is announced, if it has so many."""
    call(what, before=lambda: hooks.at_event(event, signal.SIGKILL))


def _see() -> tuple[bool | str, Any]:
    """Whether its status says that it runs, or all that it says where text and code disagree; and its state."""
    ended = direct("status")
    return (judges_running(ended.stdout) if agree(ended.code, ended.stdout) else str(ended)), state()


_ORDERS = {"boot": _boot, "take": _take, "give": _give, "crash": _crash, "see": _see}


def _must(what: str) -> None:
    ended = direct(what)
    assert ended.code == 0, f"{what}: {ended}"
