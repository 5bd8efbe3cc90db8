"""What the agents say of themselves stays within what every reader of it accepts, and is true."""

from __future__ import annotations

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lvs_init.faces import ocf, ocf_metadata

ROOT = Path(__file__).parents[3]
ROLES = ("director", "realserver")
#: ra-api-1.dtd knows no other action, and the schema of OCF 1.1 no type that is not among these.
ACTIONS_OF_THE_DTD = {
    "start", "stop", "recover", "monitor", "restart", "migrate_to", "migrate_from", "promote", "demote", "notify",
    "status", "reload", "meta-data", "usage", "methods", "validate-all",
}  # fmt: skip
TYPES = {"string", "integer", "boolean"}


@pytest.mark.parametrize("role", ROLES)
def test_the_order_and_the_attributes_are_those_of_the_dtd(role: str) -> None:
    agent = ET.fromstring(ocf_metadata.text(role))
    assert (agent.tag, agent.get("name")) == ("resource-agent", role)
    assert [child.tag for child in agent] == ["version", "longdesc", "shortdesc", "parameters", "actions"]
    assert agent.findtext("version") == "1.0"
    for parameter in agent.iter("parameter"):
        assert [child.tag for child in parameter] == ["longdesc", "shortdesc", "content"]
        assert set(parameter.attrib) == {"name", "unique", "required"}
        assert {parameter.get("unique"), parameter.get("required")} <= {"0", "1"}
        assert parameter.find("content").get("type") in TYPES  # type: ignore[union-attr]
    for action in agent.iter("action"):
        assert action.get("name") in ACTIONS_OF_THE_DTD
        assert re.fullmatch(r"[1-9]\d*s", action.get("timeout", ""))
        assert set(action.attrib) <= {"name", "depth", "timeout", "interval"}
    assert all(element.get("lang") == "en" for element in agent.iter() if element.tag.endswith("desc"))


@pytest.mark.parametrize("role", ROLES)
def test_what_is_promised_is_there_and_nothing_else(role: str) -> None:
    promised = {action.name for action in ocf_metadata.ACTIONS[role]}
    assert promised == {*ocf._ACTIONS[role], "meta-data", "usage"}
    monitors = [action for action in ocf_metadata.ACTIONS[role] if action.name == "monitor"]
    assert {monitor.depth for monitor in monitors} == {0, 10}
    # Pacemaker refuses two operations of one name and one interval.
    assert len({monitor.interval for monitor in monitors}) == len(monitors)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_needs_root_or_an_environment_to_ask(role: str) -> None:
    agent = ROOT / "rc.d/ocf" / role
    assert os.access(agent, os.X_OK)
    said = subprocess.run([agent, "meta-data", "excess"], env={}, capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == (ocf_metadata.text(role) + "\n", "")
    for word in ("usage", "help"):
        said = subprocess.run([agent, word], env={}, capture_output=True, text=True, check=True)
        assert said.stdout.startswith(f"Usage: {role} {{start|stop|monitor|validate-all|")
    unknown = subprocess.run([agent, "notify"], env={}, capture_output=True, text=True)
    assert unknown.returncode == 3
    assert unknown.stderr.endswith("\nocf-exit-reason:there is no action 'notify'\n")
    assert subprocess.run([agent], env={}, capture_output=True).returncode == 3
