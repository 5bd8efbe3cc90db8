"""docs/findings.md, made from the doctor's catalogue and the lab's faults: ``python3 -m manual.findings``."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from lvs_init.doctor.catalogue import CATALOGUE
from lvs_init.doctor.registry import DIRECTOR, NETWORK, REALSERVER, Entry
from lvs_init.lab.faults import FAULTS

DOCUMENT = Path(__file__).parents[1] / "docs" / "findings.md"
_WIDTH = 118
_WHERE = {DIRECTOR: "the director", REALSERVER: "a real server", NETWORK: "the network (`--probe`, `--listen`)"}
_INTRODUCTION = """\
# What doctor finds

`lvsctl doctor` knows these ways in which a Linux Virtual Server silently fails. `lvsctl doctor --explain CODE` prints
what is said of one here. This page is made by `python3 -m manual.findings`.

| Severity | What it means |
| --- | --- |
| broken | traffic fails now |
| will-break | it will when something ordinary happens: a reboot, a takeover, a real server's next word |
| risk | it may |
| note | worth knowing, and maybe meant so |

## All of them

**Injected**: a test brings it about on a real kernel, where it fails as told here; `lvsctl lab FILE --fault CODE` does
the same for you. **Detected**: in that test doctor names it on the machine where it is, and calls nothing else broken.
**Mended**: all works again after what doctor prints was run as it is printed, or, \"by hand\", where that is words, was
done by a person.
"""


def markdown() -> str:
    """The whole document."""
    lines = [
        _INTRODUCTION,
        "| Code | What is wrong | Injected | Detected | Mended |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += map(_row, CATALOGUE.values())
    for entry in CATALOGUE.values():
        lines += _section(entry)
    return "\n".join(lines) + "\n"


def _row(entry: Entry) -> str:
    faults = [fault for fault in FAULTS if fault.code == entry.code]
    injected = "yes" if faults else f"no: {entry.not_injected}"
    detected = f"no: {entry.not_seen}" if entry.not_seen else "yes" if faults else "on recorded machines"
    mended = ("by hand" if all(fault.by_hand for fault in faults) else "yes") if faults else ""
    return f"| [{entry.code}](#{entry.anchor}) | {entry.title} | {injected} | {detected} | {mended} |"


def _section(entry: Entry) -> Iterator[str]:
    yield from ("", f"## {entry.code} {entry.title}", "")
    methods = "every way of forwarding" if len(entry.methods) == 3 else " and ".join(entry.methods)
    yield from _paragraph(f"Seen on {' and '.join(_WHERE[each] for each in entry.where)}; harms {methods}.")
    for name, text in (("Symptom", entry.symptom), ("Cause", entry.cause), ("Cure", entry.cure)):
        yield ""
        yield from _paragraph(f"**{name}.** {text}")
    if entry.joined:
        yield ""
        yield from _paragraph("One machine does not show it: doctor has to be told of others (`--with`, `--ssh`).")
    if entry.not_seen:
        yield ""
        yield from _paragraph(f"doctor does not find it: {entry.not_seen}.")


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def main() -> int:
    os.umask(0o022)
    DOCUMENT.write_text(markdown(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
