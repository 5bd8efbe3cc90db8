"""The resource agents as the tools of others judge them: resource-agents, Pacemaker, pcs, crmsh."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from agents import AGENTS, NODE, ROLES, build
from support import hosts

from lvs_init.commands.pacemaker import promotion_score
from lvs_init.faces import ocf_metadata
from lvs_init.lab.node import Completed, Node
from lvs_init.lab.place import ROOT, Place

BRIDGE = "judges"
CASES = os.path.join(ROOT, "tests/ha/ocft")
#: What ocf-tester takes, what resource-agents made of OCF 1.1, and what pcs asks of each version.
SCHEMAS = (
    ("--dtdvalid", "/usr/share/resource-agents/ra-api-1.dtd"),
    ("--relaxng", "/usr/share/resource-agents/metadata.rng"),
    ("--relaxng", "/usr/share/pcs/data/ocf-1.0.rng"),
    ("--relaxng", "/usr/share/pcs/data/ocf-1.1.rng"),
)
#: As an admin's shell has it.
SHELL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb"}


@pytest.fixture(scope="module")
def nodes(place: Place) -> Iterator[dict[str, Node]]:
    place.bridge(BRIDGE)
    made = {role: build(place, role, BRIDGE) for role in ROLES}
    made["director"].run(["mkdir", "-p", "/var/log/crmsh"]).check()  # as its package does
    yield made
    for node in made.values():
        node.close()
    place.unbridge(BRIDGE)


def judge(node: Node, *command: str, stdin: str | None = None) -> Completed:
    return node.run(command, env={**SHELL, "OCF_ROOT": "/usr/lib/ocf"}, stdin=stdin, timeout=500)


@pytest.mark.parametrize(
    ("role", "options"),
    [("director", ["-o", "config=pair", "-o", "promotable=true"]), ("realserver", ["-o", "config=alone"])],
    ids=ROLES,
)
def test_ocf_tester(nodes: dict[str, Node], role: str, options: list[str]) -> None:
    before = hosts.snapshot(nodes[role])
    done = judge(nodes[role], "ocf-tester", "-n", "lvs", *options, f"{AGENTS}/{role}")
    assert done.code == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{AGENTS}/{role} passed all tests\n")
    assert "* rc=" not in done.stdout, done.stdout
    assert ("does not support promotable clones" in done.stdout) == (role == "realserver"), done.stdout
    hosts.same(nodes[role], before)


@pytest.mark.parametrize("role", ROLES)
def test_ocft(nodes: dict[str, Node], role: str) -> None:
    """Our own cases, made and run by resource-agents' tool. Its cases set up what they need on any machine."""
    made = judge(nodes[role], "ocft", "make", "-d", CASES, role).check()
    count = made.stdout.count("- case ")
    assert count >= 5, made.stdout
    done = judge(nodes[role], "ocft", "test", role)
    said = done.stdout.replace("\033[32m", "").replace("\033[0m", "")
    assert done.code == 0, said + done.stderr
    assert "FAILED" not in said, said
    assert "ERROR" not in said, said
    assert said.count("- OK.") == count, said


@pytest.mark.parametrize("role", ROLES)
def test_schemas(nodes: dict[str, Node], role: str) -> None:
    text = judge(nodes[role], f"{AGENTS}/{role}", "meta-data").check().stdout
    broken = text.replace('<parameter name="config"', "<parameter")
    for how in SCHEMAS:
        judge(nodes[role], "xmllint", "--noout", "--nonet", *how, "-", stdin=text).check()
        assert judge(nodes[role], "xmllint", "--noout", "--nonet", *how, "-", stdin=broken).code != 0


def test_crm_resource_finds_them(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    assert sorted(judge(node, "crm_resource", "--list-agents", "ocf:lvs").check().stdout.split()) == sorted(ROLES)
    assert "lvs" in judge(node, "crm_resource", "--list-ocf-providers").check().stdout.split()
    for role in ROLES:
        said = judge(node, "crm_resource", "--show-metadata", f"ocf:lvs:{role}").check().stdout
        parameters = [each.get("name") for each in ET.fromstring(said).iter("parameter")]
        assert parameters == [parameter.name for parameter in ocf_metadata.PARAMETERS[role]]


@pytest.mark.parametrize(
    ("option", "status", "reason"),
    [
        ("config=alone", 0, None),
        ("config=missing", 5, "there is no configuration /etc/lvs/missing.toml"),
        ("config=a b", 6, "config=a b is neither an absolute path nor NAME of a file /etc/lvs/NAME.toml"),
    ],
    ids=["sound", "missing", "wrong"],
)
def test_crm_resource_validates(nodes: dict[str, Node], option: str, status: int, reason: str | None) -> None:
    command = ["crm_resource", "--validate", "--class", "ocf", "--provider", "lvs", "--agent", "director"]
    done = judge(nodes["director"], *command, "--option", option, "--output-as=xml")
    found = ET.fromstring(done.stdout).find("resource-agent-action/agent-status")
    assert found is not None, done.stdout
    assert (found.get("code"), found.get("reason")) == (str(status), reason)
    assert done.code == status


def test_a_promotion_score_is_what_pacemaker_takes_for_one(nodes: dict[str, Node]) -> None:
    node = nodes["director"]
    empty = node.run(["cibadmin", "--empty"]).check().stdout
    nodes_known = f'<nodes><node id="1" uname="{NODE}"/></nodes>'
    status = f'<status><node_state id="1" uname="{NODE}"/></status>'
    node.write("/root/cib.xml", empty.replace("<nodes/>", nodes_known).replace("<status/>", status))
    environment = {**SHELL, "CIB_file": "/root/cib.xml", "OCF_RESOURCE_INSTANCE": "lvs"}
    query = ["crm_attribute", "--node", NODE, "--promotion", "--query", "--quiet"]
    for score, told in ((50, "50"), (100, "100"), (None, "")):
        node.run(promotion_score("lvs", score, NODE).argv, env=environment).check()
        assert node.run(query, env=environment).stdout.strip() == told


@pytest.mark.parametrize("role", ROLES)
def test_cluster_shells_describe_them(nodes: dict[str, Node], role: str) -> None:
    node = nodes["director"]
    pcs = judge(node, "pcs", "resource", "describe", f"ocf:lvs:{role}").check().stdout
    crm = judge(node, "crm", "ra", "info", f"ocf:lvs:{role}").check().stdout
    for said in (pcs, crm):
        assert ocf_metadata.SHORT[role] in said, said
        for parameter in ocf_metadata.PARAMETERS[role]:
            assert parameter.name in said, said
    assert "unique group" in pcs or "(unique" in pcs, pcs
