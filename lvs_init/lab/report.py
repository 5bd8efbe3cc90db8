"""What a rehearsal has shown, as values: for a table, for JSON, for a test. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True)
class Share:
    """``predicted``: None where the scheduler lets nothing be said of one real server."""

    host: str
    realserver: str
    forwarding: str
    weight: int
    requests: int
    predicted: int | None
    ok: bool


@dataclass(frozen=True)
class ServiceReport:
    """``rule``: how the scheduler shares. ``sent``: 0 where the lab does not speak the service's protocol."""

    service: str
    scheduler: str
    rule: str
    sent: int
    answered: int
    errors: dict[str, int]
    shares: list[Share]
    ok: bool


@dataclass(frozen=True)
class VipReport:
    """``owners``: the hosts that answer for it, or MACs; just the director should."""

    vip: str
    owners: list[str]
    ok: bool


@dataclass(frozen=True)
class CallReport:
    """An init script's call: ``said`` on stdout, ``warned`` on stderr, a line each."""

    script: str
    verb: str
    code: int
    said: list[str]
    warned: list[str]

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def headline(self) -> str:
        """The first line of what it said; where it said nothing, of its complaint."""
        return (self.said or self.warned or [f"{self.script} {self.verb}: exit code {self.code}"])[0]


@dataclass
class HostReport:
    """``left``: how it differs from what it was before start, a line each."""

    host: str
    calls: list[CallReport] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.left and all(call.ok for call in self.calls)

    def status(self) -> list[CallReport]:
        """What it said while it ran: one for each role."""
        return [call for call in self.calls if call.verb == "status"]


@dataclass(frozen=True)
class Step:
    """A part of the rehearsal. ``at``: when it began, in seconds since the first one."""

    at: float
    what: str
    result: str
    ok: bool


@dataclass(frozen=True)
class Report:
    """All of it. ``notes``: what the lab made up or left out. ``findings``: the doctor's, as --json has them, each with
    its "host"; they and ``steps`` are told, and decide nothing."""

    cluster: str
    where: str
    services: Sequence[ServiceReport]
    vips: Sequence[VipReport]
    hosts: Sequence[HostReport]
    notes: Sequence[str] = ()
    findings: Sequence[dict[str, Any]] = ()
    steps: Sequence[Step] = ()

    @property
    def ok(self) -> bool:
        return all(part.ok for parts in (self.services, self.vips, self.hosts) for part in parts)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        hosts = [
            {**asdict(host), "ok": host.ok, "calls": [{**asdict(call), "ok": call.ok} for call in host.calls]}
            for host in self.hosts
        ]
        return {
            "version": VERSION,
            "ok": self.ok,
            "cluster": self.cluster,
            "where": self.where,
            "services": [asdict(service) for service in self.services],
            "vips": [asdict(vip) for vip in self.vips],
            "hosts": hosts,
            "notes": list(self.notes),
            "findings": list(self.findings),
            "steps": [asdict(step) for step in self.steps],
        }
