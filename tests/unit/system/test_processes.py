"""Processes of a name, in our network namespace alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvs_init.system import processes

NAME = "lvs-other"  # nobody else's, at most 15 characters


def wait_for(name: str, pid: int) -> None:
    """Between fork and exec the child still has our name."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def program(tmp_path: Path) -> str:
    return str(shutil.copy(shutil.which("sleep") or "", tmp_path / NAME))


@pytest.fixture
def other(program: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([program, "60"]) as process:
        wait_for(NAME, process.pid)
        yield process
        process.kill()


def test_who_is_there_is_named(other: subprocess.Popen[bytes]) -> None:
    (found,) = processes.named({NAME, "another"})
    assert (found.pid, found.name) == (other.pid, NAME)
    assert found.since.startswith(" since ")
    other.kill()
    other.wait()
    assert processes.named({NAME}) == []


def test_a_script_goes_by_its_own_name(tmp_path: Path) -> None:
    script = tmp_path / NAME
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\n")
    script.chmod(0o755)
    with subprocess.Popen([str(script)], stdin=subprocess.PIPE) as process:
        wait_for(NAME, process.pid)
        assert [found.pid for found in processes.named({NAME})] == [process.pid]
        process.kill()


def test_children_are_told_of_once(tmp_path: Path, program: str) -> None:
    script = tmp_path / "parent" / NAME
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport subprocess\nsubprocess.run([{program!r}, '60'])\n")
    script.chmod(0o755)
    with subprocess.Popen([str(script)], start_new_session=True) as process:
        deadline = time.monotonic() + 10
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (child := children.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        wait_for(NAME, int(child))
        assert [found.pid for found in processes.named({NAME})] == [process.pid]
        os.killpg(process.pid, 9)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network namespace")
def test_another_network_namespace_is_none_of_our_business(program: str) -> None:
    with subprocess.Popen(["unshare", "--net", program, "60"]) as process:
        wait_for(NAME, process.pid)
        assert processes.named({NAME}) == []
        process.kill()


def test_nobody_imports_psutil_where_nobody_is_there() -> None:
    code = "import sys; from lvs_init.system import processes; print(processes.named({'x'}), 'psutil' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[] False\n"
