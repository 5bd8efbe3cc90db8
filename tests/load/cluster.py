"""The cluster that is under load, and what is done to it: paced reloads, and the old ways that lose requests."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.rehearsal import CONFIGURATION, DIRECTOR_SCRIPT, Rehearsal
from lvs_init.lab.steady import Became, SteadyLoad

VIP = "192.168.0.219"
PORT, OTHER_PORT, THIRD_PORT = 80, 8080, 443
SERVERS = ["rs1", "rs2"]  # of the first file; rs3 waits to join
_TIMEOUTS = "[director.timeouts]\ntcpfin = 5\n"
_NETWORK = {"nat": 10, "dr": 0}


def text(forwarding: str, *services: str, director: str = "") -> str:
    """A file. ``director``: more lines of that table.

    The kernel remembers connections for two minutes after their end, so long that their ports come round again.
    """
    head = f'[cluster]\nforwarding = "{forwarding}"\n[director]\ninterface = "eth0"\nmax_removal = 1.0\n'
    return f'{head}dip = "192.168.{_NETWORK[forwarding]}.10"\n{director}\n{_TIMEOUTS}' + "".join(services)


def service(forwarding: str, servers: Sequence[int] = (1, 2), port: int = PORT, more: str = 'scheduler = "rr"') -> str:
    """A service. ``servers``: 1 is rs1."""
    rips = ", ".join(f'{{ rip = "{rip(forwarding, number)}" }}' for number in servers)
    return f'[[service]]\nvip = "{VIP}"\nport = {port}\n{more}\nrealservers = [{rips}]\n'


def first(forwarding: str) -> str:
    """The file that every test begins with."""
    return text(forwarding, service(forwarding))


def rip(forwarding: str, number: int) -> str:
    """The address of rs1, rs2 or rs3."""
    return f"192.168.{_NETWORK[forwarding]}.{10 + number}"


def rehearsal(place: Place, forwarding: str) -> Rehearsal:
    """Hosts for everything that any of the files has."""
    services = [service(forwarding, (1, 2, 3), port) for port in (PORT, OTHER_PORT, THIRD_PORT)]
    return Rehearsal(place, text(forwarding, *services), fresh=False)


def load(lab: Rehearsal, **more: Any) -> SteadyLoad:
    """Requests of both kinds to port 80 and a download from each of its real servers."""
    return SteadyLoad(lab.client, **{"address": VIP, "port": PORT, "downloads": SERVERS, **more})


def do(lab: Rehearsal, *words: str) -> None:
    """The director's script."""
    call(lab, DIRECTOR_SCRIPT, *words)


def call(lab: Rehearsal, script: str, *words: str, hook: str | None = None) -> None:
    """One of bin/* on the director."""
    path = os.path.join(ROOT, "bin", script)
    lab.director.entry([path, *words], env=lab.place.environment, timeout=120, hook=hook).check()


def reload(lab: Rehearsal, load: SteadyLoad, file: str) -> Became:
    """Reload a file as paced() does it."""
    lab.director.write(CONFIGURATION, file)
    return paced(lab, load, DIRECTOR_SCRIPT, "reload")


def paced(lab: Rehearsal, load: SteadyLoad, script: str, *words: str) -> Became:
    """Call a script that makes each change of the table alone, while requests pass; what became of the load then.

    Fails unless requests passed between any two changes and every download went on.
    """
    before = load.look()
    call(lab, script, *words, hook="support.paced:paced")
    changes = lab.director.call("support.paced:report")
    assert changes, "nothing was changed in the table"
    for earlier, later in itertools.pairwise(changes):
        assert earlier["connections"] < later["connections"], f"no request between {earlier} and {later}"
        assert earlier["packets"] < later["packets"]
    after = load.advance(requests=8, sips=1)
    for server, size in before.downloads.items():
        assert after.downloads[server] > size, f"the download from {server} does not go on"
    return after


def rules(lab: Rehearsal) -> str:
    """What the table has of the service at port 80, as ``ipvsadm -R`` takes it."""
    listed = lab.director.run(["ipvsadm", "-Sn"]).check().stdout.splitlines(keepends=True)
    return "".join(line for line in listed if f" {VIP}:{PORT} " in line)


def replace(lab: Rehearsal, load: SteadyLoad, away: Sequence[str], wanted: str) -> Became:
    """How it is done without a diff: run ``away``, then bring what is wanted; what became of the load then."""
    before = load.look()
    assert set(before.downloads) == set(SERVERS), "nothing was under way"
    lab.director.run(away).check()
    load.advance(requests=8)
    lab.director.run(["ipvsadm", "-R"], stdin=wanted).check()
    return load.finish()


def assert_nothing_lost(became: Became, downloads: Sequence[str] = SERVERS) -> None:
    """Every request was answered, and every one of these downloads came to its right end."""
    assert became.losses == 0, str(became)
    assert became.done["download"] == dict.fromkeys(downloads, 1)
    assert not became.downloads
