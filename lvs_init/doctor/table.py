"""The table of services and who else writes it (CON11, DIR04, DIR09 to DIR13, DIR15, DIR17)."""

from __future__ import annotations

from collections.abc import Iterator

from lvs_init.doctor.case import DIRECTOR, REALSERVER, Case
from lvs_init.doctor.finding import BROKEN, NOTE, RISK, WILL_BREAK, Finding, by_command, by_hand, settings, several
from lvs_init.doctor.registry import entry
from lvs_init.doctor.snapshot import LiveServer
from lvs_init.model.ipvs import ServiceKey, host_port

#: Programs that write the table, and when.
_WRITERS = {
    "keepalived": "if it has a virtual_server, it changes the same table",
    "kube-proxy": "in its ipvs mode it removes every service that is not its own",
    "kube-router": "it removes every service that is not its own",
    "ldirectord": "it changes the same table",
    "lvsd": "it changes the same table",
    "nanny": "it changes the same table",
}
#: Connections for each bucket of the hash, beyond which looking one up takes its time.
_CROWDED = 4

_BACKUP_ONLY = "net/ipv4/vs/backup_only"
_ROUND = "what the director sends here is sent on instead of served, round and round until its TTL is used up"
_BY = {"dr": "-g", "nat": "-m", "tun": "-i"}


def delete_server(service: ServiceKey, server: LiveServer) -> str:
    """The command that takes a real server out of the table."""
    return f"ipvsadm -d {option(service)} -r {host_port(server.address, server.port)}"


def option(service: ServiceKey) -> str:
    """How ipvsadm names a service."""
    if service.protocol == "fwmark":
        return f"-f {service.fwmark}" + (" -6" if service.family == 6 else "")
    name = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}[service.protocol]
    return f"{name} {host_port(service.address, service.port)}"


def _is_local(case: Case, address: str) -> bool:
    return address.startswith("127.") or address == "::1" or case.has(address)


@entry(
    "DIR04",
    "A local real server does not get its packets",
    where=(DIRECTOR,),
    symptom="A share of the connections is refused, or times out: that of the real server on the director itself.",
    cause="Under dr a packet for a local real server is delivered as it came, for the VIP and its port. Under nat "
    "the kernel refuses to send a client's packet to 127.0.0.1.",
    cure="Under dr a server that listens on the VIP or on all addresses at the service's port; under nat the DIP, "
    "not 127.0.0.1.",
)
def local_real_server(case: Case) -> Iterator[Finding]:
    for service, server in case.balanced if case.serving(DIRECTOR) else ():
        if not _is_local(case, server.address):
            continue
        about = f"{host_port(server.address, server.port)} of {service}"
        if server.forwarding == "nat" and server.address.startswith("127."):
            yield Finding(
                "DIR04",
                BROKEN,
                f"{service} forwards by nat to {server.address}",
                "the kernel drops what a client sends to a loopback address, so each of its connections times out",
                by_command(delete_server(service, server)),
                about,
            )
            continue
        nat = server.forwarding == "nat"
        port = server.port if nat else service.port
        listening = case.listening(service.protocol, port) if service.protocol in ("tcp", "udp") and port else None
        right = {server.address if nat else service.address, "0.0.0.0", "::"}
        if listening is not None and not any(each.address in right for each in listening):
            where = server.address if nat else service.address
            yield Finding(
                "DIR04",
                BROKEN,
                f"nobody listens on {host_port(where, port)} or on all addresses of this machine",
                "it is a real server itself, and what is sent to it comes to that address and port",
                by_hand(f"let the server listen on {host_port(where, port)}"),
                about,
            )


@entry(
    "DIR09",
    "Somebody else writes the table",
    where=(DIRECTOR,),
    symptom="Services vanish or come up, weights are set back.",
    cause="keepalived, ldirectord, kube-proxy and kube-router each look after the table as if it were theirs alone.",
    cure="One owner. Or weights = \"live\" for services whose weights ldirectord looks after.",
)  # fmt: skip
def second_owner(case: Case) -> Iterator[Finding]:
    live_weights = bool(case.cluster.services) and all(each.weights == "live" for each in case.cluster.services)
    for program in case.snapshot.programs or ():
        if program.name in _WRITERS:
            theirs = program.name == "ldirectord" and live_weights
            yield Finding(
                "DIR09",
                NOTE if theirs else RISK,
                f"{program.name} (process {program.pid}{program.since}) is at work here",
                "weights are left to it" if theirs else f"{_WRITERS[program.name]}: what both do undoes each other",
                by_hand(f"leave the table to {program.name} or to lvs-init, not to both"),
                program.name,
            )
    record = case.record(DIRECTOR)
    if record is None or not case.snapshot.services:  # an empty one is DIR10
        return
    for service in case.cluster.services:
        if str(service.key) in record.services and case.live(service.key) is None:
            yield Finding(
                "DIR09",
                BROKEN if record.stance != "standby" else WILL_BREAK,
                f"{service.key} was started, and is not in the kernel's table",
                "somebody has removed it, so its clients reach nobody",
                by_command("lvs-director start"),
                str(service.key),
            )


