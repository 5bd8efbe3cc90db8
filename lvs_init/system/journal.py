"""What must be undone if we do not get to the end: on the disk before each effect, gone after the last.

A file of lines, each one JSON value: a header, then an entry for each step. Entries stand for themselves, so a line
that is torn (power cut, kill) costs that one only, and its effect had not begun.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from lvs_init.errors import NotConfigured, SystemFailure
from lvs_init.system.files import read_trusted, sync_directory, write_atomic

LIMIT = 256 << 20  # bytes: the former state of 100 000 real servers, written twice

Entry = dict[str, Any]


class Journal:
    """The journal at ``path``. Writing needs the mutex; every method may raise SystemFailure."""

    def __init__(self, path: str) -> None:
        self.path = path

    def begin(self, header: Entry) -> None:
        """Start a new one; what an older one held is gone."""
        write_atomic(self.path, _line(header))

    def append(self, entry: Entry) -> None:
        """Add an entry; it is on the disk when this returns. There must have been a ``begin``."""
        try:
            with open(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC), "wb") as file:
                file.write(_line(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SystemFailure(f"cannot write {self.path}: {error.strerror}") from error

    def read(self) -> tuple[Entry, list[Entry]] | None:
        """Header and entries, oldest first; None where there is no journal, or one that never got its header."""
        try:
            lines = read_trusted(self.path, LIMIT).split(b"\n")
        except NotConfigured:
            return None
        values = []
        for line in lines[:-1]:  # what follows the last line end is torn, or empty
            with contextlib.suppress(ValueError):
                values.append(json.loads(line))
        return (values[0], values[1:]) if values else None

    def clear(self) -> None:
        """Remove it; it may be absent."""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
                sync_directory(os.path.dirname(self.path))
        except OSError as error:
            raise SystemFailure(f"cannot remove {self.path}: {error.strerror}") from error


def _line(value: Entry) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
