"""What an admin says of real servers by hand: drain, undrain, weight. Kept on disk, and counting at once.

Works from the record, never from the file, which may be half-edited; of a director that is not started, from the file.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

from lvs_init.engine import configuration, memory, moment, wills
from lvs_init.engine.apply import Apparatus
from lvs_init.engine.memory import Memory
from lvs_init.engine.request import Outcome, Result, Target
from lvs_init.engine.run import Engine
from lvs_init.engine.tend import Tending
from lvs_init.errors import LvsError, Refused
from lvs_init.model.ipvs import RealServer, RealServerKey, host_port
from lvs_init.model.will import Will
from lvs_init.plan import will as by_hand

_MOST_NAMED = 24  # real servers in an error
_LOOK = 0.5  # seconds between two looks of who waits
_TRUST = 10.0  # seconds until who waits looks after the keeper


@dataclass(frozen=True)
class Said:
    """``drain``, ``undrain`` or ``weight`` of the real servers with an address, and a port where it is not None.

    ``over``: seconds that the way to the weight takes. ``timeout``: seconds until a drained one leaves the table.
    """

    verb: str
    address: str
    port: int | None
    weight: int = 0
    over: float = 0.0
    timeout: float | None = None

    @property
    def subject(self) -> str:
        """As it was written."""
        return self.address if self.port is None else host_port(self.address, self.port)


@dataclass(frozen=True)
class Heard:
    """What became of it for one director. ``servers``: those that it is about, with the file's values.

    ``started``: whether it counts already.
    """

    outcome: Outcome
    servers: Mapping[RealServerKey, RealServer]
    started: bool


def say(engine: Engine, said: Said) -> list[Heard]:
    """Keep it, and bring the table in line, for every director named, or else for every one that is started.

    Raises Refused where none of them has such a real server. One that fails is as it was; its outcome says why.
    """
    with engine.at_work(said.verb) as apparatus:
        targets = _targets(engine)
        known = [(target, memory.recall(engine.paths, target)) for target in targets]
        servers = [_servers(target, recalled) for target, recalled in known]
        concerned = [_concerned(said, recalled, its) for (_, recalled), its in zip(known, servers)]
        if not any(concerned):
            raise _unknown(said, known, servers)
        heard = []
        unkept: list[str] = []
        try:
            for (target, recalled), concerns, its in zip(known, concerned, servers):
                if concerns:
                    heard.append(_heard(said, target, recalled, its, apparatus, engine))
        finally:
            unkept += engine.hand_over()
        heard[-1].outcome.warnings += unkept
        return heard


def _heard(
    said: Said,
    target: Target,
    recalled: Memory,
    servers: Mapping[RealServerKey, RealServer],
    apparatus: Apparatus,
    engine: Engine,
) -> Heard:
    """One director's failure keeps nobody from telling what became of it for the others."""
    try:
        return _hear(said, target, recalled, servers, apparatus, engine)
    except LvsError as error:
        return Heard(Outcome(target, Result.FAILED, error=error), {}, recalled.mine is not None)


def _targets(engine: Engine) -> list[Target]:
    """As the verbs have them; a director that is named, or the usual one, need not be started."""
    return engine.named() if engine.names else engine.running() or engine.named()


def _servers(target: Target, recalled: Memory) -> dict[RealServerKey, RealServer]:
    """The real servers of the file as it was last applied, or as it would be."""
    if recalled.mine is not None:
        found = recalled.mine.desired.items()
        return {k: v for k, v in found if isinstance(k, RealServerKey) and isinstance(v, RealServer)}
    cluster, _ = configuration.read(target)
    return {key: value for service in cluster.services for key, value in service.realservers}


def _concerned(said: Said, recalled: Memory, servers: Mapping[RealServerKey, RealServer]) -> bool:
    """Whether it says anything about a director; what was said may be withdrawn even of what has left the file."""
    if said.verb == "undrain" and by_hand.withdrawn(recalled.my_wills, said.address, said.port) != recalled.my_wills:
        return True
    return any(_about(said, key) for key in servers)


def _about(said: Said, key: RealServerKey) -> bool:
    return key.address == said.address and said.port in (None, key.port)


