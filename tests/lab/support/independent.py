"""What pyroute2 makes of the IPVS table: a reader that shares no line with ours."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from pyroute2 import IPVS, IPVSService

_PROTOCOLS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}
_HASHED = 0x2  # IP_VS_SVC_F_HASHED: it is in the table


def table() -> dict[str, Any]:
    """Each service by its name with all that can be set, as numbers, and its real servers by theirs."""
    found = {}
    with IPVS() as ipvs:
        for message in ipvs.service("dump"):
            service = dict(message.get("IPVS_CMD_ATTR_SERVICE")["attrs"])
            listed = ipvs.dest("dump", service=IPVSService.from_message(message))
            servers = [dict(each.get("IPVS_CMD_ATTR_DEST")["attrs"]) for each in listed]
            found[_name(service)] = {
                "scheduler": service["IPVS_SVC_ATTR_SCHED_NAME"],
                "flags": service["IPVS_SVC_ATTR_FLAGS"]["flags"] & ~_HASHED,
                "timeout": service["IPVS_SVC_ATTR_TIMEOUT"],
                "netmask": service["IPVS_SVC_ATTR_NETMASK"],
                "engine": service.get("IPVS_SVC_ATTR_PE_NAME", ""),
                "servers": dict(map(_server, servers)),
            }
    return found


def _name(service: Mapping[str, Any]) -> str:
    if "IPVS_SVC_ATTR_FWMARK" in service:
        return f"fwmark {service['IPVS_SVC_ATTR_FWMARK']} {service['IPVS_SVC_ATTR_AF']}"
    protocol = _PROTOCOLS[service["IPVS_SVC_ATTR_PROTOCOL"]]
    return f"{protocol} {service['IPVS_SVC_ATTR_ADDR']} {service['IPVS_SVC_ATTR_PORT']}"


def _server(server: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Forwarding method, weight, upper and lower threshold; of a tunnel also its type, port and flags."""
    names = ["FWD_METHOD", "WEIGHT", "U_THRESH", "L_THRESH"]
    numbers = [server[f"IPVS_DEST_ATTR_{name}"] for name in names]
    if numbers[0] == 2:
        port = socket.ntohs(server["IPVS_DEST_ATTR_TUN_PORT"])  # pyroute2 takes it for one in the machine's order
        numbers += [server["IPVS_DEST_ATTR_TUN_TYPE"], port, server["IPVS_DEST_ATTR_TUN_FLAGS"]]
    return f"{server['IPVS_DEST_ATTR_ADDR']} {server['IPVS_DEST_ATTR_PORT']}", numbers
