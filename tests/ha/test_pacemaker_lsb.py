"""The init scripts as Pacemaker's class lsb has them: the sequence that it asks of every script, and its meta-data."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from pair.lab import UNPACKED
from support import clusters, hosts

from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

ROLES = ("director", "realserver")
_BRIDGE = "pm-lsb"
_CIB = "/root/cib.xml"
#: OCF's codes, which Pacemaker makes of LSB's (include/crm/services.h).
_RUNS, _RUNS_NOT = 0, 7


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    """A host for each role, its script in /etc/init.d; nothing of the cluster runs."""
    place.bridge(_BRIDGE)
    both = {
        "director": hosts.director(place, place.node("lsb-director"), _BRIDGE),
        "realserver": hosts.real_server(place, place.node("lsb-realserver"), _BRIDGE),
    }
    for role, node in both.items():
        node.call("pair.board:prepare", unpacked=UNPACKED, files={"/etc/lvs/lvs.toml": (clusters.DR, "644")})
        node.run(["ln", "-s", f"{ROOT}/bin/lvs-{role}", f"/etc/init.d/lvs-{role}"]).check()
    yield both
    for node in both.values():
        node.close()
    place.unbridge(_BRIDGE)


def called(nodes: dict[str, Node], role: str, *verbs: str) -> list[int]:
    """The exit codes of a script, called as Pacemaker does: one argument."""
    return [nodes[role].entry([f"/etc/init.d/lvs-{role}", verb]).code for verb in verbs]


@pytest.mark.parametrize("role", ROLES)
def test_a_script_follows_the_sequence_of_the_handbook(nodes: dict[str, Node], role: str) -> None:
    """Pacemaker Explained, "Are your init scripts LSB-compatible?"."""
    codes = called(nodes, role, "start", "status", "start", "stop", "status", "stop")
    assert codes == [0, 0, 0, 0, 3, 0]


def test_what_is_broken_is_neither_running_nor_stopped(nodes: dict[str, Node]) -> None:
    assert called(nodes, "director", "start") == [0]
    nodes["director"].run(["ipvsadm", "-C"]).check()
    (broken,) = called(nodes, "director", "status")
    assert broken not in (0, 3)
    assert called(nodes, "director", "start", "status", "stop") == [0, 0, 0]


@pytest.mark.parametrize("role", ROLES)
def test_meta_data_come_from_the_header(nodes: dict[str, Node], role: str) -> None:
    said = nodes[role].run(["crm_resource", "--show-metadata", f"lsb:lvs-{role}"]).check().stdout
    agent = ET.fromstring(said)
    assert agent.get("name") == f"lvs-{role}"
    assert "LVS" in (agent.findtext("shortdesc") or "")
    assert "Linux Virtual Server" in (agent.findtext("longdesc") or "")
    assert f"lvs-{role}" in nodes[role].run(["crm_resource", "--list-agents", "lsb"]).check().stdout.split()


@pytest.mark.parametrize("role", ROLES)
def test_pacemaker_itself_starts_judges_and_stops_the_script(nodes: dict[str, Node], role: str) -> None:
    """crm_resource calls it as the cluster's executor does, and reads its codes as that does."""
    node = nodes[role]
    empty = node.run(["cibadmin", "--empty"]).check().stdout
    resource = f'<resources><primitive id="lvs" class="lsb" type="lvs-{role}"/></resources>'
    node.write(_CIB, empty.replace("<resources/>", resource))
    sequence = ("check", "start", "check", "stop", "check")
    codes = [_forced(node, f"--force-{what}").code for what in sequence]
    assert codes == [_RUNS_NOT, 0, _RUNS, 0, _RUNS_NOT]


def _forced(node: Node, what: str) -> Completed:
    environment = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "CIB_file": _CIB}
    return node.run(["crm_resource", "--resource", "lvs", what], env=environment)
