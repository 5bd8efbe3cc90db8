"""What two nodes cannot know of each other, and what is done about it: the two-node rule."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.ha.stonith import UNSOUND
from lvs_init.model.ha import HighAvailability


def risks(ha: HighAvailability, *, pacemaker: bool = False) -> Iterator[str]:
    """A sentence for each way in which this pair could have its VIPs on both nodes, or on none, at once."""
    devices = [device for device in ha.stonith if pacemaker or not device.agent]
    interfaces = {link.interface for link in ha.links}
    if not devices and len(interfaces) < 2:
        yield (
            "there is neither STONITH nor a second link: when the only link fails, each node takes the other for dead "
            "and both have the VIPs, so clients reach now this one and now that one; add a [[ha.link]] on another "
            "interface, and better a [[ha.stonith]], which makes sure"
        )
    elif not devices:
        yield (
            "there is no STONITH: when all links fail at once, or a node hangs for longer than deadtime and then goes "
            "on, both nodes have the VIPs; a [[ha.stonith]] makes sure that one is off before the other takes over"
        )
    elif len(interfaces) < 2:
        yield (
            "there is one link only: when it fails, one node turns the other off although both are well; add a "
            "[[ha.link]] on another interface"
        )
    for device in devices:
        if device.type in UNSOUND:
            yield f"the STONITH plugin {device.type} is for tests: it {UNSOUND[device.type]}"
    ended = {device.node for device in devices}
    if devices and "" not in ended:
        for node in ha.nodes:
            if node not in ended:
                yield f"no [[ha.stonith]] turns {node} off, so a takeover from it would wait for ever"
