"""What a resource agent is told in its environment: the resource's parameters, and how the cluster runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.engine.configuration import DEFAULT_INSTANCE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATH = re.compile(r"/[^\0]{1,4000}")
#: In any case of letters.
_TRUTH = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
#: How often Pacemaker may promote the clone: its name since Pacemaker 2.1, and before.
_PROMOTABLE_CLONE = ("OCF_RESKEY_CRM_meta_promoted_max", "OCF_RESKEY_CRM_meta_master_max")


@dataclass(frozen=True)
class Parameters:
    """``name``: a cluster of /etc/lvs, or a path; "" where neither can be had, so nothing can have been started by it.
    ``cluster``: what the cluster in the file must be called; "" for any.

    ``promotable``: whether there is a standby. ``level``: how much a monitor asks. ``probe``: the cluster looks around
    and does not know the state. ``scored``: Pacemaker keeps a promotion score of ``resource`` on ``node`` ("" for this
    one). ``wrong``: a sentence for each parameter that cannot be used.
    """

    name: str = DEFAULT_INSTANCE
    cluster: str = ""
    promotable: bool = False
    level: int = 0
    probe: bool = False
    scored: bool = False
    resource: str = ""
    node: str = ""
    wrong: tuple[str, ...] = field(default=())


def read(environment: Mapping[str, str]) -> Parameters:
    """From OCF_RESKEY_* and OCF_*. A parameter that is empty counts as not given, as cluster shells make no difference.

    A cluster alone picks the file of its name. LVS_CONFIG is not asked: a resource is the same wherever it runs.
    """
    wrong: list[str] = []
    config = environment.get("OCF_RESKEY_config", "")
    cluster = environment.get("OCF_RESKEY_cluster", "")
    name = config or cluster or DEFAULT_INSTANCE
    if config and not (_PATH.fullmatch(config) or (_NAME.fullmatch(config) and not config.endswith(".toml"))):
        wrong.append(f"config={config} is neither an absolute path nor NAME of a file /etc/lvs/NAME.toml")
        name = ""
    if cluster and not _NAME.fullmatch(cluster):
        wrong.append(f"cluster={cluster} is not the name of a cluster")
        name = name if config else ""
    cloned = any(_number(environment.get(name, "")) > 0 for name in _PROMOTABLE_CLONE)
    said = environment.get("OCF_RESKEY_promotable", "")
    if said and said.lower() not in _TRUTH:
        wrong.append(f"promotable={said} is neither true nor false")
    promotable = _TRUTH.get(said.lower(), cloned)
    return Parameters(
        name=name,
        cluster=cluster if config else "",
        promotable=promotable,
        level=_number(environment.get("OCF_CHECK_LEVEL", "")),
        probe=environment.get("OCF_RESKEY_CRM_meta_interval", "") == "0",
        scored=promotable and cloned and bool(environment.get("OCF_RESOURCE_INSTANCE")),
        resource=environment.get("OCF_RESOURCE_INSTANCE", ""),
        node=environment.get("OCF_RESKEY_CRM_meta_on_node", ""),
        wrong=tuple(wrong),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
