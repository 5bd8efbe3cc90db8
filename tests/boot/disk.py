"""The first disk of a machine: a Debian of build/ and what ties it to its surroundings.

Its network is real to everything in it: eth0 leads to a client, eth1 to two web servers. They are network namespaces
of the same kernel, set up before the interfaces are.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from machine import SYSTEMD, SYSV

CLIENT, SERVERS = "client", "servers"
_SIZE = "700M"
_ROOT = "/dev/ubda /            ext4   defaults                0 1\n"
_WINDOWS = """
none      /usr/lib/modules hostfs ro,/usr/lib/uml/modules 0 0
none      /outside         hostfs {outside}               0 0
"""
_INTERFACES = f"""
auto lo eth0 eth1
iface lo inet loopback
iface eth0 inet static
    pre-up sh /outside/neighbour eth0 {CLIENT} 192.168.0.100/24
    address 192.168.0.10/24
iface eth1 inet static
    pre-up sh /outside/neighbour eth1 {SERVERS} 192.168.10.11/24 192.168.10.12/24
    post-up ip -n {SERVERS} route add default via 192.168.10.10
    address 192.168.10.10/24
"""
_NEIGHBOUR = """
set -e
interface=$1 name=$2; shift 2
ip netns add "$name"
ip link add "$interface" type veth peer name eth0 netns "$name"
for address; do ip -n "$name" address add "$address" dev eth0; done
ip -n "$name" link set lo up
ip -n "$name" link set eth0 up
"""
# A root shell on the first serial line: a job's name comes in, its exit code goes out.
_SHELL = """
exec <>/dev/tty1 >&0
stty raw -echo
cd /root
echo ready
while read -r job; do
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -e "/outside/$job" \
        </dev/null >"/outside/$job.said" 2>&1
    echo $?
done
poweroff -f  # the other end is gone, and nobody else can
"""
# It begins when the machine is up. At shutdown it is there until the last processes are ended.
_INITTAB = "1:2345:respawn:/bin/sh /outside/shell\n"
_SHELL_SERVICE = """
[Unit]
After=multi-user.target
DefaultDependencies=no
[Service]
ExecStart=/bin/sh /outside/shell
"""
# Started as it always is, but it ends at once: a keepalived that stays is somebody whom lvs-director warns of.
_KEEPALIVED = 'DAEMON_ARGS="--config-test"\n'
_KEEPALIVED_ENDS = """
[Service]
Type=oneshot
RemainAfterExit=yes
"""
# Answers every request with the address that it was sent to. It is listening when its start returns.
_WEB = """
import os, socket
with socket.create_server(("", 80)) as listening:
    if os.fork():
        os._exit(0)
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(connection.getsockname()[0].encode() + b"\\n")
"""
# What boots without: no getty on the line of our shell, nobody to log in, nothing that a timer starts meanwhile.
_MASKED = ("getty.target", "systemd-logind.service", "timers.target", "e2scrub_reap.service")
_SYSTEMD = (
    "rw",
    "systemd.unit=multi-user.target",
    "systemd.wants=shell.service",
    *(f"systemd.mask={unit}" for unit in _MASKED),
    "systemd.show_status=1",
    "systemd.journald.forward_to_console=1",
)


@dataclass(frozen=True)
class Image:
    """A disk that nobody writes on, and what the kernel is told when it boots from it."""

    path: Path
    kernel: tuple[str, ...]
    outside: Path


def prepare(outside: Path) -> None:
    """Fill a directory that every machine will see as /outside."""
    for name, text in (("neighbour", _NEIGHBOUR), ("shell", _SHELL), ("web.py", _WEB)):
        (outside / name).write_text(text)


def sysvinit(path: Path, outside: Path) -> Image:
    """A machine whose process 1 is sysvinit. Only root can read all of build/sysv."""
    inittab = (SYSV / "etc/inittab").read_text().splitlines(keepends=True)
    files = {
        "/etc/fstab": _ROOT + _WINDOWS.format(outside=outside),
        "/etc/inittab": "".join(line for line in inittab if "/sbin/getty" not in line) + _INITTAB,
    }
    _write(path, SYSV, files)
    return Image(path, ("ro",), outside)


def systemd(path: Path, outside: Path) -> Image:
    """A machine whose process 1 is systemd. Only root can read all of build/systemd."""
    files = {
        "/etc/fstab": _WINDOWS.format(outside=outside),
        "/etc/systemd/system/shell.service": _SHELL_SERVICE,
        "/etc/systemd/system/keepalived.service.d/ends.conf": _KEEPALIVED_ENDS,
    }
    _write(path, SYSTEMD, files)
    return Image(path, _SYSTEMD, outside)


def _write(image: Path, root: Path, files: Mapping[str, str]) -> None:
    parts = image.with_name(f"{image.name}.parts")
    parts.mkdir()
    common = {
        "/etc/hostname": "machine\n",
        "/etc/network/interfaces": _INTERFACES,
        "/etc/default/keepalived": _KEEPALIVED,
        "/etc/keepalived/keepalived.conf": "global_defs {\n}\n",
    }
    commands = ["mkdir /outside", "mkdir /usr/lib/modules", "mkdir /etc/systemd/system/keepalived.service.d"]
    for number, (path, text) in enumerate({**common, **files}.items()):
        (parts / str(number)).write_text(text)
        commands += [f"rm {path}", f"write {parts / str(number)} {path}"]
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, image, _SIZE], check=True)
    subprocess.run(["debugfs", "-w", "-f", "-", image], input="\n".join(commands), text=True, check=True,
                   capture_output=True)  # fmt: skip
