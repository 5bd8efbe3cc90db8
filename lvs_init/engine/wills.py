"""What an admin has said of real servers by hand, on disk: /var/lib/lvs/director-INSTANCE.will."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lvs_init.engine.paths import Paths
from lvs_init.errors import Refused
from lvs_init.model.codec import will_from_plain, will_to_plain
from lvs_init.model.will import Will
from lvs_init.system import files, store

_VERSION = 1
MOST = 4096  # wills: more is no handwork


def recall(paths: Paths, instance: str, problems: list[str]) -> tuple[Will, ...]:
    """The wills for a director, in the order in which they were said. What cannot be read counts as none.

    ``problems`` gets a sentence about a file that is there and not understood.
    """
    path = path_of(paths, instance)
    data = store.load(path, problems)
    if data is None:
        return ()
    try:
        if data["version"] != _VERSION or len(data["wills"]) > MOST:
            raise ValueError(f"version {data['version']}, {len(data['wills'])} wills")
        return tuple(will_from_plain(plain) for plain in data["wills"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        problems.append(f"{path} is not understood ({error}), so what it says of real servers does not count")
        return ()


def keep(paths: Paths, instance: str, wills: Sequence[Will]) -> None:
    """Write them, whole or not at all; no file where there are none. Raises Refused for too many, SystemFailure."""
    path = path_of(paths, instance)
    if not wills:
        files.remove(path)
        return
    if len(wills) > MOST:
        raise Refused(f"more than {MOST} real servers have a weight by hand", hint="write the weights into the file")
    files.private_directory(paths.state)
    store.save(path, {"version": _VERSION, "wills": [will_to_plain(will) for will in wills]})


def path_of(paths: Paths, instance: str) -> str:
    """Where the wills for a director are."""
    return os.path.join(paths.state, f"director-{instance}.will")
