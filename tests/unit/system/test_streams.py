"""Streams that are closed, full or gone, in real processes: only the exit code may count."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from lvs_init.system import streams
streams.hold_standard_descriptors()
assert open("/dev/null").fileno() > 2
streams.out("lvs-director is running: caf\\u00e9")
streams.err("a note: caf\\u00e9")
streams.finish(int(sys.argv[2]))
"""


def run(
    code: int, *, closed: Sequence[int] = (), stdout: int | None = subprocess.PIPE, locale: str = "C"
) -> subprocess.CompletedProcess[bytes]:
    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), str(code)],
        stdout=stdout, stderr=subprocess.PIPE, preexec_fn=close,
        env={"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    )  # fmt: skip


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("code", [0, 3])
def test_lines_arrive_in_ascii(code: int, locale: str) -> None:
    done = run(code, locale=locale)
    assert (done.returncode, done.stdout, done.stderr) == (
        code,
        b"lvs-director is running: caf\\xe9\n",
        b"a note: caf\\xe9\n",
    )


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("code", [0, 3])
def test_closed_streams_do_not_count(code: int, closed: tuple[int, ...]) -> None:
    assert run(code, closed=closed).returncode == code


@pytest.mark.parametrize("code", [0, 3])
def test_a_full_disk_does_not_count(code: int) -> None:
    with open("/dev/full", "wb") as full:
        done = run(code, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (code, b"a note: caf\\xe9\n")


@pytest.mark.parametrize("code", [0, 3])
def test_a_pipe_that_nobody_reads_does_not_count(code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(code, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (code, b"a note: caf\\xe9\n")
