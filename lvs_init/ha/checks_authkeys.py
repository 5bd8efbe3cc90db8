"""What can be wrong with authkeys. No message holds a key."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.ha import authkeys
from lvs_init.ha.folder import Folder
from lvs_init.ha.remark import MISTAKE, WARNING, Remark

_SHORTEST = 16  # characters


def remarks(folder: Folder) -> Iterator[Remark]:
    """Mistakes and warnings of the file in this directory."""
    name = authkeys.NAME
    found = folder.files[name]
    if found.text is None:
        yield Remark(MISTAKE, name, 0, found.why or "is missing", "'lvsctl ha heartbeat --out DIR' makes one")
        return
    if found.mode & 0o044:
        yield Remark(
            MISTAKE,
            name,
            0,
            f"has mode {found.mode:o}: Heartbeat does not start while others can read it",
            f"chmod 600 {folder.path}/{name}",
        )
    elif found.mode & 0o077:
        yield Remark(WARNING, name, 0, f"has mode {found.mode:o}", f"chmod 600 {folder.path}/{name}")
    if found.owner != 0:
        yield Remark(
            MISTAKE,
            name,
            0,
            f"belongs to user id {found.owner}, who can read the key",
            f"chown root {folder.path}/{name}",
        )
    yield from _contents(authkeys.parse(found.text))


def _contents(keys: authkeys.Keys) -> Iterator[Remark]:
    name = authkeys.NAME
    for line in keys.other:
        yield Remark(MISTAKE, name, line, "is neither 'auth NUMBER' nor 'NUMBER METHOD KEY'")
    if len(keys.auth) != 1:
        line = keys.auth[1][0] if keys.auth else 0
        yield Remark(
            MISTAKE, name, line, f"has {len(keys.auth)} lines 'auth NUMBER'; one must say which key is sent with"
        )
    seen: dict[str, int] = {}
    for key in keys.keys:
        if key.number in seen:
            yield Remark(MISTAKE, name, key.line, f"defines key {key.number} again, after line {seen[key.number]}")
        seen.setdefault(key.number, key.line)
        if key.method not in authkeys.METHODS and not key.secret:  # which of the two it is: it may be the key
            yield Remark(MISTAKE, name, key.line, "has one word after its number, and needs a method and a key")
        elif key.method not in authkeys.METHODS:
            yield Remark(
                MISTAKE, name, key.line, f"has the method '{key.method}'", f"known are {', '.join(authkeys.METHODS)}"
            )
        elif key.method == "crc":
            yield Remark(
                WARNING,
                name,
                key.line,
                "crc finds damage, not forgery: whoever reaches the link can end the cluster",
                "use sha1 with a random key unless the link is a cable between the two nodes",
            )
        elif not key.secret:
            yield Remark(MISTAKE, name, key.line, f"has no key after {key.method}")
        elif len(key.secret) < _SHORTEST:
            yield Remark(WARNING, name, key.line, "has a short key that can be guessed", "40 random digits are usual")
    for line, number in keys.auth:
        if number not in seen:
            named = number if number.isdecimal() else "(none)"  # a key in the wrong place is one all the same
            yield Remark(MISTAKE, name, line, f"names key {named}, which no line defines")


def equal(first: str, second: str) -> bool:
    """Whether nodes with these files understand each other: the same keys under the same numbers."""
    ours, theirs = authkeys.parse(first), authkeys.parse(second)
    known = [{(key.number, key.method, key.secret) for key in keys.keys} for keys in (ours, theirs)]
    sent = [{number for _, number in keys.auth} for keys in (ours, theirs)]
    return known[0] == known[1] and sent[0] == sent[1]
