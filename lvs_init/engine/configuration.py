"""Finding and reading the configuration: the bytes that are validated are the bytes that are applied."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lvs_init.engine.paths import Paths
from lvs_init.engine.request import Target
from lvs_init.errors import LvsError, NotConfigured, UnsafeFile
from lvs_init.system import files

if TYPE_CHECKING:  # status, which asks for the fingerprint alone, does not pay for it
    from lvs_init.config.cluster import Cluster

#: The instance that is meant where no name is given.
DEFAULT_INSTANCE = "lvs"


def target(paths: Paths, role: str, name: str, environment: Mapping[str, str]) -> Target:
    """Which cluster is meant: a NAME of /etc/lvs/NAME.toml, a path, or "" for lvs.toml or LVS_CONFIG.

    LVS_CONFIG comes from the environment, else from /etc/sysconfig/lvs-ROLE or /etc/default/lvs-ROLE, where a relative
    path starts in /etc/lvs: what boots has no directory of its own.
    """
    if "/" in name:
        file = os.path.abspath(name)
    elif name:
        file = os.path.join(paths.configuration, f"{name}.toml")
    else:
        file = os.path.abspath(environment.get("LVS_CONFIG") or os.path.join(paths.configuration, _usual(paths, role)))
    return Target(role, os.path.splitext(os.path.basename(file))[0], file)


def _usual(paths: Paths, role: str) -> str:
    return assignments(paths, role).get("LVS_CONFIG") or f"{DEFAULT_INSTANCE}.toml"


def assignments(paths: Paths, role: str) -> dict[str, str]:
    """KEY=value lines of the role's file in /etc/sysconfig or /etc/default, read and never executed."""
    for directory in paths.assignments:
        file = os.path.join(directory, f"lvs-{role}")
        if not os.path.lexists(file):
            continue
        from lvs_init.config.environment import parse_assignments

        return dict(parse_assignments(files.read_trusted(file).decode("utf-8", "replace"), file))
    return {}


def surroundings(paths: Paths, role: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, and what the role's file says besides. One that is broken is not stop's business."""
    try:
        return {**assignments(paths, role), **environment}
    except LvsError:
        return environment


def read(target: Target) -> tuple[Cluster, str]:
    """The cluster and a fingerprint of its bytes. Raises NotConfigured, UnsafeFile or ConfigurationError."""
    try:
        data = files.read_trusted(target.file)
    except NotConfigured as error:
        raise NotConfigured(
            f"there is no configuration {target.file}",
            hint="write it (docs/configuration.md, examples/), then try 'lvsctl check'",
        ) from error
    except UnsafeFile as error:
        raise UnsafeFile(
            error.message, hint=error.hint or "it is applied as root, so only root may write it"
        ) from error
    from lvs_init.config.load import parse

    return parse(data, target.file), fingerprint(data)


def fingerprint(data: bytes) -> str:
    """What tells one version of a file from another. Only root writes it, so nobody forges one; hashlib costs 8 ms."""
    return f"{len(data)}-{zlib.crc32(data):08x}"
