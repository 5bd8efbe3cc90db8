"""A life of the scripts inside a host: run, and seen before, while and after."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from lvs_init.lab.children import ENVIRONMENT
from support.running import configure, run
from support.state import full


def do(lines: Sequence[str]) -> None:
    """Run an admin's command lines; each must succeed."""
    for line in lines:
        done = subprocess.run(line.split(), env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{line}: exit {done.returncode}: {done.stderr}")


def life(files: dict[str, str], runs: Sequence[Sequence[str]], first: Sequence[str] = ()) -> dict[str, Any]:
    """Bring the host into a state with ``first``, then run scripts: each of ``runs`` is a role and its arguments, or
    "do" and a command line.

    Returns the snapshots "before" and "after" and an entry of "runs" for each: code, stdout, stderr, snapshot.
    """
    do(first)
    for name, text in files.items():
        configure(text, name)
    before = full()
    told = []
    for role, *arguments in runs:
        if role == "do":
            do(arguments)
            continue
        ended = run(role, *arguments)
        told.append([ended.code, ended.stdout, ended.stderr])
    return {"before": before, "after": full(), "runs": told}
