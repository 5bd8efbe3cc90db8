"""The course of a rehearsal: look, start, ask, listen who owns the VIPs, stop, look again; and what it has shown."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from typing import Any, Callable, Protocol

from lvs_init.config.cluster import VirtualService
from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, SYSTEM_PYTHON
from lvs_init.lab.prediction import NOBODY, Prediction, predict
from lvs_init.lab.questions import heard_at, questions_of
from lvs_init.lab.rehearsal import CONFIGURATION, DIRECTOR_SCRIPT, REALSERVER_SCRIPT, Logged, Rehearsal
from lvs_init.lab.report import CallReport, HostReport, Report, ServiceReport, Share, Step, VipReport
from lvs_init.lab.snapshot import Snapshot, difference
from lvs_init.model.ipvs import RealServerKey, host_port

#: The mutex is held open by whoever waits for it, so it is never removed.
_STAYS = ("files: + /run/lvs/mutex",)


_FORWARDING = re.compile(r"sysctls/net\.ipv[46]\.(ip_forward|conf\.\S+\.(forwarding|accept_redirects)): ")


class Listener(Protocol):
    """Who wants to see how far it has come."""

    def begin(self, text: str) -> None: ...

    def end(self, result: str, fine: bool) -> None: ...

    def follow(self, rehearsal: Rehearsal) -> None:
        """There are hosts now that can be looked at, until the rehearsal ends."""


class Nobody:
    """The listener of those who want to see the report alone."""

    def begin(self, text: str) -> None: ...

    def end(self, result: str, fine: bool) -> None: ...

    def follow(self, rehearsal: Rehearsal) -> None: ...


class _Recorder:
    """Tells a listener, and notes each step."""

    def __init__(self, listener: Listener) -> None:
        self.steps: list[Step] = []
        self._listener = listener
        self._began = self._at = time.monotonic()
        self._text = ""

    def begin(self, text: str) -> None:
        self._text, self._at = text, time.monotonic()
        self._listener.begin(text)

    def end(self, result: str, fine: bool) -> None:
        self.steps.append(Step(round(self._at - self._began, 1), self._text, result, fine))
        self._listener.end(result, fine)


def rehearse(
    rehearsal: Rehearsal,
    requests: int | None = None,
    listener: Listener | None = None,
    tamper: Callable[[Rehearsal], None] | None = None,
    examine: bool = False,
) -> Report:
    """``requests``: how many for each service, rounded up to a number that can be shared exactly; None: a few.

    ``tamper``: called between the start and the first request. ``examine``: ask the doctor on every node.
    Raises LabError where the lab itself fails.
    """
    return _Course(rehearsal, listener or Nobody()).run(requests, tamper, examine)


class _Course:
    def __init__(self, rehearsal: Rehearsal, listener: Listener) -> None:
        self.rehearsal = rehearsal
        self.listener = _Recorder(listener)
        self.hosts = {host.name: HostReport(host.name) for host in rehearsal.topology.hosts}
        self.notes = list(rehearsal.topology.notes)

    def run(self, requests: int | None, tamper: Callable[[Rehearsal], None] | None, examine: bool) -> Report:
        rehearsal = self.rehearsal
        self.listener.begin("note the state of every host")
        before = rehearsal.snapshots()
        self.listener.end(f"{sum(_facts(snapshot) for snapshot in before.values())} facts", True)
        started = self._start()
        services: list[ServiceReport] = []
        vips: list[VipReport] = []
        findings: list[dict[str, Any]] = []
        if started:
            if tamper:
                tamper(rehearsal)
            services = [self._ask(index, requests) for index in range(len(rehearsal.cluster.services))]
            vips = self._owners()
            findings = self._examine() if examine else []
        else:
            self.notes.append("nothing was asked, because not everything has started")
        self._call_all("status", "running")
        self._call_all("stop", "stopped")
        self._compare(before)
        cluster = rehearsal.cluster
        hosts = list(self.hosts.values())
        return Report(
            cluster.name, rehearsal.place.where, services, vips, hosts, self.notes, findings, self.listener.steps
        )

    # Calling

    def _start(self) -> bool:
        """Real servers first: the director would send to them before they are there."""
        realservers = list(self.rehearsal.realservers)
        fine = True
        if realservers:
            self.listener.begin(f"start {len(realservers)} real server{'s' if len(realservers) > 1 else ''}")
            fine = self._end([self._call(name, REALSERVER_SCRIPT, "start") for name in realservers], "started")
        self.listener.begin("start the director")
        report = self._call(self.rehearsal.topology.director.name, DIRECTOR_SCRIPT, "start")
        return self._end([report], report.said[0].partition(": ")[2] if report.ok and report.said else "") and fine

    def _call_all(self, verb: str, done: str) -> None:
        """status and stop: the director before its real servers."""
        self.listener.begin(f"{verb} of every node" if verb == "status" else f"{verb} every node")
        reports = [self._call(self.rehearsal.topology.director.name, DIRECTOR_SCRIPT, verb)]
        reports += [self._call(name, REALSERVER_SCRIPT, verb) for name in self.rehearsal.realservers]
        self._end(reports, f"all {done}")

    def _call(self, host: str, script: str, verb: str) -> CallReport:
        done = self.rehearsal.call(host, script, verb).completed
        report = CallReport(script, verb, done.code, done.stdout.splitlines(), done.stderr.splitlines())
        self.hosts[host].calls.append(report)
        return report

    def _end(self, reports: list[CallReport], result: str) -> bool:
        failed = [report for report in reports if not report.ok]
        self.listener.end(failed[0].headline if failed else result, not failed)
        return not failed

    # Asking

    def _ask(self, index: int, wanted: int | None) -> ServiceReport:
        service = self.rehearsal.cluster.services[index]
        questions = questions_of(service)
        prediction = predict(service, len(questions), wanted)
        if not questions:
            self.notes.append(f"{service.key}: the lab's client speaks no {service.key.protocol}, so nothing was asked")
            return ServiceReport(str(service.key), service.service.scheduler, prediction.rule, 0, 0, {}, [], True)
        self.listener.begin(f"client: {prediction.count} requests to {service.key}")
        self.rehearsal.logged()
        told = self.rehearsal.request(index, prediction.count // len(questions))
        report = self._judged(service, prediction, told, self.rehearsal.logged())
        by_host = ", ".join(f"{share.host} {share.requests}" for share in report.shares)
        self.listener.end(by_host or "nobody there to answer", report.ok)
        return report

    def _judged(
        self,
        service: VirtualService,
        prediction: Prediction,
        told: dict[str, dict[str, int]],
        logged: dict[str, list[Logged]],
    ) -> ServiceReport:
        shares = []
        for key, value in service.realservers:
            host = self.rehearsal.host_of(key.address)
            asked = _asked(service, key, logged[host])
            share = prediction.shares[key]
            shares.append(
                Share(
                    host, host_port(key.address, key.port) if key.port else key.address, value.forwarding,
                    value.weight, asked, share, prediction.fits(key, asked),
                )
            )  # fmt: skip
        answered = sum(told["answers"].values())
        expected = 0 if prediction.rule == NOBODY else prediction.count
        everything = answered == expected or (answered == 0 and _answers_are_lost(service))
        complete = sum(share.requests for share in shares) == expected
        ok = everything and complete and all(share.ok for share in shares)
        return ServiceReport(
            str(service.key), service.service.scheduler, prediction.rule, prediction.count, answered, told["errors"],
            shares, ok,
        )  # fmt: skip

    # Looking

    def _owners(self) -> list[VipReport]:
        vips = list(self.rehearsal.topology.watches)
        self.listener.begin(f"ask the network who has {vips[0] if len(vips) == 1 else 'the VIPs'}")
        director = self.rehearsal.topology.director.name
        reports = [VipReport(vip, owners, owners == [director]) for vip, owners in self.rehearsal.owners().items()]
        heard = dict.fromkeys(owner for report in reports for owner in report.owners)
        self.listener.end(", ".join(heard) or "nobody", all(report.ok for report in reports))
        return reports

    def _examine(self) -> list[dict[str, Any]]:
        self.listener.begin("ask the doctor on every node")
        roles = [(self.rehearsal.topology.director.name, "director")]
        roles += [(name, "realserver") for name in self.rehearsal.realservers]
        found = []
        for name, role in roles:
            told = ask_doctor(self.rehearsal, self.rehearsal.nodes[name], role, "--json")
            found += [{"host": name, **each} for each in findings_of(told)]
        worse = [each for each in found if each["severity"] != "note"]
        codes = ", ".join(dict.fromkeys(f"{each['host']} {each['code']}" for each in worse))
        self.listener.end(codes or "nothing wrong", not any(each["severity"] == "broken" for each in found))
        return found

    def _compare(self, before: dict[str, Snapshot]) -> None:
        self.listener.begin("compare every host with what it was")
        director = self.rehearsal.topology.director.name
        for name, after in self.rehearsal.snapshots().items():
            lines = [line for line in difference(before[name], after) if line not in _STAYS]
            self.hosts[name].left = self._without_forwarding(lines) if name == director else lines
        different = [name for name, host in self.hosts.items() if host.left]
        self.listener.end(f"{', '.join(different)} differ" if different else "all as before", not different)

    def _without_forwarding(self, lines: list[str]) -> list[str]:
        """Where the configuration wants forwarding left on, it is; with it the kernel changes what goes by it."""
        if self.rehearsal.cluster.director.restore_ip_forward:
            return lines
        others = [line for line in lines if not _FORWARDING.match(line)]
        if others != lines:
            self.notes.append("the director goes on forwarding, as restore_ip_forward = false wants it")
        return others


def ask_doctor(rehearsal: Rehearsal, node: Node, role: str, *more: str, as_nobody: bool = False) -> Completed:
    """Run ``lvsctl doctor`` on a node for its role. as_nobody: without root."""
    script = os.path.join(ROOT, "bin", "lvsctl")
    words = [script, "doctor", "--role", role, *more, CONFIGURATION]
    if as_nobody:
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", SYSTEM_PYTHON]
        return node.run([*nobody, *words], env=rehearsal.place.environment)
    return node.entry(words, env=rehearsal.place.environment)


def findings_of(told: Completed) -> list[dict[str, Any]]:
    """What ``lvsctl doctor --json`` found. Raises LabError where that is no answer."""
    try:
        found: list[dict[str, Any]] = json.loads(told.stdout)["findings"]
    except (ValueError, KeyError):
        raise LabError(f"the doctor gave no answer: {told.stderr or told.stdout or told.code}") from None
    return found


def _asked(service: VirtualService, key: RealServerKey, logged: Iterable[Logged]) -> int:
    heard = {(question.protocol, heard_at(key, question)) for question in questions_of(service)}
    return sum((line["protocol"], line["port"]) in heard for line in logged)


def _answers_are_lost(service: VirtualService) -> bool:
    """One-packet scheduling leaves no connection by which nat could translate the answer back."""
    return service.service.one_packet and "nat" in service.forwardings


def _facts(snapshot: Snapshot) -> int:
    def count(value: object) -> int:
        if isinstance(value, dict):
            return sum(map(count, value.values()))
        return sum(map(count, value)) if isinstance(value, list) else 1

    return count(snapshot)
