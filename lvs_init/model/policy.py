"""How a cluster wants its table changed: what a run without the file must know of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.model.ipvs import ServiceKey


@dataclass(frozen=True)
class Policy:
    """``drain_timeout``: seconds that a real server which leaves may finish its connections in; 0: none.

    ``drain_timeouts``: of services that say otherwise. ``live_weights``: services whose weights somebody else looks
    after.
    """

    drain_timeout: int = 0
    drain_timeouts: Mapping[ServiceKey, int] = field(default_factory=dict)
    live_weights: frozenset[ServiceKey] = frozenset()

    def patience(self, service: ServiceKey) -> int:
        """The drain timeout of a service, in seconds."""
        return self.drain_timeouts.get(service, self.drain_timeout)
