"""A door to what goes on in a host: others there ask it something by its name (Node.serve, Node.call)."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any, Callable, NoReturn

DIRECTORY = "/run"


class Door:
    """A context manager; whoever comes waits until answer() is called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> Door:
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(_path(self._name))
        self._door.listen(4)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def answer(self, reply: Callable[..., Any]) -> NoReturn:
        """Call ``reply`` with the words of each who asks, one after the other; it returns what JSON can carry."""
        while True:
            visitor, _ = self._door.accept()
            with visitor, visitor.makefile() as words, contextlib.suppress(ConnectionError):  # they may lose patience
                visitor.sendall(json.dumps(reply(**json.loads(words.readline()))).encode())


def inquire(name: str, timeout: float, **words: Any) -> Any:
    """What is answered at that door. timeout: seconds. Raises TimeoutError, OSError where there is no door."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(timeout)
        visitor.connect(_path(name))
        visitor.sendall(json.dumps(words).encode() + b"\n")
        with visitor.makefile() as answer:
            return json.load(answer)


def _path(name: str) -> str:
    return f"{DIRECTORY}/lab-{name}"
