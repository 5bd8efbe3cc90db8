"""STONITH plugins of cluster-glue: what they want to know, in which order, and as a line of ha.cf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from lvs_init.model.ha import HighAvailability, Stonith

# fmt: off
#: Plugin -> the names of its parameters, as ``stonith -t PLUGIN -n`` of cluster-glue 1.0.12 (Debian 12) prints them.
#: Where cluster-glue is installed, it is asked itself.
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "apcmaster": ("ipaddr", "login", "password"),
    "apcmastersnmp": ("ipaddr", "port", "community"),
    "apcsmart": ("ttydev", "hostlist"),
    "baytech": ("ipaddr", "login", "password"),
    "bladehpi": ("entity_root",),
    "cyclades": ("ipaddr", "login", "serialport"),
    "drac3": ("host", "login", "password"),
    "external/drac5": ("hostname", "ipaddr", "userid"),
    "external/dracmc-telnet": ("nodename", "cyclades_ip", "cyclades_port", "servername", "username", "password"),
    "external/hetzner": ("hostname", "remote_ip"),
    "external/hmchttp": ("hostlist", "hmc_ipaddr", "user", "password"),
    "external/ibmrsa": ("hostname", "ipaddr", "userid", "passwd", "type"),
    "external/ibmrsa-telnet": ("nodename", "ip_address", "username", "password"),
    "external/ipmi": ("hostname", "ipaddr", "userid", "passwd", "interface"),
    "external/ippower9258": ("deviceip", "username", "password", "hostlist"),
    "external/kdumpcheck": ("hostlist", "identity_file"),
    "external/libvirt": ("hostlist", "hypervisor_uri", "reboot_method"),
    "external/nut": ("hostname", "ups", "username", "password", "poweron", "poweroff", "reset", "statusvar", "upscmd",
                     "upsc"),
    "external/rackpdu": ("hostlist", "pduip", "community"),
    "external/riloe": ("hostlist", "ilo_hostname", "ilo_user", "ilo_password", "ilo_can_reset", "ilo_protocol",
                       "ilo_powerdown_method", "ilo_proxyhost", "ilo_proxyport"),
    "external/ssh": ("hostlist",),
    "external/vcenter": ("VI_SERVER", "VI_PORTNUMBER", "VI_PROTOCOL", "VI_SERVICEPATH", "VI_CREDSTORE", "HOSTLIST",
                         "RESETPOWERON"),
    "external/vmware": ("device_host",),
    "external/xen0": ("hostlist", "dom0"),
    "external/xen0-ha": ("hostlist", "dom0_cluster_ip", "timeout"),
    "ibmhmc": ("ipaddr",),
    "ipmilan": ("hostname", "ipaddr", "port", "auth", "priv", "login", "password", "reset_method"),
    "meatware": ("hostlist",),
    "null": ("hostlist",),
    "nw_rpc100s": ("ttydev", "hostlist"),
    "rcd_serial": ("hostlist", "ttydev", "dtr_rts", "msduration"),
    "rps10": ("serial_to_targets",),
    "ssh": ("hostlist",),
    "suicide": (),
    "wti_mpc": ("ipaddr", "port", "community", "mib-version"),
    "wti_nps": ("ipaddr", "password"),
}
# fmt: on
#: Plugins that end nobody, or end a node only as long as it is well enough to obey.
UNSOUND = {
    "null": "ends nobody",
    "suicide": "ends the caller, not the other node",
    "ssh": "asks the other node to reboot itself, which a node that hangs or cannot be reached does not do",
    "external/ssh": "asks the other node to reboot itself, which a node that hangs or cannot be reached does not do",
    "meatware": "waits until a person has turned the node off and says so (meatclient)",
}
HIDDEN = "***"

_WHOM = {"hostlist", "hostname", "nodename", "HOSTLIST"}
_SECRET = re.compile("pass|pwd|secret|community|token|credstore", re.IGNORECASE)


def caller(ha: HighAvailability, device: Stonith) -> str:
    """The node that calls the device, ``*`` for both: the first word of a stonith_host line."""
    return next((node for node in ha.nodes if node != device.node), "*") if device.node else "*"


def stonith_host(ha: HighAvailability, device: Stonith, names: Sequence[str], *, hide: bool = False) -> str:
    """The line of ha.cf. ``names``: the plugin's parameters in its order. ``hide``: no passwords."""
    values = [HIDDEN if hide and secret(name) else device.parameters.get(name, "") for name in names]
    return " ".join(["stonith_host", caller(ha, device), device.type, *values])


def secret(name: str) -> bool:
    """Whether a parameter of this name is nothing for a screen."""
    return bool(_SECRET.search(name))


def mistakes(ha: HighAvailability, device: Stonith, names: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """(what is wrong, what to do) with a device as Heartbeat would have it. ``names`` None: no such plugin is known."""
    if names is None:
        yield (
            f"no plugin {device.type} is known here",
            "'stonith -L' lists them (package cluster-glue); an own one must be installed on this machine, too",
        )
        return
    asks = f"it takes {', '.join(names)}" if names else "it takes none"
    for name in device.parameters:
        if name not in names:
            yield f"{device.type} has no parameter {name}", asks
    for position, name in enumerate(names):
        value = device.parameters.get(name)
        if value is None:
            yield f"{device.type} needs {name}: Heartbeat gives parameters by their place, so each must be there", asks
        elif "#" in value:
            yield f"the value of {name} has a '#', where Heartbeat stops reading", "choose another one"
        elif re.search(r"\s", value) and position < len(names) - 1:
            yield f"the value of {name} has a blank, where Heartbeat sees the next parameter", "choose another one"
    yield from _whom(ha, device, names)


def _whom(ha: HighAvailability, device: Stonith, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name in _WHOM and name in device.parameters:
            listed = re.split(r"[\s,;:=]+", device.parameters[name])
            for node in (device.node,) if device.node else ha.nodes:
                if node not in listed:
                    yield (
                        f"{device.type} would refuse to turn off {node}, which is not in its {name}",
                        f"name it there, or say with node = whom the device is for (of {', '.join(ha.nodes)})",
                    )
