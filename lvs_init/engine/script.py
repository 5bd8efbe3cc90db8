"""A plan as sh text: what ``--dry-run`` prints, and what a person could run by hand."""

from __future__ import annotations

from collections.abc import Sequence

from lvs_init.commands.command import shell_text
from lvs_init.commands.render import Tools, render
from lvs_init.model.network import AddressKey
from lvs_init.plan.intent import Plan
from lvs_init.plan.step import Phase


def script_of(plan: Plan, tools: Tools, announced: Sequence[AddressKey] = ()) -> str:
    """Commands in order, each under the reason for its place; what is not a command is a comment."""
    lines: list[str] = []
    for step in plan.steps:
        if step.phase >= Phase.ROUTES_AWAY:
            lines += _announcements(announced)
            announced = ()
        lines.append(f"# {step.reason}")
        lines += [shell_text(command) for command in render(step.changes, tools)]
    lines += _announcements(announced)
    return "".join(f"{line}\n" for line in lines)


def _announcements(announced: Sequence[AddressKey]) -> list[str]:
    return [
        f"# announce {key.address} on {key.interface} (gratuitous ARP or neighbour advertisement)" for key in announced
    ]
