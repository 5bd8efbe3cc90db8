"""Fixtures of the lab, and what its sweeps report."""

from __future__ import annotations

import os
from typing import Callable

import pytest
from support.fixtures import bridge, keep_modules_together, node, place, places

__all__ = ["bridge", "node", "place", "places"]  # fixtures

CASES = "cases of a sweep"  # what a test noted about itself


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if parameters.get("role") == "realserver":  # which has no table
            item.add_marker("either_channel")
    keep_modules_together(items, os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def count_cases(request: pytest.FixtureRequest) -> Callable[[str, dict[str, int]], None]:
    """Notes how many cases a sweep had, for the report at the end."""

    def note(what: str, cases: dict[str, int]) -> None:
        for verb, number in cases.items():
            request.node.user_properties.append((CASES, f"{what}, {verb}: {number}"))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the number of cases of every sweep; workers send them with their reports."""
    lines = [
        str(text)
        for report in terminalreporter.getreports("passed")
        for name, text in getattr(report, "user_properties", ())
        if name == CASES and report.when == "call"
    ]
    if lines:
        terminalreporter.section("cases of sweeps")
        terminalreporter.write("".join(f"{line}\n" for line in lines))
        terminalreporter.line(f"{sum(int(line.rpartition(' ')[2]) for line in lines)} cases in all")
