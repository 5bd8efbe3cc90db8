"""Each command of a script goes to who understands it; the others are told."""

from __future__ import annotations

from typing import Callable

from lvs_init.importing import ipvsadm_lines, kernel_lines, network_lines
from lvs_init.importing.facts import Facts, Unfit
from lvs_init.importing.said import Said, shown
from lvs_init.importing.shell_walk import Call

_Reader = Callable[[Call, Facts, Said], bool]

_READERS: dict[str, _Reader] = {
    "ipvsadm": ipvsadm_lines.read,
    "ifconfig": network_lines.read_ifconfig,
    "ip": network_lines.read_ip,
    "route": network_lines.read_route,
    "sysctl": kernel_lines.read_sysctl,
    "iptables": kernel_lines.read_iptables,
    "ip6tables": kernel_lines.read_iptables,
    "echo": kernel_lines.read_writes,
    "printf": kernel_lines.read_writes,
    "cat": kernel_lines.read_writes,
    "tee": kernel_lines.read_writes,
}
#: What tells people something, waits, or keeps a script's own books.
_WITHOUT_EFFECT = {
    "awk", "basename", "cd", "chmod", "chown", "clear", "cut", "date", "dirname", "egrep", "failure", "fgrep", "grep",
    "hash", "head", "hostname", "id", "ipvsadm-save", "log_action_msg", "log_begin_msg", "log_daemon_msg",
    "log_end_msg", "log_failure_msg", "log_progress_msg", "log_success_msg", "log_warning_msg", "logger", "ls",
    "lsmod", "mkdir", "netstat", "passed", "ping", "ps", "pwd", "rm", "set", "shopt", "sleep", "sort", "ss", "success",
    "sync", "tail", "touch", "trap", "tr", "true", "tty", "type", "ulimit", "umask", "uname", "usleep", "wait",
    "warning", "wc", "which",
}  # fmt: skip
_OF_THE_MACHINE = {
    "chkconfig", "insmod", "iptables-restore", "kill", "killall", "modprobe", "rmmod", "service", "setenforce",
    "systemctl",
}  # fmt: skip
_INIT_FUNCTIONS = ("functions", "init-functions", "rc.status", "network")
#: What start does by itself.
_ANNOUNCING = {"arping", "send_arp", "arpsend"}
_MODULES = ("ip_vs", "ipip", "ip6_tunnel", "tunl", "xt_mark", "ip_tables", "iptable_", "nf_conntrack", "ip_conntrack")


class Recogniser:
    """``facts`` holds what was understood, ``said`` the rest."""

    def __init__(self, said: Said) -> None:
        self.facts = Facts()
        self._said = said

    def __call__(self, call: Call) -> None:
        name = "ipvsadm" if _is_saved_line(call) else call.name
        reader = _READERS.get(name)
        if name == "ipvsadm-restore":
            call, reader = Call(call.line, ("ipvsadm", "-R"), call.stdin, call.reads), ipvsadm_lines.read
        if reader is None:
            self._other(call, name)
            return
        missing = call.unknown
        if missing:
            if call.writes or reader is not kernel_lines.read_writes:
                what = shown(str(call))
                self._said.add(call.line, f"left out, because {missing[0]} is not known from this file: {what}")
            return
        try:
            taken = reader(call, self.facts, self._said)
        except Unfit as unfit:
            self._said.add(call.line, f"not understood, because {unfit}: {shown(str(call))}")
            return
        if taken and call.unsure:
            what = shown(str(call))
            self._said.add(call.line, f"stands behind a condition that the text does not decide; taken: {what}")

    def _other(self, call: Call, name: str) -> None:
        if name in _WITHOUT_EFFECT or name in _ANNOUNCING:
            return
        if name in (".", "source"):
            file = call.argv[1] if len(call.argv) > 1 else ""
            if not file.rpartition("/")[2].startswith(_INIT_FUNCTIONS):
                self._said.add(call.line, f"is not followed: what {shown(file)} sets is not known here")
        elif name == "modprobe" and all(word.startswith(("-", *_MODULES)) for word in call.argv[1:]):
            return
        elif name in _OF_THE_MACHINE:
            self._said.no_place(call.line, str(call))
        else:
            self._said.not_understood(call.line, str(call))


def _is_saved_line(call: Call) -> bool:
    """A line of ``ipvsadm -S``, which has no program's name."""
    return call.argv[0] in ("-A", "-a") and len(call.argv) > 2
