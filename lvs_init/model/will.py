"""What an admin has said of real servers by hand, and what counts until it is withdrawn: over reload and reboot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.model.ipvs import RealServerKey, host_port


@dataclass(frozen=True)
class Will:
    """The weight of the real servers with an address, or with an address and a port (None: whatever their port).

    ``weight``: what it shall come to; 0: drained. ``since``: when it was said, in seconds since the epoch. ``over``:
    seconds that the way there takes, from the weights in ``starts``. ``until``: with weight 0, when the real servers
    are taken out of the table for good; seconds since the epoch.
    """

    address: str
    port: int | None
    weight: int
    since: float
    over: float = 0.0
    until: float | None = None
    starts: Mapping[RealServerKey, int] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """``192.168.0.11`` or ``192.168.0.11:80``, as it was said."""
        return self.address if self.port is None else host_port(self.address, self.port)

    def concerns(self, key: RealServerKey) -> bool:
        """Whether it is about this real server."""
        return key.address == self.address and self.port in (None, key.port)
