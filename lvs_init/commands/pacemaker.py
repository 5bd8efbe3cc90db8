"""crm_attribute(8): where Pacemaker would rather have a clone promoted."""

from __future__ import annotations

from lvs_init.commands.command import Command

#: It asks the cluster's daemons, and an agent's action must not wait for them.
_TIMEOUT = 5.0


def promotion_score(resource: str, score: int | None, node: str = "") -> Command:
    """Set a resource's promotion score on a node ("" for this one), until it reboots; None takes it away.

    By the attribute's own name, which is the same in all versions of Pacemaker (pcmk_promotion_score_name in its
    include/crm/common/util.h); the option --promotion came with 2.1.
    """
    where = ("--node", node) if node else ()
    what = ("--delete",) if score is None else ("--update", str(score))
    name = f"master-{resource}"
    return Command(("crm_attribute", *where, "--name", name, "--lifetime", "reboot", *what), timeout=_TIMEOUT)
