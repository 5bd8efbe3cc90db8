"""The power switch of a pair: it ends a node when a STONITH plugin asks. Runs in the lab's own namespace, where every
node's process 1 can be seen (Place.switch).

As with many a real one, only one can be logged in at a time: of two nodes that want to end each other one does, and
the other is dead before its turn comes.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Iterator

PORT = 7
_PATIENCE = 10.0  # seconds

#: cluster-glue's way of calling a plugin: a verb, a node, parameters in the environment (README.external there).
PLUGIN = """#!/bin/bash
case $1 in
on|off|reset)
    exec 3<>/dev/tcp/{address}/{port} && read -r -t 10 ready <&3 || exit 1
    echo "$1 $2" >&3
    read -r -t 10 answer <&3
    [ "$answer" = done ] ;;
status) exec 3<>/dev/tcp/{address}/{port} ;;
gethosts) echo "$hostlist" | tr ', ' '\\n\\n' ;;
getconfignames) echo hostlist ;;
getinfo-devid|getinfo-devname|getinfo-devdescr) echo "power switch of the lab" ;;
getinfo-devurl) echo "about:blank" ;;
getinfo-xml) echo '<parameters><parameter name="hostlist" unique="1" required="1"><content type="string"/>' \\
    '<shortdesc lang="en">nodes</shortdesc><longdesc lang="en">nodes</longdesc></parameter></parameters>' ;;
*) exit 1 ;;
esac
"""
#: What nodes have as /sbin/reboot: a process cannot end process 1 of its own namespace.
REBOOT = """#!/bin/bash
exec 3<>/dev/tcp/{address}/{port} && read -r ready <&3 && echo "reboot $(uname -n)" >&3 && read -r answer <&3
"""


def serve(home: str, address: str) -> Iterator[bool]:
    """``home``: a directory with a file for each node that holds the PID of its process 1; ``marks`` is added there."""
    with socket.create_server((address, PORT)) as door:
        yield True
        while True:
            visitor, (source, _) = door.accept()
            with visitor, contextlib.suppress(OSError, ValueError):
                visitor.settimeout(_PATIENCE)
                visitor.sendall(b"ready\n")
                verb, name = visitor.recv(256).decode().split()
                end(home, name)
                with open(f"{home}/marks", "a", encoding="ascii") as marks:
                    marks.write(f"{time.monotonic():.3f} {source} {verb} {name}\n")
                visitor.sendall(b"done\n")


def end(home: str, name: str) -> float:
    """Kill a node's process 1, and with it all others; returns when it is gone, and when it was killed."""
    with open(f"{home}/{name}", encoding="ascii") as file:
        number = int(file.read())
    killed = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(number)
        os.kill(number, signal.SIGKILL)
        select.select([process], [], [], _PATIENCE)
        os.close(process)
    return killed


def alive(home: str, name: str) -> bool:
    with open(f"{home}/{name}", encoding="ascii") as file:
        return os.path.exists(f"/proc/{file.read()}/ns")
