"""status: the kernel against the record. Starts no process and reads no configuration beyond its fingerprint."""

from __future__ import annotations

import enum
import os
from collections.abc import Collection
from dataclasses import dataclass, field

from lvs_init.commands import sysctl
from lvs_init.commands.proc_ip_vs import ProcTable, parse_proc
from lvs_init.engine.memory import Memory, recall
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, REALSERVER, Target
from lvs_init.engine.writers import second_writers
from lvs_init.errors import LvsError
from lvs_init.model.ipvs import RealServerKey, ServiceKey, SyncDaemon, SyncDaemonKey
from lvs_init.model.network import QUIET, AddressKey, LinkKey, RouteKey, SysctlKey, effective
from lvs_init.model.record import STANDBY, Entry, Record
from lvs_init.model.state import Key, Wanted
from lvs_init.plan.forwarding import IPV4_FORWARD, IPV6_FORWARD
from lvs_init.plan.stance import spared
from lvs_init.system import files, link, netinfo

#: Where the doctor tells more.
_CODES = {"arp_ignore": "ARP01", "arp_announce": "ARP02"}
_ARP_FLAGS = tuple(f"/{flag}" for flag in QUIET)


class Health(enum.Enum):
    """What status can say."""

    RUNNING = "running"
    PARTIAL = "partial"
    HOLDING = "holding"  # it should have given its VIPs up, and could not
    STANDBY = "standby"  # one of a pair, ready to take over
    LOCKED = "locked"  # the lock file is there, nothing else is
    STOPPED = "stopped"


@dataclass
class Status:
    """One target's health. ``missing``: what makes it partial, a line each; ``notes``: what an admin should know.

    ``stance``: of one of a pair of directors; ``daemons``: its sync daemons that are at work; ``wrong``: VIPs that it
    must not have, a line each.
    """

    target: Target
    health: Health
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: ProcTable | None = None
    degraded: bool = False
    facts: str = ""
    stance: str = ""
    daemons: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def examine(paths: Paths, target: Target, lock: str) -> Status:
    """The status of one target. ``lock``: the path of its role's lock file."""
    memory = recall(paths, target)
    record = memory.mine
    locked = os.path.lexists(lock)
    left_behind = locked and not any(other.role == target.role for other in memory.others)
    if record is None:
        return Status(target, Health.LOCKED if left_behind else Health.STOPPED, notes=list(memory.problems))
    status = Status(
        target,
        Health.RUNNING,
        notes=list(memory.problems),
        table=_table(),
        facts=record.cluster,
        stance=record.stance,
    )
    required = {key: entry for key, entry in record.entries.items() if _required(key, entry, record)}
    directing = {
        key.address
        for other in memory.others
        if other.role == DIRECTOR
        for key in other.entries
        if isinstance(key, AddressKey)
    }
    addresses = netinfo.addresses()
    _compare(record, required, addresses, directing if target.role == REALSERVER else set(), status)
    nothing_left = required and len(status.missing) >= len(required)
    status.missing += _loud(record)
    kept, taken = _kept(record, addresses), _taken(memory, record, addresses)
    holder = _holder(paths) if memory.interrupted or taken else 0
    if holder:
        kept, taken = [], []  # it may be taking them away
    status.wrong = [f"{key} is here, and must not be" for key in dict.fromkeys((*kept, *taken))]
    steady = not memory.interrupted or _judge_journal(holder, memory, status)
    left_out = list(dict.fromkeys((*record.degraded, *_duplicates(record), *_daemons(record, status))))
    if record.stance == STANDBY and steady:
        left_out += [*status.missing, *status.wrong]
        status.missing, status.health = [], Health.STANDBY
    elif status.wrong:
        status.missing += status.wrong
    status.degraded = bool(left_out)
    status.notes += [*left_out, *_gateway_notes(record), *_file_notes(record), *second_writers(record.role)]
    if record.role == DIRECTOR:
        status.notes += _trial_notes(paths, record)
    if record.drains or memory.my_wills:
        from lvs_init.engine.standing import timed_notes

        status.notes += timed_notes(paths, memory, record, status.table or ProcTable({}))
    if kept:
        status.health = Health.HOLDING
    elif status.missing:
        status.health = Health.LOCKED if nothing_left and left_behind and not memory.interrupted else Health.PARTIAL
    elif not locked:
        status.notes.append(f"the lock file {lock} is missing, so Red Hat's rc would skip the stop at shutdown")
    return status


