"""The course of a rehearsal with a fault: it works, the fault is put in, what changes, what the doctor says, and all is
well again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lvs_init.lab.course import Listener, ask_doctor, findings_of
from lvs_init.lab.fault import REALSERVER, Fault
from lvs_init.lab.injection import Injection
from lvs_init.lab.node import Completed, Node
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

VERSION = 1


@dataclass(frozen=True)
class Doctor:
    """What ``lvsctl doctor`` said on a host: for people, and its findings as --json has them."""

    host: str
    text: str
    findings: list[dict[str, Any]]

    def codes(self, *severities: str) -> list[str]:
        """The codes of these severities, each once; of all where none is named."""
        found = [each["code"] for each in self.findings if not severities or each["severity"] in severities]
        return list(dict.fromkeys(found))


@dataclass
class Lesson:
    """``before``, ``seen``, ``after``: what the client saw, in words. ``as_told``: the fault did what it should."""

    fault: Fault
    where: str
    done: list[tuple[str, str]] = field(default_factory=list)
    before: str = ""
    seen: str = ""
    after: str = ""
    as_told: bool = False
    works_again: bool = False
    doctor: Doctor | None = None

    @property
    def named(self) -> bool:
        """Whether the doctor has named it."""
        return self.doctor is not None and bool({self.fault.code, *self.fault.also}.intersection(self.doctor.codes()))

    @property
    def ok(self) -> bool:
        return self.as_told and self.works_again and self.named

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": VERSION,
            "ok": self.ok,
            "where": self.where,
            "fault": {"code": self.fault.code, "name": self.fault.name, "what": self.fault.what},
            "commands": [{"host": host, "command": command} for host, command in self.done],
            "before": self.before,
            "seen": self.seen,
            "as_told": self.as_told,
            "doctor": {"host": self.doctor.host, "findings": self.doctor.findings} if self.doctor else None,
            "named": self.named,
            "after": self.after,
            "works_again": self.works_again,
        }


def teach(rehearsal: Rehearsal, fault: Fault, listener: Listener) -> Lesson:
    """Put the fault into a rehearsal, which is started for it. Raises LabError where the lab itself fails."""
    lesson = Lesson(fault, rehearsal.place.where)
    listener.begin("start every node")
    failed = [call for call in rehearsal.start() if call.completed.code]
    listener.end(_said(failed[0].completed) if failed else "all running", not failed)
    if failed:
        return lesson
    injection = Injection(rehearsal, fault)
    listener.begin("client: before it")
    before = injection.prepare()
    lesson.before = str(before)
    listener.end(lesson.before, injection.works(before))
    for host, command in injection.inject():
        name = injection.node(host).name.partition(".")[0] or host
        listener.begin(f"{name}: {command}")
        listener.end("", True)
        lesson.done.append((name, command))
    listener.begin("client: with it")
    seen = injection.look()
    lesson.seen, lesson.as_told = str(seen), injection.is_as_told(seen)
    listener.end(lesson.seen, lesson.as_told)
    listener.begin("ask the doctor there")
    lesson.doctor = doctor_on(rehearsal, injection)
    listener.end(", ".join(lesson.doctor.codes()) or "finds nothing", lesson.named)
    listener.begin("take it back")
    injection.undo()
    listener.end("", True)
    listener.begin("client: without it")
    after = injection.check()
    lesson.after, lesson.works_again = str(after), injection.works(after)
    listener.end(lesson.after, lesson.works_again)
    return lesson


def doctor_on(rehearsal: Rehearsal, injection: Injection) -> Doctor:
    """Run ``lvsctl doctor`` where the fault is to be named. Raises LabError where it gives no answer."""
    node = injection.node(injection.fault.host)
    with asked_about(injection) as words:
        return Doctor(
            node.name.partition(".")[0],
            ask_doctor(rehearsal, node, *words, as_nobody=injection.fault.as_nobody).stdout,
            findings_of(ask_doctor(rehearsal, node, *words, "--json", as_nobody=injection.fault.as_nobody)),
        )


@contextlib.contextmanager
def asked_about(injection: Injection) -> Iterator[list[str]]:
    """The role in which the machine is asked that is to name it, and what else the doctor is to do: what other machines
    have collected is there meanwhile. Raises LabError where one of them cannot."""
    fault, rehearsal = injection.fault, injection.rehearsal
    node = injection.node(fault.host)
    words = ["realserver" if fault.host == REALSERVER else "director", *(["--probe"] if fault.probe else [])]
    places = {host: f"/run/collected-{injection.host(host)}.json" for host in fault.joined}
    for host, place in places.items():
        node.write(place, _collected(rehearsal, injection.node(host)))
    try:
        yield [*words, *(f"--with={place}" for place in places.values())]
    finally:
        if places:
            node.run(["rm", *places.values()])


def _collected(rehearsal: Rehearsal, node: Node) -> str:
    """Of a machine outside the cluster, too, which has no file of its own: it is given one for as long as it takes."""
    stranger = node.run(["test", "-e", CONFIGURATION]).code != 0
    if stranger:
        node.write(CONFIGURATION, rehearsal.text)
    collected = ask_doctor(rehearsal, node, "director", "--collect").check().stdout
    if stranger:
        node.run(["rm", CONFIGURATION])
    return collected


def _said(completed: Completed) -> str:
    return next(iter([*completed.stderr.splitlines(), *completed.stdout.splitlines()]), f"exit code {completed.code}")
