"""What makes a host of the lab a machine on which Heartbeat can run. Runs in the host (Node.call)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lvs_init.lab import isolation

_LAYER, _OWN = "/run/unpacked", "/run/usr"
_USERS = (("/etc/passwd", "hacluster:x:902:902::/var/lib/heartbeat:/bin/false\n"), ("/etc/group", "haclient:x:902:\n"))
_HACLUSTER = (902, 902)
#: Of Heartbeat's own, as its package makes them.
_DIRECTORIES = (
    "/run/heartbeat", "/run/heartbeat/ccm", "/run/heartbeat/crm", "/run/heartbeat/dopd",
    "/var/lib/heartbeat/cores/hacluster",
)  # fmt: skip
_ROOTS = ("/run/lock/subsys", "/run/resource-agents", "/var/lib/heartbeat/cores/root", "/var/lib/heartbeat/rsctmp")


def prepare(unpacked: str, files: Mapping[str, Sequence[str]], links: Mapping[str, str] = MappingProxyType({})) -> None:
    """``unpacked``: the directory outside that packages/unpack has made; "" for nothing of it. ``files``: path ->
    text and octal mode. ``links``: path -> where it leads."""
    if unpacked:
        _lay_over(unpacked)
    for path, (text, mode) in files.items():
        _write(path, text, int(mode, 8))
    for path, target in links.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)


def _lay_over(unpacked: str) -> None:
    # A file system of its own: overlayfs refuses a layer that lies below another one of its layers.
    os.mkdir(_LAYER)
    isolation.mount("none", _LAYER, "hostfs", 0, unpacked)
    os.mkdir(_OWN)
    isolation.mount("tmpfs", _OWN, "tmpfs")
    for name in ("upper", "work"):
        os.mkdir(f"{_OWN}/{name}")
    layers = f"lowerdir={_LAYER}/usr:/usr,upperdir={_OWN}/upper,workdir={_OWN}/work"
    isolation.mount("overlay", "/usr", "overlay", 0, layers)
    for name in ("etc", "var"):
        shutil.copytree(f"{_LAYER}/{name}", f"/{name}", symlinks=True, dirs_exist_ok=True)
    for path, line in _USERS:
        with open(path, encoding="utf-8") as file:
            kept = [each for each in file if not each.startswith(line.partition(":")[0] + ":")]
        _write(path, "".join([*kept, line]), 0o644)
    for path in (*_DIRECTORIES, *_ROOTS):
        os.makedirs(path, exist_ok=True)
    for path in _DIRECTORIES:
        os.chown(path, *_HACLUSTER)
        os.chmod(path, 0o750)


def _write(path: str, text: str, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
