"""ipvsadm(8) with all its options, as people write it and as ``ipvsadm -S`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvs_init.importing.facts import Facts, Plain, RealServerFact, ServiceFact, Unfit, address_of, number_of
from lvs_init.importing.said import Said
from lvs_init.importing.shell_walk import Call
from lvs_init.model.address import family_of
from lvs_init.model.ipvs import SCHEDULERS

_COMMANDS = set("AEDCRSaedLlZhv") | {"set", "start-daemon", "stop-daemon"}
_PROTOCOLS = {"t": "tcp", "u": "udp", "sctp-service": "sctp"}
_FORWARDINGS = {"g": "dr", "i": "tun", "m": "nat"}
_SHORT = {
    "add-service": "A", "edit-service": "E", "delete-service": "D", "clear": "C", "restore": "R", "save": "S",
    "add-server": "a", "edit-server": "e", "delete-server": "d", "list": "L", "zero": "Z", "help": "h",
    "version": "v", "tcp-service": "t", "udp-service": "u", "fwmark-service": "f", "ipv6": "6", "scheduler": "s",
    "sched-flags": "b", "persistent": "p", "netmask": "M", "ops": "o", "real-server": "r", "gatewaying": "g",
    "ipip": "i", "masquerading": "m", "weight": "w", "u-threshold": "x", "l-threshold": "y", "numeric": "n",
    "connection": "c",
}  # fmt: skip
_WITH_VALUE = set("tufsbMrwxy") | {
    "sctp-service", "pe", "tun-type", "tun-port", "mcast-interface", "syncid", "start-daemon", "stop-daemon",
}  # fmt: skip
_ALONE = set("AEDCRSaedLlZhvogim6nc") | {
    "tun-nocsum", "tun-csum", "tun-remcsum", "exact", "stats", "rate", "thresholds", "persistent-conn", "sort",
    "nosort", "timeout", "daemon", "count",
}  # fmt: skip
#: Names of ports that scripts use instead of numbers; IANA's.
_PORTS = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "www": 80, "pop3": 110, "ntp": 123,
    "imap": 143, "imap2": 143, "ldap": 389, "https": 443, "ldaps": 636, "imaps": 993, "pop3s": 995, "mysql": 3306,
    "ms-wbt-server": 3389, "sip": 5060, "postgresql": 5432, "http-alt": 8080, "webcache": 8080,
}  # fmt: skip
#: ipvsadm.c knows the first two flags of these schedulers by number as well.
_FLAGS = {
    ("sh", "flag-1"): "sh-fallback", ("sh", "flag-2"): "sh-port",
    ("mh", "flag-1"): "mh-fallback", ("mh", "flag-2"): "mh-port",
}  # fmt: skip


def read(call: Call, facts: Facts, said: Said) -> bool:
    """Whether anything came of it. Raises Unfit."""
    words = call.argv if call.argv[0].startswith("-") else call.argv[1:]
    options, rest = _options(words)
    command = next((name for name in options if name in _COMMANDS), "")
    if rest and command != "set":
        raise Unfit(f"'{rest[0]}' is no option of ipvsadm")
    if command in ("L", "l", "S", "Z", "h", "v", ""):
        if command == "" and options:
            raise Unfit("no command of ipvsadm")
        return False
    if command == "C":
        facts.cleared = call.line
        facts.services.clear()
    elif command == "R":
        return _restore(call, facts, said)
    elif command == "set":
        _set(rest, facts)
    elif command in ("start-daemon", "stop-daemon"):
        said.no_place(call.line, str(call), "the sync daemon is yours")
        return False
    elif command in "AED":
        _service(call.line, command, options, facts)
    else:
        _real_server(call, command, options, facts, said)
    return True


def _options(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """By short name where there is one -> value; and what is no option. As popt(3) reads them."""
    options: dict[str, str] = {}
    rest: list[str] = []
    todo = list(reversed(words))
    while todo:
        word = todo.pop()
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            name = _SHORT.get(name, name)
            if name == "set":
                options[name] = ""
            elif name in _WITH_VALUE:
                options[name] = value if "=" in word else _value(name, todo)
            elif name == "p":
                options[name] = value if "=" in word else _optional(todo)
            elif name in _ALONE:
                options[name] = ""
            else:
                raise Unfit(f"'{word}' is no option of ipvsadm")
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                name, letters = letters[0], letters[1:]
                if name in _WITH_VALUE or name == "p":
                    options[name] = letters or (_optional(todo) if name == "p" else _value(name, todo))
                    break
                if name not in _ALONE:
                    raise Unfit(f"'-{name}' is no option of ipvsadm")
                options[name] = ""
        else:
            rest.append(word)
    return options, rest


def _value(name: str, todo: list[str]) -> str:
    if not todo:
        raise Unfit(f"the option '{name}' has no value")
    return todo.pop()


def _optional(todo: list[str]) -> str:
    return todo.pop() if todo and not todo[-1].startswith("-") else ""


def _restore(call: Call, facts: Facts, said: Said) -> bool:
    if not call.stdin:
        source = f"from {call.reads}" if call.reads else "from elsewhere"
        said.no_place(call.line, str(call), f"it reads the table {source}: import that by itself")
        return False
    for line in call.stdin.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            read(Call(call.line, ("ipvsadm", *words)), facts, said)
    return True


def _set(values: Sequence[str], facts: Facts) -> None:
    if len(values) != 3:
        raise Unfit("--set takes three numbers")
    for name, text in zip(("tcp", "tcpfin", "udp"), values):
        seconds = number_of(text, "number of seconds")
        if seconds:  # 0 leaves it as it is
            facts.timeouts[name] = seconds


def _service_of(line: int, options: Mapping[str, str]) -> ServiceFact:
    if "f" in options:
        mark = number_of(options["f"], "firewall mark", 0) % 2**32  # ipvsadm prints large ones as negative numbers
        return ServiceFact(line, "fwmark", "", 0, mark, 6 if "6" in options else 4)
    for option, protocol in _PROTOCOLS.items():
        if option in options:
            address, port = _host_port(options[option])
            return ServiceFact(line, protocol, address, port or 0, 0, family_of(address))
    raise Unfit("no service: one of -t, -u, --sctp-service or -f is missing")


def _service(line: int, command: str, options: Mapping[str, str], facts: Facts) -> None:
    service = _service_of(line, options)
    if command == "D":
        facts.services.pop(service.identity, None)
        return
    former = facts.services.get(service.identity)
    if former:
        service.real_servers = former.real_servers
    service.attributes = _attributes(options)
    facts.services[service.identity] = service


def _attributes(options: Mapping[str, str]) -> dict[str, Plain]:
    scheduler = options.get("s", "wlc")
    if scheduler not in SCHEDULERS:
        raise Unfit(f"'{scheduler}' is no scheduler that lvs.toml knows")
    attributes: dict[str, Plain] = {"scheduler": scheduler}
    if "b" in options:
        flags = [_FLAGS.get((scheduler, flag), flag) for flag in options["b"].split(",")]
        for flag in flags:
            if flag not in SCHEDULERS[scheduler]:
                raise Unfit(f"'{flag}' is no flag of the scheduler {scheduler} that lvs.toml knows")
        attributes["scheduler_flags"] = sorted(flags)
    if "p" in options:
        attributes["persistence"] = number_of(options["p"], "number of seconds") if options["p"] else True
        if "M" in options:
            mask = options["M"]
            attributes["persistence_netmask"] = mask if "." in mask else number_of(mask, "netmask")
    if "pe" in options:
        attributes["persistence_engine"] = options["pe"]
    if "o" in options:
        attributes["one_packet"] = True
    return attributes


def _real_server(call: Call, command: str, options: Mapping[str, str], facts: Facts, said: Said) -> None:
    wanted = _service_of(call.line, options)
    service = facts.services.get(wanted.identity)
    if "r" not in options:
        raise Unfit("no real server: -r is missing")
    address, port = _host_port(options["r"])
    if command == "d":
        if service:
            service.real_servers.pop((address, port or 0), None)
        return
    if service is None:
        raise Unfit("the service is not in the table at this point")
    forwarding = next((name for option, name in _FORWARDINGS.items() if option in options), "dr")
    if forwarding != "nat" and port not in (None, service.port):
        said.add(call.line, f"names the port {port}, which has no meaning with {forwarding}: ipvsadm drops it, too")
    if port == service.port or forwarding != "nat":
        port = None
    attributes: dict[str, Plain] = {}
    if "w" in options:
        attributes["weight"] = number_of(options["w"], "weight")
    for option, name in (("x", "upper_threshold"), ("y", "lower_threshold")):
        if option in options and number_of(options[option], "threshold"):
            attributes[name] = number_of(options[option], "threshold")
    if options.get("tun-type", "ipip") != "ipip":
        raise Unfit(f"tunnels of type {options['tun-type']} are not supported yet")
    fact = RealServerFact(call.line, address, port or 0, forwarding, attributes)
    service.real_servers[address, port or 0] = fact


def _host_port(text: str) -> tuple[str, int | None]:
    """``192.168.0.219:80``, ``[fd00::219]:http``, ``192.168.0.219`` -> address and port."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")) or port.endswith("]"):
        return address_of(text), None
    return address_of(host), _PORTS[port] if port in _PORTS else number_of(port, "port")
