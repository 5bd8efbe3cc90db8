"""sysctl(8) and writes below /proc/sys; iptables(8) as far as it flushes and marks."""

from __future__ import annotations

from collections.abc import Sequence

from lvs_init.importing.facts import Facts, Mark, Unfit, address_of, number_of
from lvs_init.importing.said import Said
from lvs_init.importing.shell_walk import Call
from lvs_init.model.network import slashed

_PROC = "/proc/sys/"
#: Options of iptables that have a value, with their long names.
_WITH_VALUE = {
    "-t": "table", "--table": "table", "-A": "chain", "--append": "chain", "-I": "chain", "--insert": "chain",
    "-d": "destination", "--destination": "destination", "--dst": "destination", "-p": "protocol",
    "--protocol": "protocol", "--proto": "protocol", "--dport": "ports", "--destination-port": "ports",
    "--dports": "ports", "--destination-ports": "ports", "-j": "target", "--jump": "target", "--set-mark": "mark",
    "--set-xmark": "mark", "-m": "module", "--match": "module",
}  # fmt: skip
_MOST_PORTS = 15  # of a multiport match


def read_sysctl(call: Call, facts: Facts, said: Said) -> bool:
    """Whether anything came of it."""
    taken = False
    words = list(call.argv[1:])
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word in ("-p", "--system", "--load") or word.startswith("-p/"):
            said.no_place(call.line, str(call), "those files stay as they are")
            return taken
        if equals and not name.startswith("-"):
            # "net.ipv4.ip_forward = 1" in three words is what some write; sysctl itself refuses it
            _keep(call.line, slashed(name.strip()), value, facts)
            taken = True
    return taken


def read_writes(call: Call, facts: Facts, said: Said) -> bool:
    """``echo 1 > /proc/sys/...`` and ``echo 1 | tee /proc/sys/...``. Whether anything came of it."""
    taken = False
    text = " ".join(word for word in call.argv[1:] if word not in ("-n", "-e"))
    paths: Sequence[str] = call.writes
    if call.name == "tee":
        text, paths = call.stdin, call.argv[1:]
    for path in paths:
        if path.startswith(_PROC):
            _keep(call.line, path[len(_PROC) :], text.strip(), facts)
            taken = True
        elif path.startswith(("/proc/", "/sys/")):
            said.no_place(call.line, f"{call} > {path}")
    return taken


def _keep(line: int, path: str, value: str, facts: Facts) -> None:
    facts.settings[path.replace("//", "/")] = (line, " ".join(value.strip("\"'").split()))


def read_iptables(call: Call, facts: Facts, said: Said) -> bool:
    """Whether anything came of it. Raises Unfit."""
    options, rest = _options(call.argv[1:])
    table = options.get("table", "filter")
    asks = {"-F", "--flush", "-Z", "--zero", "-X", "--delete-chain", "-L", "-nL", "-S", "-n", "-v", "-vnL", "-w"}
    if "chain" not in options and rest and rest[0] in asks:
        if rest[0] in ("-F", "--flush"):
            if table == "filter":
                facts.flushed = call.line
                return True
            said.no_place(call.line, str(call), "flush_iptables is about the filter table alone")
        return False
    if table == "mangle" and options.get("target") == "MARK" and "mark" in options:
        facts.marks.append(_mark(call, options, rest))
        return True
    said.no_place(call.line, str(call), "firewall rules are yours")
    return False


def _options(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    rest: list[str] = []
    todo = list(reversed(words))
    while todo:
        word = todo.pop()
        name = _WITH_VALUE.get(word)
        if name and todo:
            value = todo.pop()
            if name == "module" and value not in ("tcp", "udp", "sctp", "mark", "multiport"):
                rest += [word, value]
            options[name] = value
        else:
            rest.append(word)
    return options, rest


def _mark(call: Call, options: dict[str, str], rest: Sequence[str]) -> Mark:
    value = number_of(options["mark"].partition("/")[0], "firewall mark", 0)
    address, _, length = options.get("destination", "").partition("/")
    if length not in ("", "32", "128", "255.255.255.255"):
        rest = [*rest, f"/{length}"]
    if options.get("chain") != "PREROUTING":
        rest = [*rest, options.get("chain", "")]
    protocol = options.get("protocol", "")
    protocol = "" if protocol == "all" else protocol
    ports: list[tuple[str, int]] = []
    for text in options.get("ports", "0").split(",")[:_MOST_PORTS]:
        if ":" in text:
            rest = [*rest, text]
        else:
            ports.append((protocol, number_of(text, "port")))
    if protocol not in ("", "tcp", "udp", "sctp"):
        raise Unfit(f"'{protocol}' is no protocol that a match knows")
    return Mark(call.line, value, address_of(address) if address else "", tuple(ports), " ".join(rest), str(call))
