"""The command lines of drain, undrain and weight, and the words for what became of them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from lvs_init.engine.hand import Heard, Said
from lvs_init.engine.keeper import Keeper
from lvs_init.engine.request import DIRECTOR, Outcome, Result, Target
from lvs_init.errors import SystemFailure
from lvs_init.faces import hand_display, lvsctl
from lvs_init.model.ipvs import RealServer, RealServerKey, ServiceKey
from lvs_init.system import identity, syslog

SERVICE = ServiceKey("tcp", "10.0.0.1", 80)
KEY = RealServerKey(SERVICE, "10.0.0.11", 80)


def parsed(*words: str) -> Any:
    return lvsctl.parser().parse_args(words)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.11", ("10.0.0.11", None)),
        ("10.0.0.11:80", ("10.0.0.11", 80)),
        ("10.0.0.11:0", ("10.0.0.11", 0)),
        ("FD00:0::11", ("fd00::11", None)),
        ("[fd00::11]", ("fd00::11", None)),
        ("[fd00::11]:8080", ("fd00::11", 8080)),
    ],
)
def test_real_servers(text: str, server: tuple[str, int | None]) -> None:
    assert parsed("drain", text).server == server


@pytest.mark.parametrize(
    "words",
    [
        ("drain",),
        ("drain", "web1"),
        ("drain", "10.0.0.11:"),
        ("drain", "10.0.0.11:http"),
        ("drain", "10.0.0.11:65536"),
        ("drain", "[fd00::11]80"),
        ("drain", "10.0.0.11", "--timeout", "-1"),
        ("drain", "10.0.0.11", "--timeout", "1h"),
        ("drain", "10.0.0.11", "--over", "5"),
        ("weight", "10.0.0.11"),
        ("weight", "10.0.0.11", "65536"),
        ("weight", "10.0.0.11", "\u0665"),
        ("undrain", "10.0.0.11", "--timeout", "5"),
        ("undrain", "10.0.0.11", "web", "mail"),
    ],
)
def test_what_is_refused(words: tuple[str, ...]) -> None:
    assert lvsctl.main(words, {}) == lvsctl.USAGE


def test_options() -> None:
    weight = parsed("weight", "10.0.0.11", "5", "web", "--over", "60", "--wait", "--json")
    assert (weight.weight, weight.file, weight.over, weight.wait, weight.json) == (5, "web", 60, True, True)
    assert parsed("drain", "10.0.0.11").timeout is None


def test_the_keeper_is_nobodys_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["--help"], {}) == 0
    assert "keeper" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "started", "expected"),
    [
        (
            Said("drain", "10.0.0.11", None),
            False,
            [
                "10.0.0.11:80 in tcp 10.0.0.1:80: counts when web is started",
                "'lvsctl undrain 10.0.0.11' takes that back",
            ],
        ),
        (
            Said("drain", "10.0.0.11", 80, timeout=60),
            True,
            [
                "10.0.0.11:80 in tcp 10.0.0.1:80: not in the table",
                "after 60 s it leaves the table; 'lvsctl undrain 10.0.0.11:80' takes that back",
            ],
        ),
        (Said("undrain", "10.0.0.11", None), True, ["10.0.0.11:80 in tcp 10.0.0.1:80: not in the table"]),
    ],
)
def test_what_is_told(said: Said, started: bool, expected: list[str]) -> None:
    heard = Heard(Outcome(Target(DIRECTOR, "web", ""), Result.DONE), {KEY: RealServer()}, started)
    assert list(hand_display.lines(said, [heard])) == expected


def test_a_bug_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper has no stderr that anybody reads."""
    logged: list[str] = []
    monkeypatch.setattr(syslog, "log", lambda name, level, text: logged.append(text))
    monkeypatch.setattr(lvsctl, "parser", lambda: 1 // 0)
    assert lvsctl.main(["keeper"], {}) == 1
    assert ["ZeroDivisionError" in text for text in logged] == [True]


def test_what_the_keeper_dies_of_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(keeper: Keeper) -> None:
        raise SystemFailure("cannot lock it")

    logged: list[str] = []
    monkeypatch.setattr(syslog, "log", lambda name, level, text: logged.append(text))
    monkeypatch.setattr(identity, "is_root", lambda: True)
    monkeypatch.setattr(os, "chdir", lambda path: None)
    monkeypatch.setattr(Keeper, "run", run)
    assert lvsctl.main(["keeper"], {}) == 1
    assert logged == ["cannot lock it"]
