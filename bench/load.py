"""``python3 -m bench.load``: what changing a table costs those who are just being served, ours beside others'.

Every contender gets hosts of its own: a client, a director, three real servers by NAT. While the client asks and
downloads without a pause, the table is changed there and back.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench import contenders, report
from bench.contenders import Contender
from bench.words import Service
from lvs_init.errors import LvsError
from lvs_init.lab.load import DOWNLOAD, KEPT, NEW
from lvs_init.lab.place import Place, open_place
from lvs_init.lab.rehearsal import Rehearsal
from lvs_init.lab.steady import Became, SteadyLoad

VIP = "192.168.0.219"
_BELOW = "192.168.10.1{}"  # the RIP of a real server, by its number
_TIMES = 2  # there and back
_AFTER = 60  # requests that are waited for after each change
_TIMEOUT = 3.0  # seconds: an answer that takes longer is none

#: Port -> number of each real server -> weight.
Table = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True)
class Change:
    """A table and what it is changed into, while downloads at ``port`` go on; requests are made at port 80."""

    name: str
    first: Table
    second: Table
    port: int = 80


CHANGES = (
    Change("replace a real server", {80: {1: 1, 2: 1}}, {80: {2: 1, 3: 1}}),
    Change("change a weight", {80: {1: 1, 2: 1}}, {80: {1: 5, 2: 1}}),
    Change("remove another service", {80: {1: 1, 2: 1}, 8080: {1: 1, 2: 1}}, {80: {1: 1, 2: 1}}, port=8080),
)


@dataclass(frozen=True)
class Lost:
    """What became of a load: requests over new connections and over kept ones, downloads; how many of them were lost.

    ``how``: each way in which something was lost, as a sentence.
    """

    lost: Mapping[str, int]
    of: Mapping[str, int]
    how: tuple[str, ...]


def run(place: Place, change: Change, contender: Contender) -> Lost:
    """Change the table there and back, under load."""
    everything = services({port: {1: 1, 2: 1, 3: 1} for port in (80, 8080)})
    with Rehearsal(place, contenders.configuration(everything)) as lab:
        contender.begin(lab, services(change.first))
        with (
            SteadyLoad(lab.client, VIP, timeout=_TIMEOUT) as asking,
            SteadyLoad(
                lab.client, VIP, change.port, new=0, kept=0, downloads=["rs1", "rs2"], timeout=_TIMEOUT
            ) as downloading,
        ):
            for _ in range(_TIMES):
                for table in (change.second, change.first):
                    contender.change(lab, services(table))
                    asking.advance(requests=_AFTER)
            return lost([asking.finish(), downloading.finish()])


def services(table: Table) -> list[Service]:
    """The table in the form that is put into words."""
    return [
        Service(VIP, port, {_BELOW.format(number): weight for number, weight in weights.items()})
        for port, weights in table.items()
    ]


def lost(loads: list[Became]) -> Lost:
    """The sum of several loads."""
    kinds = (NEW, KEPT, DOWNLOAD)
    done = {kind: sum(sum(load.done[kind].values()) for load in loads) for kind in kinds}
    gone = {kind: sum(loss.times for load in loads for loss in load.lost if loss.kind == kind) for kind in kinds}
    how = tuple(str(loss) for load in loads for loss in load.lost)
    return Lost(gone, {kind: done[kind] + gone[kind] for kind in kinds}, how)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.load", description="requests that are lost by changing a table")
    parser.add_argument("--how", action="store_true", help="show in which way each was lost")
    arguments = parser.parse_args()
    began = time.time()
    try:
        with open_place(where="guest") as place:
            about = report.facts(place.switch)
            print(f"{'change':24} {'by':12} {'new':>12} {'kept':>12} {'downloads':>12}   lost of")
            for change in CHANGES:
                for name, make in contenders.ALL.items():
                    tell(f"{change.name}: {name}")
                    found = run(place, change, make())
                    tell("")
                    print(line(change.name, name, found), flush=True)
                    for sentence in found.how if arguments.how else ():
                        print(f"    {sentence}")
    except LvsError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    about |= {"date": time.strftime("%Y-%m-%d %H:%M", time.localtime(began)), "load": str(os.getloadavg()[0])}
    print("\n" + "\n".join(f"{name:10} {text}" for name, text in about.items()))
    return 0


def line(change: str, contender: str, found: Lost) -> str:
    """A row of the table."""
    cells = (f"{found.lost[kind]} of {found.of[kind]}" for kind in (NEW, KEPT, DOWNLOAD))
    return f"{change:24} {contender:12} " + " ".join(f"{cell:>12}" for cell in cells)


def tell(what: str) -> None:
    """A line that is written over, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
