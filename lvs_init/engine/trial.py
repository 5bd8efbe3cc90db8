"""A trial: a configuration that was applied by `lvsctl try` and goes again by itself unless somebody confirms it.

/run/lvs/director-INSTANCE.trial holds the record to go back to. It speaks of one boot: after a reboot start applies the
configuration, which no trial has touched.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from lvs_init.engine.moment import boottime
from lvs_init.engine.paths import TRIAL, Paths
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.errors import Refused
from lvs_init.model.codec import record_from_plain, record_to_plain
from lvs_init.model.record import Record
from lvs_init.system import files, identity, store

_VERSION = 1


@dataclass(frozen=True)
class Trial:
    """``file``: what is tried, ``text`` its contents; ``place``: the configuration that it replaces once confirmed.

    ``deadline``: seconds of CLOCK_BOOTTIME. ``before``: the record to go back to.
    """

    instance: str
    file: str
    text: str
    place: str
    deadline: float
    before: Record

    @property
    def target(self) -> Target:
        """What it is about."""
        return Target(DIRECTOR, self.instance, self.before.file)

    @property
    def left(self) -> float:
        """Seconds until it goes back by itself; 0 where that is due."""
        return max(0.0, self.deadline - boottime())

    @property
    def overdue(self) -> float:
        """Seconds since it was due; 0 where it is not."""
        return max(0.0, boottime() - self.deadline)

    @property
    def until(self) -> str:
        """``21:14:05``: the time at which it goes back by itself."""
        return time.strftime("%H:%M:%S", time.localtime(time.time() + self.left))


def keep(paths: Paths, trial: Trial) -> None:
    """Write it, whole or not at all. Raises UnsafeFile or SystemFailure."""
    files.private_directory(paths.run)
    plain: dict[str, Any] = {**vars(trial), "before": record_to_plain(trial.before), "version": _VERSION}
    whole = {"boot": identity.boot_id(), "namespace": identity.netns_id(), "trial": plain}
    store.save(paths.trial(DIRECTOR, trial.instance), whole)


def forget(paths: Paths, instance: str) -> None:
    """It is over. Nothing happens where there is none."""
    files.remove(paths.trial(DIRECTOR, instance))


def pending(paths: Paths, instance: str = "") -> list[Trial]:
    """Those of this boot and network namespace; ``instance``: of this one alone. What cannot be read counts as none."""
    try:
        names = sorted(name for name in os.listdir(paths.run) if name.endswith(TRIAL))
    except FileNotFoundError:
        return []
    if instance:
        names = [name for name in names if name == os.path.basename(paths.trial(DIRECTOR, instance))]
    found = [_load(os.path.join(paths.run, name)) for name in names]
    return [trial for trial in found if trial is not None]


def told(paths: Paths, instance: str) -> list[str]:
    """A sentence about each trial of a director, for status and plan."""
    return [
        f"{each.file} is on trial until {each.until}; 'lvsctl try --confirm' keeps it"
        if each.left
        else f"the trial of {each.file} is over, and it is still in effect; 'reload' takes it back"
        for each in pending(paths, instance)
    ]


def next_due(paths: Paths) -> float | None:
    """When the next trial goes back, in seconds of CLOCK_BOOTTIME; None where there is none."""
    return min((trial.deadline for trial in pending(paths)), default=None)


def goes_on(paths: Paths, instance: str) -> Trial | None:
    """The one of a director that is not due yet."""
    return next((trial for trial in pending(paths, instance) if trial.left), None)


def refuse_while_pending(paths: Paths, instance: str) -> None:
    """Raises Refused while a trial is not due: who writes now would end it without a word."""
    trial = goes_on(paths, instance)
    if trial is not None:
        raise Refused(
            f"{trial.file} is on trial until {trial.until}",
            hint="keep it: lvsctl try --confirm; end it: lvsctl try --revert",
        )


def _load(path: str) -> Trial | None:
    data = store.load(path)
    if data is None or data.get("boot") != identity.boot_id() or data.get("namespace") != identity.netns_id():
        return None
    try:
        plain = dict(data["trial"])
        if plain.pop("version") != _VERSION:
            return None
        return Trial(**{**plain, "before": record_from_plain(plain["before"])})
    except (ValueError, KeyError, IndexError, TypeError):
        return None
