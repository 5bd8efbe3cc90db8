#!/usr/bin/python3 -B
"""Stands in for Red Hat's chkconfig where rpm's scriptlets call it: --add NAME, --del NAME, NAME on, NAME off.

It reads headers and overrides with the rules of tests/packaging/headers.py, which lies beside it there, and makes the
links that chkconfig 1.33 makes. Not to be had on Debian: the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from headers import chkconfig

ETC = Path("/etc")


def links(name: str, level: int | str = "?") -> list[Path]:
    return list(ETC.glob(f"rc{level}.d/[SK][0-9][0-9]{name}"))


def turn(name: str, level: int, on: bool) -> None:
    script, override = ETC / "init.d" / name, ETC / "chkconfig.d" / name
    service = chkconfig(script.read_text(), override.read_text() if override.exists() else "")
    for link in links(name, level):
        link.unlink()
    kind = f"S{service.start:02}" if on else f"K{service.stop:02}"
    (ETC / f"rc{level}.d" / (kind + name)).symlink_to(f"../init.d/{name}")


def main(first: str, second: str) -> None:
    if first == "--add":
        script, override = ETC / "init.d" / second, ETC / "chkconfig.d" / second
        levels = chkconfig(script.read_text(), override.read_text() if override.exists() else "").levels or ()
        for level in range(7):
            if not links(second, level):
                turn(second, level, level in levels)
    elif first == "--del":
        for link in links(second):
            link.unlink()
    else:
        for level in (2, 3, 4, 5):
            turn(first, level, second == "on")


main(*sys.argv[1:])
