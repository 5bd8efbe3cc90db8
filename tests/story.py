"""Stories of one machine, told by tests/cases/plan/NAME/story.json: what runs on it and what somebody else does to it.

The engine's decisions without its effects: commands are written down, and the kernel in memory does the changes.
``python -m tests.story`` writes what the stories now come to; the difference is for you to judge.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lvs_init.commands import iptables, ipvsadm
from lvs_init.commands.command import shell_text
from lvs_init.commands.render import Tools, render
from lvs_init.config.cluster import Cluster
from lvs_init.config.desired import Desired
from lvs_init.config.director import director_wants
from lvs_init.config.load import parse
from lvs_init.config.realserver import realserver_wants
from lvs_init.engine.guard import deferred_to_director, keep_stale_vips
from lvs_init.engine.observe import Observation
from lvs_init.engine.request import Target
from lvs_init.model.ipvs import RealServerKey, ServiceKey, TimeoutKey
from lvs_init.model.machine import Interface
from lvs_init.model.network import (
    AddressKey,
    Alias,
    FilterTable,
    FilterTableKey,
    LinkKey,
    MarkRuleKey,
    Route,
    RouteKey,
    SysctlKey,
)
from lvs_init.model.record import STANDBY, Record, merge
from lvs_init.model.state import Change, Key, State, Value, same
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD, clobbered
from lvs_init.plan.intent import Plan, plan_back, plan_down, plan_up
from lvs_init.plan.stance import at_rest, in_stance, stance_for, unclaimed, undrained
from lvs_init.plan.step import Step
from tests.kernel import Kernel

_SETTINGS = {
    "ipv4": {"forwarding": "0", "send_redirects": "1", "arp_ignore": "0", "arp_announce": "0", "rp_filter": "0"},
    "ipv6": {"forwarding": "0", "accept_ra": "0"},
}


CASES = Path(__file__).parent / "cases" / "plan"
OUTCOMES = ("steps", "undo", "left_alone")


@dataclass
class Story:
    """``steps``, ``undo`` and ``left_alone`` grow, a heading for each verb, while it is told."""

    folder: Path
    steps: list[str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # instance -> the file it has now, where that is another
    _pair: dict[str, Any] = field(default_factory=dict)  # what the record of one of a pair says besides

    def outcome(self, name: str) -> str:
        return "".join(f"{line}\n" for line in getattr(self, name))

    def tell(self) -> None:
        data = json.loads((self.folder / "story.json").read_text())
        self.interfaces = {name: Interface(name, **facts) for name, facts in data["interfaces"].items()}
        self.kernel = Kernel({**_defaults(self.interfaces), **_state(data)})
        for event in data["story"]:
            if isinstance(event, str):
                self._verb(*event.split())
            elif "somebody" in event:
                self._somebody(event["somebody"])
            elif "file" in event:
                self.files.update(event["file"])
            else:
                self._without_interface(event["interface gone"])

    def _somebody(self, data: dict[str, Any]) -> None:
        for key in _state({"table": data.pop("table gone", []), "addresses": data.pop("addresses gone", {})}):
            self.kernel.do(Change(key, self.kernel.state[key], None))
        for key, value in _state(data).items():
            self.kernel.do(Change(key, self.kernel.state.get(key), value))

    def _without_interface(self, name: str) -> None:
        del self.interfaces[name]
        gone = [key for key in self.kernel.state if isinstance(key, SysctlKey) and f"/{name}/" in key.path]
        gone += [key for key in self.kernel.state if getattr(key, "interface", "") == name]
        for key in gone:
            del self.kernel.state[key]

    def _verb(self, role: str, instance: str, verb: str, *rest: str) -> None:
        cut = int(rest[1]) if rest[:1] == ("cut",) else None
        heading = f"== {' '.join((role, instance, verb, *rest))}"
        mine = self.records.get((role, instance))
        others = [record for name, record in self.records.items() if name != (role, instance)]
        before = dict(self.kernel.state)
        if verb == "stop":
            assert mine is not None
            plan, said = plan_down(mine, before, others), []
        elif verb == "stand-by":
            assert mine is not None and mine.stance
            wanted, withheld = in_stance(STANDBY, mine.serving, mine.warm)
            plan = plan_up(wanted, before, at_rest(mine), others, policy=undrained(mine.policy))
            plan = replace(plan, entries=unclaimed(plan.entries, {**wanted, **withheld}))
            self._pair, said = {"stance": STANDBY, "warm": mine.warm, "withheld": withheld}, []
        else:
            desired, plan = self._ascent(role, instance, verb, mine, others, "--prune" in rest)
            said = [str(problem) for problem in desired.problems] + [f"note: {note}" for note in desired.notes]
            if desired.problems:
                self.left_alone += [heading, *said]
                return
        assert_minimal(plan, before)
        self.steps += [heading, *script(plan.steps)]
        if plan.left_alone or said:
            self.left_alone += [heading, *said, *plan.left_alone]
        self._do(plan, cut)
        if verb != "stop":
            self._remember(role, instance, plan, mine, cut is not None)
            if cut is None:
                again = self._ascent(role, instance, "start", self.records[role, instance], others, "--prune" in rest)
                assert again[1].steps == ()
            if plan.steps:
                self.undo += [heading, *script(self._undone(plan, before))]
        elif cut is None:
            del self.records[role, instance]

    def _ascent(
        self, role: str, instance: str, verb: str, mine: Record | None, others: list[Record], prune: bool = False
    ) -> tuple[Desired, Plan]:
        file = f"{self.files.get(instance, instance)}.toml"
        cluster = parse((self.folder / file).read_bytes(), file)
        live = dict(self.kernel.state)
        seen = Observation(live, self.interfaces, ())
        machine = replace(seen.machine([record for record in (mine, *others) if record]), node="lvs1")
        desired = (director_wants if role == "director" else realserver_wants)(cluster, machine, seen.addresses)
        stance = stance_for(verb, role == "director" and cluster.ha is not None, mine)
        desired.wanted, desired.withheld = in_stance(stance, desired.wanted, desired.warm)
        self._pair = {"stance": stance, "warm": desired.warm, "withheld": desired.withheld}
        if role == "realserver" and not prune:
            keep_stale_vips(desired, mine, live)
        deferred = deferred_to_director(Target(role, instance, ""), desired, others)
        first = mine is None or any(entry.transient for entry in mine.entries.values())
        cleared, flushed = self._cleared(cluster, desired, mine) if role == "director" and first else ([], None)
        known = at_rest(mine) if stance == STANDBY else mine
        plan = plan_up(
            desired.wanted, live, known, others, deferred=frozenset(deferred), cleared=frozenset(cleared),
            flushed=flushed, keep=desired.keep,
        )  # fmt: skip
        if stance:
            plan = replace(plan, entries=unclaimed(plan.entries, {**desired.wanted, **desired.withheld}))
        return desired, plan

    def _cleared(self, cluster: Cluster, desired: Desired, mine: Record | None) -> tuple[list[Key], FilterTable | None]:
        known = mine.entries if mine else {}
        table = [key for key in (*self.kernel.state, *known) if isinstance(key, (ServiceKey, RealServerKey))]
        foreign: list[Key] = [key for key in table if getattr(key, "service", key) not in desired.wanted]
        rules = self.kernel.state.get(FilterTableKey())
        flush = cluster.director.flush_iptables and isinstance(rules, FilterTable)
        flushed = iptables.without_rules(rules) if flush and isinstance(rules, FilterTable) else None
        return (foreign if cluster.director.clear_ipvs else []), flushed

    def _do(self, plan: Plan, cut: int | None) -> None:
        for change in [change for step in plan.steps for change in step.changes][:cut]:
            self.kernel.do(Change(change.key, self.kernel.state.get(change.key), change.after))

    def _remember(self, role: str, instance: str, plan: Plan, mine: Record | None, interrupted: bool) -> None:
        record = Record(role, instance, plan.entries, **self._pair)
        if interrupted:
            merged = merge(mine, record)
            assert merged is not None
            record = merged
        else:
            lasting = {key: entry for key, entry in plan.entries.items() if not entry.transient}
            record = replace(record, entries=lasting)
        self.records[role, instance] = record

    def _undone(self, plan: Plan, before: dict[Key, Value]) -> tuple[Step, ...]:
        back = plan_back(plan, before, self.kernel.state)
        there = Kernel(self.kernel.state)
        for change in [change for step in back.steps for change in step.changes]:
            there.do(Change(change.key, there.state.get(change.key), change.after))
        assert _comparable(there.state, self.kernel.state) == _comparable(before, self.kernel.state)
        return back.steps


def _comparable(state: State, undone: State) -> dict[Key, Value]:
    """Without modules, and without the label, which is lost, of an address that had another prefix in ``undone``."""
    held = {(key.interface, key.address) for key in undone if isinstance(key, AddressKey)}
    return {
        key: replace(value, label="")
        if isinstance(value, Alias) and isinstance(key, AddressKey) and key not in undone
        and (key.interface, key.address) in held
        else value
        for key, value in state.items()
        if value != "loaded"
    }  # fmt: skip


def assert_minimal(plan: Plan, live: dict[Key, Value]) -> None:
    """No key twice, and none that is right already, except what the kernel would rewrite on the way."""
    changes = [change for step in plan.steps for change in step.changes]
    assert len({change.key for change in changes}) == len(changes)
    settings = [key for key in live if isinstance(key, SysctlKey)]
    switched = [change.key for change in changes if change.key in (IPV4_FORWARD, IPV6_FORWARD)]
    rewritten = {key for master in switched for key in clobbered(master, settings)}
    idle = {change.key for change in changes if same(change.key, change.before, change.after)}
    assert idle <= rewritten


def script(steps: tuple[Step, ...]) -> list[str]:
    lines = [shell_text(command) for step in steps for command in render(step.changes, Tools(net_tools=True))]
    return lines or ["(nothing to do)"]


def _defaults(interfaces: dict[str, Interface]) -> dict[Key, Value]:
    state: dict[Key, Value] = {IPV4_FORWARD: "0", SysctlKey("net/ipv4/conf/all/accept_redirects"): "1"}
    for name in ("all", "default", *interfaces):
        for family, settings in _SETTINGS.items():
            for setting, value in settings.items():
                if (name, family, setting) != ("all", "ipv4", "forwarding"):
                    state[SysctlKey(f"net/{family}/conf/{name}/{setting}")] = value
    state.update({TimeoutKey("tcp"): 900, TimeoutKey("tcpfin"): 120, TimeoutKey("udp"): 300})
    state.update({LinkKey(name): "up" if interface.up else "down" for name, interface in interfaces.items()})
    return state


def _state(data: dict[str, Any]) -> dict[Key, Value]:
    state: dict[Key, Value] = {}
    for text, label in data.get("addresses", {}).items():
        key = _address(text)
        state[key] = Alias(label, key.address if key.prefix == 32 else "")
    for text in data.get("routes", ()):
        state[RouteKey(*text.split())] = Route()
    state.update({SysctlKey(path): value for path, value in data.get("sysctls", {}).items()})
    state.update(ipvsadm.parse_rules("\n".join(data.get("table", ()))))
    state.update({TimeoutKey(name): seconds for name, seconds in data.get("timeouts", {}).items()})
    state.update({MarkRuleKey(*mark): "present" for mark in data.get("marks", ())})
    if "filter" in data:
        state[FilterTableKey()] = FilterTable(tuple(data["filter"]))
    return state


def _address(text: str) -> AddressKey:
    interface, _, rest = text.partition(" ")
    address, _, prefix = rest.partition("/")
    return AddressKey(interface, address, int(prefix))


if __name__ == "__main__":
    for folder in sorted(CASES.iterdir()):
        story = Story(folder)
        story.tell()
        for name in OUTCOMES:
            (folder / f"{name}.txt").unlink(missing_ok=True)
            if story.outcome(name):
                (folder / f"{name}.txt").write_text(story.outcome(name))
