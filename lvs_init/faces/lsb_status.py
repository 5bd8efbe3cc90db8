"""status in words that LSB, Heartbeat and people read alike.

Heartbeat looks at the text of all lines and not at the code: "running" or "OK" anywhere means up, unless a "not" comes
before "running"; Pacemaker's heartbeat class looks for "stopped" (heartbeat 3.0.6 ResourceManager, raexechb.c). So the
first line says it and no other line may hold one of these words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvs_init.commands.proc_ip_vs import render_table
from lvs_init.engine import memory
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.engine.status import Health, Status, examine
from lvs_init.errors import NotPrivileged
from lvs_init.faces import codes
from lvs_init.system import identity, streams

_CODES = {
    Health.RUNNING: codes.STATUS_RUNNING,
    Health.PARTIAL: codes.STATUS_PARTIAL,
    Health.HOLDING: codes.STATUS_RUNNING,
    Health.STANDBY: codes.STATUS_STOPPED,
    Health.LOCKED: codes.STATUS_LOCKED,
    Health.STOPPED: codes.STATUS_STOPPED,
}
_JUDGED = (("unning", "unn'ing"), ("UNNING", "UNN'ING"), ("OK", "O'K"), ("topped", "topp'ed"), ("TOPPED", "TOPP'ED"))


def quiet(line: str) -> str:
    """The line without any word that would be judged."""
    for word, harmless in _JUDGED:
        line = line.replace(word, harmless)
    return line


def report(role: str, names: Sequence[str], environment: Mapping[str, str], *, as_json: bool = False) -> int:
    """Print the status of what is named, or of everything that was started; the LSB exit code."""
    if not identity.is_root():
        raise NotPrivileged(f"lvs-{role} status unknown due to insufficient privileges.", hint="run it as root")
    paths = Paths()
    statuses = [
        examine(paths, target, f"{paths.subsys}/lvs-{role}") for target in _targets(paths, role, names, environment)
    ]
    overall = _overall([status.health for status in statuses])
    if as_json:
        import json

        streams.out(
            json.dumps({"version": 1, "status": overall.value, "clusters": [_plain(s) for s in statuses]}, indent=2)
        )
    else:
        streams.out("\n".join(_lines(f"lvs-{role}", overall, statuses)))
    return _CODES[overall]


def _targets(paths: Paths, role: str, names: Sequence[str], environment: Mapping[str, str]) -> list[Target]:
    if names:
        from lvs_init.engine import configuration

        return [configuration.target(paths, role, name, environment) for name in names]
    return [Target(role, instance, "") for instance in memory.started(paths, role)] or [Target(role, "", "")]


def _overall(healths: list[Health]) -> Health:
    if Health.HOLDING in healths:  # whose node must not be taken for one that has given everything up
        return Health.HOLDING
    if len(set(healths)) == 1:
        return healths[0]
    if set(healths) == {Health.STANDBY, Health.STOPPED}:
        return Health.STANDBY
    return Health.PARTIAL


def _lines(name: str, overall: Health, statuses: list[Status]) -> list[str]:
    first = {
        Health.RUNNING: f"{name} is running" + (" (degraded)" if any(s.degraded for s in statuses) else ""),
        Health.PARTIAL: f"{name} is partly set up",
        Health.HOLDING: f"{name} is running, and should have ended: a VIP could not be taken away",
        Health.LOCKED: f"{name} is dead but subsys locked",
        Health.STANDBY: f"{name} is stopped (standby: {_ready(statuses)})",
        Health.STOPPED: f"{name} is stopped",
    }
    lines = []
    for status in statuses:
        label = f"{status.target.instance}: " if len(statuses) > 1 else ""
        if len(statuses) > 1:
            lines.append(f"{label}{'up' if status.health is Health.RUNNING else status.health.value}")
        lines += [f"  {label}{line}" for line in status.missing]
        lines += [f"  {label}{line}" for line in status.daemons]
        lines += [f"  {label}note: {line}" for line in status.notes]
    if statuses[0].table is not None and statuses[0].target.role == DIRECTOR:
        lines += render_table(statuses[0].table).splitlines()
    return [first[overall], *(quiet(line) for line in lines)]


def _ready(statuses: list[Status]) -> str:
    """What a standby has, in a few words."""
    if any(status.wrong for status in statuses):
        return "degraded, it has a VIP that it must not have"
    if any(status.degraded for status in statuses):
        return "degraded, it has no VIP"
    return "it has no VIP and is ready to take over"


def _plain(status: Status) -> dict[str, object]:
    return {
        "role": status.target.role,
        "instance": status.target.instance,
        "health": status.health.value,
        "degraded": status.degraded,
        "stance": status.stance,
        "daemons": status.daemons,
        "missing": status.missing,
        "notes": status.notes,
    }
