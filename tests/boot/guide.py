"""The commands of docs/operations.md, as a reader would copy them."""

from __future__ import annotations

import re

from machine import ROOT


def commands(heading: str, first_words: str) -> str:
    """The block of commands below a heading that begins with these words."""
    text = (ROOT / "docs/operations.md").read_text(encoding="ascii")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = (block for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if block.startswith(first_words))
    return str(block)
