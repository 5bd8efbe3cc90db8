"""Connections, persistence, timers and marks on the director (CON01 to CON12)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvs_init.commands import iptables
from lvs_init.commands.command import shell_text
from lvs_init.config.cluster import VirtualService
from lvs_init.doctor.case import Case
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, Finding, by_command, by_hand, settings
from lvs_init.doctor.firewall import marks
from lvs_init.doctor.registry import DIRECTOR, REALSERVER, entry
from lvs_init.doctor.snapshot import LiveService
from lvs_init.doctor.verdict import Packet
from lvs_init.model.ipvs import host_port
from lvs_init.model.network import MarkRuleKey

_VS = "net/ipv4/vs"
_DEFAULT_TIMEOUT = 900  # seconds, tcp (Linux net/netfilter/ipvs/ip_vs_proto_tcp.c)
_SKEW, _MANY = 0.9, 20  # share of one real server among so many templates


def _name(service: LiveService) -> str:
    if service.protocol == "fwmark":
        return f"fwmark {service.fwmark}"
    return f"{service.protocol} {host_port(service.address, service.port)}"


@entry(
    "CON01",
    "A drained real server keeps its persistent clients",
    where=(DIRECTOR,),
    symptom="Weight 0 for hours, and requests still come.",
    cause="A client with a persistence template is sent where it was before, whatever the weight, and each request "
    "renews the template.",
    cure="net.ipv4.vs.expire_quiescent_template=1, which `lvsctl drain` sets meanwhile.",
)
def drained_and_persistent(case: Case) -> Iterator[Finding]:
    """Weight 0 in the kernel, in a persistent service."""
    if case.sysctl(f"{_VS}/expire_quiescent_template") != "0":
        return
    for service in case.snapshot.services or ():
        for server in service.servers if service.persistent else ():
            if server.weight == 0:
                where = host_port(server.address, server.port)
                count = ((case.snapshot.connections and case.snapshot.connections.templates) or {}).get(where, 0)
                yield Finding(
                    "CON01", RISK, f"{_name(service)}: {where} has weight 0 and {count} templates, with "
                    "net.ipv4.vs.expire_quiescent_template = 0",
                    "clients that it has had before keep coming", settings({f"{_VS}/expire_quiescent_template": "1"}),
                    f"{_name(service)} {where}",
                )  # fmt: skip


@entry(
    "CON02",
    "Connections to a real server that is gone",
    where=(DIRECTOR,),
    symptom="Clients hang instead of being refused; UDP senders lose everything for minutes.",
    cause="With net.ipv4.vs.expire_nodest_conn=0 packets of a connection whose real server has left the table are "
    "dropped without a word.",
    cure="net.ipv4.vs.expire_nodest_conn=1: clients are reset at once and can come back. `lvs-director reload` drains "
    "real servers before it removes them.",
)
def orphaned(case: Case) -> Iterator[Finding]:
    """Rows of the connection table whose real server is in no service that their VIP and port belong to."""
    connections = case.snapshot.connections
    if case.snapshot.services is None or connections is None or case.sysctl(f"{_VS}/expire_nodest_conn") != "0":
        return
    for way, count in sorted((connections.of_servers or {}).items()):
        vip, _, server = way.partition(" ")
        if not case.has(_host(server)) and _host(server) not in _behind(case, vip):
            yield Finding(
                "CON02", RISK, f"{count} connections of {vip} to {server}, which is in the service no more, with "
                "net.ipv4.vs.expire_nodest_conn = 0",
                "packets of these connections are dropped, and their clients wait",
                settings({f"{_VS}/expire_nodest_conn": "1"}), way,
            )  # fmt: skip


def _behind(case: Case, where: str) -> set[str]:
    """The real servers of every service in the table that takes what is sent to a VIP and port."""
    vip, port = _host(where), where.rpartition(":")[2]
    marked = {each.key.fwmark for each in case.cluster.services if vip in (known.address for known in each.vips)}
    return {
        server.address
        for service in case.snapshot.services or ()
        if (service.protocol == "fwmark" and service.fwmark in marked)
        or (service.address == vip and str(service.port) in (port, "0"))
        for server in service.servers
    }


def _host(where: str) -> str:
    """``[fd00::1]:80`` -> ``fd00::1``."""
    return where.rpartition(":")[0].strip("[]")


@entry(
    "CON03",
    "Ports that clients use again",
    where=(DIRECTOR,),
    symptom="One second more for some connections, or connections to real servers of weight 0.",
    cause="Before Linux 5.9 conn_reuse_mode=1 with vs.conntrack=1 drops the SYN of a port that is used again; mode 0 "
    "sends it where the connection before went.",
    cure="Linux 5.9 and conn_reuse_mode=1.",
    not_injected="the lab's kernel is newer",
)
def reused(case: Case) -> Iterator[Finding]:
    """By the kernel's version."""
    mode, found = case.sysctl(f"{_VS}/conn_reuse_mode"), re.match(r"(\d+)\.(\d+)", case.snapshot.kernel)
    if mode is None or found is None:
        return
    old = (int(found[1]), int(found[2])) < (5, 9)
    tracked = case.sysctl(f"{_VS}/conntrack") not in (None, "0")
    if mode == "0":
        yield Finding(
            "CON03", RISK, f"net.ipv4.vs.conn_reuse_mode = 0 on Linux {case.snapshot.kernel}",
            "a port that is used again leads to the real server of last time, drained or not",
            settings({f"{_VS}/conn_reuse_mode": "1"}) if not old else by_hand("Linux 5.9 or newer"),
        )  # fmt: skip
    elif old and tracked:
        yield Finding(
            "CON03", RISK, f"net.ipv4.vs.conn_reuse_mode = {mode}, net.ipv4.vs.conntrack = 1 on Linux "
            f"{case.snapshot.kernel}",
            "the SYN of a port that is used again is dropped once: a second's delay", by_hand("Linux 5.9 or newer"),
        )  # fmt: skip


