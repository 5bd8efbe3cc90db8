"""Tools of Heartbeat and Pacemaker without a guest: what packages/unpack has laid down, over this machine's own files.

In namespaces of its own, with no network, no other process to see and no right outside: what is written is gone
afterwards, and a reboot that a script asks for ends the namespace.
"""

from __future__ import annotations

import os
import subprocess

from pair.lab import UNPACKED

_PREPARE = """\
mount -t tmpfs none /mnt
for each in usr etc var; do
    mkdir /mnt/$each /mnt/$each.work
    mount -t overlay -o lowerdir=$UNPACKED/$each:/$each,upperdir=/mnt/$each,workdir=/mnt/$each.work none /$each
done
mount -t tmpfs none /run
# The only user and the only group that there are here.
echo 'hacluster:x:0:0::/:/bin/false' >>/etc/passwd
echo 'haclient:x:0:' >>/etc/group
hostname node1
mkdir -p /etc/lvs /var/log/crmsh /var/log/corosync /run/heartbeat/ccm /run/heartbeat/crm /var/lib/heartbeat/cores/root
cd /run
"""
_NAMESPACES = (
    "--map-root-user",
    "--mount",
    "--net",
    "--pid",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb",
    "UNPACKED": UNPACKED,
}  # fmt: skip


def sh(script: str, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script for sh there; it ends at the first command that fails. The environment has the variables, too."""
    return subprocess.run(
        ["unshare", *_NAMESPACES, "sh", "-euc", _PREPARE + script],
        env={**_ENVIRONMENT, **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
    )  # fmt: skip


def available() -> str:
    """Why it cannot be had here; "" where it can."""
    if not os.path.isdir(UNPACKED):
        return f"{UNPACKED} is not there: make test-ha sets it up"
    done = sh("")
    return "" if done.returncode == 0 else f"no namespaces with overlays: {done.stdout.strip()}"
