"""plan: what a run would do and leave, with all that an admin should know before it; nothing has an effect."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lvs_init.commands.render import Tools
from lvs_init.config.cluster import Cluster
from lvs_init.config.director import director_wants
from lvs_init.config.imagined import imagined_director
from lvs_init.engine import configuration, memory, trial
from lvs_init.engine.guard import deferred_to_director
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, REALSERVER, Target
from lvs_init.engine.run import Engine
from lvs_init.engine.up import Foresight
from lvs_init.engine.writers import second_writers
from lvs_init.errors import ConfigurationError, NotConfigured
from lvs_init.model.ipvs import TimeoutKey
from lvs_init.model.network import AddressKey, Alias, SysctlKey
from lvs_init.model.record import Record
from lvs_init.model.state import Key, Value, apply
from lvs_init.model.will import Will
from lvs_init.plan.brake import removal
from lvs_init.plan.drift import Drift, Foreign, drifts, foreign
from lvs_init.plan.forwarding import IPV4_FORWARD
from lvs_init.plan.intent import plan_up


@dataclass(frozen=True)
class Preview:
    """``verb``: "reload" of what runs, "start" of what does not. ``since``: the file that was applied last, or "".

    ``notes``: what is left alone and why, a sentence each; ``warnings``: risks.
    """

    target: Target
    cluster: str
    verb: str
    since: str
    foresight: Foresight
    tools: Tools
    record: Record | None
    drifts: Sequence[Drift] = ()
    foreign: Sequence[Foreign] = ()
    wills: Sequence[Will] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = field(default_factory=list)

    @property
    def todo(self) -> bool:
        """Whether there is something to do."""
        return bool(self.foresight.plan.steps)


def preview(target: Target, environment: Mapping[str, str], paths: Paths) -> Preview:
    """For this machine as it is now. Needs root and waits for a run that is under way. Raises LvsError."""
    engine = Engine(target.role, environment=environment, paths=paths)
    with engine.at_work("plan") as apparatus:
        remembered = memory.recall(paths, target)
        ascent = engine.ascent(target, remembered, apparatus)
        seen = ascent.foresee()
        mine = remembered.mine
        away = deferred_to_director(target, seen.desired, remembered.others)
        warnings = [*remembered.problems, *second_writers(target.role)]
        warnings += trial.told(paths, target.instance) if target.role == DIRECTOR else []
        if remembered.interrupted:
            warnings.append("an earlier run was cut short; what it left is made good as well")
        return Preview(
            ascent.target,
            ascent.cluster.name,
            "reload" if mine is not None else "start",
            mine.file if mine is not None else "",
            seen,
            apparatus.tools,
            mine,
            list(drifts(mine, seen.live, seen.plan, away)),
            foreign(seen.live, seen.plan, mine, remembered.others) if target.role == DIRECTOR else (),
            remembered.my_wills,
            (*seen.desired.notes, *seen.plan.left_alone),
            warnings,
        )


def between(old: Cluster, new: Cluster) -> Preview:
    """From one file to another on a director that both of them fit: pure. Raises ConfigurationError."""
    machine = imagined_director([old, new])
    before: dict[Key, Value] = {IPV4_FORWARD: "0"}
    before.update(machine.addresses.items())
    first = director_wants(old, machine, machine.addresses)
    up = plan_up(first.wanted, before, None, policy=first.policy)
    live = apply(before, up.wanted)
    record = Record(DIRECTOR, "", up.entries, old.name, old.file, policy=first.policy)
    addresses = {k: v for k, v in live.items() if isinstance(k, AddressKey) and isinstance(v, Alias)}
    desired = director_wants(new, machine, addresses)
    problems = [*first.problems, *desired.problems]
    if problems:
        raise ConfigurationError("a director that both files fit cannot be imagined", problems)
    plan = plan_up(desired.wanted, live, record, policy=desired.policy)
    added = {change.key for step in plan.steps for change in step.changes if change.before is None}
    seen = Foresight(
        plan,
        live,
        desired,
        removal(record, desired.wanted, new.director.max_removal),
        [key for key in desired.announce if key in added],
    )
    notes = [*desired.notes, *plan.left_alone]
    if any(isinstance(key, (SysctlKey, TimeoutKey)) and key in plan.leaving for key in record.entries):
        notes.append("settings that left the file get back what they had before start, which the files do not tell")
    target = Target(DIRECTOR, "", new.file)
    return Preview(target, new.name, "reload", old.file, seen, Tools(net_tools=True), record, notes=notes)


def target_of(file: str, role: str, name: str, environment: Mapping[str, str], paths: Paths) -> Target:
    """What a plan is about. ``file``: a path, a cluster's name or ""; ``role`` and ``name``: "" where not given.

    A file is meant for the cluster called ``name``, else for the one of its own name, else for the only one that runs.
    Raises NotConfigured where several could be meant.
    """
    role = role or _role_here(file, environment, paths)
    found = configuration.target(paths, role, _as_path(file), environment)
    running = memory.started(paths, role)
    at_home = bool(file) and os.path.dirname(found.file) == paths.configuration
    if name:
        instance = name
    elif not running or found.instance in running or at_home:
        instance = found.instance
    elif len(running) == 1:
        instance = running[0]
    else:
        raise NotConfigured(
            f"{found.file} may be meant for any of {', '.join(running)}", hint=f"say which: --cluster {running[0]}"
        )
    return Target(role, instance, found.file if file or instance == found.instance else "")


def _as_path(file: str) -> str:
    """What looks like a file's name is one, a plain word is a cluster's."""
    return os.path.abspath(file) if "/" in file or file.endswith(".toml") else file


def _role_here(file: str, environment: Mapping[str, str], paths: Paths) -> str:
    """The role that runs here, the director where both do; else real server where a RIP of the file is ours."""
    for role in (DIRECTOR, REALSERVER):
        if memory.started(paths, role):
            return role
    from lvs_init.config.realserver import own_rips
    from lvs_init.engine.observe import look

    cluster, _ = configuration.read(configuration.target(paths, DIRECTOR, _as_path(file), environment))
    return REALSERVER if own_rips(cluster, look().machine(())) else DIRECTOR
