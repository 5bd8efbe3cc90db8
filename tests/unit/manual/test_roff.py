"""Markdown as man(7): what every mark becomes, and what is refused."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from manual.markdown import Code, Definition, Heading, Item, Mark, NotUnderstood, Paragraph, blocks
from manual.roff import inline, roff

DOCUMENT = """# Title

Text over
two lines.

## A heading

- first, which
  goes on
- second

```sh
.one

  two
```

| Option | What it does |
| --- | --- |
| `--full` | all |

| Code | start | status |
| --- | --- | --- |
| 3 | | a \\| b |

<!-- here -->
"""


def test_every_block_is_found() -> None:
    assert list(blocks(DOCUMENT)) == [
        Heading(1, "Title"),
        Paragraph("Text over two lines."),
        Heading(2, "A heading"),
        Item("-", "first, which goes on"),
        Item("-", "second"),
        Code((".one", "", "  two")),
        Definition("`--full`", ("all",)),
        Definition("3", ("status: a | b",)),
        Mark("here"),
    ]


@pytest.mark.parametrize(
    "text", ["> quoted", "* starred", "<b>html</b>", "![image](x.png)", "    code", "```\nopen", "| no | border |",
             "| a | b |\n| --- | --- |\n| c |"]
)  # fmt: skip
def test_what_the_pages_cannot_show_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        list(blocks(text))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain", "plain"),
        ("a `--flag` b", "a \\fB\\-\\-flag\\fR b"),
        ("**very `much`**", "\\fBvery \\fBmuch\\fR\\fR"),
        ("*less* 2 * 3", "\\fIless\\fR 2 * 3"),
        ("`a*b*` and `c`", "\\fBa*b*\\fR and \\fBc\\fR"),
        ("[lvsctl(8)](lvsctl.md)", "\\fBlvsctl(8)\\fR"),
        ("[text](other.md)", "text"),
        ("[site](https://example.org/)", "site (https://example.org/)"),
        ("it's \\ ~ ^", "it\\(aqs \\e \\(ti \\(ha"),
    ],
)
def test_running_text(text: str, made: str) -> None:
    assert inline(text) == made


def test_a_page_shows_its_text_as_it_was_written() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff")
    parts = [block for block in blocks(DOCUMENT) if not isinstance(block, Mark)]
    page = roff([*parts, Paragraph("'quoted' and .dotted\n")], "name", 8, "does", "1.0", "2026-11-22")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-c", "-P-bou"], input=page, capture_output=True, text=True)
    assert [line.strip() for line in shown.stdout.splitlines()[2:-2] if line.strip()] == [
        "NAME", "name - does", "DESCRIPTION", "Text over two lines.", "A HEADING", "o first, which goes on", "o second",
        ".one", "two", "--full all", "3      status: a | b", "'quoted' and .dotted",
    ]  # fmt: skip
    assert "    .one\n\n             two\n" in shown.stdout


def test_a_mark_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="nobody knows"):
        roff([Mark("what?")], "name", 8, "does", "1.0", "")
