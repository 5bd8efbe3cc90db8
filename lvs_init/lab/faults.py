"""Every fault that can be put into a rehearsal, and those of the catalogue that cannot, each with the reason."""

from __future__ import annotations

from lvs_init.config.cluster import Cluster, VirtualService
from lvs_init.lab import (
    faults_arp,
    faults_direct,
    faults_director,
    faults_nat,
    faults_pair,
    faults_service,
    faults_table,
)
from lvs_init.lab.fault import DATAGRAM, MARKED, PERSISTENT, PLAIN, Fault

FAULTS: tuple[Fault, ...] = (
    *faults_arp.FAULTS,
    *faults_director.FAULTS,
    *faults_direct.FAULTS,
    *faults_nat.FAULTS,
    *faults_service.FAULTS,
    *faults_table.FAULTS,
    *faults_pair.FAULTS,
)


def named(name: str) -> list[Fault]:
    """All variants of a code, or the one that is named with its variant ("ARP01-all-3"); none where there is none."""
    name = name.upper()
    return [fault for fault in FAULTS if name in (fault.code, fault.name.upper())]


def kind_of(service: VirtualService) -> str:
    """Which kind of fault a service is for."""
    if service.key.protocol == "fwmark":
        return MARKED
    if service.service.persistence is not None:
        return PERSISTENT
    return DATAGRAM if service.key.protocol == "udp" else PLAIN


def service_for(fault: Fault, cluster: Cluster) -> int | None:
    """The place in the file of the first service that the fault is about; None where the file has none."""
    for index, service in enumerate(cluster.services):
        fits = kind_of(service) == fault.kind and service.key.family == fault.family
        if fits and len(service.realservers) > 1 and {*service.forwardings} <= {*fault.methods}:
            return index
    return None
