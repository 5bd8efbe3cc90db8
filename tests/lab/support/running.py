"""Running an init script inside a host from a process that has the interpreter and the packages at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lvs_init.engine.channel import VARIABLE
from lvs_init.lab import children
from lvs_init.lab.place import ROOT
from support import hooks


@dataclass(frozen=True)
class Ended:
    """How a script ended: its exit code, or minus the signal that killed it."""

    code: int
    stdout: str
    stderr: str


def run(
    role: str,
    *arguments: str,
    before: Callable[[], None] | None = None,
    brisk: bool = True,
    channel: str | None = None,
    folder: str = "bin",
) -> Ended:
    """Run a role's script in a fork. ``before`` is called there first. ``brisk``: without the runner's own sh.

    ``channel``: the one to the table, where it is not to be the lab's. ``folder``: where the script is.
    """
    environment = {**children.ENVIRONMENT, **({} if channel is None else {VARIABLE: channel})}

    def work() -> int:
        hooks.hurried()
        if brisk:
            hooks.brisk()
        if before:
            before()
        return children.run_script([f"{ROOT}/{folder}/lvs-{role}", *arguments], environment, None, {})

    null = os.open(os.devnull, os.O_RDONLY)
    out, err = os.memfd_create("out"), os.memfd_create("err")
    try:
        pid = children.fork(work, (null, out, err), ())
        _, status = os.waitpid(pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), _text(out), _text(err))
    finally:
        for descriptor in (null, out, err):
            os.close(descriptor)


def told(role: str, arguments: Sequence[str]) -> list[int | str]:
    """``run``, with its end as JSON can carry it."""
    ended = run(role, *arguments)
    return [ended.code, ended.stdout, ended.stderr]


def _text(descriptor: int) -> str:
    return os.pread(descriptor, 1 << 20, 0).decode("utf-8", "replace")


def configure(text: str, name: str = "lvs") -> None:
    """Write a cluster's file."""
    os.makedirs("/etc/lvs", exist_ok=True)
    with open(f"/etc/lvs/{name}.toml", "w", encoding="utf-8") as file:
        file.write(text)
