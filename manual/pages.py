"""Which pages there are, and what goes into each: a document of docs/ and the tables of the code."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lvs_init
from lvs_init.config import reference
from lvs_init.config.key import Key
from lvs_init.config.schema import TABLES
from lvs_init.faces import lvsctl
from manual.markdown import Block, Definition, Heading, Mark, Paragraph, blocks
from manual.roff import roff

DOCS = Path(__file__).parents[1] / "docs"
#: Where the subcommands belong in lvsctl's document.
SUBCOMMANDS = "the subcommands of lvsctl"
#: A paragraph that is one link to a neighbour stands for the neighbour's text.
_NEIGHBOUR = re.compile(r"\[[^]]+\]\(([a-z.-]+\.md)\)")


@dataclass(frozen=True)
class Page:
    """``document``: its source below docs/."""

    name: str
    number: int
    summary: str
    document: str

    @property
    def file(self) -> str:
        """Where it lies below a directory of manual pages."""
        return f"man{self.number}/{self.name}.{self.number}"


PAGES = (
    Page("lvs-director", 8, "sets up this host as a Linux Virtual Server director", "man/lvs-director.md"),
    Page("lvs-realserver", 8, "sets up this host as a Linux Virtual Server real server", "man/lvs-realserver.md"),
    Page("lvsctl", 8, "looks after a Linux Virtual Server", "man/lvsctl.md"),
    Page("ocf_lvs_director", 7, "resource agent of a Linux Virtual Server director", "man/ocf_lvs_director.md"),
    Page("ocf_lvs_realserver", 7, "resource agent of a Linux Virtual Server real server", "man/ocf_lvs_realserver.md"),
    Page("lvs.toml", 5, "describes a Linux Virtual Server cluster", "configuration.md"),
)


def text_of(page: Page, date: str = "") -> str:
    """The page. ``date``: when it was made, as it is to be shown."""
    parts = _assembled(DOCS / page.document)
    return roff(parts, page.name, page.number, page.summary, lvs_init.__version__, date)


def _assembled(document: Path) -> Iterator[Block]:
    made = False
    for block in blocks(document.read_text(encoding="ascii")):
        if isinstance(block, Mark) and f"<!-- {block.text} -->" == reference.BEGIN:
            made = True  # what follows is the same as Markdown, in tables that no terminal is wide enough for
            yield from keys()
        elif isinstance(block, Mark) and f"<!-- {block.text} -->" == reference.END:
            made = False
        elif made:
            continue
        elif isinstance(block, Mark) and block.text == SUBCOMMANDS:
            yield from subcommands(lvsctl.parser())
        elif isinstance(block, Paragraph) and (link := _NEIGHBOUR.fullmatch(block.text)):
            yield from _assembled(document.with_name(link[1]))
        else:
            yield block


def keys() -> Iterator[Block]:
    """Every key of the configuration, from the schema that reads it."""
    for group in TABLES.values():
        yield Heading(3, group.heading or "The file")
        yield Paragraph(group.doc)
        yield from (_key(key) for key in group.keys)


def _key(key: Key) -> Definition:
    told = dict(zip(reference.COLUMNS, reference.cells(key)))
    facts = [
        f"{column}: {told[column]}." for column in ("Type", "Values", "Unit", "Default", "Read by") if told[column]
    ]
    return Definition(told["Key"], (told["Meaning"], " ".join(facts), f"Example: `{key.name} = {key.example}`"))


def subcommands(parser: argparse.ArgumentParser, above: str = "") -> Iterator[Block]:
    """What ``lvsctl COMMAND --help`` says, for each of them."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                if any(isinstance(each, argparse._SubParsersAction) for each in command._actions):
                    yield from subcommands(command, f"{name} ")
                    continue
                usage = " ".join(command.format_usage().split()[1:])
                yield Heading(3, above + name)
                yield Paragraph(f"`{usage}`")
                yield from (Paragraph(text) for text in (command.description,) if text)
                yield from (_argument(each) for each in command._actions)
                yield from (Paragraph(text) for text in (command.epilog,) if text)


def _argument(action: argparse.Action) -> Definition:
    value = "|".join(action.choices) if action.choices else action.metavar
    names = ", ".join(f"**{name}**" for name in action.option_strings)
    term = f"{names} *{value}*" if names and value else names or f"*{value}*"
    return Definition(term, (action.help or "",))
