"""How the two sides of the lab talk: files for what is said, a doorbell for the fact that something was said.

A request is NUMBER.request and its answer NUMBER.answer in one directory that both sides see (a hostfs mount in a
guest). The doorbell is a stream that carries nothing but short lines, "NUMBER NODE" inwards and "NUMBER" outwards
("-NUMBER": the host that this request made is gone): in a guest it is a console, and a console has a small buffer.
Names are never used twice, since hostfs caches.
"""

from __future__ import annotations

import json
import os
from typing import Any

Message = dict[str, Any]


class Window:
    """The shared directory, held open: a host that changed its root still reaches it."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def put(self, name: str, message: Message) -> None:
        text = json.dumps(message)  # before the file exists: what JSON cannot carry must not leave half an answer
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.descriptor)
        with open(file, "w", encoding="ascii") as stream:
            stream.write(text)

    def get(self, name: str) -> Message:
        file = os.open(name, os.O_RDONLY, dir_fd=self.descriptor)
        with open(file, encoding="ascii") as stream:
            message: Message = json.load(stream)
        return message

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)


class Lines:
    """Whole lines out of a stream that hands over pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [line.decode("ascii").strip() for line in lines]
