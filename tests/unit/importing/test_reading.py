"""Single forms of the shell, text at random, and text made to be expensive. Nothing of it is ever run."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lvs_init.commands import ipvsadm
from lvs_init.importing.said import Said, shown
from lvs_init.importing.script import imported
from lvs_init.importing.shell_walk import Call, Walk
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, Tunnel
from lvs_init.model.state import Change


def calls(text: str, *arguments: str) -> list[str]:
    """The commands of a script, its own included, that a shell would run."""
    found: list[Call] = []
    Walk(found.append, Said(), arguments or ("start",)).run(text)
    return [shown(str(call)) for call in found]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("ip $A ${B} x", ["ip $A $B x"]),
        ("A='x y'; ip $A \"$A\" '$A' $A$A", ["ip x y x y $A x yx y"]),
        ("A=${B:-c}; ip $A ${A:+set} ${#A} ${B-d} ${A%c}e", ["ip c set 1 d e"]),
        ("A=a.b.c; ip ${A%.*} ${A%%.*} ${A#*.} ${A##*.} ${A/b/x} ${A//./-} ${A:2:1}", ["ip a.b a b.c c a.x.c a-b-c b"]),
        ("A=(1 '2 3'); A+=(4); A[3]=5; ip ${#A[@]} ${A[1]} \"${A[*]}\"", ["ip 4 2 3 1 2 3 4 5"]),
        ("for i in 1 {2..3} $(seq 4 5) `seq 6 6`; do ip $i; done", ["ip 1", "ip 2", "ip 3", "ip 4", "ip 5", "ip 6"]),
        ("i=1; while [ $i -lt 3 ]; do ip $i; i=$((i + 1)); done", ["ip 1", "ip 2"]),
        ("until ((++n > 2)); do ip $n; done", ["ip $n"]),
        ("for ((i = 0; i < 2; i++)); do ip $i; done", ["ip 0", "ip 1"]),
        ("f() { ip $1 $#; return 1; ip no; }; f a b && ip no; ip end", ["ip a 2", "ip no", "ip end"]),
        ("function f { local a=1; ip $a; }\nf", ["ip 1"]),
        ("case $1 in st*) ip yes;; *) ip no;; esac", ["ip yes"]),
        ("case x in a|x) ip 1 ;; esac; case y in (y) ip 2; esac", ["ip 1", "ip 2"]),
        ("if [ $1 = start -a -n \"$1\" ]; then ip 1; else ip 2; fi", ["ip 1"]),
        ("[[ $1 == st* && ! $1 = stop ]] && ip 1 || ip 2", ["ip 1"]),
        ("if [ -f /x ]; then ip 1; exit; else ip 2; fi; ip 3", ["ip 1", "ip 2", "ip 3"]),
        ("exit 0; ip no", []),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; [ $i = 3 ] && break; ip $i; done", ["ip 1"]),
        ("sudo /sbin/ip a \\\n b # ip c\nip 'd\ne'", ["/sbin/ip a b", "ip d e"]),
        ("cat <<'A' <<B\n$x\nA\ny\nB\nip", ["ip"]),
        ("ip a | grep b > /dev/null 2>&1 &", ["grep b"]),
        ("A=1 ip $A; ( ip 2; { ip 3; } )", ["ip $A", "ip 2", "ip 3"]),
        ("shift; ip $1 $@ \"$@\"", ["ip b b c b c"]),
        ("B1=x; n=B1; ip ${!n}; eval \"ip \\$B1\"", ["ip x", "ip x"]),
        ("V=10.0.0.7; ip eth0:$(echo $V | cut -d. -f4) $(echo $V | awk -F. '{print $1}')", ["ip eth0:7 10"]),
        ("ip $(printf '%s-%d ' a 1) $(basename /x/y) $(expr 2 + 3) $(date)", ["ip a-1 y 5 $(date)"]),
        ("IFS=,; L=1,2; for i in $L; do ip $i; done", ["ip 1", "ip 2"]),
        ("ip \"a", []),
        ("fi; done; ip x", ["ip x"]),
    ],
)  # fmt: skip
def test_followed_as_a_shell_would(text: str, commands: list[str]) -> None:
    found = calls(text, *(("start", "b", "c") if text.startswith("shift") else ()))
    assert [line for line in found if not line.startswith("cat")] == commands


# What scripts are made of, so that chance meets the grammar.
_PIECES = (
    "if", "then", "else", "elif", "fi", "for", "in", "do", "done", "while", "case", "esac", "function", "{", "}", "(",
    ")", "((", "))", "[[", "]]", "[", "]", ";", ";;", "&&", "||", "|", "&", "\n", "\\", "'", '"', "`", "$", "${", "$(",
    "$((", "$1", "$@", "${VIP:-1}", "${A[@]}", "${!A}", "VIP=10.0.0.1", "A=(", "A[1]=2", "<<EOF", "EOF", "<<<", ">",
    "/proc/sys/net/ipv4/ip_forward", "x()", "x", "start", "{1..9}", "ipvsadm", "-A", "-a", "-t", "-f", "-r", "-p",
    "-s", "rr", "$VIP:80", "10.0.0.2", "-m", "--set", "7", "ifconfig", "eth0:1", "netmask", "255.255.255.0", "up",
    "ip", "addr", "add", "del", "dev", "route", "sysctl", "-w", "net.ipv4.vs.conntrack=1", "iptables", "-j", "MARK",
    "--set-mark", "-d", "echo", "eval", "set", "--", "shift", "read", "return", "break", "unset", "#", "%", "\0", "é",
)  # fmt: skip
scripts = st.lists(st.sampled_from(_PIECES)).map(" ".join) | st.lists(st.sampled_from(_PIECES)).map("".join) | st.text()


@settings(max_examples=500, deadline=None)
@given(scripts)
@example('"$(\n')
@example("((")
def test_text_at_random_is_read_to_its_end(text: str) -> None:
    result = imported(text.encode("utf-8", "surrogatepass"), "script", "lvs.toml")
    assert (result.text == "") or (result.cluster is None) == bool(result.problems)
    assert all(message.isascii() and message.isprintable() for _, message in result.said)


@given(st.binary())
def test_bytes_at_random_are_read_to_their_end(data: bytes) -> None:
    imported(data, "script", "lvs.toml")


_EFFECTS = ("open", "os.", "subprocess.", "socket.", "exec", "compile", "import", "shutil.", "pty.")
_watched: list[str] = []
_watching = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    # Pythons before 3.11 have no tomllib and look for it whenever it is asked for.
    if _watching and event.startswith(_EFFECTS) and "tomllib" not in arguments:
        _watched.append(event)


def test_nothing_is_executed_opened_or_looked_up() -> None:
    global _watching
    script = b"""