@entry(
    "CON04",
    "Idle connections are forgotten",
    where=(DIRECTOR,),
    symptom="A connection that was idle for a while is reset, or hangs.",
    cause="IPVS forgets a TCP connection after the timeout of ipvsadm --set (900 s by default), which a sender of "
    "keepalives every 7200 s does not prevent.",
    cure="A longer timeout ([director.timeouts]), or keepalives that come sooner.",
)
def forgotten(case: Case) -> Iterator[Finding]:
    """Shorter than keepalives; below the kernel's own default somebody has chosen it."""
    timeout = (case.snapshot.timeouts or {}).get("tcp", 0)
    alive = case.sysctl("net/ipv4/tcp_keepalive_time") or ""
    wanted = int(alive) if alive.isdecimal() else 7200
    if 0 < timeout < wanted and any(service.key.protocol != "udp" for service in case.cluster.services):
        chosen = timeout < _DEFAULT_TIMEOUT and case.cluster.director.timeouts.get("tcp") != timeout
        yield Finding(
            "CON04", RISK if chosen else NOTE, f"tcp timeout {timeout} s, net.ipv4.tcp_keepalive_time = {wanted} s",
            "who is silent for longer has lost the connection unnoticed", by_command(f"ipvsadm --set {wanted} 0 0"),
        )  # fmt: skip


@entry(
    "CON05",
    "One real server has nearly all persistent clients",
    where=(DIRECTOR,),
    symptom="One real server is overloaded, the others idle.",
    cause="Persistence follows the client's address, or its network with a netmask: many clients behind one address "
    "are one client.",
    cure="A shorter persistence, a netmask of all ones, or no persistence and sessions that the real servers share.",
)
def skewed(case: Case) -> Iterator[Finding]:
    """By the templates."""
    templates = (case.snapshot.connections and case.snapshot.connections.templates) or {}
    for service in case.snapshot.services or ():
        active = [host_port(each.address, each.port) for each in service.servers if each.weight > 0]
        counts = {where: templates.get(where, 0) for where in active}
        total = sum(counts.values())
        if service.persistent and len(active) > 1 and total >= _MANY and max(counts.values()) >= total * _SKEW:
            most = max(counts, key=lambda where: counts[where])
            yield Finding(
                "CON05", RISK, f"{_name(service)}: {counts[most]} of {total} templates lead to {most}",
                "new connections of these clients go there as well",
                by_hand("a shorter persistence, or a persistence_netmask of 255.255.255.255"), _name(service),
            )  # fmt: skip


@entry(
    "CON06",
    "Defence modes that drop packets and connections",
    where=(DIRECTOR,),
    symptom="Packets are lost at random, or all of them are; connections vanish.",
    cause="drop_packet drops one packet of am_droprate, drop_entry throws young connections away, secure_tcp shortens "
    "timeouts: 3 always, 1 and 2 while memory is short, where the page cache does not count as free.",
    cure="0 for all three.",
)
def defending(case: Case) -> Iterator[Finding]:
    """Anything but 0; a note where the file wants it so."""
    for name in ("drop_packet", "drop_entry", "secure_tcp"):
        value = case.sysctl(f"{_VS}/{name}")
        if value in (None, "0"):
            continue
        severity = BROKEN if name == "drop_packet" and value in ("2", "3") else RISK
        wanted = case.cluster.director.sysctl.get(f"{_VS}/{name}") == value
        rate = f", am_droprate = {case.sysctl(f'{_VS}/am_droprate')}" if name == "drop_packet" else ""
        yield Finding(
            "CON06", NOTE if wanted else severity, f"net.ipv4.vs.{name} = {value}{rate}",
            "IPVS throws away what belongs to clients", settings({f"{_VS}/{name}": "0"}), name,
        )  # fmt: skip


