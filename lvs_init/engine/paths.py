"""Where things lie. Red Hat and Debian agree on all of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """``run``: records, journals, mutex; ``subsys``: Red Hat's lock files; ``configuration``: lvs.toml, NAME.toml.

    ``state``: what survives a reboot.
    """

    run: str = "/run/lvs"
    subsys: str = "/var/lock/subsys"
    configuration: str = "/etc/lvs"
    state: str = "/var/lib/lvs"
    assignments: tuple[str, ...] = ("/etc/sysconfig", "/etc/default")
