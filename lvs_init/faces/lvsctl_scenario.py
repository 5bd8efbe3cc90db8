"""lvsctl lab --reload, --kill-realserver and --failover: what clients lose when something happens."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lvs_init.faces import codes
from lvs_init.faces.terminal import GREEN, RED, coloured, columns
from lvs_init.system import files, streams

if TYPE_CHECKING:
    from lvs_init.lab.scenario import Scenario


def run(file: str, text: str, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: done, and nothing was lost; 1: not. Raises LvsError, ConfigurationError."""
    from lvs_init.config.load import parse
    from lvs_init.faces import lab_display, lvsctl_check
    from lvs_init.lab.course import Listener, Nobody
    from lvs_init.lab.failover import failover_under_load
    from lvs_init.lab.place import choose, open_place
    from lvs_init.lab.rehearsal import Rehearsal
    from lvs_init.lab.scenario import kill_under_load, reload_under_load
    from lvs_init.lab.topology import topology_of

    later = ""
    if arguments.reload:
        path = lvsctl_check.file_named(arguments.reload, environment)
        later = files.read_trusted(path, owner_check=False).decode("utf-8", "replace")
    topology_of(parse(text, file), arguments.director, pair=arguments.failover)  # what cannot be is told at once
    where = choose(arguments.where)
    listener: Listener = Nobody() if arguments.json else lab_display.Progress()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the guest is ended then, too
    listener.begin("boot a Linux guest that has IPVS" if where == "guest" else "open a lab in this kernel")
    # A pair's scripts run in forks: in a guest an interpreter takes seconds to start, which no machine does.
    with (
        open_place(where) as place,
        Rehearsal(
            place, text, director=arguments.director, later=later, pair=arguments.failover, fresh=not arguments.failover
        ) as rehearsal,
    ):
        listener.end(f"{len(rehearsal.topology.hosts)} hosts", True)
        listener.follow(rehearsal)
        if arguments.failover:
            scenario = failover_under_load(rehearsal, listener)
        elif later:
            scenario = reload_under_load(rehearsal, listener)
        else:
            scenario = kill_under_load(rehearsal, arguments.kill_realserver, listener)
    if arguments.html:
        from lvs_init.faces import lvsctl_lab, scenario_html, terminal

        page = scenario_html.page(scenario, rehearsal.topology, terminal.shorter(file))
        lvsctl_lab.write(arguments.html, page)
    return conclude(scenario, file, as_json=arguments.json)


def conclude(scenario: Scenario, file: str, *, as_json: bool) -> int:
    """Tell the outcome on stdout; the exit code."""
    if as_json:
        streams.out(json.dumps({**scenario.plain(), "file": file}, indent=2))
    else:
        streams.out("\n".join(_closing(scenario)))
    return codes.DONE if scenario.ok else codes.FAILED


def _closing(scenario: Scenario) -> Iterator[str]:
    hosts = sorted({*scenario.before, *scenario.since})
    rows = [[host, str(scenario.before.get(host, 0)), str(scenario.since.get(host, 0))] for host in hosts]
    yield ""
    yield from (f"  {line}" for line in columns([["answered by", "before", "since"], *rows], 2))
    yield from (f"  {line}" for line in scenario.said)
    yield from (f"  lost: {loss}" for loss in scenario.lost)
    if scenario.asked:
        yield ""
        yield from (f"  {line}" for line in scenario.noticed)
    yield from (f"  note: {note}" for note in scenario.notes)
    yield ""
    yield coloured(scenario.verdict, GREEN if scenario.ok else RED)
