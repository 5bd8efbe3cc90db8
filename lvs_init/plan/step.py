"""Steps, their order and the reasons for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lvs_init.model.state import Change


class Phase(enum.IntEnum):
    """Every plan of every verb runs its steps in this order. REASONS says why each phase stands where it does."""

    MODULES = 1
    SYSCTLS = 2
    FIREWALL = 3
    CLEAR = 4
    TIMEOUTS = 5
    TABLE = 6
    MARKS = 7
    LINKS = 8
    TO_MASTER = 9
    ADDRESSES = 10
    ROUTES = 11
    ROUTES_AWAY = 12
    ADDRESSES_AWAY = 13
    TO_BACKUP = 14
    LINKS_BACK = 15
    MARKS_AWAY = 16
    TABLE_AWAY = 17
    TIMEOUTS_BACK = 18
    SYSCTLS_BACK = 19
    FIREWALL_BACK = 20


REASONS: dict[Phase, str] = {
    Phase.MODULES: "the kernel's settings and table exist only once its modules are loaded",
    Phase.SYSCTLS: "a machine must behave before it has the VIP: no ARP answer from a real server, forwarding ready",
    Phase.FIREWALL: "flush_iptables: no old rule may stand in the way of the service that starts",
    Phase.CLEAR: "clear_ipvs: whatever another program left in the table goes before ours comes",
    Phase.TIMEOUTS: "connections take their timeout when they are made",
    Phase.TABLE: "the table is full before the VIP appears, so that no client is refused; adds come before edits and "
    "deletes, so that no service is ever empty on the way",
    Phase.MARKS: "packets are marked for the service before its VIP draws any",
    Phase.LINKS: "a tunnel must be up to receive",
    Phase.TO_MASTER: "the other director hears of every connection from the first one on; a backup ends before, since "
    "backup_only keeps the table from working while it listens",
    Phase.ADDRESSES: "everything behind the VIP is ready",
    Phase.ROUTES: "a host route goes through the alias, so the alias comes first",
    Phase.ROUTES_AWAY: "the route goes before the address that it hangs on",
    Phase.ADDRESSES_AWAY: "the VIP goes before the table: with the table gone first, open connections would be reset",
    Phase.TO_BACKUP: "the last connection here is still told of; a backup begins when no client comes here any more",
    Phase.LINKS_BACK: "nothing is received through it any more",
    Phase.MARKS_AWAY: "no packet for the VIP arrives any more",
    Phase.TABLE_AWAY: "nothing is sent to these services any more",
    Phase.TIMEOUTS_BACK: "put back what was there before",
    Phase.SYSCTLS_BACK: "the VIP is gone, so the settings that guarded it can go; what was there before is put back",
    Phase.FIREWALL_BACK: "the start did not come to its end: the saved rules return",
}


@dataclass(frozen=True)
class Step:
    """Changes that are made together by one command (or one a change where the tools leave no choice)."""

    phase: Phase
    changes: tuple[Change, ...]

    @property
    def reason(self) -> str:
        """Why this step stands where it does."""
        return REASONS[self.phase]

    @property
    def subject(self) -> str:
        """What it is about, for one line: ``address 192.168.0.219/32 on eth0`` or ``sysctls (4)``."""
        keys = [change.key for change in self.changes]
        return str(keys[0]) if len(keys) == 1 else f"{keys[0]} and {len(keys) - 1} more"

    def undo(self) -> tuple[Change, ...]:
        """What takes the step back: its changes inverted, last first."""
        return tuple(change.inverse() for change in reversed(self.changes))
