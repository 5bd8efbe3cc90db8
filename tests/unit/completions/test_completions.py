"""What bash offers after a Tab: by the functions themselves, and on a terminal as a person meets it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvs_init.faces import lsb

ROOT = Path(__file__).parents[3]
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
ENVIRONMENT = {"PATH": f"{ROOT}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "HOME": "/nonexistent"}
PATIENCE = 30.0  # seconds


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with configurations, and completions that look for clusters in etc below it."""
    for name in ("a.toml", "b c.toml", "script.sh", "etc/web.toml", "etc/mail.toml", "etc/web.toml.dpkg-old"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("lvsctl", "lvs-director"):
        text = (ROOT / "completions" / name).read_text()
        assert "/etc/lvs/" in text
        (tmp_path / f".{name}").write_text(text.replace("/etc/lvs/", f"{tmp_path}/etc/"))
    return tmp_path


def offered(here: Path, *words: str) -> set[str]:
    """What bash's completion function of the first word gives for the last one."""
    script = """
        source ./.lvsctl; source ./.lvs-director
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        [[ $(complete -p "$1") =~ -F\\ ([^ ]+) ]] && "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    ended = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words], cwd=here, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return set(ended.stdout.split("\n")) - {""}


@pytest.mark.parametrize("script", ["lvs-director", "lvs-realserver"])
def test_init_scripts(here: Path, script: str) -> None:
    assert offered(here, script, "") == {*lsb._VERBS, "web", "mail"}
    assert offered(here, script, "-") == set(lsb._FLAGS)
    assert offered(here, script, "--strict", "web", "sta") == {"start", "status"}
    assert offered(here, script, "./") == {"./a.toml", "./b c.toml", "./etc"}
    assert offered(here, script, f"{here}/etc/w") == {f"{here}/etc/web.toml"}


def test_lvsctl(here: Path) -> None:
    commands = offered(here, "lvsctl", "")
    assert {"check", "lab"} <= commands
    assert offered(here, "lvsctl", "ch") == {"check"}
    assert offered(here, "lvsctl", "-") == {"--help", "--version"}
    assert offered(here, "lvsctl", "check", "") == {"a.toml", "b c.toml", "etc", "web", "mail"}
    assert offered(here, "lvsctl", "lab", "--where", "") == {"auto", "here", "guest"}
    assert offered(here, "lvsctl", "lab", "--where", "g") == {"guest"}
    assert offered(here, "lvsctl", "lab", "--requests", "") == set()
    assert offered(here, "lvsctl", "lab", "--where", "guest", "a") == {"a.toml"}
    assert offered(here, "lvsctl", "import", "s") == {"script.sh"}
    assert offered(here, "lvsctl", "import", "--out", "a") == {"a.toml"}
    assert offered(here, "lvsctl", "plan", "--from", "") == {"a.toml", "b c.toml", "etc"}
    assert offered(here, "lvsctl", "plan", "--role", "") == {"director", "realserver"}
    assert offered(here, "lvsctl", "nonsense", "") == set()
    assert offered(here, "lvsctl", "ha", "") == {"heartbeat", "check", "pacemaker"}
    assert offered(here, "lvsctl", "ha", "check", "-") == {"--help", "--dir", "--with", "--json"}
    assert offered(here, "lvsctl", "ha", "check", "b") == {"b c.toml"}
    assert offered(here, "lvsctl", "ha", "check", "--with", "") == {"etc"}
    assert offered(here, "lvsctl", "ha", "pacemaker", "--tool", "c") == {"crm", "corosync"}


def test_every_option_that_help_tells_is_offered(here: Path) -> None:
    for command in offered(here, "lvsctl", ""):
        said = subprocess.run(
            [ROOT / "bin/lvsctl", command, "--help"],
            env={**ENVIRONMENT, "COLUMNS": "500"},
            capture_output=True,
            text=True,
        ).stdout
        told = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said, re.M)
        assert told
        assert offered(here, "lvsctl", command, "-") == set(told)


class Terminal:
    """A bash on a terminal of its own."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def await_(self, text: str) -> None:
        """Wait until bash has shown the text, and forget what came up to it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self._seen:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"bash shows {self._seen!r}, never {text!r}"
            self._seen += os.read(self._fd, 4096).decode("utf-8", "replace")
        self._seen = self._seen.partition(text)[2]


@contextmanager
def terminal(here: Path, *commands: str) -> Iterator[Terminal]:
    controller, follower = pty.openpty()
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"], cwd=here, env={**ENVIRONMENT, "PS1": "> "},
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    shell = Terminal(controller)
    try:
        for command in commands:
            shell.type(command + "\n")
        shell.type("echo rea''dy\n")
        shell.await_("ready\r\n")
        yield shell
    finally:
        bash.kill()
        bash.wait()
        os.close(controller)


def test_on_a_terminal(here: Path) -> None:
    with terminal(here, "source ./.lvsctl", "source ./.lvs-director") as shell:
        shell.type("lvsctl che\t")
        shell.await_("lvsctl check ")
        shell.type("b\t")
        shell.await_("b\\ c.toml ")
        shell.type("\x15lvs-director ./e\t")
        shell.await_("./etc/")
        shell.type("\x15lvs-realserver web fo\t")
        shell.await_("force-reload ")


@pytest.mark.skipif(not BASH_COMPLETION.exists(), reason="there is no bash-completion")
def test_bash_completion_loads_ours_and_knows_the_verbs_of_service(here: Path) -> None:
    ours = f"BASH_COMPLETION_USER_DIR={ROOT}; source {BASH_COMPLETION}"
    with terminal(here, ours, f"_sysvdirs() {{ sysvdirs=({ROOT}/bin); }}") as shell:
        shell.type("lvs-realserver --pru\t")
        shell.await_("--prune ")
        shell.type("\x15lvsctl lab --where gu\t")
        shell.await_("guest ")
        for script in ("lvs-director", "lvs-realserver"):
            shell.type(f"\x15service {script} force\t")
            shell.await_("force-reload ")
            shell.type(f"\x15service {script} cond\t")
            shell.await_("condrestart ")
