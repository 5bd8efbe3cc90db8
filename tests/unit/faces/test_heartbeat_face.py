"""What Heartbeat and its kin make of our status, whatever we may have to say in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from lvs_init.engine.request import Options, Outcome, Result, Target
from lvs_init.engine.run import Engine
from lvs_init.engine.status import Health, Status
from lvs_init.errors import LvsError, NotSettled
from lvs_init.faces import heartbeat, lsb, lsb_status
from lvs_init.model.record import STANDBY
from lvs_init.system import streams

LIBRARY = Path(__file__).parents[3] / "lvs_init"
#: Everything that puts a line into a status.
SPEAKERS = (
    "engine/status.py", "engine/standing.py", "engine/writers.py", "engine/trial.py", "engine/memory.py",
    "engine/standby.py", "engine/up.py", "engine/moment.py", "config/realserver.py", "config/director.py",
    "commands/ipvs_messages.py", "system/store.py", "system/files.py", "model/ipvs.py", "model/network.py", "errors.py",
)  # fmt: skip
HOSTILE = (
    "LOOKUP failed", "a BROKEN token", "real server x is not here", "Running", "not running", "NOT Running", "stopped",
    "Stopped", "RUNNING", "OK", "is running OK", "/etc/lvs/not-running.toml has changed", "no such thing", "it is not",
)  # fmt: skip


def resource_manager(text: str) -> bool:
    """heartbeat 3.0.6 ResourceManager, we_own_resource: patterns of sh over all lines, in this order."""
    if fnmatchcase(text, "*[Nn][Oo][Tt] *[Rr]unning*"):
        return False
    return any(fnmatchcase(text, pattern) for pattern in ("*[Rr]unning*", "*RUNNING*", "*OK*"))


def raexechb(text: str) -> bool:
    """cluster-glue 1.0.12 raexechb.c: lower case, what means stopped first; "OK" in the text as it is."""
    lower = text.lower()
    if fnmatchcase(lower, "*stopped*") or fnmatchcase(lower, "*not*running*"):
        return False
    return fnmatchcase(lower, "*running*") or fnmatchcase(text, "*OK*")


def rule_of_the_house(text: str) -> bool:
    """One line with "running", or not a line with "unning" or "OK"."""
    lines = text.splitlines()
    assert sum("unning" in line for line in lines) <= 1
    assert not re.search("OK", text)
    return any("running" in line for line in lines)


JUDGES = (resource_manager, raexechb, rule_of_the_house)


def sentences() -> Iterator[str]:
    """Every text in the modules that may speak, with something nasty for what is filled in."""
    for name in SPEAKERS:
        for node in ast.walk(ast.parse((LIBRARY / name).read_text())):
            if isinstance(node, ast.JoinedStr):
                for nasty in ("not OK", "Running", "stopped"):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else nasty for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("\n", " ")


def told(health: Health, statuses: list[Status]) -> str:
    return "\n".join(lsb_status._lines("lvs-director", health, statuses))


def status(health: Health, notes: list[str], **more: Any) -> Status:
    return Status(Target("director", "not-running", ""), health, notes=notes, missing=notes[:3], **more)


@pytest.mark.parametrize("health", Health)
@pytest.mark.parametrize("degraded", [False, True])
def test_text_and_code_agree_for_every_reader(health: Health, degraded: bool) -> None:
    code = lsb_status._CODES[health]
    everything = [*HOSTILE, *sentences()]
    assert len(everything) > 300
    for notes in ([], everything, *([line] for line in everything)):
        for number in (1, 2):
            text = told(health, [status(health, notes, degraded=degraded, daemons=notes[:2])] * number)
            for judge in JUDGES:
                assert judge(text) == (code == 0), f"{judge.__name__}: {code}\n{text}"


def test_the_codes() -> None:
    codes = {health.value: code for health, code in lsb_status._CODES.items()}
    assert codes == {"running": 0, "partial": 1, "holding": 0, "locked": 2, "standby": 3, "stopped": 3}


def test_a_standby_says_what_it_is() -> None:
    text = told(Health.STANDBY, [status(Health.STANDBY, [])])
    assert text.splitlines()[0] == "lvs-director is stopped (standby: it has no VIP and is ready to take over)"
    text = told(Health.STANDBY, [status(Health.STANDBY, ["backup sync daemon is missing"], degraded=True)])
    assert text.startswith("lvs-director is stopped (standby: degraded, it has no VIP)\n")
    text = told(Health.STANDBY, [status(Health.STANDBY, [], degraded=True, wrong=["a VIP"])])
    assert text.startswith("lvs-director is stopped (standby: degraded, it has a VIP that it must not have)")
    assert not any(judge(text) for judge in JUDGES)


def test_a_standby_beside_what_was_never_started_is_no_half_director() -> None:
    assert lsb_status._overall([Health.STANDBY, Health.STOPPED]) is Health.STANDBY
    assert lsb_status._overall([Health.STANDBY, Health.RUNNING]) is Health.PARTIAL


def test_a_vip_that_a_stop_left_makes_heartbeat_reboot_the_node() -> None:
    """ResourceManager asks after the last stop that failed, and reboots where status says that it runs."""
    kept = status(Health.HOLDING, [])
    text = told(Health.HOLDING, [kept])
    assert text.startswith("lvs-director is running, and should have ended: a VIP could not be taken away")
    assert all(judge(text) for judge in JUDGES)
    for other in Health:
        assert lsb_status._overall([other, Health.HOLDING]) is Health.HOLDING


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, tuple[str, ...]]]:
    """Role, verb and names of what the engine is asked for."""
    found: list[tuple[str, str, tuple[str, ...]]] = []

    def carry_out(engine: Engine, verb: str) -> list[Outcome]:
        found.append((engine.role, verb, engine.names))
        return [Outcome(Target(engine.role, "web", ""), Result.DONE, stance=STANDBY if verb == "stand-by" else "")]

    monkeypatch.setattr(Engine, "carry_out", carry_out)
    return found


@pytest.mark.parametrize(
    ("role", "argv", "expected"),
    [
        ("director", ["start"], ("director", "activate", ())),
        ("director", ["web", "start"], ("director", "activate", ("web",))),
        ("director", ["web", "/etc/lvs/b.toml", "stop"], ("director", "stand-by", ("web", "/etc/lvs/b.toml"))),
        ("realserver", ["web", "start"], ("realserver", "start", ("web",))),
        ("realserver", ["stop"], ("realserver", "stop", ())),
    ],
)
def test_arguments_come_before_the_verb(
    asked: list[Any], role: str, argv: list[str], expected: tuple[str, str, tuple[str, ...]]
) -> None:
    assert heartbeat.main(role, "Usage", argv, {"HA_CURHOST": "lvs1"}) == 0
    assert asked == [expected]


@pytest.mark.parametrize("argv", [[], ["reload"], ["start", "web"], ["restart"], ["activate"], ["../web", "start"]])
def test_what_is_no_call_is_refused(asked: list[Any], capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert heartbeat.main("director", "Usage: lvs-director ...", argv, {}) == 2
    assert "Usage: lvs-director" in capsys.readouterr().err and asked == []


def test_a_stop_fails_for_what_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(error: LvsError | None) -> None:
        outcome = Outcome(Target("director", "web", ""), Result.FAILED if error else Result.NOTHING, error=error)
        monkeypatch.setattr(Engine, "carry_out", lambda engine, verb: [outcome])

    refusing(None)
    assert heartbeat.main("director", "", ["stop"], {}) == 0
    refusing(NotSettled("address 192.168.0.219/32 on eth0 cannot be taken away", ["eth0: is there"]))
    assert heartbeat.main("director", "", ["stop"], {}) == 1
    assert "cannot be taken away" in capsys.readouterr().err


def test_a_boot_script_knows_neither_of_the_manager_s_verbs() -> None:
    assert lsb.parse(["activate"]) == "unknown verb 'activate'"
    assert lsb.parse(["stand-by"]) == "unknown verb 'stand-by'"
    assert lsb.parse(["web", "start"], heartbeat.MEANT) == lsb.Call("start", ("web",), Options(), json=False)


def test_success_lines_name_the_stance(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "out", print)
    environment: Mapping[str, str] = {}
    heartbeat.main("director", "", ["web", "stop"], environment)
    assert capsys.readouterr().out == "lvs-director web is standby\n"