def _holder(paths: Paths) -> int:
    """The process that is at work; 0 for none."""
    from lvs_init.system.mutex import Mutex

    return Mutex(paths.run).holder()


def _judge_journal(holder: int, memory: Memory, status: Status) -> bool:
    """What was up counts as up while a reload or restart is at work: a monitor that looks now must not act.

    Whether that is so.
    """
    if not holder:
        status.missing.append("an earlier run was cut short; 'start' completes it, 'stop' takes it back")
    elif memory.recorded:
        status.notes += [f"process {holder} is at work on it", *status.missing]
        status.missing.clear()
        return True
    else:
        status.missing.append(f"process {holder} is at work on it")
    return False


def _required(key: Key, entry: Entry, record: Record) -> bool:
    """What must be there for the role to serve: its VIPs, its services, the settings that these need."""
    if entry.applied is None or entry.transient or entry.interim:
        return False
    if isinstance(key, (AddressKey, ServiceKey, LinkKey)):
        return True
    if not isinstance(key, SysctlKey):
        return False
    return key in (IPV4_FORWARD, IPV6_FORWARD) and record.nat and record.role == DIRECTOR


def _compare(
    record: Record,
    required: dict[Key, Entry],
    addresses: Collection[AddressKey],
    directing: set[str],
    status: Status,
) -> None:
    status.notes += _wide(addresses)
    table = status.table or ProcTable({})
    weights = _weights(table)
    for key, entry in record.entries.items():
        if entry.applied is None or entry.transient or entry.interim:
            continue  # what is here for a drain only is told of by itself
        if isinstance(key, AddressKey):
            if key not in addresses and key.address not in directing:
                status.missing.append(f"{key} is missing")
            elif key not in addresses:
                status.notes.append(f"{key}: the director on this machine has the VIP")
        elif isinstance(key, ServiceKey):
            if table.find(key) is None:
                status.missing.append(f"service {key} is missing")
        elif isinstance(key, RealServerKey):
            if table.find(key.service) is not None:  # where that is missing, it has been said
                judged = key.service not in record.policy.live_weights or key in record.overruled
                _compare_real_server(key, entry, weights, judged, status)
        elif isinstance(key, LinkKey):
            _compare_link(key, status)
        elif isinstance(key, SysctlKey) and not (record.asked and key.path.endswith(_ARP_FLAGS)):
            text = files.read_small(sysctl.proc_path(key))
            if text is None:
                continue  # it has gone with its interface
            value = sysctl.normalise(text)
            if value != entry.applied:
                where = status.missing if key in required else status.notes
                where.append(f"{key} is {value}, was set to {entry.applied}")
    routes = [key for key, entry in record.entries.items() if isinstance(key, RouteKey) and entry.applied is not None]
    if routes:
        from lvs_init.commands import route

        present = route.parse_proc(files.read_small("/proc/net/route") or "")
        gone = [key for key in routes if key not in present and key.address not in directing]
        status.notes += [f"{key} is missing" for key in gone]


def _duplicates(record: Record) -> list[str]:
    """IPv6 VIPs that are there and do not work, whether or not the start that added them saw it."""
    if not any(isinstance(key, AddressKey) and ":" in key.address for key in record.entries):
        return []
    states = netinfo.unsettled()
    return [netinfo.DUPLICATE.format(key) for key in record.entries if states.get(key) == "failed"]


def _loud(record: Record) -> list[str]:
    """Interfaces on which a real server would answer for a VIP or speak in its name, whoever changed what since."""
    found = []
    for flag, right in QUIET.items() if record.asked else ():
        everywhere = (files.read_small(f"/proc/sys/net/ipv4/conf/all/{flag}") or "0").strip()
        for interface in record.asked:
            here = files.read_small(f"/proc/sys/net/ipv4/conf/{interface}/{flag}")
            if here is not None and (value := effective(everywhere, here.strip())) not in right:
                wanted = f"must be {' or '.join(right)} ({_CODES[flag]}: lvsctl doctor)"
                found.append(f"{flag} is {value} on {interface} in effect, and {wanted}")
    return found


