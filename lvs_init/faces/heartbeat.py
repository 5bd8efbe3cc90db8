"""The face for Heartbeat's haresources: an init script whose start makes active and whose stop makes stand by.

Heartbeat 3.0.6 (ResourceManager) appends one of three verbs to the resource's arguments. It judges status by its text,
stops every group on every node at shutdown, and reboots a node whose stop goes on failing while status says running.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from lvs_init.engine.request import DIRECTOR
from lvs_init.faces import lsb
from lvs_init.system import streams

#: What each verb means. A real server has no stance: it is what it is on both nodes.
MEANT = {"start": "activate", "stop": "stand-by", "status": "status"}
_OF_A_REAL_SERVER = {verb: verb for verb in MEANT}


def run(role: str, usage: str, argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run a resource script and leave with its exit code."""
    streams.hold_standard_descriptors()
    streams.finish(main(role, usage, argv, environment))


def main(role: str, usage: str, argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """The same, up to the exit code, which is LSB's. Never raises."""
    return lsb.main(role, usage, argv, environment, MEANT if role == DIRECTOR else _OF_A_REAL_SERVER)
