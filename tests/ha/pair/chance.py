"""What can happen to a pair, by chance."""

from __future__ import annotations

import random
from typing import Any

from lvs_init.lab.snapshot import difference
from pair.control import NODES
from pair.judge import RULES, daemons, rules
from pair.lab import Pair

_LINKS = {"hb0", "eth0"}
_PATIENCE = 120.0  # seconds, for a whole sequence
_EVENTS_OF_A_RUN = 12  # a script that is killed is killed at one of so many things that it announces


class Rules:
    """Heartbeat's rules of who takes and who gives when, followed by hand: without its daemons.

    ``up``: where Heartbeat would run. ``active``: who was told to take and not to give since. What nodes are told is
    kept until one of them is killed or is looked at: asking the lab takes as long as the script itself.
    """

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._up: set[str] = set()
        self._active: set[str] = set()
        self._linked = True
        self._failback = False
        self._orders: list[tuple[Any, ...]] = []
        self._was: dict[tuple[str, bool], Any] = {}
        for name in NODES:
            self._start(name)
        self._remember()
        self._move()
        self._remember()

    def play(self, chance: random.Random) -> list[str]:
        """A sequence and its orderly end; returns what happened. Fails where then anything is not as it was."""
        self._failback = chance.random() < 0.5
        told = []
        for _ in range(chance.randint(2, 5)):
            told.append(self._any(chance))
        self._link(True)
        for name in NODES:
            if name not in self._up:
                self._start(name)
        self._judge(told)
        return told

    def _any(self, chance: random.Random) -> str:
        name = chance.choice(NODES)
        event = chance.choice(["stop", "kill", "crash", "link", "move"] if name in self._up else ["start"])
        if event == "start":
            self._start(name)
        elif event == "stop":
            self._up.discard(name)
            self._give(name)
            self._followed(name)
        elif event == "kill":
            self._done()
            self._pair.kill(name)
            self._up.discard(name)
            self._active.discard(name)
            self._followed(name)
        elif event == "crash":
            return f"{event} {name} {self._crash(name, chance.randint(1, _EVENTS_OF_A_RUN))}"
        elif event == "link":
            self._link(not self._linked)
        else:
            self._move()
        return f"{event} {name}"

    # What happens

    def _start(self, name: str) -> None:
        if name not in self._pair.nodes:
            self._pair.switch_on(name)
            self._pair.nodes[name].serve("pair.orders:serve", address=self._pair.reached_at(name))
            self._order(name, "boot")
        self._up.add(name)
        (peer,) = set(NODES) - {name}
        if self._linked and peer in self._active:
            if self._failback and name == NODES[0]:
                self._give(peer)
                self._take(name)
        else:
            self._take(name)

    def _followed(self, name: str) -> None:
        """It is gone or has given up: the other takes, if there is one."""
        for peer in self._up - {name} - self._active:
            self._take(peer)

    def _crash(self, name: str, event: int) -> str:
        """Its script is killed half-way, which is a failure to Heartbeat."""
        what = "stand-by" if name in self._active else "activate"
        self._order(name, "crash", what, event)
        self._give(name)
        peers = self._up - {name}
        if peers and self._linked:
            self._followed(name)
        else:
            self._take(name)
        return f"{what} {event}"

    def _link(self, up: bool) -> None:
        self._linked = up
        if up and len(self._active) == 2:
            self._give(NODES[1])
        elif not up:
            for name in sorted(self._up - self._active):
                self._take(name)

    def _move(self) -> None:
        if self._linked and len(self._up) == 2 and len(self._active) == 1:
            (holder,) = self._active
            self._give(holder)
            self._followed(holder)

    def _take(self, name: str) -> None:
        self._order(name, "take")
        self._active.add(name)

    def _give(self, name: str) -> None:
        self._order(name, "give")
        self._active.discard(name)

    def _order(self, name: str, *order: Any) -> None:
        self._orders.append((self._pair.reached_at(name), *order))

    def _done(self) -> list[Any]:
        """Let the nodes do what they were told; what each order came to."""
        orders, self._orders = self._orders, []
        answers: list[Any] = self._pair.place.switch.call("pair.orders:carry_out", timeout=_PATIENCE, orders=orders)
        return answers

    def _look(self) -> dict[str, tuple[Any, Any]]:
        """What each node's status says, and its state."""
        for name in NODES:
            self._order(name, "see")
        return dict(zip(NODES, self._done()[-len(NODES) :], strict=True))

    # What is right

    def _remember(self) -> None:
        for name, (runs, state) in self._look().items():
            active = name in self._active
            node = self._pair.nodes[name]
            assert (runs, rules(node)) == (active, RULES["dr"])
            assert [line.split()[0] for line in daemons(node)] == ["master" if active else "backup"]
            self._was[name, active] = state
        assert self._pair.holders() == sorted(self._active)

    def _judge(self, told: list[str]) -> None:
        assert len(self._active) == 1, told
        for name, (runs, state) in self._look().items():
            active = name in self._active
            assert runs is active, (told, runs)
            left = difference(self._was[name, active], state)
            assert not left, "\n".join([*told, *left])


def by_daemons(pair: Pair, chance: random.Random) -> list[str]:
    """Heartbeat's own doing; returns what happened. One node at least is always on.

    Waits for what each event leads to: a node that is switched on while the other is about to end it would be ended.
    """
    told = []
    for _ in range(chance.randint(2, 4)):
        pair.forget()
        name = chance.choice(NODES)
        others = [each for each in pair.nodes if each != name and pair.resources(each)]
        if name not in pair.nodes:
            event = "on"
            pair.switch_on(name)
            pair.start(name)
        elif not pair.resources(name):
            event = "start"
            pair.start(name)
        else:
            event = chance.choice(["stop", "kill", "cut", "join", "take over"] if others else ["cut", "join"])
            if event == "stop":
                pair.stop(name)
                pair.await_holders(*others)
            elif event == "kill":
                pair.kill(name)
                pair.await_mark()
                pair.await_holders(*others)
            elif event == "take over":
                pair.take_over(name)
                pair.await_holders(name)
            else:
                getattr(pair, event)(name, chance.choice(sorted(_LINKS)))
        told.append(f"{event} {name}")
        apart = {interface for _, interface in pair.cuts} == _LINKS
        if apart and len([each for each in pair.nodes if pair.resources(each)]) == len(NODES):
            pair.await_mark()  # they hear nothing of each other
            pair.bury_the_dead()
        pair.settle()
    return told
