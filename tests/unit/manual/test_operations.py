"""What docs/operations.md tells an administrator to type can be typed, and what it quotes is said."""

from __future__ import annotations

import re
import shlex

import pytest

from lvs_init.faces import codes, lsb, lvsctl
from lvs_init.faces.lsb_status import _CODES
from manual.markdown import Definition, blocks
from manual.pages import DOCS

ROOT = DOCS.parent
TEXT = (DOCS / "operations.md").read_text()
COMMAND = re.compile(r"(?:/usr/sbin/|service )?(lvs-director|lvs-realserver|lvsctl) (.+)")


def commands() -> list[str]:
    """Everything that begins like one of ours, in code blocks and in running text."""
    lines = [line.strip() for line in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in line.splitlines()]
    inline = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.S).replace("\n", " "))
    return [line for line in (*lines, *inline) if COMMAND.fullmatch(line)]


def test_there_are_commands() -> None:
    assert len(commands()) > 40


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_can_be_typed(line: str) -> None:
    found = COMMAND.fullmatch(line)
    assert found
    program, words = found[1], shlex.split(found[2], comments=True)
    if program == "lvsctl":
        lvsctl.parser().parse_args([*words, "FILE"] if words == ["lab"] else words)
    else:
        call = lsb.parse(words)
        assert isinstance(call, lsb.Call), call


def table(title: str) -> dict[str, tuple[str, ...]]:
    """The rows of the table below a heading."""
    below = TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    return {block.term: block.says for block in blocks(below) if isinstance(block, Definition)}


def test_every_exit_code_has_its_advice() -> None:
    told = {term for term in table("What start says") if term.isdigit()}
    values = {value for name, value in vars(codes).items() if name.isupper() and not name.startswith("STATUS_")}
    assert told == {str(value) for value in values if isinstance(value, int)}


def test_every_verdict_of_status_has_its_advice() -> None:
    told = {says[0] for says in table("How to read status").values()}
    assert {int(text.removeprefix("Code: ")) for text in told} == {*_CODES.values(), codes.STATUS_UNKNOWN}


def test_what_is_quoted_is_said() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "lvs_init").rglob("*.py")))
    phrases = [
        part.strip(" `")
        for term in (*table("What start says"), *table("How to read status"))
        for part in term.replace("warning:", "").replace("note:", "").split("...")
    ]
    plain = {part for part in phrases if part and not re.search(r"\d|is running", part)}
    assert len(plain) > 6
    assert {part for part in plain if part not in source} == set()
