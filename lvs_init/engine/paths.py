"""Where things lie. Red Hat and Debian agree on all of these."""

from __future__ import annotations

from dataclasses import dataclass

TRIAL = ".trial"


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

    def trial(self, role: str, instance: str) -> str:
        """Where the trial of a director is."""
        return f"{self.run}/{role}-{instance}{TRIAL}"
