"""Snapshots of other machines: from a file, or over the user's own ssh. What they say is not believed blindly."""

from __future__ import annotations

import json
import os
import shlex

from lvs_init.commands.command import Command
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Snapshot, snapshot_from_plain
from lvs_init.errors import LvsError, SystemFailure
from lvs_init.system import files
from lvs_init.system.runner import Runner

LIMIT = 16 << 20  # bytes of one machine
_PATIENCE = 60.0  # seconds
#: What ssh needs of our environment to find keys and agent.
_OF_SSH = ("HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "SSH_CONNECTION", "KRB5CCNAME")


def from_file(path: str) -> Snapshot:
    """What ``lvsctl doctor --collect`` printed. Raises LvsError where it is no such thing."""
    return _understood(files.read_trusted(path, limit=LIMIT, owner_check=False).decode("utf-8", "replace"), path)


def over_ssh(host: str, name: str) -> Snapshot:
    """``lvsctl doctor --collect`` there. ``name``: the cluster or file, "" for its own. Raises LvsError."""
    # The shell over there takes words apart, so they are quoted for it; the host is one word for our own ssh.
    words = ["lvsctl", "doctor", "--collect", *([shlex.quote(name)] if name else [])]
    command = Command(("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, *words), timeout=_PATIENCE)
    environment = {key: os.environ[key] for key in _OF_SSH if key in os.environ}
    done = Runner(environment=environment).run(command)
    if done.code or done.timed_out:
        said = [clean(line) for line in done.stderr.splitlines() if line.strip()]
        raise SystemFailure(
            f"{host} cannot be looked at: {said[-1] if said else f'ssh ended with {done.code}'}",
            hint=f"try 'ssh -o BatchMode=yes {host} lvsctl --version'; or collect there, and use --with",
        )
    return _understood(done.stdout, host)


def _understood(text: str, origin: str) -> Snapshot:
    if len(text) > LIMIT:
        raise LvsError(f"{origin} says more than {LIMIT >> 20} MiB")
    try:
        return snapshot_from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise LvsError(
            f"{origin} is nothing that 'lvsctl doctor --collect' prints: {clean(str(error))[:200]}",
            hint="collect it again, by the same version of lvsctl",
        ) from error
