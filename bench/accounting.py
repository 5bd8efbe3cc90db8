"""Which programs were run, as the kernel itself counts them (acct(2), acct(5)). To be called in a node."""

from __future__ import annotations

import ctypes
import os

FILE = "/run/accounting"
_RECORD = 64  # bytes (include/uapi/linux/acct.h: struct acct and struct acct_v3 alike)
_FORKED = 0x01  # AFORK: it ended without an exec, so it was no program


def begin() -> None:
    """From now on each process of this node that ends leaves a record. Raises OSError."""
    os.close(os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.acct(FILE.encode()):
        raise OSError(ctypes.get_errno(), "acct")


def collect() -> int:
    """How many programs have ended since the last call; the records are gone afterwards."""
    with open(FILE, "r+b") as file:
        records = file.read()
        file.truncate(0)
    return sum(not records[start] & _FORKED for start in range(0, len(records), _RECORD))
