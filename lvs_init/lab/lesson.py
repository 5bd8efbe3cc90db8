"""The course of a rehearsal with a fault: it works, the fault is put in, what changes, what the doctor says, and all is
well again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lvs_init.lab.course import Listener, ask_doctor, findings_of
from lvs_init.lab.fault import DIRECTOR, Fault
from lvs_init.lab.injection import Injection
from lvs_init.lab.node import Completed
from lvs_init.lab.rehearsal import Rehearsal

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
    after = injection.ask()
    lesson.after, lesson.works_again = str(after), injection.works(after)
    listener.end(lesson.after, lesson.works_again)
    return lesson


def doctor_on(rehearsal: Rehearsal, injection: Injection) -> Doctor:
    """Run ``lvsctl doctor`` where the fault is to be named. Raises LabError where it gives no answer."""
    node = injection.node(injection.fault.host)
    role, more = role_of(injection.fault), more_of(injection.fault)
    return Doctor(
        node.name.partition(".")[0],
        ask_doctor(rehearsal, node, role, *more).stdout,
        findings_of(ask_doctor(rehearsal, node, role, *more, "--json")),
    )


def role_of(fault: Fault) -> str:
    """In which role the machine is asked that is to name it."""
    return "director" if fault.host == DIRECTOR else "realserver"


def more_of(fault: Fault) -> list[str]:
    """What else the doctor is to do for it."""
    return ["--probe"] if fault.probe else []


def _said(completed: Completed) -> str:
    return next(iter([*completed.stderr.splitlines(), *completed.stdout.splitlines()]), f"exit code {completed.code}")
