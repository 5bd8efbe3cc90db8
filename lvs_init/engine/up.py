"""start, restart and reload: converge to the configuration, with everything undone where it cannot be reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from lvs_init.commands import iptables
from lvs_init.commands.render import render
from lvs_init.config.cluster import Cluster
from lvs_init.config.desired import Desired
from lvs_init.engine.apply import Apparatus, Applied, carry_out, taken_back
from lvs_init.engine.guard import (
    ask_for,
    deferred_to_director,
    duplicates,
    keep_stale_vips,
    refuse_shared_services,
    too_much_at_once,
    usable,
)
from lvs_init.engine.memory import Memory
from lvs_init.engine.moment import boottime, moment
from lvs_init.engine.neighbours import await_addresses
from lvs_init.engine.observe import Observation, look
from lvs_init.engine.request import DIRECTOR, REALSERVER, Options, Outcome, Result, Target
from lvs_init.engine.script import script_of
from lvs_init.engine.standing import by_hand
from lvs_init.engine.tend import Tending, draining
from lvs_init.engine.writers import second_writers
from lvs_init.errors import ConfigurationError, LvsError, NotConfigured, NotInstalled, Refused
from lvs_init.model.ipvs import RealServerKey, ServiceKey
from lvs_init.model.machine import Machine
from lvs_init.model.network import AddressKey, FilterTable, FilterTableKey, ModuleKey, SysctlKey
from lvs_init.model.record import ACTIVE, STANDBY, Entry, Record
from lvs_init.model.state import Change, Key, State, apply, same
from lvs_init.plan.brake import Removal, removal
from lvs_init.plan.drain import SETTINGS
from lvs_init.plan.intent import Plan, plan_up
from lvs_init.plan.interim import needs_traffic
from lvs_init.plan.stance import at_rest, in_stance, unclaimed, undrained
from lvs_init.plan.tend import plan_tend
from lvs_init.plan.will import refusals
from lvs_init.system import arp


@dataclass(frozen=True)
class Foresight:
    """What a run would do. ``announced``: addresses that neighbours would hear of."""

    plan: Plan
    live: State
    desired: Desired
    removal: Removal
    announced: Sequence[AddressKey]


@dataclass
class Ascent:
    """One run of start, restart or reload for one target, while the mutex is held.

    ``brakes``: whether taking away too much of the cluster at once is refused. ``stance``: see plan/stance.py.
    """

    target: Target
    cluster: Cluster
    fingerprint: str
    memory: Memory
    apparatus: Apparatus
    options: Options
    brakes: bool = False
    stance: str = ""

    def foresee(self) -> Foresight:
        """The plan, from looking alone. Settings of a module that is not loaded yet are not seen."""
        observation, desired = self._look()
        plan = self._plan(observation, desired)
        removed = removal(self.memory.mine, desired.wanted, self.cluster.director.max_removal)
        return Foresight(plan, observation.live, desired, removed, self._added(plan, desired))

    def run(self) -> Outcome:
        """Plan, apply, verify, remember. Raises LvsError with everything undone, NotUndone with what is left."""
        outcome = Outcome(self.target, Result.NOTHING, warnings=list(self.memory.problems), stance=self.stance)
        outcome.warnings += second_writers(self.target.role)
        observation, desired = self._look()
        if not self.options.dry_run and self._load_modules(desired, observation):
            observation, desired = self._look()
        plan = self._plan(observation, desired)
        outcome.notes += [*desired.notes, *plan.left_alone]
        outcome.notes += [by_hand(will, desired.wanted) for will in self.memory.my_wills]
        outcome.facts = facts(self.cluster, desired)
        outcome.steps = len(plan.steps)
        removed = removal(self.memory.mine, desired.wanted, self.cluster.director.max_removal)
        if self.brakes and removed.too_much and not self.options.force:
            if not self.options.dry_run:
                raise too_much_at_once(removed)
            outcome.warnings.append(too_much_at_once(removed).message)
        if self.options.dry_run:
            outcome.result = Result.SHOWN
            outcome.script = script_of(plan, self.apparatus.tools, self._added(plan, desired))
            outcome.script += self._second_look(plan, observation.live, desired)
            return outcome
        usable(plan, observation.live, self.cluster)
        outcome.warnings += refusals(observation.live, plan.wanted, plan.overruled)
        if plan.steps:
            added = self._added(plan, desired)
            with self._probe(added) as probe:
                self._apply(plan, observation, desired, added, probe, outcome)
            outcome.result = Result.DONE
        else:
            self._commit(plan, Applied(), desired, [], outcome)
        outcome.notes += draining(plan)
        if plan.again:
            self._look_again(outcome)
        return outcome

    def _look_again(self, outcome: Outcome) -> None:
        """Real servers that have weight 0 by now and still no connection need not wait for the keeper."""
        try:
            again = Tending(self.target, self.memory, self.apparatus, self.options).run()
            outcome.steps += again.steps
            outcome.warnings += [warning for warning in again.warnings if warning not in outcome.warnings]
        except LvsError as error:
            outcome.warnings.append(f"real servers that left the file are still there, at weight 0: {error.message}")

    def _second_look(self, plan: Plan, live: State, desired: Desired) -> str:
        """For a dry run: the commands of ``_look_again`` if traffic stays as it is."""
        if not plan.again:
            return ""
        record = self._record(plan, desired, self._lasting(plan))
        second = plan_tend(record, apply(live, plan.wanted), self.memory.others, plan.moment, self.memory.my_wills)
        return f"# and then, where there is still no connection:\n{script_of(second, self.apparatus.tools)}"

    def _look(self) -> tuple[Observation, Desired]:
        """Read the machine and ask what the role wants of it. Raises ConfigurationError with all that only it shows."""
        records = [record for record in (self.memory.mine, *self.memory.others) if record is not None]
        mine = self.memory.mine.entries if self.memory.mine is not None else {}
        seen = look(key.path for key in mine if isinstance(key, SysctlKey))
        desired = self._wants(seen.machine(records), seen)
        if desired.problems:
            raise ConfigurationError(f"{self.cluster.file} does not fit this machine", desired.problems)
        desired.wanted, desired.withheld = in_stance(self.stance, desired.wanted, desired.warm)
        if self.memory.mine is not None and self.stance == ACTIVE == self.memory.mine.stance:
            so_far = self.memory.mine.announcing
            desired.announcing = replace(
                desired.announcing, left=so_far.left, due=so_far.due, addresses=so_far.addresses
            )
        if self.target.role == REALSERVER and not self.options.prune:
            keep_stale_vips(desired, self.memory.mine, seen.live)
        interest: set[Key] = {*desired.wanted, *mine}
        if self.target.role == DIRECTOR:
            interest.update(SETTINGS)
            if self._first() and self.cluster.director.flush_iptables:
                interest.add(FilterTableKey())
        return self.apparatus.observe(interest), desired

    def _wants(self, machine: Machine, seen: Observation) -> Desired:
        if self.target.role == DIRECTOR:
            from lvs_init.config.director import director_wants

            return director_wants(self.cluster, machine, seen.addresses)
        from lvs_init.config.realserver import own_rips, realserver_wants

        if not own_rips(self.cluster, machine):
            have = sorted(
                {key.address for key in machine.addresses if key.interface != "lo" and ":" not in key.address}
            )
            raise NotConfigured(
                f"no real server of {self.cluster.file} has an address of this machine",
                hint=f"this machine has {', '.join(have) or 'no address'}; its RIP must be one of them",
            )
        return realserver_wants(self.cluster, machine, seen.addresses)

    def _first(self) -> bool:
        """Whether this is the change from stopped to started, a start that was cut short included."""
        mine = self.memory.mine
        return mine is None or any(entry.transient for entry in mine.entries.values())

    def _load_modules(self, desired: Desired, observation: Observation) -> bool:
        """Modules come before the plan, since the settings that they bring must be read before they are changed."""
        missing = [key for key in desired.wanted if isinstance(key, ModuleKey) and key not in observation.live]
        if not missing:
            return False
        for command in render([Change(key, None, "loaded") for key in missing], self.apparatus.tools):
            self.apparatus.listen("modules")
            completed = self.apparatus.runner.run(command)
            if completed.code != 0:
                names = ", ".join(str(key.name) for key in missing if isinstance(key, ModuleKey))
                raise NotInstalled(
                    f"the kernel has no module {names}: {' '.join(completed.stderr.split())[:300]}",
                    hint="install the kernel's modules, or use a scheduler that this kernel has",
                )
        return True

    def _plan(self, observation: Observation, desired: Desired) -> Plan:
        live, director = observation.live, self.cluster.director
        refuse_shared_services(self.cluster, self.target, self.memory.others)
        cleared: set[Key] = set()
        flushed: FilterTable | None = None
        if self.target.role == DIRECTOR and self._first():
            if director.clear_ipvs:
                if any(other.role == DIRECTOR for other in self.memory.others):
                    raise Refused(
                        "clear_ipvs would empty the table of another cluster that runs here",
                        hint="set clear_ipvs = false, or stop the other cluster first",
                    )
                cut_short = self.memory.mine.entries if self.memory.mine is not None else {}
                for key in (*live, *cut_short):  # what an interrupted start has cleared stays cleared
                    service = key.service if isinstance(key, RealServerKey) else key
                    if isinstance(service, ServiceKey) and service not in desired.wanted:
                        cleared.add(key)
            table = live.get(FilterTableKey())
            if director.flush_iptables and isinstance(table, FilterTable):
                flushed = self._flushed(table)
        deferred = deferred_to_director(self.target, desired, self.memory.others)
        desired.notes += [f"{key}: stays away while the director on this machine has the VIP" for key in deferred]
        mine, policy = self.memory.mine, desired.policy
        if self.stance == STANDBY:
            mine, policy = at_rest(mine), undrained(policy)
        plan = plan_up(
            desired.wanted,
            live,
            mine,
            self.memory.others,
            deferred=frozenset(deferred),
            cleared=frozenset(cleared),
            flushed=flushed,
            keep=desired.keep,
            policy=policy,
            moment=moment(
                counted=self.stance != STANDBY and needs_traffic(desired.wanted, live, mine, self.memory.my_wills)
            ),
            wills=self.memory.my_wills,
        )
        serving = {**desired.wanted, **desired.withheld}
        return replace(plan, entries=unclaimed(plan.entries, serving)) if self.stance else plan

    def _flushed(self, table: FilterTable) -> FilterTable:
        dropping = sorted(chain for chain, policy in iptables.policies(table).items() if policy != "ACCEPT")
        if dropping and not self.options.force:
            raise Refused(
                f"flush_iptables would leave the policy of {', '.join(dropping)} without an exception: "
                "nobody could log in any more",
                hint="set the policy to ACCEPT, or flush_iptables = false, or force it with --force",
            )
        return iptables.without_rules(table)

    def _added(self, plan: Plan, desired: Desired) -> list[AddressKey]:
        """The addresses that appear with this plan and that neighbours must hear of."""
        added = {change.key for step in plan.steps for change in step.changes if change.before is None}
        return [key for key in desired.announce if key in added]

    def _probe(self, added: list[AddressKey]) -> arp.Probe:
        """Ask whether another machine has these addresses, and refuse to go on where the file wants that."""
        if added:
            self.apparatus.listen("probe")
        probe = ask_for(added)
        self._insist(probe.problems)
        if self.cluster.director.duplicate_vip == "refuse" and not self.options.takeover:
            found = duplicates(probe)
            if found:
                raise Refused("; ".join(found), hint='stop the other owner, or set duplicate_vip = "warn"')
        return probe

    def _insist(self, said: list[str]) -> None:
        """With --strict nothing may be left out."""
        if said and self.options.strict:
            raise Refused("; ".join(said), hint="without --strict these would be left out, with a warning")

    def _apply(
        self,
        plan: Plan,
        observation: Observation,
        desired: Desired,
        added: list[AddressKey],
        probe: arp.Probe,
        outcome: Outcome,
    ) -> None:
        """Everything that has an effect, in one place: whatever fails in it is undone."""
        self.apparatus.listen("journal")
        if added and desired.announcing.count > 1:
            due = boottime() + desired.announcing.interval
            left = desired.announcing.count - 1
            desired.announcing = replace(desired.announcing, left=left, due=due, addresses=tuple(added))
        try:
            self.memory.begin(self._record(plan, desired, dict(plan.entries)))
            applied = carry_out(plan, self.apparatus, strict=self.options.strict)
            outcome.warnings += duplicates(probe)
            unheard = self._announce(added)
            self._insist(unheard)
            self.apparatus.stop.check()
            self._commit(plan, applied, desired, probe.problems + unheard, outcome)
        except Exception as error:  # noqa: BLE001 - a bug is no reason to leave it half-way either
            failed = taken_back(error, plan, observation.live, self.apparatus, self.memory.abandon)
            raise failed from None if failed is error else error

    def _announce(self, added: list[AddressKey]) -> list[str]:
        if not added:
            return []
        self.apparatus.listen("announce")
        said = await_addresses([key for key in added if ":" in key.address])
        return said + arp.announce([(key.interface, key.address) for key in added])

    def _commit(self, plan: Plan, applied: Applied, desired: Desired, unsure: list[str], outcome: Outcome) -> None:
        self.apparatus.listen("record")
        left_out = [f"{key}: left out, {reason}" for key, reason in applied.left_out.items()]
        outcome.degraded = left_out + unsure
        if self.stance == ACTIVE:  # so that what has no entry is tried again by who knows the record alone
            desired.withheld.update({key: desired.wanted[key] for key in applied.left_out if key in desired.wanted})
        record = self._record(plan, desired, self._lasting(plan, applied.left_out))
        self.memory.commit(replace(record, degraded=tuple(outcome.degraded)))

    def _lasting(self, plan: Plan, left_out: Collection[Key] = ()) -> dict[Key, Entry]:
        return {key: entry for key, entry in plan.entries.items() if key not in left_out and not entry.transient}

    def _record(self, plan: Plan, desired: Desired, entries: Mapping[Key, Entry]) -> Record:
        return Record(
            role=self.target.role,
            instance=self.target.instance,
            entries=entries,
            cluster=self.cluster.name,
            file=self.cluster.file,
            fingerprint=self.fingerprint,
            gateways=desired.gateways,
            asked=desired.asked,
            nat=desired.nat,
            drains=plan.drains,
            overruled=plan.overruled,
            policy=desired.policy if self.stance == STANDBY else plan.policy,
            stance=self.stance,
            warm=desired.warm,
            withheld=desired.withheld,
            announcing=desired.announcing,
            lost=tuple(dict.fromkeys((*(self.memory.mine.lost if self.memory.mine else ()), *lost(plan)))),
        )


def lost(plan: Plan) -> list[str]:
    """What a start empties and no later stop brings back, a sentence each."""
    keys = [
        key for key, entry in plan.entries.items() if entry.transient and not same(key, entry.applied, entry.former)
    ]
    services = [str(key) for key in keys if isinstance(key, ServiceKey)]
    said = [f"clear_ipvs removed {', '.join(services)} at start, which stop does not bring back"] if services else []
    if FilterTableKey() in keys:
        said.append("flush_iptables emptied the filter table at start, which stop does not bring back")
    return said


def facts(cluster: Cluster, desired: Desired) -> str:
    """``2 services, 1 VIP, 4 real servers`` for the line of success."""
    services = sum(isinstance(key, ServiceKey) for key in desired.wanted)
    servers = sum(isinstance(key, RealServerKey) for key in desired.wanted)
    carried = {key.address for key, value in desired.wanted.items() if isinstance(key, AddressKey) and value}
    vips = len(carried.intersection(vip.address for vip in cluster.vips))
    counted = [(services, "service"), (vips, "VIP"), (servers, "real server")]
    told = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted if count)
    return told or "nothing to set up under nat"
