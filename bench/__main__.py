"""``python3 -m bench``: run the contest in a guest and print its table."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from bench import report
from bench.contest import LEAST, Contest
from bench.numbers import results
from lvs_init.errors import LvsError
from lvs_init.lab.place import open_place

ROUNDS = 5
MINUTES = 16.0
SAVED = "build/bench.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="lvs-init against its rivals, in one guest")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all is done (default %(default)s)")
    parser.add_argument("--save", default=SAVED, help="file for everything measured, as JSON (default %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="no round is begun that would probably end later (%(default)g)"
    )
    arguments = parser.parse_args()
    tell = _progress(time.monotonic())
    try:
        return _measure(arguments.rounds, arguments.minutes * 60, arguments.save, tell)
    except LvsError as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted before the first round was over", file=sys.stderr)
        return 130


def _measure(rounds: int, patience: float, save: str, tell: Callable[[str], None]) -> int:
    began, done = time.time(), 0
    with open_place(where="guest") as place:
        contest = Contest(place, tell)
        about = report.facts(place.switch)
        contest.warm_up()
        first = time.time()
        try:
            while done < rounds and _fits(patience, began, first, done):
                contest.round(done)
                done += 1
            contest.once(max(LEAST, patience - (time.time() - began)))
        except KeyboardInterrupt:
            if not done:
                raise
    tell("")
    about |= report.circumstances(began, done)
    rows = results(contest.measured)
    print(report.table(rows, about))
    os.makedirs(os.path.dirname(save) or ".", exist_ok=True)
    with open(save, "w", encoding="utf-8") as file:
        file.write(report.as_json(contest.measured, rows, about))
    if done < rounds:
        print(f"bench: {done} of {rounds} rounds were done", file=sys.stderr)
    return 0


def _fits(patience: float, began: float, first: float, done: int) -> bool:
    now = time.time()
    return done == 0 or now - began + (now - first) / done + LEAST < patience


def _progress(began: float) -> Callable[[str], None]:
    """A line that is written over on a terminal; elsewhere one for each stage, which stands before the first colon."""
    stages: set[str] = set()

    def tell(line: str) -> None:
        clock = "{:.0f}:{:02.0f}".format(*divmod(int(time.monotonic() - began), 60))
        if sys.stderr.isatty():
            print(f"\r\033[K{clock} {line}" if line else "\r\033[K", end="", file=sys.stderr, flush=True)
        elif line and (stage := line.partition(":")[0]) not in stages:
            stages.add(stage)
            print(f"{clock} {stage}", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
