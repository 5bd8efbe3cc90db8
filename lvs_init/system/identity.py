"""Which machine this is, which boot, which network namespace, and who we are."""

from __future__ import annotations

import os

from lvs_init.system.files import read_small


def boot_id() -> str:
    """A text that is another one after every boot (random(4)); "" where the kernel tells none."""
    return (read_small("/proc/sys/kernel/random/boot_id") or "").strip()


def netns_id() -> str:
    """A text that differs between network namespaces of one boot (namespaces(7)); "" where there are none."""
    try:
        status = os.stat("/proc/self/ns/net")
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}"


def node_name() -> str:
    """What ``uname -n`` prints."""
    return os.uname().nodename


def is_root() -> bool:
    """Whether we may do what we are for."""
    return os.geteuid() == 0
