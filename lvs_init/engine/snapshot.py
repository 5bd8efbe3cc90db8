"""Looking at this machine for the doctor: one Snapshot, few processes, nothing changed and nothing loaded.

Whoever runs it sees what they may; what they may not is told of in the Snapshot.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from lvs_init.commands import iptables_save, modprobe, nft, sysctl
from lvs_init.config.cluster import Cluster
from lvs_init.doctor import merge, read_ip, read_proc
from lvs_init.doctor.plain import clean
from lvs_init.doctor.questions import questions
from lvs_init.doctor.snapshot import Interface, Listener, Program, Snapshot
from lvs_init.engine import snapshot_files, snapshot_table
from lvs_init.engine.look import Look
from lvs_init.engine.paths import Paths
from lvs_init.model.address import family_of
from lvs_init.model.firewall import Firewall, joined
from lvs_init.model.network import SysctlKey
from lvs_init.system import files, identity, link, netinfo, processes
from lvs_init.system.runner import Runner

#: Of net/ipv4/conf and net/ipv6/conf, for all, default and every device.
_OF_DEVICES = {
    "ipv4": (*merge.MERGED, "accept_redirects"),
    "ipv6": ("forwarding", "accept_ra", "disable_ipv6", "accept_dad", "ndisc_notify", "accept_redirects"),
}
_ALONE = (
    "net/core/fb_tunnels_only_for_init_net",
    "net/ipv4/ip_forward",
    "net/ipv4/ip_no_pmtu_disc",
    "net/ipv4/ip_nonlocal_bind",
    "net/ipv4/tcp_keepalive_time",
    "net/ipv4/tcp_timestamps",
    "net/ipv4/tcp_tw_recycle",
    "net/ipv6/bindv6only",
    "net/ipv6/ip_nonlocal_bind",
    "net/netfilter/nf_conntrack_buckets",
    "net/netfilter/nf_conntrack_count",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "net/netfilter/nf_conntrack_tcp_loose",
)
_TABLE = "net/ipv4/vs"

#: Programs that write the table, give and take addresses, or rules of the packet filter (proc(5): 15 letters of comm).
PROGRAMS = (
    "NetworkManager", "dhclient", "dockerd", "firewalld", "heartbeat", "keepalived", "kube-proxy", "kube-router",
    "ldirectord", "lvsd", "nanny", "pacemakerd", "systemd-network",
)  # fmt: skip

_MODULES = (
    "ip_vs",
    "ip_vs_ftp",
    "ip_vs_pe_sip",
    "ipip",
    "ip6_tunnel",
    "sit",
    "ip_gre",
    "fou",
    "nf_conntrack",
    "xt_ipvs",
)
#: Devices by which packets may come in, of more a machine is not asked about.
_MOST_DEVICES = 16


def take(
    cluster: Cluster | None, fingerprint: str, paths: Paths | None = None, runner: Runner | None = None
) -> Snapshot:
    """This machine as it is now. ``cluster``: which configuration it is to be judged by, None where there is none.

    Takes about 0.2 s. Raises nothing that has to do with the machine.
    """
    look = Look(cluster, paths or Paths(), runner or Runner())
    before = _counters()
    found = Snapshot(
        node=clean(identity.node_name()),
        kernel=clean(os.uname().release),
        uid=os.geteuid(),
        container=_container(),
        file=clean(cluster.file) if cluster else "",
        fingerprint=fingerprint,
        sysctls=_sysctls(look),
        modules=_modules(look),
        programs=look.attempt("programs", _programs),
        listeners=_listeners(),
    )
    found = snapshot_table.add(found, look)
    found = replace(found, clients=_clients(found, cluster))
    found = _network(found, look)
    found = replace(found, firewall=_firewall(look))
    found = snapshot_files.add(found, look)
    after = _counters()
    grown = {name: after[name] - number for name, number in before.items() if name in after}
    return replace(found, counters=after, grown=grown, unseen=(*found.unseen, *look.unseen))


def _network(found: Snapshot, look: Look) -> Snapshot:
    """Devices, addresses, routes, rules, neighbours and the answers to all questions, from one process or two."""
    rips = [server.address for service in found.services or () for server in service.servers]
    asked = questions(look.cluster, _entrances(), found.clients, rips) if look.cluster else []

    done = look.attempt("addresses and routes", lambda: look.runner.run(read_ip.batch(asked)))
    shown = look.attempt("addresses and routes", lambda: read_ip.split(done.stdout)) if done else None
    if done is None or shown is None:
        return found
    address, route, rule, neighbour = shown[: len(read_ip.SHOW)]
    rules = look.attempt("policy rules", lambda: read_ip.policy_rules(rule, 4))
    if rules is not None and look.cluster and any(family_of(vip.address) == 6 for vip in look.cluster.vips):
        more = look.attempt("policy rules of IPv6", lambda: _rules_of_ipv6(look))
        rules += more or ()
    interfaces = look.attempt("interfaces", lambda: read_ip.interfaces(address))
    return replace(
        found,
        interfaces=tuple(map(_with_offload, interfaces)) if interfaces is not None else None,
        addresses=look.attempt("addresses", lambda: read_ip.addresses(address)),
        routes=look.attempt("routes", lambda: read_ip.routes(route)),
        rules=rules,
        neighbours=look.attempt("neighbours", lambda: read_ip.neighbours(neighbour)),
        answers=look.attempt("routing", lambda: read_ip.answers(asked, shown[len(read_ip.SHOW) :], done.stderr)),
    )


def _rules_of_ipv6(look: Look) -> tuple[Any, ...]:
    import json

    return read_ip.policy_rules(json.loads(look.shown(read_ip.RULES_OF_IPV6) or "[]"), 6)


def _entrances() -> list[str]:
    """The devices that packets may come in by: those that are up, but for lo."""
    found = [each.name for each in netinfo.interfaces().values() if each.up and not each.loopback]
    return sorted(found)[:_MOST_DEVICES]


def _with_offload(interface: Interface) -> Interface:
    merges = link.large_receive_offload(interface.name) if interface.up and interface.type == "ether" else None
    return replace(interface, lro=merges)


def _sysctls(look: Look) -> dict[str, str]:
    names = list(_ALONE)
    for family, keys in _OF_DEVICES.items():
        for device in _listed(f"/proc/sys/net/{family}/conf"):
            names += [f"net/{family}/conf/{device}/{key}" for key in keys]
    names += [f"{_TABLE}/{name}" for name in _listed(f"/proc/sys/{_TABLE}")]
    if look.cluster:
        names += [*look.cluster.director.sysctl, *look.cluster.realserver.sysctl]
    found = {}
    for name in names:
        text = files.read_small(sysctl.proc_path(SysctlKey(name)))
        if text is not None:
            found[clean(name)] = clean(sysctl.normalise(text))
    return found


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _modules(look: Look) -> dict[str, str]:
    names = list(_MODULES)
    for service in look.cluster.services if look.cluster else ():
        names.append(f"ip_vs_{service.service.scheduler}")
    directory = f"/lib/modules/{os.uname().release}"
    loaded = {name for name in names if os.path.isdir(f"/sys/module/{name}")}
    builtin, index = (files.read_small(f"{directory}/modules.{kind}") for kind in ("builtin", "dep"))
    if index is None:
        look.missed("which modules there are", f"{directory} is not there")
    rows = (row.partition(":")[0].partition(".ko")[0] for row in (index or "").splitlines())
    there = None if index is None else modprobe.parse_builtin("\n".join(rows))
    return read_proc.modules(loaded, modprobe.parse_builtin(builtin or ""), there, dict.fromkeys(names))


def _programs() -> tuple[Program, ...]:
    return tuple(Program(each.pid, clean(each.name), clean(each.since)) for each in processes.named(PROGRAMS))


def _listeners() -> tuple[Listener, ...]:
    return tuple(
        listener
        for protocol in ("tcp", "udp")
        for version in ("", "6")
        for listener in read_proc.listeners(files.read_small(f"/proc/net/{protocol}{version}") or "", protocol)
    )


def _clients(found: Snapshot, cluster: Cluster | None) -> tuple[str, ...]:
    """Some that are connected through the table, or to a VIP that is ours, or by nat to a RIP."""
    services = cluster.services if cluster else ()
    own = [vip.address for service in services for vip in service.vips]
    own += [key.address for one in services for key, value in one.realservers if value.forwarding == "nat"]
    texts = (files.read_small(f"/proc/net/{name}") or "" for name in ("tcp", "tcp6"))
    connected = (peer for text in texts for peer in read_proc.peers(text, own))
    return read_proc.some((*found.clients, *connected))


def _counters() -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ("snmp", "netstat"):
        found.update(read_proc.counters(files.read_small(f"/proc/net/{name}") or ""))
    for name, column in (("rt_cache", "in_martian_src"), ("nf_conntrack", "drop"), ("nf_conntrack", "early_drop")):
        number = read_proc.per_cpu(files.read_small(f"/proc/net/stat/{name}") or "", column)
        if number is not None:
            found[f"{name}.{column}"] = number
    return found


def _container() -> bool:
    marks = ("/run/.containerenv", "/.dockerenv", "/run/systemd/container")
    return any(map(os.path.exists, marks))


def _firewall(look: Look) -> Firewall | None:
    """Each tool is asked only where the kernel has rules of its kind: asking would load what is not there."""
    if not look.asked_as_root("firewall rules"):
        return None
    tables = os.path.isdir("/sys/module/nf_tables")
    found = Firewall()
    for family, command in iptables_save.SAVE.items():
        program = look.runner.find(command.argv[0])
        if program and (_legacy_rules(family) if "legacy" in os.path.realpath(program) else tables):
            shown = look.attempt(command.argv[0], lambda: iptables_save.parse(look.shown(command), family))  # noqa: B023
            found = joined(found, shown or Firewall())
        elif not program and _legacy_rules(family):
            look.missed(f"firewall rules of IPv{family}", f"there is no program {command.argv[0]}")
    if tables and look.runner.find("nft"):
        found = joined(found, look.attempt("nft", lambda: nft.parse(look.shown(nft.LIST))) or Firewall())
    elif tables and not look.runner.find("iptables-save"):
        look.missed("firewall rules", "there is no program nft")
    return found


def _legacy_rules(family: int) -> bool:
    name = "ip_tables_names" if family == 4 else "ip6_tables_names"
    return bool((files.read_small(f"/proc/net/{name}") or "").strip())
