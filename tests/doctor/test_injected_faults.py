"""Every fault that can be injected: all works before it, fails as the catalogue says, is named by the doctor on the
machine where it is, and is mended by what the doctor prints."""

from __future__ import annotations

from typing import Callable

import pytest
from standing_clusters import Standing, doctor

from lvs_init.config.load import parse
from lvs_init.lab.children import ENVIRONMENT
from lvs_init.lab.fault import WORKS, Fault
from lvs_init.lab.faults import FAULTS
from lvs_init.lab.injection import Injection, aim
from lvs_init.lab.lesson import Doctor
from lvs_init.lab.place import ROOT
from lvs_init.lab.standing import CLUSTERS
from lvs_init.lab.topology import topology_of

#: Where our own commands are found, as on a machine that has them installed.
INSTALLED = {**ENVIRONMENT, "PATH": f"{ROOT}/bin:{ENVIRONMENT['PATH']}"}


def _cases() -> list[object]:
    """Each fault in each cluster that it is about, in the first of them alone where no client ever sees it; those of
    one cluster run in one worker, one after the other."""
    cases: list[object] = []
    unseen: set[str] = set()
    for name, text in CLUSTERS.items():
        cluster = parse(text, f"{name}.toml")
        pair = cluster.ha is not None
        topology = topology_of(cluster, pair=pair)
        for fault in FAULTS:
            if fault.pair == pair and aim(fault, cluster, topology) and (fault.one_network or name != "nat-one"):
                if fault.name in unseen:
                    continue
                unseen.update([fault.name] if fault.sees == WORKS else ())
                mark = pytest.mark.xdist_group(name)
                cases.append(pytest.param(name, fault, id=f"{name}-{fault.name}", marks=mark))
    return cases


@pytest.mark.parametrize(("cluster", "fault"), _cases())
def test_it_fails_as_told_is_named_and_mended(standing: Callable[[str], Standing], cluster: str, fault: Fault) -> None:
    stands = standing(cluster)
    injection = Injection(stands.lab, fault)
    try:
        _case(injection, fault)
    except BaseException:
        stands.rebuild()
        raise
    if fault.rebuild:
        stands.rebuild()
    left = stands.settle(injection.touched)
    assert not left, "the fault is not taken back: " + "\n".join(left)


def _case(injection: Injection, fault: Fault) -> None:
    before = injection.prepare()
    assert injection.works(before), f"before: {before}"
    for _ in injection.inject():
        pass
    seen = injection.look()
    assert injection.is_as_told(seen), f"with it: {seen}"
    _named(injection, fault)
    injection.undo()  # all is as it was before it, as the caller sees to


def _named(injection: Injection, fault: Fault) -> None:
    told = doctor(injection)
    ours = {fault.code, *fault.also}
    assert ours.intersection(told.codes()), f"not named:\n{told.text}"
    assert set(told.codes("broken")) <= ours, f"more than that is called broken:\n{told.text}"
    if not fault.low:
        assert ours.intersection(told.codes("broken", "will-break", "risk")), f"named as a note:\n{told.text}"
    _mend(injection, fault, told)
    after = injection.check_mended()
    assert injection.works(after), f"after what was printed: {after}\n{told.text}"
    quiet = doctor(injection)
    assert not quiet.codes("broken", "will-break"), f"not quiet:\n{quiet.text}"
    assert not ours.intersection(quiet.codes("risk")), f"not quiet:\n{quiet.text}"


def _mend(injection: Injection, fault: Fault, told: Doctor) -> None:
    """Run what is printed for it, as it is printed; where only a person can tell what to do, do as one would."""
    if fault.by_hand:
        injection.undo()
        return
    commands: dict[str, dict[str, None]] = {}
    for each in told.findings:
        lines = each["fix"].splitlines() if each["code"] in {fault.code, *fault.also} else ()
        known = commands.setdefault(each.get("node") or injection.host(fault.host), {})
        known.update(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    assert any(commands.values()), f"there is no command to mend it:\n{told.text}"
    for host, lines in commands.items():
        injection.rehearsal.nodes[host].run(["sh", "-ec", "\n".join(lines)], env=INSTALLED).check()
    if not fault.remembered:
        injection.forget()