def _unknown(
    said: Said, known: Sequence[tuple[Target, Memory]], servers: Sequence[Mapping[RealServerKey, RealServer]]
) -> Refused:
    names = list(dict.fromkeys(host_port(key.address, key.port) for its in servers for key in its))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    where = ", ".join(target.instance for target, _ in known)
    return Refused(
        f"{where} has no real server {said.subject}",
        hint=f"there are {', '.join(names[:_MOST_NAMED])}{more}" if names else "there are none at all",
    )


def _hear(
    said: Said,
    target: Target,
    recalled: Memory,
    servers: Mapping[RealServerKey, RealServer],
    apparatus: Apparatus,
    engine: Engine,
) -> Heard:
    about = {key: value for key, value in servers.items() if _about(said, key)}
    before = recalled.my_wills
    after = _decided(said, before, about if recalled.mine is not None else ())
    outcome = Outcome(target, Result.NOTHING, warnings=list(recalled.problems))
    wills.keep(engine.paths, target.instance, after)
    recalled.wills[target.instance] = after
    if recalled.interrupted:
        outcome.warnings.append(
            f"an earlier run of {target.instance} was cut short: this counts once 'lvs-director start' has completed it"
        )
    elif recalled.mine is not None:
        try:
            outcome = Tending(target, recalled, apparatus, engine.options).run()
        except LvsError:
            wills.keep(engine.paths, target.instance, before)
            raise
    if after != before:
        outcome.result = Result.DONE
    return Heard(outcome, about, recalled.mine is not None and not recalled.interrupted)


def _decided(said: Said, before: Sequence[Will], started: Collection[RealServerKey]) -> tuple[Will, ...]:
    """The wills from now on. ``started``: the real servers whose weights of now count for the way to another."""
    if said.verb == "undrain":
        after = by_hand.withdrawn(before, said.address, said.port)
        whole = next((will for will in after if will.address == said.address and will.port is None), None)
        if after == tuple(before) and said.port is not None and whole is not None:
            raise Refused(
                f"{said.address} is {'drained' if not whole.weight else 'weighted'} as a whole, not port "
                f"{said.port} alone",
                hint=f"lvsctl undrain {said.address}",
            )
        return after
    now = time.time()
    starts: dict[RealServerKey, int] = {}
    if said.over:
        there = moment.weights(moment.proc_table())
        starts = {key: there.get(key, 0) for key in started}
    will = Will(
        address=said.address,
        port=said.port,
        weight=said.weight,
        since=now,
        over=said.over,
        until=None if said.timeout is None else now + said.timeout,
        starts=starts,
    )
    return by_hand.said(before, will)


@dataclass(frozen=True)
class Standing:
    """A real server in the table now."""

    weight: int
    connections: int


def standings(heard: Sequence[Heard]) -> dict[RealServerKey, Standing]:
    """How the real servers that were meant stand now; who is not there is not in the table."""
    table = moment.proc_table()
    weights, connections = moment.weights(table), moment.connections(table)
    keys = [key for each in heard for key in each.servers if key in weights]
    return {key: Standing(weights[key], connections[key]) for key in keys}


def wait(engine: Engine, said: Said, heard: Sequence[Heard], show: Callable[[str], None]) -> None:
    """Until a drained real server has no connection any more or has left the table, or a weight has come to its end.

    ``show`` gets a line about what is still to come whenever it is looked at. A keeper that was killed is replaced.
    """
    heard = [each for each in heard if each.started]
    if said.verb == "undrain" or not heard:
        return
    looked = time.monotonic()
    while True:
        heard = [each for each in heard if _still_said(engine, said, each.outcome.target.instance)]
        if not heard:
            show(f"{said.subject}: withdrawn meanwhile")
            return
        now = standings(heard)
        if said.verb == "drain":
            left = sum(standing.connections for standing in now.values())
            show(f"{said.subject}: {moment.counted(left)} left" if left else f"{said.subject}: drained")
            if not left:
                return
        else:
            there = sorted({standing.weight for standing in now.values()})
            show(f"{said.subject}: weight {' and '.join(map(str, there)) or 'unknown'}")
            if all(standing.weight == said.weight for standing in now.values()):
                return
        if time.monotonic() > looked + _TRUST:
            engine.hand_over()
            looked = time.monotonic()
        time.sleep(_LOOK)


def _still_said(engine: Engine, said: Said, instance: str) -> bool:
    """Whether nobody has withdrawn it since, or said something else."""
    there = wills.recall(engine.paths, instance, [])
    return (said.address, said.port, said.weight) in [(will.address, will.port, will.weight) for will in there]
