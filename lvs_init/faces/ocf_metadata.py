"""What the resource agents say of themselves, as cluster shells show it.

The XML is what ra-api-1.dtd of resource-agents and the schema of OCF 1.1 both accept: hence no select, no time, no
unique-group, no role, and a timeout with each action.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lvs_init
from lvs_init.engine.request import DIRECTOR, REALSERVER


@dataclass(frozen=True)
class Parameter:
    """``default``: "" for none."""

    name: str
    type: str
    short: str
    long: str
    default: str = ""
    unique: bool = False


@dataclass(frozen=True)
class Action:
    """``timeout`` and ``interval`` in seconds; an interval of 0 is none. ``depth``: of a monitor."""

    name: str
    timeout: int
    interval: int = 0
    depth: int | None = None


_CONFIG = Parameter(
    "config",
    "string",
    "Configuration file",
    "The cluster's file, the same on all nodes: an absolute path, or NAME for /etc/lvs/NAME.toml.",
    "/etc/lvs/lvs.toml",
    unique=True,
)
_CLUSTER = Parameter(
    "cluster",
    "string",
    "Name of the cluster",
    "Without config: takes /etc/lvs/NAME.toml. With config: the name that the cluster in that file must have, so that "
    "a wrong file is not applied.",
    unique=True,
)
_PROMOTABLE = Parameter(
    "promotable",
    "boolean",
    "Whether there is a standby",
    "If true, start makes a standby (the IPVS table and the backup sync daemon, no VIP), promote makes it the active "
    "director, and the configuration must have a table [ha]. If false, start makes the active director. Left out: "
    "true exactly where Pacemaker runs the resource as a promotable clone.",
)
PARAMETERS = {DIRECTOR: (_CONFIG, _CLUSTER, _PROMOTABLE), REALSERVER: (_CONFIG, _CLUSTER)}

# start may have to wait 15 s for another run; so may stop, before it ends that one.
_BOTH = (
    Action("start", 60),
    Action("stop", 60),
    Action("monitor", 20, interval=10, depth=0),
    Action("monitor", 30, interval=60, depth=10),
    Action("validate-all", 20),
    Action("meta-data", 5),
    Action("usage", 5),
)
ACTIONS = {DIRECTOR: (*_BOTH, Action("promote", 60), Action("demote", 60)), REALSERVER: _BOTH}

SHORT = {DIRECTOR: "Linux Virtual Server director", REALSERVER: "Linux Virtual Server real server"}
_LONG = {
    DIRECTOR: "Makes a machine the director of a Linux Virtual Server cluster: kernel settings, the IPVS table and the "
    "virtual addresses, as one file describes them. As a promotable clone it is a pair: the unpromoted node has the "
    "table and hears of connections from the IPVS sync daemon, the promoted node has the virtual addresses as well. "
    "A monitor with OCF_CHECK_LEVEL 10 also asks whether each service has a real server that takes connections, "
    "whether the interfaces of the virtual addresses have a carrier, and whether the sync daemon is alive.",
    REALSERVER: "Makes a machine a real server of a Linux Virtual Server cluster: the virtual addresses that it must "
    "accept, and the ARP settings that keep it quiet about them. Run it as a clone. A monitor with OCF_CHECK_LEVEL 10 "
    "also connects to the services of this machine.",
}


def text(role: str) -> str:
    """The answer to meta-data, without a line end at its end."""
    return "\n".join(_lines(role))


def usage(role: str) -> str:
    """The answer to usage and help."""
    actions = "|".join(dict.fromkeys((*(action.name for action in ACTIONS[role]), "help")))
    lines = [f"Usage: {role} {{{actions}}}", "Parameters, in the environment:"]
    lines += [f"  OCF_RESKEY_{each.name}: {each.long}" for each in PARAMETERS[role]]
    return "\n".join(lines)


def _lines(role: str) -> Iterator[str]:
    yield '<?xml version="1.0"?>'
    yield '<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">'
    yield f'<resource-agent name="{role}" version="{lvs_init.__version__}">'
    yield "<version>1.0</version>"
    yield from _descriptions(_LONG[role], SHORT[role])
    yield "<parameters>"
    for each in PARAMETERS[role]:
        yield f'<parameter name="{each.name}" unique="{each.unique:d}" required="0">'
        yield from _descriptions(each.long, each.short)
        default = f' default="{each.default}"' if each.default else ""
        yield f'<content type="{each.type}"{default}/>'
        yield "</parameter>"
    yield "</parameters>"
    yield "<actions>"
    for action in ACTIONS[role]:
        depth = "" if action.depth is None else f' depth="{action.depth}"'
        interval = f' interval="{action.interval}s"' if action.interval else ""
        yield f'<action name="{action.name}"{depth} timeout="{action.timeout}s"{interval}/>'
    yield "</actions>"
    yield "</resource-agent>"


def _descriptions(long: str, short: str) -> Iterator[str]:
    yield f'<longdesc lang="en">\n{long}\n</longdesc>'
    yield f'<shortdesc lang="en">{short}</shortdesc>'
