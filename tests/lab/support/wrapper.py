"""The commands of a host on a bad day: a wrapper before each of them in the runner's own PATH."""

from __future__ import annotations

import contextlib
import os
import time

TOOLS = (
    "ifconfig", "ip", "ip6tables", "ip6tables-restore", "iptables", "iptables-restore", "iptables-save", "ipvsadm",
    "modprobe", "route", "sysctl",
)  # fmt: skip
DIRECTORY = "/usr/local/sbin"
SAID = "made to fail"
CODE = 77
_PLACE = "/run/lab"

# Builtins of sh up to the tool itself: a process costs 30 ms in a guest.
_SCRIPT = f"""#!/bin/sh
cd {_PLACE}
name=${{0##*/}}
tool=/usr/sbin/$name
read from to how only <plan
case "$name $*" in "$only"*) ;; *) exec $tool "$@" ;; esac
read count <count
count=$((count + 1))
echo $count >count
echo "$name $*" >>calls
[ $count -lt $from ] && exec $tool "$@"
[ $count -gt $to ] && exec $tool "$@"
echo $how >>struck
case $how in
fail) echo "{SAID}" >&2; exit {CODE} ;;
hang) exec sleep 50 ;;
slow) sleep 3; exec $tool "$@" ;;
rubbish) echo '%&! 1.2.3 rubbish' ; exit 0 ;;
noise) echo 'rubbish' >&2; exec $tool "$@" ;;
before) kill -9 $PPID; sleep 0.5; exec $tool "$@" ;;
half*)
    cat >bulk
    head -n $(($(wc -l <bulk) / 2)) bulk >half
    $tool "$@" <half
    [ $how = half-kill ] && kill -9 $PPID
    exit 0 ;;
esac
"""


def plan(how: str, first: int, last: int = 0, only: str = "") -> None:
    """Put a wrapper before every tool. The ``first`` call, or those up to the ``last``, go wrong like this.

    ``only``: calls that begin so are the ones that count.
    """
    os.makedirs(_PLACE, exist_ok=True)
    _write(f"{_PLACE}/count", "0\n")
    _write(f"{_PLACE}/calls", "")
    _write(f"{_PLACE}/struck", "")
    _write(f"{_PLACE}/plan", f"{first} {last or first} {how} {only}\n")
    for name in TOOLS:
        path = os.path.join(DIRECTORY, name)
        _write(path, _SCRIPT)
        os.chmod(path, 0o755)


def remove() -> None:
    """The tools as they are: wrappers double the time of every run."""
    for name in TOOLS:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(DIRECTORY, name))


def calls() -> list[str]:
    """What was called since the last ``plan``, a line each."""
    return _read("calls").splitlines()


def struck() -> int:
    """How many calls went wrong since the last ``plan``."""
    return len(_read("struck").splitlines())


def await_strike() -> None:
    """Return when a call has gone wrong since the last ``plan``."""
    while not struck():
        time.sleep(0.02)


def _read(name: str) -> str:
    with open(os.path.join(_PLACE, name), encoding="utf-8") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
