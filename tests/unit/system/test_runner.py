"""The runner, with real processes and both generations of sh."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvs_init.errors import CommandFailed, NotInstalled, SystemFailure
from lvs_init.system import runner
from lvs_init.system.runner import Runner

ROOT = Path(__file__).resolve().parents[3]
DEBIAN_SH = Path("/usr/lib/python3/dist-packages/sh.py")


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    stdin: str = ""
    timeout: float = 30.0


@pytest.fixture(autouse=True, params=["installed", "debian"])
def sh(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the sh of this Python, and with the one that Debian 12 ships."""
    former, finders = sys.modules.pop("sh", None), list(sys.meta_path)
    if request.param == "debian":
        if not DEBIAN_SH.exists():
            pytest.skip("python3-sh is not installed")
        spec = importlib.util.spec_from_file_location("sh", DEBIAN_SH)
        assert spec and spec.loader
        sys.modules["sh"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["sh"])
        assert sys.modules["sh"].__version__.startswith("1.")
    else:
        importlib.import_module("sh")
    yield
    sys.meta_path[:] = finders
    del sys.modules["sh"]
    if former:
        sys.modules["sh"] = former


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def is_gone(pid: int) -> bool:
    """Ended: a zombie that its new parent has not collected yet counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 5
    while not is_gone(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def test_of_what_a_command_complains_the_beginning_is_read() -> None:
    flood = Command(("python3", "-c", "import sys; sys.stderr.write('oh no ' * 4000000); sys.exit(3)"))
    done = Runner().run(flood)
    assert (done.code, len(done.stderr)) == (3, runner.STDERR_LIMIT)


def test_what_a_command_says_and_how_it_ends(tmp_path: Path) -> None:
    done = Runner().run(Command((script(tmp_path, 'echo "$1"; echo oops >&2; exit 3'), "a b *")))
    assert (done.code, done.stdout, done.stderr, done.timed_out) == (3, "a b *\n", "oops\n", False)
    assert done.argv[1] == "a b *"


def test_stdin_is_the_text_or_nothing() -> None:
    text = "line\n" * 200_000
    assert Runner().run(Command(("cat",), text)).stdout == text
    assert Runner().run(Command(("cat",))).stdout == ""


def test_bytes_that_are_no_text_do_not_fail(tmp_path: Path) -> None:
    assert Runner().run(Command((script(tmp_path, r"printf 'a\377b'"),))).stdout == "a\ufffdb"


def test_death_by_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert Runner().run(Command((script(tmp_path, "kill -HUP $$"),))).code == -signal.SIGHUP


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "PATH", str(tmp_path))
    with pytest.raises(NotInstalled) as caught:
        Runner().run(Command(("route", "-n")))
    assert "'route'" in caught.value.message
    assert caught.value.hint == "apt-get install net-tools"
    assert Runner().find("route") is None


def test_find_looks_in_our_own_path_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path(script(tmp_path, "")).rename(tmp_path / "ipvsadm-of-somebody")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Runner().find("ipvsadm-of-somebody") is None
    assert Runner().find("sh") in ("/usr/bin/sh", "/bin/sh")


def test_a_program_that_cannot_start_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("#!/nonexistent/interpreter\n")
    (tmp_path / "broken").chmod(0o755)
    with pytest.raises(SystemFailure, match=r"cannot be started.*No such file"):
        Runner().run(Command((str(tmp_path / "broken"),)))


def test_nothing_of_our_surroundings_reaches_the_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("OCF_ROOT", "/usr/lib/ocf")
    monkeypatch.chdir(tmp_path)
    former = os.umask(0)
    try:
        assert sorted(Runner().run(Command(("env",))).stdout.split()) == ["LC_ALL=C", f"PATH={runner.PATH}"]
        assert Runner().run(Command((script(tmp_path, "pwd; umask"),))).stdout.split() == ["/", "0022"]
    finally:
        os.umask(former)
    session = Runner().run(Command(("cat", "/proc/self/stat"))).stdout.rpartition(")")[2].split()[3]
    assert int(session) != os.getsid(0)


def test_only_the_descriptors_to_keep_reach_the_child(tmp_path: Path) -> None:
    kept, leaked = (os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in ("kept", "leaked"))
    os.set_inheritable(leaked, True)
    try:
        listed = Runner(keep_open=[kept]).run(Command(("ls", "-l", "/proc/self/fd"))).stdout
        assert str(tmp_path / "kept") in listed
        assert "leaked" not in listed
        assert "pipe:" not in listed
        assert not os.get_inheritable(kept)
    finally:
        os.close(kept)
        os.close(leaked)


@pytest.mark.parametrize("action", [signal.SIG_IGN, lambda number, frame: None])
def test_signals_are_the_childs_own(action: object) -> None:
    numbers = (signal.SIGALRM, signal.SIGTERM)
    former = [signal.signal(number, action) for number in numbers]  # type: ignore[arg-type]
    try:
        status = Runner().run(Command(("cat", "/proc/self/status"))).stdout
    finally:
        for number, action in zip(numbers, former):
            signal.signal(number, action)  # type: ignore[arg-type]
    masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
    # glibc keeps 32 and 33 to itself, and whoever was started by its posix_spawn (make is) ignores them.
    ours = ~(1 << 31 | 1 << 32)
    assert (int(masks["SigIgn"], 16) & ours, int(masks["SigBlk"], 16)) == (0, 0)


def test_a_time_limit_ends_the_grandchildren_too(tmp_path: Path) -> None:
    program = script(tmp_path, f"sleep 60 & echo $! >{tmp_path}/grandchild; echo said; trap '' TERM ALRM; sleep 60")
    former = [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGALRM, signal.SIGTERM)]
    try:
        started = time.monotonic()
        done = Runner().run(Command((program,), timeout=0.5))
    finally:
        for number, action in zip((signal.SIGALRM, signal.SIGTERM), former):
            signal.signal(number, action)
    assert time.monotonic() - started < 30
    assert (done.timed_out, done.code, done.stdout) == (True, -signal.SIGKILL, "said\n")
    await_end(int((tmp_path / "grandchild").read_text()))


def test_a_grandchild_that_stays_is_not_waited_for(tmp_path: Path) -> None:
    program = script(tmp_path, f"sleep 60 & echo $! >{tmp_path}/grandchild; echo said")
    started = time.monotonic()
    done = Runner().run(Command((program,)))
    grandchild = int((tmp_path / "grandchild").read_text())
    assert not is_gone(grandchild)
    os.kill(grandchild, signal.SIGKILL)
    assert (done.code, done.stdout) == (0, "said\n")
    assert time.monotonic() - started < 30


def test_endless_output_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "OUTPUT_LIMIT", 1 << 20)
    with pytest.raises(CommandFailed) as caught:
        Runner().check(Command(("yes",)))
    assert caught.value.code == -signal.SIGXFSZ
    assert caught.value.hint == "it wrote more than 1 MiB"
    assert len(Runner().run(Command(("yes",))).stdout) == 1 << 20


def test_our_own_signal_handler_does_not_disturb_a_command(tmp_path: Path) -> None:
    came = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        done = Runner().run(Command((script(tmp_path, f"kill -TERM {os.getpid()}; sleep 0.1; echo done"),)))
    finally:
        signal.signal(signal.SIGTERM, former)
    assert (came, done.code, done.stdout) == ([signal.SIGTERM], 0, "done\n")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    def descriptors() -> list[str]:
        return sorted(os.listdir("/proc/self/fd"))

    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if "pid" in thread.name]

    def children() -> str:
        return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()

    Runner().run(Command(("true",)))
    before = descriptors(), children()
    Runner().run(Command((script(tmp_path, "exit 1"),)))
    Runner().run(Command(("sleep", "60"), timeout=0.05))
    assert (descriptors(), children()) == before
    assert threads() == []


def test_check_tells_a_failure_with_its_facts(tmp_path: Path) -> None:
    assert Runner().check(Command(("true",))).code == 0
    with pytest.raises(CommandFailed, match="failed with exit code 2: no such service"):
        Runner().check(Command((script(tmp_path, "echo no such service >&2; exit 2"),)))
    with pytest.raises(CommandFailed, match=r"'sleep 60' was killed after 0\.05 s"):
        Runner().check(Command(("sleep", "60"), timeout=0.05))


def test_the_log_gets_a_line_a_command() -> None:
    lines: list[str] = []
    Runner(log=lines.append).run(Command(("true", "-x")))
    assert len(lines) == 1
    assert lines[0].startswith("true -x: exit 0, ")


RUN_CAT = (
    "import collections, sys; sys.path.insert(0, sys.argv[1])\n"
    "from lvs_init.system.runner import Runner\n"
    "command = collections.namedtuple('Command', 'argv stdin timeout')(('cat',), 'text', 9)\n"
    "sys.exit(0 if Runner().run(command).stdout == 'text' else 7)"
)


def test_closed_standard_descriptors_do_not_mix_up_the_childs() -> None:
    child = subprocess.run([sys.executable, "-c", RUN_CAT, str(ROOT)], preexec_fn=lambda: os.closerange(0, 3))
    assert child.returncode == 0


@pytest.mark.parametrize("name", ["SH_TESTS_RUNNING", "SH_TESTS_USE_SELECT"])
def test_switches_of_sh_in_the_environment_do_nothing(name: str) -> None:
    child = subprocess.run([sys.executable, "-c", RUN_CAT, str(ROOT)], env={**os.environ, name: "yes"})
    assert child.returncode == 0


def test_sh_is_imported_by_the_first_command_only() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lvs_init.system.runner; sys.exit('sh' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(ROOT)]).returncode == 0


def test_a_kernel_that_cannot_tell_of_a_childs_end_is_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert Runner().run(Command(("sh", "-c", "echo done; exit 3"))).code == 3
    assert Runner().run(Command(("sleep", "60"), timeout=0.1)).timed_out
