"""lvsctl lab --fault and --faults: break a rehearsal as LVS breaks in practice, and hear what the doctor says."""

from __future__ import annotations

import argparse
import functools
import json
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lvs_init.config.load import parse
from lvs_init.errors import LvsError
from lvs_init.faces import codes
from lvs_init.faces.terminal import GREEN, RED, coloured, columns
from lvs_init.lab.fault import Fault
from lvs_init.lab.faults import FAULTS, named
from lvs_init.lab.injection import aim
from lvs_init.lab.standing import CLUSTERS
from lvs_init.lab.topology import topology_of
from lvs_init.system import streams

if TYPE_CHECKING:
    from lvs_init.lab.lesson import Lesson


def list_all(file: str, text: str, *, as_json: bool) -> int:
    """Every fault, or those that fit the file. Raises ConfigurationError."""
    found = [fault for fault in FAULTS if not file or _fits(fault, file, text)]
    if as_json:
        entries = [
            {"name": fault.name, "code": fault.code, "what": fault.what, "methods": list(fault.methods)}
            for fault in found
        ]
        streams.out(json.dumps({"version": 1, "file": file, "faults": entries}, indent=2))
    else:
        streams.out("\n".join(columns([[fault.name, ", ".join(fault.methods), fault.what] for fault in found])))
    return codes.DONE


def inject(file: str, text: str, arguments: argparse.Namespace) -> int:
    """0: it showed what it should, the doctor named it, and without it all was well; 1: not. Raises LvsError."""
    from lvs_init.faces import lab_display
    from lvs_init.lab.course import Listener, Nobody
    from lvs_init.lab.lesson import teach
    from lvs_init.lab.place import choose, open_place
    from lvs_init.lab.rehearsal import Rehearsal

    fault, file, text = _chosen(arguments.fault, file, text)
    where = choose(arguments.where)
    listener: Listener = Nobody() if arguments.json else lab_display.Progress()
    if not arguments.json:
        streams.out(f"{fault.name}: {fault.what}\n")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the guest is ended then, too
    listener.begin("boot a Linux guest that has IPVS" if where == "guest" else "open a lab in this kernel")
    rehearse = functools.partial(Rehearsal, text=text, director=arguments.director, pair=fault.pair)
    with open_place(where) as place, rehearse(place) as rehearsal:
        listener.end(f"{len(rehearsal.topology.hosts)} hosts", True)
        listener.follow(rehearsal)
        lesson = teach(rehearsal, fault, listener)
    return conclude(lesson, file, as_json=arguments.json)


def conclude(lesson: Lesson, file: str, *, as_json: bool) -> int:
    """Tell the outcome on stdout; the exit code."""
    if as_json:
        streams.out(json.dumps({**lesson.plain(), "file": file}, indent=2))
    else:
        streams.out("\n".join(_closing(lesson)))
    return codes.DONE if lesson.ok else codes.FAILED


def _chosen(name: str, file: str, text: str) -> tuple[Fault, str, str]:
    """The first variant that fits the file; without one, a cluster that the lab has for it."""
    found = named(name)
    if not found:
        raise LvsError(f"there is no fault {name}", hint="lvsctl lab --faults lists them")
    clusters = {file: text} if file else {f"{name}.toml": text for name, text in CLUSTERS.items()}
    for fault in found:
        for each, its_text in clusters.items():
            if _fits(fault, each, its_text):
                return fault, each, its_text
    methods = " or ".join(found[0].methods)
    raise LvsError(
        f"{file} has no cluster that {name} is about: it takes a {found[0].kind} service of two real servers by "
        f"{methods}, IPv{found[0].family}",
        hint="leave FILE out, and the lab has one",
    )


def _fits(fault: Fault, file: str, text: str) -> bool:
    cluster = parse(text, file)
    topology = topology_of(cluster, pair=fault.pair and cluster.ha is not None)
    return aim(fault, cluster, topology) is not None


def _closing(lesson: Lesson) -> Iterator[str]:
    if lesson.doctor:
        yield ""
        yield f"  lvsctl doctor, on {lesson.doctor.host}:"
        yield ""
        yield from (f"    {line}".rstrip() for line in lesson.doctor.text.splitlines())
    yield ""
    yield coloured("The doctor named it.", GREEN) if lesson.named else coloured("The doctor did not name it.", RED)
