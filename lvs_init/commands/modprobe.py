"""modprobe(8): kernel modules, loaded or built in. The kernel takes ``-`` and ``_`` in their names for the same."""

from __future__ import annotations

from collections.abc import Sequence

from lvs_init.commands.command import Command


def load(names: Sequence[str]) -> Command:
    return Command(("modprobe", "-a", *names))


def canonical_name(name: str) -> str:
    """The form that /proc/modules shows."""
    return name.replace("-", "_")


def parse_builtin(text: str) -> set[str]:
    """The names in /lib/modules/RELEASE/modules.builtin (``kernel/net/ipv4/tunnel4.ko``)."""
    files = (row.strip().rpartition("/")[2] for row in text.splitlines() if row.strip())
    return {canonical_name(file[: -len(".ko")] if file.endswith(".ko") else file) for file in files}
