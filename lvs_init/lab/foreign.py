"""What a program that talks to the kernel itself can put into the IPVS table, and ipvsadm cannot."""

from __future__ import annotations

import os

from lvs_init.engine.channel import Table
from lvs_init.errors import SystemFailure
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey
from lvs_init.model.state import Change
from lvs_init.system.runner import Runner


def change_port(vip: str, port: str, rip: str, before: str, after: str) -> None:
    """Give a real server of direct routing another port. Raises SystemFailure where the kernel refuses."""
    service = ServiceKey("tcp", vip, int(port))
    value = RealServer("dr")
    with Table(Runner(), os.environ) as table:
        refused = table.write(
            [
                Change(RealServerKey(service, rip, int(before)), value, None),
                Change(RealServerKey(service, rip, int(after)), None, value),
            ]
        )
    if refused:
        raise SystemFailure("; ".join(refused.values()))
