"""Second writers: other programs here that write the IPVS table. What they do and what we do undo each other."""

from __future__ import annotations

from lvs_init.engine.request import DIRECTOR
from lvs_init.system import processes

#: When each of them writes into our table.
CLASHES = {
    "keepalived": "if it has a virtual_server, it changes the same table",
    "kube-proxy": "in its ipvs mode it removes every service that is not its own",
    "ldirectord": "it changes the same table",
}


def second_writers(role: str) -> list[str]:
    """A sentence for each that is at work; without a word that a reader of status would judge."""
    if role != DIRECTOR:
        return []
    return [
        f"{found.name} (process {found.pid}{found.since}) is at work here, too: {CLASHES[found.name]}"
        for found in processes.named(CLASHES)
    ]
