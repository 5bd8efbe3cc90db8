"""A detached process has nothing of its caller's, whatever that is like."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lvs_init.errors import SystemFailure
from lvs_init.system.detach import detach

#: What it finds itself with.
LOOK = """
import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
found = {
    "parent": int(status["PPid"]), "leads": os.getsid(0) == os.getpid() == os.getpgrp(),
    "ignored": int(status["SigIgn"], 16), "blocked": int(status["SigBlk"], 16), "environment": sorted(os.environ),
    "files": {number: os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")[:-1]},
}
with open(sys.argv[1] + ".new", "w") as file:
    json.dump(found, file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
#: The worst caller: signals ignored and blocked, a pipe that somebody waits to see closed.
CALLER = f"""
import os, signal, sys
from lvs_init.system.detach import detach
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.set_inheritable(os.dup2(1, 9), True)
detach([sys.executable, "-c", {LOOK!r}, sys.argv[1]], {{"ONLY": "this"}})
print("done")
"""


def awaited(path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_it_has_nothing_of_its_caller(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    told = subprocess.run(
        [sys.executable, "-c", CALLER, str(tmp_path / "found")],
        cwd=root, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert (told.returncode, told.stdout, told.stderr) == (0, "done\n", "")
    found = awaited(tmp_path / "found")
    assert found["leads"]
    assert found["files"] == dict.fromkeys(("0", "1", "2"), "/dev/null")
    assert "ONLY" in found["environment"]
    assert not {"PATH", "HOME"} & set(found["environment"])
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
        assert not found["ignored"] >> number - 1 & 1
    assert found["blocked"] == 0


def test_its_parent_is_not_its_caller(tmp_path: Path) -> None:
    before = psutil.Process().children()
    detach([sys.executable, "-c", LOOK, str(tmp_path / "found")], {})
    assert awaited(tmp_path / "found")["parent"] != os.getpid()
    assert psutil.Process().children() == before


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(SystemFailure, match=r"cannot start /nowhere: No such file"):
        detach(["/nowhere"], {})


def test_no_process_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(SystemFailure, match="temporarily unavailable"):
        detach(("/bin/true",), {})
