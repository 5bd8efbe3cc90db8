"""The brake: how much of a running cluster a new configuration takes away at once.

A file that was cut off, or that a generator wrote from an empty list, is sound and yet a disaster.
"""

from __future__ import annotations

from dataclasses import dataclass

from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key, Wanted


@dataclass(frozen=True)
class Removal:
    """``services`` and ``servers``: what the file wanted so far and does not want any more, of how many of each.

    ``limit``: the share, 0 to 1, above which it is too much.
    """

    services: tuple[ServiceKey, ...]
    of_services: int
    servers: tuple[RealServerKey, ...]
    of_servers: int
    limit: float

    @property
    def too_much(self) -> bool:
        """Whether more than the share leaves, of the services or of the real servers."""
        return len(self.services) > self.limit * self.of_services or len(self.servers) > self.limit * self.of_servers

    @property
    def keys(self) -> tuple[Key, ...]:
        """All that leaves; of a service that leaves not its real servers, which go without saying."""
        return (*self.services, *(key for key in self.servers if key.service not in self.services))

    def __str__(self) -> str:
        """``3 of 4 real servers and 1 of 2 services``."""
        counts = (
            (len(self.servers), self.of_servers, "real server"),
            (len(self.services), self.of_services, "service"),
        )
        told = [f"{gone} of {all_} {noun}{'' if all_ == 1 else 's'}" for gone, all_, noun in counts if gone]
        return " and ".join(told) or "nothing"


def removal(record: Record | None, desired: Wanted, limit: float) -> Removal:
    """From what was wanted when the file was last applied to what it wants now.

    The kernel is not asked: what somebody has deleted by hand is no decision of the file's. A real server is one line
    of the table: a machine in two services counts twice.
    """
    known = [key for key, value in record.desired.items() if value is not None] if record is not None else []
    services = [key for key in known if isinstance(key, ServiceKey)]
    servers = [key for key in known if isinstance(key, RealServerKey)]
    return Removal(
        tuple(key for key in services if desired.get(key) is None),
        len(services),
        tuple(key for key in servers if desired.get(key) is None),
        len(servers),
        limit,
    )
