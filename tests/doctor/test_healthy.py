"""Whatever is well: the doctor finds nothing worse than a note, on no host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import pytest
from harmless import HARMLESS, Harmless
from standing_clusters import Standing, findings_on

from lvs_init.lab.course import ask_doctor, findings_of
from lvs_init.lab.injection import Injection
from lvs_init.lab.place import Place
from lvs_init.lab.questions import questions_of
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal

EXAMPLES = Path(__file__).parents[2] / "examples"
#: Those of pairs need two directors.
ALONE = sorted(path.stem for path in EXAMPLES.glob("*.toml") if not path.stem.startswith("ha-"))
SCRIPT = os.path.join(EXAMPLES.parent, "bin", "lvsctl")


def complaints(lab: Rehearsal) -> list[str]:
    """Every finding above a note, on each host that has a role."""
    return serious((host, each) for host, role in roles(lab) for each in findings_on(lab, host, role))


def joined_complaints(lab: Rehearsal) -> list[str]:
    """The same as the director says it, which is given what was collected on all others."""
    director, places = lab.director, []
    for host, role in roles(lab)[1:]:
        places.append(f"/run/{host}.json")
        director.write(places[-1], ask_doctor(lab, lab.nodes[host], role, "--collect").check().stdout)
    told = ask_doctor(lab, director, "director", "--json", *(f"--with={place}" for place in places))
    director.run(["rm", *places]).check()
    return serious((each.get("node", ""), each) for each in findings_of(told))


def serious(findings: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    return [
        f"{host}: {each['code']} {each['severity']}: {each['seen']}"
        for host, each in findings
        if each["severity"] != "note"
    ]


def roles(lab: Rehearsal) -> list[tuple[str, str]]:
    directors = [(host.name, "director") for host in lab.topology.directors]
    return [*directors, *((host, "realserver") for host in lab.realservers)]


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.xdist_group("examples")
def test_examples_are_well(place: Place, name: str) -> None:
    with Rehearsal(place, (EXAMPLES / f"{name}.toml").read_text(), fresh=False) as lab:
        for call in lab.start():
            call.completed.check()
        for index, service in enumerate(lab.cluster.services):
            if questions_of(service):
                lab.request(index, count=1)
        assert complaints(lab) == []


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(each, id=each.name, marks=pytest.mark.xdist_group(each.cluster))
        for each in sorted(HARMLESS, key=lambda each: each.cluster)  # a cluster stands until another one is asked for
    ],
)
def test_odd_set_ups_that_work_are_well(standing: Callable[[str], Standing], harmless: Harmless) -> None:
    stands = standing(harmless.cluster)
    injection = Injection(stands.lab, harmless.as_fault())
    try:
        for _ in injection.inject():
            pass
        seen = injection.ask()
        assert injection.works(seen), seen
        assert (joined_complaints if harmless.joined else complaints)(stands.lab) == []
        injection.undo()
    except BaseException:
        stands.rebuild()
        raise
    assert stands.settle(injection.touched) == []


@pytest.mark.xdist_group("dr")
def test_a_drained_real_server_is_well(standing: Callable[[str], Standing]) -> None:
    stands = standing("dr")
    node, environment = stands.lab.director, stands.lab.place.environment
    node.entry([SCRIPT, "drain", "192.168.0.11"], env=environment).check()
    found = complaints(stands.lab)
    node.entry([SCRIPT, "undrain", "192.168.0.11"], env=environment).check()
    stands.rebuild()
    assert found == []


@pytest.mark.xdist_group("pair")
def test_a_pair_is_well(standing: Callable[[str], Standing]) -> None:
    lab = standing("pair").lab
    assert complaints(lab) + joined_complaints(lab) == []


@pytest.mark.xdist_group("examples")
def test_before_start_nothing_is_called_broken(place: Place) -> None:
    """What start will set up is not there yet, and that is said in other words."""
    with Rehearsal(place, (EXAMPLES / "vs-dr.toml").read_text(), fresh=False) as lab:
        lab.director.write(CONFIGURATION, lab.text)
        told = [each for host, role in roles(lab) for each in findings_on(lab, host, role)]
        assert [each for each in told if each["severity"] == "broken"] == []
