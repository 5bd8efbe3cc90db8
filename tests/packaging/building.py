"""Running what builds and what judges."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["lvs-director", "lvs-realserver"]


def run(*argv: object, env: Mapping[str, str] | None = None, code: int = 0) -> str:
    """stdout and stderr of a command, which must end with ``code``."""
    ended = subprocess.run([str(word) for word in argv], cwd=ROOT, env=env, text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    assert ended.returncode == code, ended.stdout
    return ended.stdout


def make(*words: object) -> str:
    """What make said."""
    return run("make", "--no-print-directory", *words)
