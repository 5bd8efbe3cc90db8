"""A fault in a running rehearsal: put in, looked at from the client, taken back."""

from __future__ import annotations

import ipaddress
import itertools
import json
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lvs_init.config.cluster import Cluster
from lvs_init.lab import fault as faults
from lvs_init.lab.fault import Act, Fault
from lvs_init.lab.faults import service_for
from lvs_init.lab.node import Completed, Node, Running
from lvs_init.lab.questions import Question, questions_of
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.takeover import Takeover
from lvs_init.lab.topology import CLIENT, ROUTER, Host, Topology
from lvs_init.model.address import full_prefix, inside

_BY = {"dr": "-g", "nat": "-m", "tun": "-i"}
_SHORT, _LONG = 0.7, 4.0  # seconds that the client waits where nothing comes, and where all is to be well
_TOLD, _PATIENT = 2.0, 60.0  # seconds until a standby has surely been told, if it is at all, and where it is to be
#: A client beyond a router, of networks for documentation that the lab has no other use for (RFC 3849, RFC 5737).
_OUTSIDERS = {4: "192.0.2.77", 6: "2001:db8:77::77"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Seen:
    """``answers``: who answered, in order; ``errors``: names of those that failed; ``slowest``: seconds of the longest.

    ``owners``: who answers the VIP's network for it; ``remembered``: whom the router takes for the VIP, "" for nobody.
    """

    answers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    slowest: float = 0.0
    owners: tuple[str, ...] = ()
    remembered: str = ""

    def __str__(self) -> str:
        parts = [f"{len(self.answers)} answered"] if self.answers else ["nobody answered"]
        if self.errors:
            names = ", ".join(dict.fromkeys(self.errors))
            parts.append(f"{len(self.errors)} failed ({names}, {self.slowest:.1f} s)")
        if self.owners:
            parts.append(f"for the VIP answers {', '.join(self.owners)}")
        if self.remembered:
            parts.append(f"the router takes {self.remembered} for the VIP")
        return "; ".join(parts)


@dataclass(frozen=True)
class Aim:
    """What a fault is about in one cluster: its service, the real server that it breaks, and the words it uses."""

    fault: Fault
    index: int  # of the service in the file
    host: str  # the real server
    expected: int  # real servers of the service
    question: Question
    names: dict[str, str] = field(default_factory=dict)


def aim(fault: Fault, cluster: Cluster, topology: Topology, host: str = "") -> Aim | None:
    """``host``: the real server to break; "": the first one. None where the fault does not fit the cluster."""
    index = service_for(fault, cluster)
    if index is None:
        return None
    service = cluster.services[index]
    vip = service.vips[0].address
    director, standby = topology.director, topology.directors[1:]
    if fault.pair and not standby:
        return None
    there = {rip: each for each in topology.realservers for rip in each.rips if each is not director}
    rips = [key.address for key, _ in service.realservers if key.address in there]
    beside = [rip for rip in rips if _shares(there[rip], rip, vip)]
    candidates = [rip for rip in (beside if fault.near else rips) if host in ("", there[rip].name)]
    if not candidates or (fault.one_network and not beside) or (not fault.one_network and _is_one(fault, beside)):
        return None
    rip = candidates[0]
    broken = there[rip]
    question = questions_of(service)[0]
    names = {
        "vip": vip, "port": str(question.port), "mark": str(service.key.fwmark), "full": str(full_prefix(vip)),
        "rip": rip, "other": next((each for each in rips if each != rip), rip),
        "by": next(_BY[value.forwarding] for key, value in service.realservers if key.address == rip),
        "ip": "ipv6" if ":" in vip else "ipv4", "blank": " ",  # within a word
        "iptables": "ip6tables" if ":" in vip else "iptables",
        "device": broken.wires[0].interface, "gateway": broken.gateways[0],
        "client": _address(topology.host(CLIENT), vip),
        "outsider": _OUTSIDERS[6 if ":" in vip else 4],
        "clientspare": _spare(topology, cluster, topology.host(CLIENT), _address(topology.host(CLIENT), vip)),
        "spare": _spare(topology, cluster, broken, rip), "vipspare": _spare(topology, cluster, director, vip),
        **_directors(director, vip, rip), **_routers(topology, vip), **_pair(cluster, standby),
    }  # fmt: skip
    others = [each.address for each in cluster.vips if each.address != vip]
    names.update({"vip2": others[0]} if others else {})
    if any(word not in names for act in (*fault.inject, *fault.sees.late, *fault.undo) for word in _words(act)):
        return None
    return Aim(fault, index, broken.name, len(rips), question, names)


def _words(act: Act) -> list[str]:
    """The names that it needs."""
    return [word for _, word, _, _ in string.Formatter().parse(act.words) if word]


def _is_one(fault: Fault, beside: Sequence[str]) -> bool:
    """A nat cluster on one network behaves in ways of its own."""
    return fault.methods == ("nat",) and bool(beside)


def _network(address: str, with_prefix: str) -> bool:
    return inside(address, str(ipaddress.ip_interface(with_prefix).network))


def _shares(host: Host, rip: str, vip: str) -> bool:
    """Whether an address is in the subnet of the host's own one."""
    return any(_network(rip, address) and _network(vip, address) for _, address in host.addresses)


def _address(host: Host, like: str) -> str:
    """The host's first address of a family."""
    family = ":" in like
    return next(address.partition("/")[0] for _, address in host.addresses if (":" in address) == family)


def _directors(director: Host, vip: str, rip: str) -> dict[str, str]:
    facing = next((device for device, address in director.addresses if _network(vip, address)), "eth0")
    found = [(device, address) for device, address in director.addresses if _network(rip, address)]
    interface, address = found[0] if found else (facing, _address(director, vip))
    mac = next(wire.mac for wire in director.wires if wire.interface == facing)
    return {"facing": facing, "mac": mac, "interface": interface, "director": address.partition("/")[0]}


def _routers(topology: Topology, vip: str) -> dict[str, str]:
    router = next((host for host in topology.hosts if host.name == ROUTER), None)
    if router is None:
        return {}
    beside, address = next((device, address) for device, address in router.addresses if _network(vip, address))
    return {"router": address.partition("/")[0], "beside": beside, "outside": router.wires[0].interface}


def _pair(cluster: Cluster, standby: Sequence[Host]) -> dict[str, str]:
    """What the sync daemons are given."""
    sync = cluster.ha.sync if cluster.ha else None
    if not standby or sync is None:
        return {}
    return {"sync": sync.interface, "syncid": str(sync.syncid)}


def _spare(topology: Topology, cluster: Cluster, host: Host, like: str) -> str:
    """An address that nobody has, in the host's subnet that holds this one."""
    taken = {address.partition("/")[0] for each in topology.hosts for _, address in each.addresses}
    taken.update(vip.address for vip in cluster.vips)
    subnet = next((address for _, address in host.addresses if _network(like, address)), host.addresses[0][1])
    network = ipaddress.ip_interface(subnet).network
    return next(str(each) for each in itertools.islice(network.hosts(), 60, 250) if str(each) not in taken)


class Injection:
    """A fault in one rehearsal. Raises LabError where a command of the fault itself fails."""

    def __init__(self, rehearsal: Rehearsal, fault: Fault) -> None:
        found = aim(fault, rehearsal.cluster, rehearsal.topology)
        assert found is not None, f"{fault.name} does not fit"  # the caller asks aim() first
        self.rehearsal = rehearsal
        self.fault = fault
        self.aim = found
        self._daemons: list[Running] = []
        self._held = ""

    # Doing

    def prepare(self) -> Seen:
        """The client asks before anything is wrong; where it stays with one real server, that is the one to break."""
        if self.fault.sees.how == faults.TAKEOVER:
            return self.check()
        if self.fault.kind == faults.PERSISTENT or self.fault.sees.how == faults.KEPT:
            held = self._hold() if self.fault.sees.how == faults.KEPT else self.ask(1).answers[0]
            self.aim = aim(self.fault, self.rehearsal.cluster, self.rehearsal.topology, held) or self.aim
        return self.ask()  # nothing large: what is learnt of the path by that would hide the fault

    def inject(self) -> Iterator[tuple[str, str]]:
        """Each command, told as (host, command) once it is done; then nobody remembers whose address is whose."""
        for act in self.fault.inject:
            yield self.do(act, check=True)
        if not self.fault.remembered:
            self.forget()

    def undo(self) -> None:
        """Take it back, whatever of it is still there."""
        for daemon in self._daemons:
            daemon.kill()
        self._daemons.clear()
        for act in self.fault.undo:
            self.do(act, check=False)
        self.forget()

    def forget(self, *hosts: str) -> None:
        """These hosts forget their neighbours, or all do, for what was heard before hides what holds now."""
        nodes = [self.node(host) for host in hosts] or self.rehearsal.nodes.values()
        flushes = [node.start(["ip", "neigh", "flush", "all"]) for node in nodes]
        for flush in flushes:
            flush.wait()

    def node(self, host: str) -> Node:
        """The node that a fault's word for a host means."""
        if host == faults.KERNEL:
            return self.rehearsal.place.switch
        return self.rehearsal.nodes[self.host(host)]

    @property
    def touched(self) -> set[str]:
        """The hosts that it changes, by name; never the kernel itself."""
        acts = (*self.fault.inject, *self.fault.undo)
        found = {self.host(act.host) for act in acts if act.host != faults.KERNEL} | {self.host(self.fault.host)}
        moved = self.rehearsal.topology.directors if self.fault.sees.how == faults.TAKEOVER else ()
        return found | {host.name for host in moved}

    def host(self, host: str) -> str:
        """The name of the host that a fault's word for it means."""
        return {
            faults.REALSERVER: self.aim.host,
            faults.OTHER: self.rehearsal.host_of(self.aim.names["other"]),
            faults.DIRECTOR: self.rehearsal.topology.director.name,
            faults.STANDBY: self.rehearsal.topology.directors[-1].name,
            faults.ROUTER: ROUTER,
            faults.CLIENT: CLIENT,
        }.get(host, host)

    def do(self, act: Act, check: bool) -> tuple[str, str]:
        """Carry it out; where it was done, and what. Raises LabError where it fails and is to be checked."""
        words = [word.format(**self.aim.names) for word in act.words.split()]
        node = self.node(act.host)
        if act.kind == faults.LISTEN:
            address = words[0] if words else ""
            careless = address == faults.CARELESS
            at = None if address == faults.NOWHERE else "" if careless else address
            self.rehearsal.listen(self.host(act.host), at, careless)
            return act.host, f"(its server listens at {address or 'every address'})"
        if act.kind == faults.DAEMON:
            self._daemons.append(node.start(words, timeout=None))
        elif act.kind in (faults.FUNCTION, faults.SERVE):
            arguments: dict[str, Any] = dict(word.split("=", 1) for word in words[1:])
            if act.kind == faults.SERVE:
                self._daemons.append(node.serve(words[0], **arguments))
            else:
                node.call(words[0], **arguments)
        elif act.kind == faults.CALL:
            called = self.rehearsal.call(self.host(act.host), *words).completed
            if check:
                called.check()
        else:
            done: Completed = node.run(words)
            if check:
                done.check()
        return act.host, " ".join(words)

    # Looking

    def check(self) -> Seen:
        """What the client sees where nothing is to be wrong, asking as with the fault; but no longer than need be."""
        how = self.fault.sees.how
        if how == faults.TAKEOVER:
            return self._taken_over(_PATIENT, late=False)
        return self.ask(how=how if how in (faults.UPLOAD, faults.DOWNLOAD) else faults.REQUEST)

    def check_mended(self) -> Seen:
        """The same after the doctor's advice; where the fault is something that happens, it happens again."""
        if not self.fault.sees.late:
            return self.check()
        self._do_all(self.fault.inject)
        return self._taken_over(_PATIENT, late=True)

    def ask(
        self, count: int = 0, patience: float = _LONG, how: str = faults.REQUEST, asker: str = faults.CLIENT
    ) -> Seen:
        """So many requests; 0: one for each real server."""
        question = self.aim.question
        told: list[dict[str, Any]] = self.node(asker).call(
            "lvs_init.lab.attempt:attempts",
            protocol=question.protocol, address=question.address, port=question.port, how=how,
            count=count or self.aim.expected, patience=patience,
        )  # fmt: skip
        return Seen(
            tuple(each["who"] for each in told if each["who"]),
            tuple(each["error"] for each in told if each["error"]),
            max(each["seconds"] for each in told),
        )

    def look(self) -> Seen:
        """What the client and the network see now, as far as the fault changes it."""
        sees = self.fault.sees
        patience = _SHORT if sees.errors else _LONG
        if sees.poison:
            self.node(faults.ROUTER).write(f"/proc/sys/net/ipv4/neigh/{self.aim.names['beside']}/locktime", "0")
        if sees.how == faults.KEPT:
            return self._ask_held()
        if sees.how == faults.TAKEOVER:
            return self._taken_over(_TOLD, late=True)
        seen = self.ask(self.aim.expected + (sees.who == "extra"), patience, sees.how, sees.asker)
        owners = tuple(self.rehearsal.owners()[self.aim.names["vip"]]) if sees.leak else ()
        remembered = self._remembered() if sees.poison else ""
        return Seen(seen.answers, seen.errors, seen.slowest, owners, remembered)

    def is_as_told(self, seen: Seen) -> bool:
        """Whether it is what the catalogue says of the fault."""
        sees = self.fault.sees
        if sees.leak:
            return bool({*seen.owners} - {self.rehearsal.topology.director.name})
        if sees.poison:
            return seen.remembered == self.aim.host
        if sees.still:
            return set(seen.answers) == {self.aim.host}
        if not sees.errors:
            return not seen.errors and len(seen.answers) == self.aim.expected
        if not seen.errors or not set(seen.errors) <= set(sees.errors):
            return False
        if sees.who == "some":
            return True
        if sees.who == "extra":
            return len(seen.answers) == self.aim.expected
        return not seen.answers if sees.who == "all" else self.aim.host not in seen.answers

    def works(self, seen: Seen) -> bool:
        """Whether every request was answered and the director alone has the VIP, as far as that was looked at."""
        others = {seen.remembered, *seen.owners} - {"", self.rehearsal.topology.director.name}
        return bool(seen.answers) and not seen.errors and not others

    def _taken_over(self, patience: float, *, late: bool) -> Seen:
        acts = self.fault.sees.late if late else ()
        standby = self.node(faults.STANDBY)
        takeover = Takeover(
            self.rehearsal.client, self.node(faults.DIRECTOR), standby, self.aim.names["vip"], self.aim.question.port,
            self.aim.names["facing"], lambda: self.forget(faults.ROUTER),
        )  # fmt: skip
        told = takeover.watch(patience, lambda: self._do_all(acts), stir=bool(acts) and patience == _PATIENT)
        return Seen(tuple(told["answers"]), tuple(told["errors"]))

    def _do_all(self, acts: Sequence[Act]) -> None:
        for act in acts:
            self.do(act, check=True)

    def _remembered(self) -> str:
        listed = self.node(faults.ROUTER).run(["ip", "-j", "neigh", "show", "to", self.aim.names["vip"]]).check()
        macs = [entry["lladdr"] for entry in json.loads(listed.stdout or "[]") if "lladdr" in entry]
        return self.rehearsal.topology.owner_of(macs[0]) if macs else ""

    def _hold(self) -> str:
        question = self.aim.question
        self._held = f"fault-{next(_numbers)}"
        holding = self.rehearsal.client.serve(
            "lvs_init.lab.traffic:hold", name=self._held, address=question.address, port=question.port
        )
        self._daemons.append(holding)
        return str(holding.ready)

    def _ask_held(self) -> Seen:
        told = str(self.rehearsal.client.call("lvs_init.lab.traffic:ask_held", name=self._held))
        return Seen((told,)) if told in self.rehearsal.nodes else Seen((), (told,), 3.0)
