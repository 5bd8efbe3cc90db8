"""A client that asks without a pause, for as long as something is done to the director."""

from __future__ import annotations

import os
from collections import Counter

from lvs_init.lab import traffic


def until(file: str, address: str, port: int = 80) -> dict[str, dict[str, int]]:
    """Ask over a new connection each time until the file is there; as traffic.requests()."""
    told: dict[str, Counter[str]] = {"answers": Counter(), "errors": Counter()}
    while not os.path.exists(file):
        for kind, counts in traffic.requests(address, port, count=5).items():
            told[kind].update(counts)
    return {kind: dict(counts) for kind, counts in told.items()}
