"""A rehearsal on a terminal: finished steps stay, what goes on below them is drawn anew in its place."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from lvs_init.faces import lab_display
from lvs_init.faces.lab_display import Progress, doing
from lvs_init.lab.watching import Doing

HOSTS = [
    Doing("lb1", True, 412, 61.2, "lvs-director is running"),
    Doing("lb2", True, None, 0.0, ""),
    Doing("rs1", False, 204, 30.6, "lvs-realserver start ..."),
]


class Terminal(io.StringIO):
    """Stands in for standard output, with a screen as one sees it."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        screen: list[str] = [""]
        for piece in re.findall(r"\x1b\[\d*[A-Za-z]|\n|[^\x1b\n]+", self.getvalue()):
            if piece == "\n":
                screen.append("")
            elif piece.endswith("A") and piece[0] == "\x1b":
                screen = [*screen[: len(screen) - int(piece[2:-1]) - 1], ""]  # what comes next erases the rest
            elif piece[0] != "\x1b":
                screen[-1] += piece
        return screen


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """From here on; pytest puts its own output there between a fixture and its test."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((60, 24)))
    return terminal


def followed(monkeypatch: pytest.MonkeyPatch) -> tuple[Progress, Any]:
    """Someone who shows HOSTS, and the place that calls him while it waits."""
    monkeypatch.setattr(lab_display, "Watch", lambda _: SimpleNamespace(look=lambda: HOSTS))
    rehearsal: Any = SimpleNamespace(place=SimpleNamespace(meanwhile=None))
    progress = Progress()
    progress.follow(rehearsal)
    return progress, rehearsal.place


def test_each_host_has_a_line() -> None:
    assert list(doing(HOSTS)) == [
        "lb1  412 connections  61/s  lvs-director is running",
        "lb2  -                0/s",
        "rs1  204 requests     31/s  lvs-realserver start ...",
    ]


def test_what_goes_on_is_drawn_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    progress, place = followed(monkeypatch)
    progress.begin("start every node")
    assert terminal.lines() == ["  ..  start every node", ""]
    place.meanwhile()
    drawn = ["  ..  start every node", *(f"        {line}"[:59] for line in doing(HOSTS)), ""]
    assert terminal.lines() == drawn
    progress._due = 0.0
    place.meanwhile()
    assert terminal.lines() == drawn
    progress.end("all running", True)
    (step, rest) = terminal.lines()
    assert step.startswith("  ok  start every node") and step.endswith("all running") and not rest
    progress._due = 0.0
    place.meanwhile()
    assert terminal.lines() == [step, ""]  # nothing goes on
    progress.begin("ask")
    assert terminal.lines()[1:] == ["  ..  ask", *drawn[1:]]


def test_hosts_are_not_asked_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    progress, place = followed(monkeypatch)
    progress.begin("start every node")
    place.meanwhile()
    written = terminal.getvalue()
    progress._due = float("inf")
    place.meanwhile()
    assert terminal.getvalue() == written


def test_without_a_terminal_there_is_a_line_at_the_end_of_each_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, place = followed(monkeypatch)
    assert place.meanwhile is None
    progress.begin("start every node")
    assert capsys.readouterr().out == ""
    progress.end("all running", False)
    said = capsys.readouterr().out
    assert said.startswith("  FAIL")
    assert said.count("\n") == 1 and "\x1b" not in said