@entry(
    "DIR10",
    "ipvsadm -C drops live sessions",
    where=(DIRECTOR,),
    symptom="Every connection is reset at once when the table is cleared and set up anew.",
    cause="With the last service gone IPVS leaves its hooks, and the director's own TCP answers other machines' "
    "packets with a reset.",
    cure="Change what differs, drain by weight 0: `lvs-director reload`. Doctor sees a table that is still empty; set "
    "up anew, nothing tells of it any more.",
)
def cleared(case: Case) -> Iterator[Finding]:
    """Every service that was started is gone."""
    record = case.record(DIRECTOR)
    if record is not None and record.services and case.snapshot.services == ():
        yield Finding(
            "DIR10",
            BROKEN if record.stance != "standby" else WILL_BREAK,
            f"{several(record.services)} started here, and the kernel's table is empty",
            "somebody has cleared it: this machine itself ends the open connections, and new ones reach nobody",
            by_command("lvs-director start"),
        )


@entry(
    "DIR11",
    "A real server balances the VIP as well",
    where=(DIRECTOR, REALSERVER),
    methods=("dr", "tun"),
    symptom="Packets go round in circles between directors: 'No route to host' at once, and a storm on the wire.",
    cause="A machine that has the VIP as a real server, and a service for it in its table, sends on what it should "
    "serve.",
    cure="No table on a real server. On a pair of directors that serve as well: backup_only 1 with a backup sync "
    "daemon.",
)
def balances_what_it_serves(case: Case) -> Iterator[Finding]:
    if case.serving(DIRECTOR):
        return
    if _backs_up(case) or (case.snapshot.daemons is None and case.sysctl(_BACKUP_ONLY) == "1"):
        return
    for key, away in _sent_on(case):
        yield Finding(
            "DIR11",
            BROKEN,
            f"this real server has {key} in its own table, towards {several(away)}",
            _ROUND,
            by_command(f"ipvsadm -D {option(key)}"),
            str(key),
        )


@entry(
    "CON11",
    "A backup director that schedules",
    where=(DIRECTOR, REALSERVER),
    methods=("dr", "tun"),
    symptom="As DIR11: packets go round in circles between directors.",
    cause="A standby that is a real server as well forwards what it should serve, unless backup_only=1 and a backup "
    "sync daemon hold its table back.",
    cure="backup_only=1, which `lvs-director start` sets where there is [ha.sync].",
)
def backup_that_schedules(case: Case) -> Iterator[Finding]:
    if case.serving(DIRECTOR) or not _backs_up(case) or case.sysctl(_BACKUP_ONLY) != "0":
        return
    for key, away in _sent_on(case):
        yield Finding(
            "CON11",
            BROKEN,
            f"net.ipv4.vs.backup_only = 0, a backup sync daemon, and {key} in the table, towards {several(away)}",
            _ROUND,
            settings({_BACKUP_ONLY: "1"}),
            str(key),
        )


def _backs_up(case: Case) -> bool:
    return any(daemon.role == "backup" for daemon in case.snapshot.daemons or ())


def _sent_on(case: Case) -> Iterator[tuple[ServiceKey, list[str]]]:
    """Services that this machine serves as a real server, and would forward to others by its own table."""
    for each in {carried.service.key: carried for carried in case.carried}.values():
        live = case.live(each.service.key)
        away = [server.address for server in live.servers if not _is_local(case, server.address)] if live else []
        if away and case.has(each.vip.address):
            yield each.service.key, away


@entry(
    "DIR12",
    "A service has nobody to send to",
    where=(DIRECTOR,),
    symptom="'Connection refused' at once, from the director.",
    cause="A service without a real server that takes connections answers with ICMP port unreachable: it has none, "
    "all have weight 0, or all have reached their upper threshold.",
    cure="A real server with a weight. A threshold counts inactive connections, too, which stay for two minutes.",
)
def nobody_to_send_to(case: Case) -> Iterator[Finding]:
    for service in case.cluster.services if case.serving(DIRECTOR) else ():
        live = case.live(service.key)
        if live is None:
            continue
        wanted = [value.weight for _, value in service.realservers]
        if not live.servers:
            seen, why = "has no real server", "the director refuses every client"
        elif not any(server.weight for server in live.servers):
            seen, why = f"has {len(live.servers)} real servers, all with weight 0", "the director refuses new clients"
        elif all(map(_full, live.servers)):
            seen, why = "has no real server below its upper threshold", "the director refuses new clients"
        else:
            continue
        yield Finding(
            "DIR12",
            BROKEN if any(wanted) else NOTE,
            f"{service.key} {seen}",
            why,
            by_command(*_weights_back(case, service.key)) if any(wanted) else by_hand("the file wants it like that"),
            str(service.key),
        )


