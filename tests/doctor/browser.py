"""A page as a browser shows it: Chromium without a screen, as a process of its own with a profile of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from support.fixtures import REQUIRED

PROGRAM = "chromium"
_PATIENCE = 300  # seconds
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--no-first-run", "--window-size=1200,2000",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
#: Put at the end of the page: where everything is, what was fetched, what went wrong.
_MEASURE = """<script>
addEventListener("load", () => {
  const box = (part) => {
    const {left, top, right, bottom} = part.getBoundingClientRect();
    return {left, top, right, bottom, words: part.textContent.trim(), name: part.getAttribute("class") || ""};
  };
  const all = (name, within) => [...(within || document).querySelectorAll(name)];
  const seen = {
    drawings: all("svg").map((svg) => ({...box(svg), texts: all("text", svg).map(box), boxes: all("rect", svg).map(box),
                                        lines: all("line", svg).map(box)})),
    rows: all("tr").map(box),
    headings: all("h1, h2").map(box),
    width: document.documentElement.scrollWidth, window: innerWidth, errors: window.errors,
    fetched: performance.getEntriesByType("resource").map((entry) => entry.name),
  };
  const told = document.createElement("pre");
  told.id = "seen";
  told.textContent = JSON.stringify(seen);
  document.body.append(told);
});
</script></body>"""
_WATCH = """<head><script>
window.errors = [];
addEventListener("error", (event) => errors.push(String(event.message)), true);
</script>"""


@dataclass(frozen=True)
class Box:
    """Where a part is, in pixels from the page's upper left corner, what it says, and its class."""

    left: float
    top: float
    right: float
    bottom: float
    words: str
    name: str

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left and other.right <= self.right
            and self.top <= other.top and other.bottom <= self.bottom
        )  # fmt: skip

    def covers(self, other: Box) -> bool:
        """Whether they have more than an edge in common."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > 1
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 1
        )


@dataclass(frozen=True)
class Drawing:
    place: Box
    texts: list[Box]
    boxes: list[Box]
    lines: list[Box]


@dataclass(frozen=True)
class Shown:
    """A page in a window of ``window`` pixels. ``fetched``: addresses of whatever it asked for beside itself."""

    drawings: list[Drawing]
    rows: list[Box]
    headings: list[Box]
    width: float
    window: float
    errors: list[str]
    fetched: list[str]


def require() -> None:
    """Skip the test where there is no browser, unless there must be one."""
    if shutil.which(PROGRAM) is None and not os.environ.get(REQUIRED):
        pytest.skip(f"{PROGRAM} is not installed")


def show(page: str, directory: Path) -> Shown:
    """``directory``: for the page, and for all that the browser writes."""
    watched = page.replace("<head>", _WATCH, 1).replace("</body>", _MEASURE, 1)
    text = _run(watched, directory, "--dump-dom")
    seen = json.loads(unescape(text.partition('<pre id="seen">')[2].partition("</pre>")[0]))
    return Shown(
        **{
            **seen,
            "drawings": [_drawing(drawing) for drawing in seen["drawings"]],
            "rows": [Box(**each) for each in seen["rows"]],
            "headings": [Box(**each) for each in seen["headings"]],
        }
    )


def painted(page: str, directory: Path) -> int:
    """How many different bytes a picture of it has before it is packed (PNG, RFC 2083); few where it is empty."""
    picture = directory / "picture.png"
    _run(page, directory, f"--screenshot={picture}")
    data = picture.read_bytes()
    return len(set(zlib.decompress(b"".join(_pieces(data)))))


def _pieces(data: bytes) -> Iterator[bytes]:
    place = 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"IDAT":
            yield data[place + 8 : place + 8 + length]
        place += 12 + length


def _drawing(seen: dict[str, Any]) -> Drawing:
    parts = {name: [Box(**each) for each in seen.pop(name)] for name in ("texts", "boxes", "lines")}
    return Drawing(Box(**seen), **parts)


def _run(page: str, directory: Path, *options: str) -> str:
    file = directory / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [PROGRAM, *_OPTIONS, f"--user-data-dir={directory}/profile", *options, file.as_uri()]
    environment = {**os.environ, "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
    browser = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, complaints = browser.communicate(timeout=_PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)  # and what it started
    assert browser.returncode == 0, complaints
    return said
