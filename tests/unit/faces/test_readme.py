"""The README's tables of verbs, options and exit codes are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

from lvs_init.faces import codes, lsb, lvsctl

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    """The first cells of the table that begins with this line."""
    rows = README.partition(heading + "\n")[2].splitlines()[1:]
    cells = []
    for row in rows:
        if not row.startswith("|"):
            break
        cells += re.findall(r"`([^`]+)`", row.split("|")[1]) or [row.split("|")[1].strip()]
    return cells


def test_every_verb_is_there() -> None:
    assert sorted(first_column("| verb | what it does |")) == sorted(lsb._VERBS)


def test_every_option_is_there() -> None:
    assert sorted(first_column("| option | what it does |")) == sorted(lsb._FLAGS)


def test_every_exit_code_is_there() -> None:
    numbers = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}
    assert first_column("| code | start, stop, restart, reload | status |") == [str(n) for n in sorted(numbers)]


def test_every_command_of_lvsctl_is_there() -> None:
    shown = [line.split()[0] for line in lvsctl.parser().format_help().splitlines() if re.match(" {4}[a-z]", line)]
    assert sorted(first_column("| lvsctl | what it does |")) == sorted(shown)
