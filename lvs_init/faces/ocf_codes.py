"""Exit codes of resource agents: the one table from errors to numbers (OCF Resource Agent API 1.1, 2.4).

Pacemaker tries another node after 2, 4 and 5. After 6 it gives the resource up everywhere, and stops it where it runs:
so nothing that stands in a file of one node may be told with it, only what stands in the resource itself.
"""

from __future__ import annotations

from lvs_init import errors

SUCCESS = 0
GENERIC = 1
ARGS = 2  # does not fit this machine
UNIMPLEMENTED = 3
PERMISSION = 4
INSTALLED = 5  # something is missing on this machine
CONFIGURED = 6  # the resource's parameters are wrong wherever it runs
NOT_RUNNING = 7
PROMOTED = 8
FAILED_PROMOTED = 9

_TABLE = (
    (errors.NotPrivileged, PERMISSION),
    (errors.NotInstalled, INSTALLED),
    (errors.NotConfigured, ARGS),
    (errors.UnsafeFile, ARGS),
    (errors.ConfigurationError, ARGS),
)


def of(error: errors.LvsError, action: str) -> int:
    """The exit code for an error. stop has only two: it is needed on every machine that may have started something."""
    code = next((number for kind, number in _TABLE if isinstance(error, kind)), GENERIC)
    return GENERIC if action == "stop" and code != PERMISSION else code
