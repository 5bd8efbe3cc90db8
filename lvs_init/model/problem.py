"""A mistake in a configuration, told so that it can be mended without opening the manual."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """``path``: the key as a path (``service[2].realservers[0].weight``), "" for the file as a whole.

    ``found``: what stands there, "" where nothing does; ``line`` and ``column`` count from 1, 0 where unknown.
    """

    file: str
    path: str
    message: str
    found: str = ""
    hint: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = self.file + "".join(f":{number}" for number in (self.line, self.column) if number)
        text = f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"
        if self.found:
            text += f" (found: {self.found})"
        return f"{text}; {self.hint}" if self.hint else text
