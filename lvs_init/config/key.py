"""What a key of the configuration is."""

from __future__ import annotations

from dataclasses import dataclass

from lvs_init.config.values import Reader

DIRECTOR, REAL_SERVER, BOTH = "director", "real server", "both"


@dataclass(frozen=True)
class Key:
    """One key. ``example`` is TOML; ``otherwise`` says in words what holds where no default can be written down."""

    name: str
    reader: Reader
    doc: str
    example: str
    role: str = DIRECTOR
    default: bool | int | float | str | None = None
    otherwise: str = ""
    unit: str = ""
    required: bool = False


@dataclass(frozen=True)
class Group:
    """The keys of one table. ``heading``: how the table begins in a file."""

    heading: str
    doc: str
    keys: tuple[Key, ...]
