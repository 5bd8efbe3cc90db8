"""LSB exit codes: the one table from errors to numbers (LSB 5.0 Core, 22.2 Init Script Actions)."""

from __future__ import annotations

from lvs_init import errors

DONE = 0
FAILED = 1
USAGE = 2
UNPRIVILEGED = 4
NOT_INSTALLED = 5
NOT_CONFIGURED = 6
NOT_RUNNING = 7

#: status has a table of its own.
STATUS_RUNNING = 0
STATUS_PARTIAL = 1
STATUS_LOCKED = 2
STATUS_STOPPED = 3
STATUS_UNKNOWN = 4

_TABLE = (
    (errors.NotPrivileged, UNPRIVILEGED),
    (errors.NotInstalled, NOT_INSTALLED),
    (errors.NotConfigured, NOT_CONFIGURED),
    (errors.UnsafeFile, NOT_CONFIGURED),
    (errors.ConfigurationError, NOT_CONFIGURED),
)


def of(error: errors.LvsError, verb: str = "") -> int:
    """The exit code for an error of a writing verb. stop never says 5 or 6: it needs no configuration."""
    code = next((number for kind, number in _TABLE if isinstance(error, kind)), FAILED)
    return FAILED if verb == "stop" and code in (NOT_INSTALLED, NOT_CONFIGURED) else code
