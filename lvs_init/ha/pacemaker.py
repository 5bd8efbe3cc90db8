"""What Pacemaker must know of a pair: resources, where they may be, in which order, and whom to turn off how.

Values only; crm_text.py and pcs_text.py write them for the two shells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lvs_init.config.cluster import Cluster
from lvs_init.ha import haresources
from lvs_init.model.address import broadcast_of
from lvs_init.model.ha import HighAvailability, Stonith

#: Above what the agent itself gives an active director, so that the first node is preferred with auto_failback.
_PREFERENCE = 1000
#: A resource that stays where it is unless something is worth more.
_STICKINESS = 100
_PROMOTED, _UNPROMOTED = "Promoted", "Unpromoted"


@dataclass(frozen=True)
class Operation:
    """``interval`` and ``timeout`` in seconds; an interval of 0: when it is due. ``role``: "" for any."""

    name: str
    timeout: int
    interval: int = 0
    role: str = ""


@dataclass(frozen=True)
class Primitive:
    """``agent``: class and the rest, as both shells write it. ``clone``: its clone's meta attributes, or none."""

    name: str
    agent: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    clone: Mapping[str, str] | None = None
    group: str = ""

    @property
    def clone_name(self) -> str:
        """What pcs calls it without being asked."""
        return f"{self.name}-clone"


@dataclass(frozen=True)
class Pair:
    """``director``: the promotable clone. ``ping``: it must not be promoted without. ``vips``: IPaddr2's group, if any.

    ``fences``: devices, each with the node where it must not run ("" for none).
    """

    director: Primitive
    preferred: str = ""
    preference: int = _PREFERENCE
    ping: Primitive | None = None
    vips: tuple[Primitive, ...] = ()
    realserver: Primitive | None = None
    fences: tuple[tuple[Primitive, str], ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def primitives(self) -> tuple[Primitive, ...]:
        """In the order in which they are made."""
        others = (self.ping, self.realserver)
        devices = (device for device, _ in self.fences)
        return (*devices, *(each for each in others if each), self.director, *self.vips)


def pair(cluster: Cluster, ha: HighAvailability, *, realserver: bool = False) -> Pair:
    """``realserver``: the two nodes are real servers, too."""
    fences = tuple(_fences(ha))
    director = Primitive(
        f"director-{cluster.name}",
        "ocf:lvs:director",
        _config(cluster),
        (
            *(Operation(name, 60) for name in ("start", "stop", "promote", "demote")),
            # Two monitors of one name need different intervals.
            Operation("monitor", 20, 10, _PROMOTED),
            Operation("monitor", 20, 11, _UNPROMOTED),
        ),
        # A pair that lost its links: the node that is promoted shoots first (priority-fencing-delay).
        {"priority": "10", "migration-threshold": "3", "failure-timeout": "600s"},
        {
            "promotable": "true",
            "promoted-max": "1",
            "promoted-node-max": "1",
            "clone-max": "2",
            "clone-node-max": "1",
            "notify": "false",
            "interleave": "true",
        },
    )
    properties = {"stonith-enabled": "true" if fences else "false"}
    if fences:
        properties["priority-fencing-delay"] = "15s"
    return Pair(
        director=director,
        preferred=ha.nodes[0] if ha.auto_failback else "",
        ping=_ping(ha),
        vips=_vips(cluster, ha) if ha.vips == "ipaddr2" else (),
        realserver=_realserver(cluster) if realserver else None,
        fences=fences,
        properties=properties,
        defaults={"resource-stickiness": str(_STICKINESS)},
    )


def devices(ha: HighAvailability) -> tuple[Stonith, ...]:
    """Those that Pacemaker calls: fence_ agents where there are any, else cluster-glue's plugins."""
    return tuple(device for device in ha.stonith if device.agent) or ha.stonith


def _config(cluster: Cluster) -> dict[str, str]:
    """As for haresources: the name where the file has its usual place."""
    arguments = haresources.director(cluster.file).arguments
    return {"config": arguments[0] if arguments else cluster.file}


def _ping(ha: HighAvailability) -> Primitive | None:
    if not ha.ping:
        return None
    return Primitive(
        "ping",
        "ocf:pacemaker:ping",
        {"host_list": " ".join(ha.ping), "dampen": "5s", "multiplier": "1000"},
        (Operation("monitor", 60, 10),),
        clone={"interleave": "true"},
    )


def _realserver(cluster: Cluster) -> Primitive:
    operations = (Operation("start", 60), Operation("stop", 60), Operation("monitor", 20, 10))
    name = f"realserver-{cluster.name}"
    return Primitive(name, "ocf:lvs:realserver", _config(cluster), operations, clone={"interleave": "true"})


def _vips(cluster: Cluster, ha: HighAvailability) -> tuple[Primitive, ...]:
    found = []
    for vip, interface in haresources.addresses(cluster, ha):
        parameters = {
            "ip": vip.address,
            "cidr_netmask": str(vip.prefix),
            "broadcast": broadcast_of(vip.address, vip.prefix),
            # A node that is a real server has the VIP on lo while it is not the director.
            "lvs_support": "true",
            **({"nic": interface} if interface else {}),
        }
        operations = (Operation("monitor", 20, 10),)
        group = f"vips-{cluster.name}"
        found.append(Primitive(f"vip-{vip.address}", "ocf:heartbeat:IPaddr2", parameters, operations, group=group))
    return tuple(found)


def _fences(ha: HighAvailability) -> list[tuple[Primitive, str]]:
    found: list[tuple[Primitive, str]] = []
    names: set[str] = set()
    for device in devices(ha):
        usual = f"fence-{device.node}" if device.node else "fence"
        name = next(each for each in (usual, *(f"{usual}-{n}" for n in range(2, 100))) if each not in names)
        names.add(name)
        parameters = dict(device.parameters)
        if not {"pcmk_host_list", "pcmk_host_map"} & set(parameters):
            parameters["pcmk_host_list"] = device.node or " ".join(ha.nodes)
        operations = (Operation("monitor", 60, 3600),)
        found.append((Primitive(name, f"stonith:{device.type}", parameters, operations), device.node))
    return found
