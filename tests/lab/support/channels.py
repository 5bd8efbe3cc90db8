"""The IPVS table of a host over one channel or the other, with keys and values as JSON can carry them."""

from __future__ import annotations

from typing import Any

from lvs_init.engine.channel import VARIABLE, Table
from lvs_init.model.codec import key_from_plain, key_to_plain, value_from_plain, value_to_plain
from lvs_init.model.state import Change
from lvs_init.system.runner import Runner

#: [key, value] each.
PlainState = list[list[Any]]


def plain_changes(changes: list[Change]) -> list[list[Any]]:
    """Each change as [key, before, after]."""
    return [
        [key_to_plain(change.key), value_to_plain(change.before), value_to_plain(change.after)] for change in changes
    ]


def write(channel: str, changes: list[list[Any]]) -> list[list[Any]]:
    """Make the changes; [key, reason] of each that the kernel refused."""
    with _table(channel) as table:
        refused = table.write([_change(*plain) for plain in changes])
    return [[key_to_plain(key), reason] for key, reason in refused.items()]


def read(channel: str) -> PlainState:
    """All of it, in the order of the keys."""
    with _table(channel) as table:
        live = table.read(timeouts=True)
    return sorted(([key_to_plain(key), value_to_plain(value)] for key, value in live.items()), key=str)


def daemons(channel: str) -> PlainState:
    """The sync daemons alone."""
    with _table(channel) as table:
        live = table.read(daemons=True)
    found = [[key_to_plain(key), value_to_plain(value)] for key, value in live.items()]
    return sorted(pair for pair in found if pair[0][0] == "daemon")


def chosen() -> str:
    """Which channel is chosen where none is forced."""
    with _table("") as table:
        return type(table._channel()).__name__


def _table(channel: str) -> Table:
    return Table(Runner(), {VARIABLE: channel})


def _change(key: list[Any], before: Any, after: Any) -> Change:
    found = key_from_plain(key)
    return Change(found, value_from_plain(found, before), value_from_plain(found, after))