@entry(
    "CON07",
    "One packet a connection, or many",
    where=(DIRECTOR,),
    symptom="TCP connections break at once; or all questions of a resolver go to one name server.",
    cause="one_packet chooses a real server for every packet, which suits single questions over UDP and nothing else.",
    cure="one_packet for DNS over UDP; never for TCP.",
)
def packets_apart(case: Case) -> Iterator[Finding]:
    """one_packet where there are connections; none where there are questions."""
    for service in case.snapshot.services or ():
        if service.one_packet and service.protocol in ("tcp", "sctp"):
            yield Finding(
                "CON07", BROKEN, f"{_name(service)} has one_packet", "each packet may go to another real server",
                by_command("lvs-director start"), _name(service),
            )  # fmt: skip
        elif service.one_packet is False and (service.protocol, service.port) == ("udp", 53):
            yield Finding(
                "CON07", NOTE, f"{_name(service)} without one_packet",
                "a resolver that asks from one port again and again always gets the same real server",
                by_hand("one_packet = true"), _name(service),
            )  # fmt: skip


@entry(
    "CON08",
    "Nobody marks the packets of a firewall-mark service",
    where=(DIRECTOR,),
    symptom="Clients are refused: the director's own TCP answers.",
    cause="A service of a firewall mark takes what carries the mark when it arrives: only rules of mangle PREROUTING "
    "(or nft's prerouting) come early enough.",
    cure="The rules that `match` in the file stands for: `lvs-director start`; or your own.",
)
def unmarked(case: Case) -> Iterator[Finding]:
    """Where the director is at work, and no rule sets the mark, of those that the packets pass."""
    firewall = case.snapshot.firewall
    if firewall is None or not case.serving(DIRECTOR):
        return
    for service in case.cluster.services:
        if service.key.protocol != "fwmark":
            continue
        for key in _marked(service):
            packet = Packet(service.key.family, key.protocol or "tcp", destination=key.address, dport=key.port or None)
            found = set(marks(firewall, packet))
            if service.key.fwmark in found or None in found:
                continue
            what = f"{key.protocol or 'packets'} to {host_port(key.address, key.port) if key.port else key.address}"
            yield Finding(
                "CON08", BROKEN, f"no rule of PREROUTING gives {what} the mark {service.key.fwmark}",
                f"{service.key} takes nothing that is not marked",
                by_command(shell_text(iptables.append_mark(key))) if service.match is not None
                else by_hand(f"iptables -t mangle -A PREROUTING ... -j MARK --set-mark {service.key.fwmark}"),
                str(key),
            )  # fmt: skip


def _marked(service: VirtualService) -> Iterator[MarkRuleKey]:
    """The rules that there should be; one for each VIP where the admin marks."""
    for vip in service.vips:
        if service.match is None:
            yield MarkRuleKey(vip.address, "", 0, service.key.fwmark)
        for match in service.match or ():
            yield MarkRuleKey(vip.address, match.protocol, match.port, service.key.fwmark)


@entry(
    "CON09",
    "tcp_tw_recycle on a real server",
    where=(REALSERVER,),
    symptom="Some clients behind a common address cannot connect, now and then.",
    cause="Until Linux 4.12 tcp_tw_recycle=1 drops SYNs whose timestamps go back, and clients behind NAT have clocks "
    "of their own.",
    cure="net.ipv4.tcp_tw_recycle=0.",
    not_injected="the lab's kernel has no such setting any more",
)
def recycled(case: Case) -> Iterator[Finding]:
    """Where the kernel still has it."""
    if case.sysctl("net/ipv4/tcp_tw_recycle") not in (None, "0"):
        yield Finding(
            "CON09", RISK, "net.ipv4.tcp_tw_recycle = 1", "SYNs of clients behind one address are dropped",
            settings({"net/ipv4/tcp_tw_recycle": "0"}),
        )  # fmt: skip


@entry(
    "CON10",
    "Counters stand still",
    where=(DIRECTOR,),
    symptom="ipvsadm --stats and --rate show nothing, or always the same.",
    cause="net.ipv4.vs.run_estimation=0 stops the kernel thread that adds them up. Scheduling does not need it.",
    cure="net.ipv4.vs.run_estimation=1.",
)
def frozen(case: Case) -> Iterator[Finding]:
    """The setting."""
    if case.sysctl(f"{_VS}/run_estimation") == "0":
        yield Finding(
            "CON10", NOTE, "net.ipv4.vs.run_estimation = 0", "no counter of IPVS can be believed, neither here nor in "
            "a monitoring", settings({f"{_VS}/run_estimation": "1"}),
        )  # fmt: skip


@entry(
    "CON12",
    "A service on every port",
    where=(DIRECTOR,),
    symptom="ssh to the VIP, or a health check of it, ends at a real server.",
    cause="Port 0 takes every port of the VIP.",
    cure="A firewall mark for the ports that are meant; other programs on the DIP.",
)
def every_port(case: Case) -> Iterator[Finding]:
    """A note: it may well be meant so."""
    for service in case.cluster.services:
        if service.key.protocol != "fwmark" and service.key.port == 0:
            vip = service.key.address
            yield Finding(
                "CON12", NOTE, f"{service.key}: every port of {vip}",
                f"the director's own programs are not reached by {vip}", by_hand("a firewall mark for the ports meant"),
                str(service.key),
            )  # fmt: skip