def _full(server: LiveServer) -> bool:
    return server.weight == 0 or bool(server.upper and server.active + server.inactive >= server.upper)


def _weights_back(case: Case, key: ServiceKey) -> list[str]:
    """The file's real servers and weights by hand; will and drains of lvsctl stay what they are."""
    live = case.live(key)
    there = {(server.address, server.port): server for server in live.servers} if live else {}
    lines = []
    for service in case.cluster.services:
        for of, value in service.realservers if service.key == key else ():
            server = there.get((of.address, of.port))
            if value.weight and (server is None or server.weight == 0):
                where = host_port(of.address, of.port)
                verb = "-e" if server else "-a"
                lines.append(f"ipvsadm {verb} {option(key)} -r {where} {_BY[value.forwarding]} -w {value.weight}")
    return lines or ["# raise the thresholds (upper_threshold), or add real servers"]


@entry(
    "DIR13",
    "The kernel has no such scheduler",
    where=(DIRECTOR,),
    symptom="'Scheduler or persistence engine not found'; start fails.",
    cause="The module ip_vs_NAME is not there: this kernel was built without it, or was upgraded, and the running "
    "one's modules are gone.",
    cure="Another scheduler, or a reboot after an upgrade. In a container, modprobe on its host.",
)
def no_such_module(case: Case) -> Iterator[Finding]:
    modules = case.snapshot.modules or {}
    needed = {"ip_vs": "the table"}
    for service in case.cluster.services:
        live = case.live(service.key)
        if live is None or live.scheduler != service.service.scheduler:
            needed.setdefault(f"ip_vs_{service.service.scheduler}", f"the scheduler of {service.key}")
    for name, purpose in needed.items():
        if modules.get(name) == "absent":
            upgraded = name != "ip_vs" and modules.get("ip_vs") == "loaded"
            yield Finding(
                "DIR13",
                WILL_BREAK,
                f"there is no module {name} for Linux {case.snapshot.kernel}, which is {purpose}",
                "start fails without it",
                by_hand(
                    "choose another scheduler, or reboot if the kernel was upgraded since it booted"
                    if upgraded
                    else "install this kernel's modules, load them on the host where this is a container"
                ),
                name,
            )


@entry(
    "DIR15",
    "The connection table is too small",
    where=(DIRECTOR,),
    symptom="The processors are busy and answers take longer the more connections there are.",
    cause="The connection table is a hash of 4096 buckets unless ip_vs is loaded with more: a million connections "
    "make chains of 250.",
    cure="options ip_vs conn_tab_bits=20 in /etc/modprobe.d, before ip_vs is loaded.",
    not_injected="it takes tens of thousands of connections at a time",
)
def crowded(case: Case) -> Iterator[Finding]:
    buckets, connections = case.snapshot.conn_buckets, case.snapshot.connections
    if buckets and connections and connections.total > _CROWDED * buckets:
        bits = min(20, (connections.total - 1).bit_length())
        yield Finding(
            "DIR15",
            RISK,
            f"{connections.total} connections or more in {buckets} buckets",
            f"each packet looks through {connections.total // buckets} connections for its own",
            by_hand(f"echo options ip_vs conn_tab_bits={bits} > /etc/modprobe.d/ip_vs.conf, and reboot"),
        )


@entry(
    "DIR17",
    "A real server of direct routing is behind a router",
    where=(DIRECTOR,),
    methods=("dr",),
    symptom="'No route to host' at once, for the share of this real server.",
    cause="Under dr the frame goes to the next hop's MAC with the VIP still in it: a router sends that back to the "
    "director.",
    cure="tun or nat for it, or one network with the director.",
)
def behind_a_router(case: Case) -> Iterator[Finding]:
    for service, server in case.balanced:
        answer = case.route(server.address)
        if server.forwarding == "dr" and answer and answer.kind == "unicast" and answer.via:
            yield Finding(
                "DIR17",
                BROKEN if case.serving(DIRECTOR) else WILL_BREAK,
                f"the way to {server.address} is via {answer.via} on {answer.device}",
                "what is sent to it by dr arrives at that router, which sends it to the VIP again",
                by_command(delete_server(service, server))
                if case.serving(DIRECTOR)
                else by_hand("forward to it by tun or nat, or put it into the director's network"),
                f"{host_port(server.address, server.port)} of {service}",
            )
