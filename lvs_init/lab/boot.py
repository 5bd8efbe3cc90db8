"""The first process inside: from a bare start to the agent, in a User-Mode Linux guest or in this kernel."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
import tty
from collections.abc import Iterable, Sequence
from typing import NoReturn

from lvs_init.lab import agent, isolation
from lvs_init.lab.children import ENVIRONMENT

UML_MODULES = "/usr/lib/uml/modules"
_DOORBELL = "/dev/tty1"
# An overlay shows only the file system at the root; of the others, a host must see those where the checkout or an
# interpreter can be.
_DISKS = {"9p", "bcachefs", "btrfs", "ext3", "ext4", "f2fs", "nfs", "nfs4", "overlay", "virtiofs", "xfs", "zfs"}
_OWN = {"dev", "proc", "run", "sys"}


def guest(window: str, modules: Sequence[str]) -> NoReturn:
    """Process 1 of a guest; powers it off when the other end of the doorbell is closed."""
    try:
        doorbell = os.open(_DOORBELL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        tty.setraw(doorbell)
        below = _guest_root()
        parent, name = os.path.split(window)
        # The parent of the window, so that the last act can be to remove the window itself.
        os.mkdir("/run/outside")
        isolation.mount("none", "/run/outside", "hostfs", 0, parent)
        window = os.path.join("/run/outside", name)
        agent.serve(window, doorbell, below, modules)
        shutil.rmtree(window, ignore_errors=True)
    except BaseException:  # noqa: BLE001 - process 1 must not end: the kernel would panic
        traceback.print_exc()
    sys.stderr.flush()
    isolation.power_off()
    raise AssertionError("still alive after power off")


def _guest_root() -> agent.Below:
    """Swap the read-only root for an overlay; returns what the overlays of the hosts see through to."""
    release = os.uname().release
    isolation.mount("proc", "/proc", "proc")
    isolation.mount("tmpfs", "/run", "tmpfs")
    for directory in ("agent", "host", "lower", "layer/usr/lib/modules", "modprobe/lib"):
        os.makedirs("/run/" + directory)
    os.symlink(f"{UML_MODULES}/{release}", f"/run/layer/usr/lib/modules/{release}")
    os.symlink(UML_MODULES, "/run/modprobe/lib/modules")
    # This kernel is built without NF_TABLES_IPV4 and _IPV6, where iptables-nft fails with "TABLE_ADD failed".
    os.makedirs("/run/layer/etc/alternatives")
    for name in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            os.symlink(f"/usr/sbin/{name}-legacy{suffix}", f"/run/layer/etc/alternatives/{name}{suffix}")
    modprobe = shutil.which("modprobe", path=ENVIRONMENT["PATH"]) or "/sbin/modprobe"
    pid = os.posix_spawn(modprobe, ["modprobe", "-a", "-d", "/run/modprobe", "overlay", "ipv6"], ENVIRONMENT)
    if os.waitpid(pid, 0)[1]:
        raise OSError(f"modprobe overlay failed; is {UML_MODULES}/{release} there?")
    root = isolation.make_root("/run/agent", ["/run/layer", "/"], [])
    isolation.bind("/run", root + "/run")
    isolation.bind("/", root + "/run/lower")
    isolation.enter_root(root)
    return ["/run/layer", "/run/lower"], []


def disks(mounts: Iterable[str]) -> list[str]:
    """Where file systems other than the root's are mounted, outer ones first. mounts: lines of /proc/mounts.

    What lies below a directory that every host has of its own is left out: /run/netns, which "ip netns" mounts.
    """
    points = {point for _, point, kind, *_ in map(str.split, mounts) if kind in _DISKS}
    return sorted(point for point in points if point != "/" and "\\" not in point and point.split("/")[1] not in _OWN)


def here(window: str, doorbell: int, modules: Sequence[str]) -> None:
    """The agent in this kernel, as process 1 of namespaces of its own: when it ends nothing of the lab is left."""
    isolation.unshare(isolation.CLONE_NEWNET | isolation.CLONE_NEWUTS | isolation.CLONE_NEWPID)
    isolation.private_mounts()
    pid = os.fork()
    if pid:
        os.close(doorbell)
        os.waitpid(pid, 0)
        return
    isolation.die_with_parent()
    isolation.mount("proc", "/proc", "proc")
    with open("/proc/self/mounts", encoding="ascii", errors="replace") as file:
        seen = disks(file)
    isolation.mount("tmpfs", "/run", "tmpfs")
    os.mkdir("/run/host")
    agent.serve(window, doorbell, (["/"], seen), modules)
    shutil.rmtree(window, ignore_errors=True)
