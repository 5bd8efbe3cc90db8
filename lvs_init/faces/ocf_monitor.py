"""What a monitor answers: the kernel against the record, in OCF's numbers."""

from __future__ import annotations

from lvs_init.engine import memory
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import Target
from lvs_init.engine.status import Health, Status, examine
from lvs_init.faces import ocf_codes as codes
from lvs_init.model.record import STANDBY, Record

#: From this level on a monitor asks whether what is set up serves.
DEEP = 10


def look(paths: Paths, target: Target, *, promotable: bool, level: int) -> tuple[int, list[str]]:
    """The exit code, and a sentence for each thing that is wrong. Reads no configuration below level 10."""
    # One that cannot be read is not surely stopped.
    problem = memory.damaged(paths, target.role).get(target.instance)
    if problem:
        return codes.GENERIC, [problem]
    status = examine(paths, target, f"{paths.subsys}/lvs-{target.role}")
    known = memory.recall(paths, target)
    code = judge(status, known.mine, promotable=promotable)
    if code not in (codes.SUCCESS, codes.PROMOTED):
        return code, status.missing or status.wrong
    if level < DEEP:
        return code, []
    from lvs_init.engine.serving import hindrances

    found = hindrances(target, known, status.table)
    if not found:
        return code, []
    return codes.FAILED_PROMOTED if code == codes.PROMOTED else codes.GENERIC, found


def judge(status: Status, record: Record | None, *, promotable: bool) -> int:
    """The exit code of a health.

    A standby is what "unpromoted" means; to who does not promote it is stopped, as to init. With a VIP it is a promoted
    one that has failed: so Pacemaker demotes it before anything else. A lock file alone, without a record, is left over
    from a machine that lost its power.
    """
    if record is None:
        return codes.NOT_RUNNING
    if status.wrong:
        return codes.FAILED_PROMOTED if promotable else codes.GENERIC
    if status.health is Health.STANDBY:
        return codes.SUCCESS if promotable else codes.NOT_RUNNING
    if status.health is Health.RUNNING:
        return codes.PROMOTED if promotable else codes.SUCCESS
    return codes.FAILED_PROMOTED if promotable and record.stance != STANDBY else codes.GENERIC
