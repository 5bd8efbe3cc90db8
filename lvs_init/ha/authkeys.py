"""authkeys: the secret by which two nodes know each other. Read by Heartbeat's auth.c."""

from __future__ import annotations

from dataclasses import dataclass, field

NAME = "authkeys"
MODE = 0o600  # Heartbeat refuses to start with a file that its group or everybody can read
METHODS = ("sha1", "md5", "crc")


@dataclass(frozen=True)
class Key:
    """``secret`` is not for printing."""

    line: int
    number: str
    method: str
    secret: str = field(repr=False, default="")


@dataclass(frozen=True)
class Keys:
    """``auth``: (line, number) of each line that says which key is for sending; ``other``: lines that are neither."""

    auth: tuple[tuple[int, str], ...] = ()
    keys: tuple[Key, ...] = ()
    other: tuple[int, ...] = ()


def text(secret: str) -> str:
    """The file. ``secret``: at least 20 random bytes as hexadecimal digits; sha1 keys are 160 bits (RFC 2104)."""
    return f"auth 1\n1 sha1 {secret}\n"


def parse(text: str) -> Keys:
    """What stands there; nothing of it is checked yet."""
    auth: list[tuple[int, str]] = []
    keys: list[Key] = []
    other: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):  # elsewhere a '#' is part of the key
            continue
        if words[0] == "auth":
            auth.append((number, words[1] if len(words) == 2 else ""))
        elif words[0].isdecimal() and len(words) >= 2:
            keys.append(Key(number, words[0], words[1], words[2] if len(words) > 2 else ""))
        else:
            other.append(number)
    return Keys(tuple(auth), tuple(keys), tuple(other))
