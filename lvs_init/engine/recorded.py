"""A run whose aim is not the file but what a record says that one wanted: a file may be half-edited, or gone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lvs_init.config.cluster import Cluster, Director, RealServerRole
from lvs_init.config.desired import Desired
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.memory import Memory
from lvs_init.engine.observe import Observation, read_sysctls
from lvs_init.engine.request import Options, Target
from lvs_init.engine.up import Ascent
from lvs_init.model.machine import Machine
from lvs_init.model.network import AddressKey, SysctlKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key, Value, Wanted


@dataclass
class FromRecord(Ascent):
    """To what ``before`` wanted, in the stance that is asked for."""

    before: Record = field(default_factory=lambda: Record("", ""))

    def _wants(self, machine: Machine, seen: Observation) -> Desired:
        wanted = still_there(self.before.serving)
        carried = [key for key, value in wanted.items() if isinstance(key, AddressKey) and value is not None]
        return Desired(
            wanted,
            announce=[key for key in carried if key.interface != "lo"],
            nat=self.before.nat,
            gateways=self.before.gateways,
            asked=self.before.asked,
            policy=self.before.policy,
            warm=self.before.warm,
            announcing=replace(self.before.announcing, left=0, addresses=()),
        )


def from_record(
    before: Record, target: Target, known: Memory, apparatus: Apparatus, options: Options, stance: str
) -> FromRecord:
    """A run to what a record wanted."""
    cluster = Cluster(before.cluster, before.file, "", Director(), RealServerRole(), ())
    return FromRecord(target, cluster, before.fingerprint, known, apparatus, options, stance=stance, before=before)


def still_there(wanted: Wanted) -> dict[Key, Value | None]:
    """Without settings that have gone with their interface since: nobody can set those any more."""
    settings = read_sysctls(key.path for key in wanted if isinstance(key, SysctlKey))
    return {key: value for key, value in wanted.items() if not isinstance(key, SysctlKey) or key in settings}
