"""A director can be made up for every sound configuration, alone or beside another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.config.cluster import Cluster
from lvs_init.config.director import director_wants
from lvs_init.config.imagined import imagined_director
from lvs_init.config.load import parse
from lvs_init.engine.preview import between
from lvs_init.model.network import AddressKey

ROOT = Path(__file__).parents[3]
SOUND = [
    *sorted((ROOT / "examples").glob("*.toml")),
    *sorted(path.parent / "lvs.toml" for path in (ROOT / "tests" / "cases" / "config").glob("*/cluster.json")),
]


def cluster(path: Path) -> Cluster:
    return parse(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", SOUND, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_fits(path: Path) -> None:
    machine = imagined_director([cluster(path)])
    assert director_wants(cluster(path), machine, machine.addresses).problems == []
    carried = {vip.address for vip in cluster(path).vips}
    assert not [key for key in machine.addresses if key.address in carried]


@pytest.mark.parametrize("path", SOUND, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_stays_is_no_work_and_what_comes_and_goes_is(path: Path) -> None:
    one, other = cluster(path), cluster(ROOT / "examples" / "vs-dr.toml")
    assert between(one, one).foresight.plan.steps == ()
    if one.services != other.services:
        assert between(one, other).todo
        assert between(other, one).todo


def test_interfaces_are_those_that_a_file_names() -> None:
    head = '[director]\ninterface = "bond0"\ndip = "10.0.0.1"\n[cluster]\nforwarding = "nat"\n'
    service = '[[service]]\nvip = "192.168.0.219/28"\nport = 80\nrealservers = [{ rip = "10.0.0.11" }]\n'
    machine = imagined_director([parse(head + service, "lvs.toml")])
    assert set(machine.interfaces) == {"lo", "bond0", "eth1"}
    assert AddressKey("bond0", "192.168.0.222", 28) in machine.addresses
    assert AddressKey("eth1", "10.0.0.1", 24) in machine.addresses
