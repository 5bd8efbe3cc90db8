"""The sync daemons for who only looks: one socket, and none of what writing needs."""

from __future__ import annotations

import struct

from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.commands import ipvs_replies
from lvs_init.errors import SystemFailure
from lvs_init.model.ipvs import SyncDaemon, SyncDaemonKey
from lvs_init.system.netlink import Family


def daemons() -> dict[SyncDaemonKey, SyncDaemon] | None:
    """Those that are at work here; None where the kernel cannot be asked. To be called where it has a table."""
    try:
        with Family(ipvs.FAMILY, ipvs.VERSION) as family:
            return dict(map(ipvs_replies.daemon, family.dump(ipvs.GET_DAEMON)))
    except (OSError, SystemFailure, ValueError, KeyError, IndexError, struct.error):
        return None
