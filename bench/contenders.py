"""Who changes the table under load, each in its own way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from bench.words import INTERFACE, NAT, Service, ipvsadm_lines, keepalived_conf, ldirectord_cf, lvs_toml
from lvs_init.lab.guest import LabError
from lvs_init.lab.node import Node, Running
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

KEEPALIVED_CONF, LDIRECTORD_CF, RECIPE = "/etc/keepalived/bench.conf", "/etc/ha.d/bench.cf", "/run/recipe"
# The part that fills the table alone, in the foreground, so that its process is known.
KEEPALIVED_ARGV = ("/usr/sbin/keepalived", "--dont-fork", "--check", "--use-file", KEEPALIVED_CONF)
LDIRECTORD_ARGV = ("/usr/sbin/ldirectord", LDIRECTORD_CF)
DIP = "192.168.10.10"
_LIMIT = 60.0  # seconds for a change of a small table
_LOOK = 0.05  # seconds between two looks at a table that somebody else changes


class Contender(Protocol):
    """Brings the table of a lab's director to what is wanted."""

    def begin(self, lab: Rehearsal, services: Sequence[Service]) -> None: ...

    def change(self, lab: Rehearsal, services: Sequence[Service]) -> None: ...


def configuration(services: Sequence[Service]) -> str:
    """Our file, by NAT. A change may take away half of a small cluster."""
    return lvs_toml(services, NAT, f'dip = "{DIP}"\nmax_removal = 1.0\n')


class Ours:
    """lvs-director reload."""

    def begin(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        self._write(lab, services)
        for call in lab.start():
            call.completed.check()

    def change(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        self._write(lab, services)
        lab.call_director("reload").completed.check()

    @staticmethod
    def _write(lab: Rehearsal, services: Sequence[Service]) -> None:
        lab.director.write(CONFIGURATION, configuration(services))


class Daemon:
    """keepalived or ldirectord: its file is written, then it is sent SIGHUP."""

    def __init__(self, argv: Sequence[str], file: str, words: Callable[[Iterable[Service]], str]) -> None:
        self._argv, self._file, self._words = argv, file, words
        self._running: Running | None = None

    def begin(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        be_director(lab, services)
        lab.director.write(self._file, self._words(services))
        self._running = lab.director.start(self._argv, timeout=None)
        await_table(lab.director, services)

    def change(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        assert self._running
        lab.director.write(self._file, self._words(services))
        self._running.signal(1)
        await_table(lab.director, services)


class Bash:
    """The classic recipe: clear the table, fill it again."""

    def begin(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        be_director(lab, services)
        self.change(lab, services)

    def change(self, lab: Rehearsal, services: Sequence[Service]) -> None:
        lines = ["-C", *ipvsadm_lines(services, NAT)]
        lab.director.write(RECIPE, "".join(f"/sbin/ipvsadm {line}\n" for line in lines))
        lab.director.run(["/bin/bash", RECIPE]).check()
        await_table(lab.director, services)


def be_director(lab: Rehearsal, services: Sequence[Service]) -> None:
    """What those need who only fill the table: the VIP and forwarding."""
    vips = dict.fromkeys(service.vip for service in services)
    lab.director.ip(*(f"address add {vip}/32 dev {INTERFACE}" for vip in vips))
    lab.director.write("/proc/sys/net/ipv4/ip_forward", "1")


def await_table(director: Node, services: Sequence[Service]) -> None:
    """Wait until the table holds just this. Raises LabError where it does not come to that."""
    wanted = sorted(ipvsadm_lines(services, NAT))
    deadline = time.monotonic() + _LIMIT
    while True:
        found = sorted(line.strip() for line in director.run(["ipvsadm", "-Sn"]).check().stdout.splitlines())
        if found == wanted:
            return
        if time.monotonic() > deadline:
            raise LabError(f"the table has not become what was wanted: {found} instead of {wanted}")
        time.sleep(_LOOK)


#: Name -> how to make one.
ALL: dict[str, Callable[[], Contender]] = {
    "lvs-init": Ours,
    "keepalived": lambda: Daemon(KEEPALIVED_ARGV, KEEPALIVED_CONF, lambda services: keepalived_conf(services, NAT)),
    "ldirectord": lambda: Daemon(
        [*LDIRECTORD_ARGV, "start"], LDIRECTORD_CF, lambda services: ldirectord_cf(services, NAT)
    ),
    "ipvsadm -C": Bash,
}
