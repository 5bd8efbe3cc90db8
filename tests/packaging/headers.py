"""What those who read an init script's comments make of it: chkconfig, and every scanner that reads the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

END = "### END INIT INFO"
#: Words that some scanner takes for a header wherever a comment begins with them: chkconfig most of the first two rows,
#: case as written, at any indentation; systemd pidfile and description in any case; Red Hat's tools the others.
TAGS = (
    "chkconfig:", "description", "provides:", "short-description:", "default-start:", "default-stop:",
    "required-start:", "required-stop:", "should-start:", "should-stop:", "x-start-before:", "x-start-after:",
    "x-stop-after:", "x-interactive:", "processname:", "config:", "pidfile:", "probe:",
)  # fmt: skip


class NotSupported(Exception):
    """chkconfig would say: service does not support chkconfig."""


@dataclass(frozen=True)
class Service:
    """What chkconfig has read. ``levels``: where --add turns it on; None where nothing was said."""

    levels: frozenset[int] | None = None
    start: int | None = None
    stop: int | None = None
    description: str = ""
    lsb: bool = False


def chkconfig(script: str, override: str = "") -> Service:
    """A service as chkconfig 1.33 sees it, with its file in /etc/chkconfig.d. Raises NotSupported."""
    service = _parse(script)
    if override:
        said = {name: value for name, value in vars(_parse(override)).items() if value not in (None, "", False)}
        service = replace(service, **said)
    if service.levels is None or not (service.lsb or service.start is not None):
        raise NotSupported("neither levels nor priorities")
    return service


def _parse(text: str) -> Service:
    service = Service()
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        comment = line.lstrip()
        if not comment.startswith("#"):
            continue
        if comment.startswith("### BEGIN INIT INFO"):
            service = replace(service, lsb=True)
        keyword, _, rest = comment[1:].lstrip().partition(":")
        if keyword == "chkconfig":
            service = _priorities(service, rest)
        elif keyword == "Default-Start":
            service = replace(service, levels=(service.levels or frozenset()) | _levels(rest))
        elif keyword == "Default-Stop":
            service = replace(service, levels=(service.levels or frozenset()) - _levels(rest))
        elif keyword == "description" and not service.description:
            service = replace(service, description=_continued(rest, lines[number + 1 :]))
    return service


def _priorities(service: Service, rest: str) -> Service:
    match = re.match(r"\s*(-|[0-6]{1,7})\s+(\d{1,2})\s+(\d{1,2})\s", rest)
    if match is None:
        raise NotSupported(rest)
    if service.start is not None:
        return service
    levels = service.levels if service.levels is not None else _levels(match[1])
    return replace(service, levels=levels, start=int(match[2]), stop=int(match[3]))


def _levels(text: str) -> frozenset[int]:
    return frozenset(int(digit) for digit in text if digit.isdigit())


def _continued(text: str, following: list[str]) -> str:
    text = text.strip()
    for line in following:
        if not text.endswith("\\"):
            break
        text = text[:-1].rstrip() + " " + line.strip().lstrip("#").strip()
    return text


def block(script: str) -> dict[str, str]:
    """The INIT INFO block as insserv and update-rc.d see it: keyword -> arguments."""
    inside = script.partition("### BEGIN INIT INFO\n")[2].partition(END + "\n")[0]
    found = re.findall(r"^# ([A-Za-z-]+):[ \t]*(.*(?:\n#(?:\t|  ).*)*)", inside, re.MULTILINE)
    return {keyword: re.sub(r"\n#\s*", " ", text) for keyword, text in found}


def stray_tags(script: str) -> Iterator[tuple[int, str]]:
    """(line, comment) of everything below the header that a scanner would take for a part of it."""
    lines = script.splitlines()
    below = lines.index(END) + 1
    for number, line in enumerate(lines[below:], below + 1):
        comment = line.strip()
        if comment.startswith("#") and comment[1:].lstrip(" #\t").lower().startswith(TAGS):
            yield number, comment
