"""Carrying out what findings ask for, as far as settings and addresses go: planned, verified, undone where it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lvs_init.commands.command import shell_text
from lvs_init.commands.render import render
from lvs_init.doctor.finding import Finding
from lvs_init.engine.apply import carry_out, taken_back
from lvs_init.engine.request import DIRECTOR
from lvs_init.engine.run import Engine
from lvs_init.model.network import AddressKey, SysctlKey
from lvs_init.model.state import Key, Wanted
from lvs_init.plan.intent import Plan, plan_back
from lvs_init.plan.order import steps

_OURS = (AddressKey, SysctlKey)


def wanted_by(findings: Iterable[Finding]) -> Wanted:
    """What all of them want; of two that want other things of one key the worse one has its way.

    Nothing but settings and addresses, whatever a rule says.
    """
    wanted: dict[Key, object] = {}
    for finding in findings:
        if all(isinstance(key, _OURS) for key, _ in finding.fix.wanted):
            for key, value in finding.fix.wanted:
                wanted.setdefault(key, value)
    return wanted  # type: ignore[return-value]


def mend(wanted: Wanted, environment: Mapping[str, str]) -> str:
    """Make it so, and check that it is. Returns the commands that take it back, as sh text.

    Raises LvsError with everything undone. What is changed is nobody's to put back at a stop: it was wrong before.
    """
    with Engine(DIRECTOR, environment=environment).at_work("doctor --fix") as apparatus:
        before = apparatus.observe(wanted).live
        plan = Plan(steps(wanted, before), wanted)
        try:
            done = carry_out(plan, apparatus, strict=True)
        except Exception as error:
            raise taken_back(error, plan, before, apparatus, lambda: None) from error
        back = plan_back(plan, before, done.live)
        commands = [command for step in back.steps for command in render(step.changes, apparatus.tools)]
        return "\n".join(map(shell_text, commands))
