"""What there is to say about one place of a file of Heartbeat."""

from __future__ import annotations

from dataclasses import dataclass

#: The pair does not work as it should, or will not when it has to. The other severity: it works, but not well.
MISTAKE, WARNING = "mistake", "warning"


@dataclass(frozen=True)
class Remark:
    """``file``: its name in the directory, or a path. ``line``: counted from 1, 0 for the file as a whole."""

    severity: str
    file: str
    line: int
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file
