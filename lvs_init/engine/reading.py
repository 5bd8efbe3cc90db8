"""What a command shows, as values."""

from __future__ import annotations

from typing import Any, Callable

from lvs_init.commands.command import Command
from lvs_init.errors import SystemFailure
from lvs_init.system.runner import Runner


def shown_by(runner: Runner, command: Command, parse: Callable[[str], Any]) -> Any:
    """Its output, parsed. Raises LvsError where it fails, SystemFailure where it shows what it never should."""
    shown = runner.check(command).stdout
    try:
        return parse(shown)
    except (ValueError, IndexError, KeyError) as error:
        raise SystemFailure(
            f"'{' '.join(command.argv)}' shows what cannot be understood: {error}",
            hint=f"look at the output of '{' '.join(command.argv)}', and which program '{command.argv[0]}' is",
        ) from error
