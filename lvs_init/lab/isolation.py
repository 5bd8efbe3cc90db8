"""Namespaces and root file systems by system call: what turns a forked process into a host of the lab.

`unshare`, `mount` and `ip netns` would do the same as programs, but an exec costs 15 to 60 ms in a User-Mode Linux
guest and a host needs about fifteen of these calls. Python has os.unshare from 3.12 on and no mount at all, so they
go through the C library. Everything here raises OSError with the name of the call and what it was about.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_RB_POWER_OFF = 0x4321FEDC
_PR_SET_PDEATHSIG = 1
_SYS_PIVOT_ROOT = {"x86_64": 155, "i686": 217, "aarch64": 41, "ppc64le": 203, "s390x": 217, "riscv64": 41}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

# Compiled-in values of net.ipv4.conf.{all,default} (devinet.c, ipv4_devconf and ipv4_devconf_dflt) that are not 0.
# A new network namespace copies them from the kernel's first namespace instead, where systemd or an admin may have
# set rp_filter, promote_secondaries and others.
_IPV4_DEFAULTS = {
    "accept_redirects": "1",
    "arp_evict_nocarrier": "1",
    "igmpv2_unsolicited_report_interval": "10000",
    "igmpv3_unsolicited_report_interval": "1000",
    "secure_redirects": "1",
    "send_redirects": "1",
    "shared_media": "1",
}
_READ_ONLY = ("mc_forwarding",)

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), f"unshare {flags:#x}")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(result, f"mount {kind or 'bind'} {source} on {target}")


def bind(source: str, target: str) -> None:
    mount(source, target, "", _MS_BIND)


def die_with_parent() -> None:
    _check(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl PR_SET_PDEATHSIG")


def power_off() -> None:
    """End the machine at once. Only for the first process of a guest."""
    _check(_libc.reboot(ctypes.c_int(_RB_POWER_OFF)), "reboot")


def fork_into_new_processes() -> int:
    """As os.fork(), but the child is process 1 of a PID namespace of its own: whatever it leaves dies with it."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        unshare(CLONE_NEWPID)
        pid = os.fork()
        if pid:
            # Back to our own for the next fork; the kernel refuses a second unshare otherwise.
            _check(_libc.setns(own, CLONE_NEWPID), "setns pid")
    finally:
        os.close(own)
    return pid


def private_mounts() -> None:
    unshare(CLONE_NEWNS)
    mount("none", "/", "", _MS_REC | _MS_PRIVATE)


def make_root(scratch: str, lower: Sequence[str], disks: Sequence[str]) -> str:
    """Mount an overlay root with its own /proc, /sys, /dev and empty /run; returns its path, below `scratch`.

    scratch: a directory whereon a tmpfs may be mounted; it holds what the host writes.
    lower: directories to see through to, the first wins. disks: further mounts, to be seen read-only.
    """
    mount("tmpfs", scratch, "tmpfs", 0, "mode=755")
    root, upper, work = (os.path.join(scratch, name) for name in ("root", "upper", "work"))
    for directory in (root, upper, work):
        os.mkdir(directory, 0o755)
    mount("overlay", root, "overlay", 0, f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work}")
    for disk in disks:
        bind(disk, root + disk)
        mount("none", root + disk, "", _MS_BIND | _MS_REMOUNT | _MS_RDONLY)
    mount("proc", root + "/proc", "proc")
    mount("sysfs", root + "/sys", "sysfs")
    mount("tmpfs", root + "/run", "tmpfs", 0, "mode=755")
    os.mkdir(root + "/run/lock")
    os.chmod(root + "/run/lock", 0o1777)
    _make_dev(root + "/dev")
    try:
        os.listdir(root + "/root")
    except PermissionError:  # a guest reads the files outside as the user who started it
        mount("tmpfs", root + "/root", "tmpfs", 0, "mode=700")
    return root


def _make_dev(path: str) -> None:
    # Each host's own, so that a test can put a /dev/log there.
    mount("tmpfs", path, "tmpfs", 0, "mode=755")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(f"{path}/{name}", 0o020666, os.makedev(1, minor))
        os.chmod(f"{path}/{name}", 0o666)
    os.mknod(path + "/tty", 0o020666, os.makedev(5, 0))
    os.mkdir(path + "/shm")
    os.chmod(path + "/shm", 0o1777)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink("/proc/self/" + target, f"{path}/{name}")


def enter_root(root: str) -> None:
    """Make `root` the root of this mount namespace and let go of the former one.

    pivot_root, not chroot: the kernel's own calls of modprobe follow the root of process 1.
    """
    os.chdir(root)
    _check(_libc.syscall(_SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), f"pivot_root to {root}")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount of the former root")
    os.chdir("/")


def set_kernel_defaults() -> None:
    """Give this network namespace the values that a freshly booted kernel has, whatever the first namespace has."""
    top = "/proc/sys/net/ipv4/conf"
    for interface in ("all", "default", "lo"):
        directory = os.path.join(top, interface)
        # forwarding first: writing it resets accept_redirects.
        for name in sorted(os.listdir(directory), key=lambda name: name != "forwarding"):
            wanted = _IPV4_DEFAULTS.get(name, "0")
            if name == "accept_source_route" and interface != "all":
                wanted = "1"
            if name not in _READ_ONLY:
                _write_if_different(os.path.join(directory, name), wanted)


def _write_if_different(path: str, wanted: str) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        if os.read(file, 64).decode().strip() != wanted:
            os.pwrite(file, wanted.encode(), 0)
    finally:
        os.close(file)


def link_up(interface: str) -> None:
    """Set an interface up (netdevice(7), SIOCSIFFLAGS)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", interface.encode(), 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags | _IFF_UP))
