"""Small JSON files: the record of what was applied, the admin's will."""

from __future__ import annotations

import json
from typing import Any

from lvs_init.errors import LvsError, NotConfigured
from lvs_init.system.files import read_trusted, write_atomic

LIMIT = 64 << 20  # bytes: 100 000 real servers fit


def load(path: str, problems: list[str] | None = None) -> dict[str, Any] | None:
    """The object that ``save`` wrote; None where there is none or where it cannot be used.

    In the second case a line that says why is added to ``problems``. Never raises for what the file holds.
    """
    reason = "it does not hold a JSON object"
    try:
        value = json.loads(read_trusted(path, LIMIT))
        if isinstance(value, dict):
            return value
    except NotConfigured:
        return None
    except LvsError as error:
        reason = error.message
    except (ValueError, RecursionError) as error:
        reason = f"it is damaged: {error}"
    if problems is not None:
        problems.append(f"{path} is ignored: {reason}")
    return None


def save(path: str, value: dict[str, Any]) -> None:
    """Write the object, whole or not at all. Raises SystemFailure."""
    write_atomic(path, json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n")
