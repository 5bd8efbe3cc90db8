"""stonith(8) of cluster-glue: what its plugins want to know. Nobody is ever turned off by it here."""

from __future__ import annotations

from lvs_init.commands.command import Command

PROGRAM = "stonith"


def plugins() -> Command:
    """Lists the plugins, a line each."""
    return Command((PROGRAM, "-L"), timeout=10.0)


def parameter_names(plugin: str) -> Command:
    """Asks a plugin for the names of its parameters. It says nothing, with the code 0, for external ones not there."""
    return Command((PROGRAM, "-t", plugin, "-n"), timeout=10.0)


def parse_names(output: str) -> tuple[str, ...]:
    """``hostname  ipaddr  `` -> the names in their order."""
    return tuple(output.split())
