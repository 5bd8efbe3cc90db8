"""``python3 -m bench``: run the contest in a guest and print its table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from bench import report
from bench.contest import Contest, director
from lvs_init.errors import LvsError
from lvs_init.lab.place import open_place

ROUNDS = 5
PATIENCE = 300  # seconds: a round that would probably end later is not begun


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="lvs-init against bash and ipvsadm -R, in one guest")
    parser.add_argument("--json", action="store_true", help="everything that was measured, as JSON")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all is done (default %(default)s)")
    arguments = parser.parse_args()
    started = time.monotonic()
    tell, done = _progress(), 0
    try:
        with open_place(where="guest") as place:
            node = director(place)
            contest = Contest(node, tell)
            contest.warm_up()
            first = time.monotonic()
            while done < max(1, arguments.rounds) and _fits(started, first, done):
                contest.round(done)
                done += 1
            about = report.facts(node)
    except LvsError as error:
        tell("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    tell("")
    print((report.as_json if arguments.json else report.table)(contest.measured, about, done))
    if done < arguments.rounds:
        print(f"bench: time was up after {done} of {arguments.rounds} rounds", file=sys.stderr)
    return 0


def _fits(started: float, first: float, done: int) -> bool:
    now = time.monotonic()
    return done == 0 or now - started + (now - first) / done < PATIENCE


def _progress() -> Callable[[str], None]:
    """One line that is written over on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda line: None
    return lambda line: print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
