"""What can be wrong with ha.cf, by itself and beside what it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lvs_init.ha import ha_cf
from lvs_init.ha.folder import Folder, Host
from lvs_init.ha.ha_cf import Directive
from lvs_init.ha.remark import MISTAKE, WARNING, Remark

# fmt: off
#: What Heartbeat 3.0.6 and its media plugins read (ha.cf(5), heartbeat/config.c); udp is an old word for bcast.
KNOWN = frozenset({
    "apiauth", "auto_failback", "autojoin", "baud", "bcast", "cluster", "compression", "compression_threshold",
    "conn_logd_time", "coredumps", "coreroot", "crm", "crm_daemon_dir", "crmd_spawns_pengine", "deadping",
    "deadtime", "debug", "debugfile", "enable_config_writes", "env", "hbaping", "hbgenmethod", "hopfudge",
    "initdead", "keepalive", "log_badpack", "logfacility", "logfile", "max_rexmit_delay", "mcast", "mcast6",
    "memreserve", "msgfmt", "nice_failback", "node", "pacemaker", "ping", "ping6", "ping_group", "quorum_server",
    "realtime", "record_config_changes", "record_pengine_inputs", "respawn", "rtprio", "serial", "stonith",
    "stonith_host", "syslogmsgfmt", "traditional_compression", "ucast", "ucast6", "udp", "udpport", "use_apphbd",
    "use_logd", "uuidfrom", "warntime", "watchdog",
})
# fmt: on
_ONCE = ("keepalive", "warntime", "deadtime", "initdead", "deadping", "udpport", "auto_failback", "watchdog")
_SMALLEST_INITDEAD = 10000  # ms; Heartbeat itself warns of less


def remarks(folder: Folder, host: Host) -> Iterator[Remark]:
    """Mistakes and warnings of the file in this directory."""
    found = folder.files[ha_cf.NAME]
    if found.text is None:
        yield _at(None, MISTAKE, found.why or "is missing", "'lvsctl ha heartbeat --out DIR' makes one")
        return
    directives = ha_cf.parse(found.text)
    yield from _names(directives)
    yield from _order(directives)
    yield from _times(directives)
    yield from _failback(directives)
    yield from _management(directives)
    yield from _nodes(directives, host)
    yield from _links(directives)
    yield from _pings(directives, host)
    yield from _stonith(directives, host)
    if found.mode & 0o004 and any(each.name in ("stonith", "stonith_host") for each in directives):
        yield _at(
            None,
            WARNING,
            f"has mode {found.mode:o} and says how a node is turned off, which everybody here can read",
            f"chmod 600 {folder.path}/{ha_cf.NAME}",
        )


def nodes(directives: Sequence[Directive]) -> list[str]:
    """The nodes in order, in small letters as Heartbeat makes them."""
    return [word.lower() for each in directives if each.name == "node" for word in each.words]


def _at(directive: Directive | None, severity: str, message: str, hint: str = "") -> Remark:
    return Remark(severity, ha_cf.NAME, directive.line if directive else 0, message, hint)


def _of(directives: Sequence[Directive], *names: str) -> list[Directive]:
    return [each for each in directives if each.name in names]


def _names(directives: Sequence[Directive]) -> Iterator[Remark]:
    for each in directives:
        if each.name not in KNOWN:
            yield _at(each, MISTAKE, f"'{each.name}' is no directive, and Heartbeat does not start with one")
        elif not each.rest:
            yield _at(each, MISTAKE, f"{each.name} has no value")
    for name in _ONCE:
        for each in _of(directives, name)[1:]:
            yield _at(each, WARNING, f"{name} stands there again: the last one counts", "keep one")


def _order(directives: Sequence[Directive]) -> Iterator[Remark]:
    media = _of(directives, *ha_cf.MEDIA)
    for each in _of(directives, "udpport", "baud"):
        kinds = ("serial",) if each.name == "baud" else ("ucast", "bcast", "ucast6")
        before = [medium for medium in media if medium.line < each.line and medium.name in kinds]
        if before:
            yield _at(
                each,
                MISTAKE,
                f"comes after {before[0].name} (line {before[0].line}), which has taken the default by then",
                "put it above all links",
            )


def _times(directives: Sequence[Directive]) -> Iterator[Remark]:
    values: dict[str, float] = {"keepalive": 1000, "deadtime": 30000}
    last: dict[str, Directive] = {}
    for each in _of(directives, "keepalive", "warntime", "deadtime", "initdead", "deadping"):
        value = ha_cf.milliseconds(each.rest)
        if value is None:
            yield _at(each, MISTAKE, f"'{each.rest}' is no time", "seconds, or milliseconds such as 200ms")
        else:
            values[each.name] = value
            last[each.name] = each
    keepalive, deadtime = values["keepalive"], values["deadtime"]
    if deadtime <= 2 * keepalive:
        where = last.get("deadtime") or last.get("keepalive")
        yield _at(where, MISTAKE, "deadtime must be more than twice keepalive: Heartbeat does not start otherwise")
    warntime = values.get("warntime", deadtime / 2)
    if "warntime" in last and not keepalive < warntime < deadtime:
        yield _at(
            last["warntime"], WARNING, "warntime should be between keepalive and deadtime, else it warns of nothing"
        )
    initdead = values.get("initdead")
    if initdead is not None:
        if initdead < deadtime:
            yield _at(last["initdead"], MISTAKE, "initdead is below deadtime: Heartbeat does not start")
        elif initdead < 2 * deadtime or initdead < _SMALLEST_INITDEAD:
            yield _at(
                last["initdead"],
                WARNING,
                "initdead is short: a node whose network comes up late takes the other for dead at boot",
                "at least twice deadtime, and 10 seconds",
            )


def _failback(directives: Sequence[Directive]) -> Iterator[Remark]:
    for each in _of(directives, "nice_failback"):
        yield _at(each, MISTAKE, "nice_failback is obsolete", "write auto_failback on or auto_failback off")
    given = _of(directives, "auto_failback")
    if not given:
        yield _at(
            None,
            WARNING,
            "has no auto_failback: the default is 'legacy', under which hb_standby and ipfail do not work",
            "write auto_failback on or auto_failback off",
        )
    for each in given:
        if each.rest.lower() == "legacy":
            yield _at(each, WARNING, "auto_failback legacy keeps hb_standby and ipfail from working", "write on or off")
        elif ha_cf.boolean(each.rest) is None:
            yield _at(each, MISTAKE, f"auto_failback is '{each.rest}'", "write on or off")


def _management(directives: Sequence[Directive]) -> Iterator[Remark]:
    for each in _of(directives, "crm", "pacemaker"):
        if ha_cf.boolean(each.rest) is not False:
            yield _at(
                each,
                MISTAKE,
                f"with {each.name} {each.rest} Heartbeat leaves resources to Pacemaker and does not read haresources",
                "leave the line out, or use Pacemaker with Corosync (lvsctl ha pacemaker)",
            )
    for each in _of(directives, "autojoin"):
        if each.rest.lower() != "none":
            yield _at(
                each, MISTAKE, f"autojoin {each.rest} cannot be together with haresources", "name both nodes instead"
            )


def _nodes(directives: Sequence[Directive], host: Host) -> Iterator[Remark]:
    seen: set[str] = set()
    for each in _of(directives, "node"):
        for word in each.words:
            name = word.lower()
            if name != word:
                yield _at(each, WARNING, f"node {word} is {name} to Heartbeat: it makes all letters small")
            if name in seen:
                yield _at(each, MISTAKE, f"node {name} stands there twice")
            seen.add(name)
    if len(seen) != 2:
        yield _at(None, MISTAKE, f"must name two nodes for haresources, and has {len(seen)}")
    if host.node and host.node.lower() not in seen:
        yield _at(
            None,
            MISTAKE,
            f"does not name this machine, which 'uname -n' calls {host.node}: Heartbeat does not start here",
            f"the nodes are {', '.join(sorted(seen)) or 'none'}",
        )


def _links(directives: Sequence[Directive]) -> Iterator[Remark]:
    media = _of(directives, *ha_cf.MEDIA)
    if not media:
        yield _at(
            None, MISTAKE, "has no link (ucast, bcast, mcast): the nodes never hear of each other, and both take over"
        )
        return
    ports = [each.rest for each in _of(directives, "udpport")]
    port = ports[-1] if ports else "694"
    ways = set()
    for each in media:
        words = each.words
        ways.update(words if each.name in ("bcast", "serial") else words[:1])
        if each.name in ("mcast", "mcast6"):
            if len(words) != 5:
                yield _at(each, MISTAKE, f"{each.name} takes five words", "mcast eth0 239.255.81.1 694 1 0")
                continue
            if words[2] != port:
                yield _at(
                    each,
                    WARNING,
                    f"mcast goes to port {words[2]}, the other links to {port} (udpport)",
                    "usually the same",
                )
            if words[4] != "0":
                yield _at(each, MISTAKE, "the last word, loop, must be 0: else a node hears itself")
        elif each.name in ("ucast", "ucast6") and len(words) != 2:
            yield _at(each, MISTAKE, f"{each.name} takes an interface and the peer's address")
    devices = _of(directives, "stonith", "stonith_host")
    if len(ways) < 2 and not devices:
        yield _at(
            None,
            WARNING,
            "has one link and no STONITH: when that link fails, each node takes the other for dead and both have the "
            "VIPs, so clients reach now this one and now that one",
            "add a link on another interface, and better a stonith_host line",
        )
    elif not devices:
        yield _at(
            None,
            WARNING,
            "has no STONITH: when all links fail at once, or a node hangs and then goes on, both have the VIPs",
            "add a stonith_host line",
        )
    elif len(ways) < 2:
        yield _at(
            None,
            WARNING,
            "has one link: when it fails, one node turns the other off although both are well",
            "add a link on another interface",
        )


def _pings(directives: Sequence[Directive], host: Host) -> Iterator[Remark]:
    pings = _of(directives, "ping", "ping6", "ping_group")
    own = {word for each in _of(directives, "ucast", "ucast6") for word in each.words[1:]}
    for each in pings:
        for word in each.words:
            if word in own:
                yield _at(each, MISTAKE, f"{word} is a node of the cluster: a ping node must be somebody else")
    ipfail = [each for each in _of(directives, "respawn") if re.search(r"/ipfail\b", each.rest)]
    if pings and not ipfail:
        yield _at(
            pings[0],
            WARNING,
            "nothing comes of ping nodes without ipfail",
            f"add: respawn hacluster {ha_cf.IPFAIL}",
        )
    if ipfail and not pings:
        yield _at(ipfail[0], WARNING, "ipfail has nothing to do without ping nodes", "add ping lines, or leave it out")
    for each in _of(directives, "respawn"):
        program = each.words[1] if len(each.words) > 1 else ""
        if program in host.not_executable:
            yield _at(
                each, MISTAKE, f"{program} cannot be run: Heartbeat does not start", "look where your package has it"
            )


def _stonith(directives: Sequence[Directive], host: Host) -> Iterator[Remark]:
    lines = _of(directives, "stonith_host")
    called_by: dict[str, int] = {}
    for each in lines:
        words = each.words
        if len(words) < 2:
            yield _at(each, MISTAKE, "stonith_host takes a node or '*', a plugin and its parameters")
            continue
        node, plugin = words[0].lower(), words[1]
        for other in (node, "*") if node != "*" else tuple(called_by):
            if other in called_by:
                yield _at(
                    each,
                    MISTAKE,
                    f"is a second device for one node, after line {called_by[other]}: only the last is used",
                )
                break
        called_by.setdefault(node, each.line)
        if node not in ("*", *nodes(directives)):
            yield _at(each, MISTAKE, f"{node} is none of the nodes, so nobody ever calls this device")
        yield from _parameters(each, plugin, len(words) - 2, host)
    for each in _of(directives, "stonith"):
        if lines:
            yield _at(each, MISTAKE, "stands beside stonith_host, and a node has one device", "keep one of them")


def _parameters(each: Directive, plugin: str, given: int, host: Host) -> Iterator[Remark]:
    if plugin not in host.parameters:
        return
    names = host.parameters[plugin]
    if names is None:
        yield _at(
            each, MISTAKE, f"there is no STONITH plugin {plugin}", "'stonith -L' lists them (package cluster-glue)"
        )
    elif given < len(names):
        yield _at(
            each,
            MISTAKE,
            f"{plugin} takes {len(names)} parameters, in this order: {' '.join(names)}; here are {given}",
        )
