"""Blocks as a manual page, in the macros of man(7) that groff and mandoc both know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from manual.markdown import Block, Code, Definition, Heading, Item, Mark, Paragraph

#: groff_char(7): characters that roff would take for its own, or that a terminal would show as typographic ones.
_CHARACTERS = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
#: `code`, **strong**, *weak* or [text](target), the first of them that begins.
_MARKED = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\*([^*\s][^*]*)\*|\[([^]]+)\]\(([^)\s]+)\)")
_PAGE = re.compile(r"[a-z][a-z.-]*\([1-8]\)")


def roff(parts: Iterable[Block], name: str, number: int, summary: str, version: str, date: str) -> str:
    """A whole page. ``date`` may be empty. What comes before the first ``##`` heading is its description."""
    lines = [
        f'.TH {_quoted(name.upper())} {number} "{date}" {_quoted(f"lvs-init {version}")}',
        ".nh",  # names of settings and files stay in one piece
        ".SH NAME",
        f"{_escaped(name)} \\- {_escaped(summary)}",
    ]
    introduced = False
    for block in parts:
        if isinstance(block, Heading) and block.level == 1:
            continue
        if not introduced and not isinstance(block, Heading):
            lines.append(".SH DESCRIPTION")
        introduced = True
        lines += _block(block)
    return "\n".join(_tidy(lines)) + "\n"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        plain = re.sub(r"[`*]", "", block.text)
        yield f".SH {_quoted(plain.upper())}" if block.level == 2 else f".SS {_quoted(plain)}"
    elif isinstance(block, Paragraph):
        yield from (".PP", _line(block.text))
    elif isinstance(block, Code):
        yield from (".PP", ".RS 4", ".nf", *(_safe(_escaped(line)) or "\\&" for line in block.lines), ".fi", ".RE")
    elif isinstance(block, Item):
        yield from (".IP \\(bu 2" if block.bullet == "-" else f".IP {block.bullet} 4", _line(block.text))
    elif isinstance(block, Definition):
        yield from (".TP", _line(block.term), _line(block.says[0] if block.says else ""))
        for text in block.says[1:]:
            yield from (".br", _line(text))
    elif isinstance(block, Mark):
        raise ValueError(f"nobody knows what belongs at <!-- {block.text} -->")


def _tidy(lines: list[str]) -> Iterator[str]:
    """Without the .PP that a heading brings with it already, and without empty lines."""
    previous = ""
    for line in lines:
        if line and not (line == ".PP" and previous.startswith((".SH", ".SS"))):
            yield line
            previous = line


def _line(text: str) -> str:
    return _safe(inline(text))


def inline(text: str) -> str:
    """Running text: code and strong text bold, weak text and links italic, as man-pages(7) has it."""
    done, rest = "", text
    while marked := _MARKED.search(rest):
        done += _escaped(rest[: marked.start()])
        code, strong, weak, label, target = marked.groups()
        if code or strong:
            done += f"\\fB{_escaped(code) if code else inline(strong)}\\fR"
        elif weak:
            done += f"\\fI{_escaped(weak)}\\fR"
        else:
            shown = label.strip("`")
            done += f"\\fB{_escaped(shown)}\\fR" if _PAGE.fullmatch(shown) else inline(label)
            done += f" ({_escaped(target)})" if target.startswith("http") else ""
        rest = rest[marked.end() :]
    return done + _escaped(rest)


def _escaped(text: str) -> str:
    return "".join(_CHARACTERS.get(character, character) for character in text)


def _safe(line: str) -> str:
    """A line that does not begin like a request."""
    return "\\&" + line if line.startswith((".", "\\(aq")) else line


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'
