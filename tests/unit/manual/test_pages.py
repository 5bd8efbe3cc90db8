"""The manual pages have what the code has, and every program that shows manual pages can show them."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lvs_init.config.schema import KEYS, TABLES
from lvs_init.faces import codes, lsb, lvsctl, ocf_codes, ocf_metadata
from manual.pages import DOCS, PAGES, Page, text_of

ROOT = DOCS.parent
INIT_SCRIPTS = [page for page in PAGES if page.name.startswith("lvs-")]
BY_NAME = {page.name: page for page in PAGES}


def section(page: Page, title: str, macro: str = "SH") -> str:
    """The roff text below a heading, up to the next one of its rank."""
    found = re.search(rf'^\.{macro} "{re.escape(title)}"\n(.*?)(?=^\.S[H{macro[1]}]|\Z)', text_of(page), re.M | re.S)
    assert found, f"{page.name} has no {title}"
    return found[1]


def terms(text: str) -> list[str]:
    """What a list of definitions defines, without fonts."""
    return [re.sub(r"\\f.", "", term).replace("\\-", "-") for term in re.findall(r"^\.TP\n(.*)$", text, re.M)]


@pytest.mark.parametrize("page", INIT_SCRIPTS, ids=lambda page: page.name)
def test_init_scripts_have_every_option_verb_and_code(page: Page) -> None:
    assert terms(section(page, "OPTIONS")) == list(lsb._FLAGS)
    assert terms(section(page, "VERBS")) == list(lsb._VERBS)
    numbers = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}
    assert terms(section(page, "EXIT STATUS")) == [str(number) for number in sorted(numbers)]


@pytest.mark.parametrize("page", INIT_SCRIPTS, ids=lambda page: page.name)
def test_usage_lines_have_every_verb(page: Page) -> None:
    usage = re.search(r'^USAGE = ".*\{(.*)\}"', (ROOT / "bin" / page.name).read_text(), re.M)
    assert usage
    assert usage[1].split("|") == list(lsb._VERBS)


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_agents_have_every_parameter_action_and_code(role: str) -> None:
    page = BY_NAME[f"ocf_lvs_{role}"]
    assert terms(section(page, "PARAMETERS")) == [each.name for each in ocf_metadata.PARAMETERS[role]]
    told = terms(section(page, "ACTIONS"))
    if role == "director":
        told += ["promote", "demote"]
        assert terms(section(page, "DESCRIPTION")) == ["start", "promote", "demote", "stop"]
    assert set(told) == {action.name for action in ocf_metadata.ACTIONS[role]}
    numbers = {value for name, value in vars(ocf_codes).items() if name.isupper() and isinstance(value, int)}
    assert terms(section(page, "EXIT STATUS")) == [str(number) for number in sorted(numbers)]


def commands(parser: argparse.ArgumentParser | None = None, above: str = "") -> dict[str, argparse.ArgumentParser]:
    """Every subcommand that has none of its own, by all its words."""
    found = {}
    for action in (parser or lvsctl.parser())._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                found.update(commands(command, f"{above}{name} ") or {above + name: command})
    return found


@pytest.mark.parametrize("name", commands())
def test_lvsctl_has_every_option_that_help_tells(name: str) -> None:
    said = commands()[name].format_help()
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", said.split("\n\n")[0] + said.partition("options:")[2]))
    told = set(re.findall(r"--[a-z-]+", " ".join(terms(section(BY_NAME["lvsctl"], name, "SS")))))
    assert options | {"--help"} == told


@pytest.mark.parametrize("table", KEYS)
def test_lvs_toml_has_every_key(table: str) -> None:
    heading = (TABLES[table].heading or "The file").replace("-", "\\-")
    assert terms(section(BY_NAME["lvs.toml"], heading, "SS")) == list(KEYS[table])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_is_shown_without_a_warning(tmp_path: Path, page: Page) -> None:
    file = tmp_path / f"{page.name}.{page.number}"
    file.write_text(text_of(page, "2026-11-22"), encoding="ascii")
    programs = [
        ["groff", "-man", "-Tutf8", "-ww", "-z", str(file)],
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(file)],
        ["mandoc", "-Tlint", "-W", "warning", str(file)],
    ]
    for program in programs:
        if shutil.which(program[0]) is None:
            pytest.skip(f"there is no {program[0]}")
        ended = subprocess.run(program, capture_output=True, text=True)
        said = ended.stderr + (ended.stdout if program[0] == "mandoc" else "")
        assert (ended.returncode, said) == (0, ""), program[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_apropos_finds_it(page: Page) -> None:
    assert f".SH NAME\n{page.name} \\- {page.summary}\n" in text_of(page).replace("lvs\\-", "lvs-")


@pytest.mark.parametrize("document", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    assert [each for each in targets if "://" not in each and not (document.parent / each).exists()] == []


def test_every_page_is_written_where_man_looks_for_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "manual", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, umask=0o077, check=True, env={"SOURCE_DATE_EPOCH": "1795368000"})
    written = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*.*")}
    agents = {f"man7/ocf_lvs_{role}.7" for role in ("director", "realserver")}
    scripts = {"man8/lvs-director.8", "man8/lvs-realserver.8", "man8/lvsctl.8"}
    assert set(written) == {"man5/lvs.toml.5", *agents, *scripts}
    assert {oct(path.stat().st_mode) for path in written.values()} == {"0o100644"}
    assert '"2026-11-22"' in written["man8/lvsctl.8"].read_text()
