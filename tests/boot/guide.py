"""The commands of docs/operations.md, as a reader would copy them."""

from __future__ import annotations

import re
import textwrap

from guest import Guest
from machine import ROOT

CONFIGURATION = ROOT / "examples/vs-nat.toml"


def commands(heading: str, first_words: str) -> str:
    """The block of commands below a heading that begins with these words."""
    return _block("sh", heading, first_words)


def passage(heading: str, first_words: str) -> str:
    """The same of something else than commands."""
    return _block("", heading, first_words)


def _block(language: str, heading: str, first_words: str) -> str:
    text = (ROOT / "docs/operations.md").read_text(encoding="ascii")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    fenced = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    blocks = (textwrap.dedent(text) for what, text in fenced if what == language)
    (block,) = (block for block in blocks if block.startswith(first_words))
    return block


def install(guest: Guest) -> None:
    """Put our package and a configuration there, as "Install on Debian" says."""
    guest.write("/root/lvs.toml", CONFIGURATION.read_text())
    said = guest.run("cp /outside/package/*.deb .\n" + commands("Install on Debian", "apt install"))
    assert "lvs.toml is sound" in said
