"""The mutex, between real processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from lvs_init.errors import Busy, SystemFailure, UnsafeFile
from lvs_init.system.mutex import Mutex

ROOT = Path(__file__).resolve().parents[3]

# Each says "ready" when it has begun, then waits until its stdin ends.
HOLDER = "mutex.acquire(5); say(); sys.stdin.read(); mutex.release()"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); mutex.acquire(5); say(); sys.stdin.read()"
WAITER = "mutex.acquire(60, on_wait=lambda pid: say()); say()"
BYSTANDER = "file = open(mutex.path); say(); sys.stdin.read()"
# The command's own descriptors are not ours, so it tells by a file that it runs.
RUNS_A_COMMAND = "mutex.acquire(5); say(); Runner(keep_open=[mutex.fd]).run(Command((sys.argv[3],), '', 60))"


class Process:
    """A Python process with a mutex of its own on the directory."""

    def __init__(self, directory: Path, text: str, *arguments: str) -> None:
        program = (
            "import collections, os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
            "from lvs_init.system.mutex import Mutex\n"
            "from lvs_init.system.runner import Runner\n"
            "Command = collections.namedtuple('Command', 'argv stdin timeout')\n"
            "def say(): os.write(1, b'ready\\n')\n"
            f"mutex = Mutex(sys.argv[2])\n{text}\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(ROOT), str(directory), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.await_ready()

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_ready(self) -> None:
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], 10)[0], "it says nothing"
        assert os.read(self.process.stdout.fileno(), 6) == b"ready\n"

    def end(self) -> int:
        """Let it finish; its exit code."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(10)


Start = Callable[..., Process]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "lvs"


@pytest.fixture
def start(directory: Path) -> Iterator[Start]:
    started: list[Process] = []

    def begin(text: str, *arguments: str) -> Process:
        started.append(Process(directory, text, *arguments))
        return started[-1]

    yield begin
    for process in started:
        with process.process:
            process.process.kill()


def test_one_at_a_time(directory: Path, start: Start) -> None:
    holder = start(HOLDER)
    waited: list[int] = []
    mutex = Mutex(str(directory))
    with pytest.raises(Busy, match=f"process {holder.pid} is still at work") as caught:
        mutex.acquire(0.2, on_wait=waited.append)
    assert caught.value.holder == holder.pid
    assert waited == [holder.pid]
    assert mutex.holder() == holder.pid
    holder.end()
    mutex.acquire(0)
    assert mutex.holder() == os.getpid()
    mutex.release()
    assert mutex.holder() == 0


def test_who_waits_gets_it_when_it_is_free(directory: Path, start: Start) -> None:
    with Mutex(str(directory)):
        waiter = start(WAITER)
    waiter.await_ready()


def test_a_holder_that_is_killed_leaves_nothing_locked(directory: Path, start: Start) -> None:
    holder = start(HOLDER)
    holder.process.kill()
    holder.process.wait(10)
    Mutex(str(directory)).acquire(0)


def test_acquire_and_release_twice_are_fine(directory: Path) -> None:
    mutex = Mutex(str(directory))
    mutex.acquire()
    mutex.acquire(0)
    assert os.path.samestat(os.fstat(mutex.fd), os.stat(mutex.path))
    mutex.release()
    mutex.release()
    with pytest.raises(ValueError, match="not held"):
        _ = mutex.fd


def test_waiting_can_be_given_up(directory: Path, start: Start) -> None:
    start(HOLDER)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Mutex(str(directory)).acquire(60, check=interrupted)


def test_a_command_keeps_it_for_its_killed_caller(directory: Path, tmp_path: Path, start: Start) -> None:
    os.mkfifo(tmp_path / "runs")
    (tmp_path / "program").write_text(f"#!/bin/sh\necho $$ >{tmp_path}/runs\nexec sleep 60\n")
    (tmp_path / "program").chmod(0o755)
    caller = start(RUNS_A_COMMAND, str(tmp_path / "program"))
    command = int((tmp_path / "runs").read_text())
    caller.process.kill()
    caller.process.wait(10)
    mutex = Mutex(str(directory))
    with pytest.raises(Busy, match="another process") as caught:
        mutex.acquire(0.1)
    assert caught.value.holder == 0
    started = time.monotonic()
    mutex.terminate_holder()
    assert time.monotonic() - started < 5
    assert mutex.holder() == os.getpid()
    # It is a zombie for as long as init does not collect it.
    with contextlib.suppress(FileNotFoundError):
        assert Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_releasing_does_not_wait_for_a_command_that_stayed(directory: Path, tmp_path: Path, start: Start) -> None:
    os.mkfifo(tmp_path / "runs")
    (tmp_path / "program").write_text(f"#!/bin/sh\nsleep 60 & echo $! >{tmp_path}/runs\n")
    (tmp_path / "program").chmod(0o755)
    caller = start(RUNS_A_COMMAND + "; mutex.release(); say()", str(tmp_path / "program"))
    stayed = int((tmp_path / "runs").read_text())
    caller.await_ready()
    try:
        Mutex(str(directory)).acquire(0)
    finally:
        os.kill(stayed, signal.SIGKILL)


def test_stop_ends_a_holder_and_spares_who_only_looks(directory: Path, start: Start) -> None:
    holder, bystander = start(HOLDER), start(BYSTANDER)
    Path(directory, "mutex").write_text("damaged")
    mutex = Mutex(str(directory))
    mutex.terminate_holder()
    assert holder.process.wait(10) == -signal.SIGTERM
    assert bystander.end() == 0


def test_stop_tells_also_who_gets_it_next(directory: Path, start: Start) -> None:
    start(HOLDER)
    for _ in range(2):
        start(WAITER + "; sys.stdin.read()")
    started = time.monotonic()
    Mutex(str(directory)).terminate_holder()
    assert time.monotonic() - started < 5


def test_stop_kills_a_holder_that_does_not_listen(directory: Path, start: Start) -> None:
    holder = start(STUBBORN)
    mutex = Mutex(str(directory))
    mutex.terminate_holder(grace=0.1)
    assert holder.process.wait(10) == -signal.SIGKILL
    assert mutex.holder() == os.getpid()


def test_a_recycled_process_id_is_nobody(directory: Path, start: Start) -> None:
    holder = start(HOLDER)
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        Path(directory, "mutex").write_text(f"{innocent.pid} 1\n")
        mutex = Mutex(str(directory))
        assert mutex.holder() == 0
        mutex.terminate_holder()
        assert holder.process.wait(10) == -signal.SIGTERM
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("text", ["", "x", "12", "12 x y", "-1 1", "99999999999999999999 1"])
def test_what_the_file_says_is_not_trusted(directory: Path, text: str) -> None:
    mutex = Mutex(str(directory))
    mutex.acquire()
    Path(mutex.path).write_text(text)
    assert mutex.holder() == 0


def test_file_and_directory_are_private(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    with Mutex(str(directory)) as mutex:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(os.stat(mutex.path).st_mode) == 0o600
        assert not os.get_inheritable(mutex.fd)


def test_links_are_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFile):
        Mutex(str(directory)).acquire(0)
    directory.unlink()
    directory.mkdir()
    (directory / "mutex").symlink_to(tmp_path / "precious")
    with pytest.raises(SystemFailure, match="cannot lock"):
        Mutex(str(directory)).acquire(0)
    assert not (tmp_path / "precious").exists()


def test_a_directory_of_many_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o770)
    with pytest.raises(UnsafeFile, match="writable by its group"):
        Mutex(str(directory)).acquire(0)
