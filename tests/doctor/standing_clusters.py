"""A cluster that is started once and must be as it was after every case."""

from __future__ import annotations

import re
from typing import Any

from lvs_init.lab.course import ask_doctor, findings_of
from lvs_init.lab.injection import Injection
from lvs_init.lab.lesson import Doctor, asked_about
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
        self.lab = Rehearsal(self._place, CLUSTERS[self.name], fresh=False, pair=self.name == "pair")
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

    def settle(self, hosts: set[str]) -> list[str]:
        """How these hosts differ from what they were; where they do, all are made anew."""
        found = self.differences(hosts)
        if found:
            self.rebuild()
        return found

    def differences(self, hosts: set[str]) -> list[str]:
        """How these hosts differ from what they were, but for the order of an interface's addresses."""
        calls = {host: self.lab.nodes[host].start_call("lvs_init.lab.snapshot:take") for host in hosts}
        return [
            f"{host}: {line}"
            for host, call in calls.items()
            for line in difference(self._before[host], call.wait())
            if not re.match(r"addresses/\S+: other order", line)
        ]


def doctor(injection: Injection) -> Doctor:
    """What the doctor says where the fault is to be named; the lab's agent runs it in a fork."""
    node = injection.node(injection.fault.host)
    with asked_about(injection) as words:
        told = ask_doctor(injection.rehearsal, node, *words, "--json", as_nobody=injection.fault.as_nobody)
        found = findings_of(told)
    lines = [f"{each['severity']} {each['code']} {each['seen']} -> {each['fix']!r}" for each in found]
    return Doctor(node.name, "\n".join(lines), found)


def findings_on(lab: Rehearsal, host: str, role: str) -> list[dict[str, Any]]:
    """All that the doctor finds on a host in that role."""
    return findings_of(ask_doctor(lab, lab.nodes[host], role, "--json"))