def _wide(addresses: Collection[AddressKey]) -> list[str]:
    """Addresses on lo that take a whole network with them."""
    return [
        f"{key} makes the whole of its network local (ARP05: lvsctl doctor)"
        for key in addresses
        if key.interface == "lo" and key.prefix < 32 and ":" not in key.address and not key.address.startswith("127.")
    ]


def _weights(table: ProcTable) -> dict[tuple[str, int, int, str, int], int]:
    """Weights by service and real server. A firewall mark's family may be unknown, so it is no part of the key."""
    return {
        (service.key.address, service.key.port, service.key.fwmark, server.address, server.port): server.weight
        for service in table.services.values()
        for server in service.servers
    }


def _compare_real_server(
    key: RealServerKey,
    entry: Entry,
    weights: dict[tuple[str, int, int, str, int], int],
    judged: bool,
    status: Status,
) -> None:
    """``judged``: whether the weight is ours to say something about."""
    service = key.service
    weight = weights.get((service.address, service.port, service.fwmark, key.address, key.port))
    wanted = getattr(entry.applied, "weight", None)
    if weight is None:
        status.notes.append(f"{key} is missing")
    elif judged and weight != wanted:
        status.notes.append(f"{key} has weight {weight}, was set to {wanted}")


def _compare_link(key: LinkKey, status: Status) -> None:
    try:
        up = bool(link.flags(key.interface) & link.UP)
    except OSError:
        status.missing.append(f"{key} is missing")
        return
    if not up:
        status.missing.append(f"{key} is down")


def _table() -> ProcTable | None:
    listing = files.read_small("/proc/net/ip_vs")
    return None if listing is None else parse_proc(listing)


def _taken(memory: Memory, record: Record, addresses: Collection[AddressKey]) -> list[Key]:
    """Addresses that a standby must not have."""
    if record.stance != STANDBY:
        return []
    here: Wanted = {key: None for key, value in record.withheld.items() if value is not None and key in addresses}
    return list(spared(here, memory.others))


def _kept(record: Record, addresses: Collection[AddressKey]) -> list[Key]:
    """Addresses that a stop or stand-by could not take away (Memory.begin_without)."""
    gone = (key for key, entry in record.entries.items() if entry.applied is None and entry.former is None)
    return [key for key in gone if key in addresses]


def _daemons(record: Record, status: Status) -> list[str]:
    """The sync daemons, which the kernel is asked for where one was started. What is missing, a line each."""
    wanted = {key: e.applied for key, e in record.entries.items() if isinstance(key, SyncDaemonKey) and e.applied}
    if not wanted or status.table is None:
        return []
    from lvs_init.engine.daemons import daemons

    found = daemons()
    if found is None:
        status.notes.append("whether its sync daemon is at work cannot be seen here: no netlink")
        return []
    status.daemons = [f"{key}: {daemon.told}" for key, daemon in found.items()]
    return [
        f"{key} is missing" if key not in found else f"{key} is {found[key].told}, was set to {value.told}"
        for key, value in wanted.items()
        if isinstance(value, SyncDaemon) and not value.alike(found.get(key))
    ]


def _gateway_notes(record: Record) -> list[str]:
    if not record.gateways:
        return []
    from lvs_init.config.realserver import wrong_gateway

    return wrong_gateway(record.gateways, netinfo.gateways())


def _trial_notes(paths: Paths, record: Record) -> list[str]:
    if not os.path.lexists(paths.trial(record.role, record.instance)):
        return []
    from lvs_init.engine import trial

    return trial.told(paths, record.instance)


def _file_notes(record: Record) -> list[str]:
    """Whether the file is still the one that was applied."""
    if not record.file:
        return []
    from lvs_init.engine.configuration import fingerprint

    try:
        changed = fingerprint(files.read_trusted(record.file)) != record.fingerprint
    except LvsError as error:
        return [f"the configuration cannot be read any more: {error.message}"]
    return [f"{record.file} has changed since it was applied; 'reload' applies it"] if changed else []
