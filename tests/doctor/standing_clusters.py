"""A cluster that is started once and must be as it was after every case."""

from __future__ import annotations

from typing import Any

from lvs_init.lab.course import ask_doctor, findings_of
from lvs_init.lab.injection import Injection
from lvs_init.lab.lesson import Doctor, doctor_on
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.snapshot import Snapshot, difference
from lvs_init.lab.standing import CLUSTERS


class Standing:
    """``lab``: the running rehearsal."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self._place = place
        self._begin()

    def _begin(self) -> None:
        self.lab = Rehearsal(self._place, CLUSTERS[self.name], fresh=False)
        self.lab.__enter__()
        for call in self.lab.start():
            call.completed.check()
        self._before: dict[str, Snapshot] = self.lab.snapshots()

    def close(self) -> None:
        self.lab.__exit__(None, None, None)

    def rebuild(self) -> None:
        """All hosts anew."""
        self.close()
        self._begin()

    def settle(self) -> list[str]:
        """How the hosts differ from what they were; where they do, they are made anew."""
        after = self.lab.snapshots()
        found = [f"{host}: {line}" for host, before in self._before.items() for line in difference(before, after[host])]
        if found:
            self.rebuild()
        return found


def doctor(injection: Injection) -> Doctor:
    """What the doctor says where the fault is to be named; the lab's agent runs it in a fork."""
    return doctor_on(injection.rehearsal, injection)


def findings_on(lab: Rehearsal, host: str, role: str) -> list[dict[str, Any]]:
    """All that the doctor finds on a host in that role."""
    return findings_of(ask_doctor(lab, lab.nodes[host], role, "--json"))