. /etc/passwd; source ./x; VIP=$(cat /etc/hostname); touch /tmp/x `id`; eval "rm -rf /"; exec sh
echo 1 > /proc/sys/net/ipv4/ip_forward; ipvsadm -A -t www.example.com:80; ipvsadm -R < /etc/hosts
ipvsadm -A -t 10.0.0.1:80; python3 -c 'print(1)'; [ -e /etc/passwd ] && reboot
"""
    imported(script, "script", "lvs.toml")  # whatever is imported late is there after this
    sys.addaudithook(_audit)
    _watching = True
    try:
        result = imported(script, "script", "lvs.toml")
    finally:
        _watching = False
    assert result.cluster is not None and _watched == []


@pytest.mark.parametrize(
    "text",
    [
        "A=xxxxxxxx\n" + "A=$A$A\n" * 1000,
        "A=(1 2 3)\n" + 'A=("${A[@]}" "${A[@]}")\n' * 1000,
        "for i in $(seq 5000); do for j in $(seq 5000); do x=1; done; done",
        "while true; do x=1; done",
        "f() { f; f; }\nf",
        'f() { eval "f"; }\nf',
        "(" * 100_000,
        "if true; then " * 5000,
        "echo " + "{1..9}" * 2000,
        "echo " + "$(" * 100_000,
        "echo " + "${" * 100_000,
        "'\n" * 20_001,
        "x=$((" + "(" * 100 + "1" + ")" * 100 + "))",
        "case " + "a" * 400 + " in " + "*a" * 100 + ") echo;; esac",
        "X=" + "a/" * 30_000 + "\n" + "echo ${X##*/}\n" * 1000,
        "x\n" * 100_000,
    ],
    ids=lambda text: text[:20].replace("\n", " "),
)
def test_what_is_made_to_be_expensive_is_not(text: str) -> None:
    assert imported(text.encode(), "script", "lvs.toml").text == ""


def test_what_is_beyond_measure_is_told() -> None:
    (line, message), *_ = imported(b"A=xxxx\n" + b"A=$A$A\n" * 1000, "script", "lvs.toml").said
    assert line > 10 and message == "is where reading ended: the script does more than can be followed"


# A table, as ipvsadm -S writes it: what is read of it is what it says.

_KEYS = (
    ServiceKey("tcp", "192.0.2.1", 80),
    ServiceKey("udp", "192.0.2.1", 53),
    ServiceKey("sctp", "192.0.2.2", 9),
    ServiceKey("tcp", "2001:db8::1", 443, family=6),
)
_servers = st.builds(
    lambda forwarding, weight: RealServer(forwarding, weight, tunnel=Tunnel() if forwarding == "tun" else None),
    st.sampled_from(("dr", "tun")),
    st.integers(0, 65535),
)
_services = st.sampled_from(
    (
        Service("rr"), Service("wlc", persistence=300, netmask=32), Service("sh", ("sh-fallback", "sh-port")),
        Service("mh", ("mh-port",)), Service("wrr", persistence=7, netmask=24),
    )
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(_KEYS), st.tuples(_services, st.lists(_servers, max_size=4)), min_size=1))
def test_a_saved_table_comes_out_as_it_was(table: dict[ServiceKey, tuple[Service, list[RealServer]]]) -> None:
    wanted: dict[Any, Any] = {}
    for key, (service, servers) in table.items():
        wide = key.family == 6 and service.netmask is not None
        wanted[key] = Service(service.scheduler, service.flags, service.persistence, 128) if wide else service
        for number, server in enumerate(servers, 11):
            rip = f"2001:db8::{number}" if key.family == 6 else f"192.0.2.{number}"
            wanted[RealServerKey(key, rip, key.port)] = server
    text = "".join(f"{ipvsadm.line(Change(key, None, value))}\n" for key, value in wanted.items())
    cluster = imported(text.encode(), "saved", "lvs.toml").cluster
    assert cluster is not None
    found: dict[Any, Any] = {}
    for each in cluster.services:
        found[each.key] = each.service
        found.update(each.realservers)
    assert found == wanted
