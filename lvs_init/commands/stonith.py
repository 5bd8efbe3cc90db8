"""stonith(8) of cluster-glue: what its plugins want to know. Nobody is ever turned off by it here."""

from __future__ import annotations

from lvs_init.commands.command import Command

PROGRAM = "stonith"


def parameter_names(plugin: str) -> Command:
    """Asks a plugin for the names of its parameters. It ends with another code than 0 where there is no such plugin."""
    return Command((PROGRAM, "-t", plugin, "-n"), timeout=10.0)


def parse_names(output: str) -> tuple[str, ...]:
    """``hostname  ipaddr  `` -> the names in their order."""
    return tuple(output.split())
