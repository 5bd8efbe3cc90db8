"""The way to the IPVS table: generic netlink where the kernel offers it, ipvsadm elsewhere.

Both leave the same table and give the same reasons; what is printed for people is ipvsadm's in any case.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol

from lvs_init.commands import ipvs_messages, ipvs_replies, ipvsadm
from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.commands.command import Command
from lvs_init.commands.proc_ip_vs import has_services
from lvs_init.engine.reading import shown_by
from lvs_init.errors import SystemFailure
from lvs_init.model.ipvs import SyncDaemonKey, TimeoutKey
from lvs_init.model.state import Change, Key, Value, same
from lvs_init.system import files
from lvs_init.system.netlink import Family
from lvs_init.system.runner import Completed, Runner, failure

VARIABLE = "LVS_CHANNEL"  # "ipvsadm" in the environment or /etc/default/lvs-director: no netlink
_TABLE = "/proc/net/ip_vs"
_ASK_AGAIN = 16  # ipvsadm -R does not say which line fails: so many are tried once more alone, to hear why
_REFUSED = 255  # ipvsadm's exit status where the kernel says no
_NOT_UNDERSTOOD = (ValueError, KeyError, IndexError, struct.error)

#: The keys whose changes the kernel did not take -> why, in ipvsadm's words.
Refusals = dict[Key, str]


class Channel(Protocol):
    """One way to the table."""

    def read(self, timeouts: bool, daemons: bool) -> dict[Key, Value]: ...

    def write(self, changes: Sequence[Change]) -> Refusals: ...


class Table:
    """The kernel's IPVS table with its timeouts and sync daemons. The channel is chosen when it is first needed."""

    def __init__(self, runner: Runner, environment: Mapping[str, str]) -> None:
        self._runner = runner
        self._forced = environment.get(VARIABLE) == "ipvsadm"
        self._family: Family | None = None
        self._chosen: Channel | None = None

    def read(self, *, timeouts: bool = False, daemons: bool = False) -> dict[Key, Value]:
        """What is there. Nothing is run and no module loaded while the kernel has no table. Raises LvsError."""
        return self._channel().read(timeouts, daemons) if os.path.exists(_TABLE) else {}

    def write(self, changes: Sequence[Change]) -> Refusals:
        """Make changes of one step: all of the table, of timeouts or of daemons. Goes on after a refusal.

        Raises LvsError where the channel itself fails: what was done then, only reading tells.
        """
        return self._channel().write(changes) if changes else {}

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._family is not None:
            self._family.close()
        self._family = self._chosen = None

    def _channel(self) -> Channel:
        if self._chosen is None:
            self._chosen = (None if self._forced else self._netlink()) or ByCommand(self._runner)
        return self._chosen

    def _netlink(self) -> Channel | None:
        try:
            self._family = Family(ipvs.FAMILY, ipvs.VERSION)
        except OSError:
            return None
        return ByNetlink(self._family)


class ByNetlink:
    """A message a change, each with an answer of its own."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def read(self, timeouts: bool, daemons: bool) -> dict[Key, Value]:
        live: dict[Key, Value] = {}
        try:
            for listed in self._family.dump(ipvs.GET_SERVICE):
                service, live[service] = ipvs_replies.service(listed)
                for payload in self._family.dump(ipvs.GET_SERVER, ipvs_messages.of_service(service)):
                    server, live[server] = ipvs_replies.real_server(service, payload)
            if timeouts:
                live.update(ipvs_replies.timeouts(self._family.ask(ipvs.GET_CONFIG)))
            if daemons:
                live.update(map(ipvs_replies.daemon, self._family.dump(ipvs.GET_DAEMON)))
        except OSError as error:
            raise SystemFailure(f"the kernel does not show its IPVS table: {error.strerror}") from error
        except _NOT_UNDERSTOOD as error:
            raise SystemFailure(f"what the kernel shows of its IPVS table cannot be understood: {error!r}") from error
        return live

    def write(self, changes: Sequence[Change]) -> Refusals:
        refused: Refusals = {}
        parts = _in_parts(changes)
        for place, number in self._family.tell(map(ipvs_messages.message, parts)).items():
            command, _ = ipvs_messages.message(parts[place])
            refused[parts[place].key] = ipvs_messages.reason(command, number) or os.strerror(number)
        unmet = _unmet([change for change in changes if change.key in refused], self)
        return {change.key: refused[change.key] for change in unmet}


class ByCommand:
    """``ipvsadm -R`` for any number of changes. It does not say which of them failed, so that is read."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def read(self, timeouts: bool, daemons: bool) -> dict[Key, Value]:
        live: dict[Key, Value] = {}
        if has_services(files.read_small(_TABLE) or ""):
            live.update(shown_by(self._runner, ipvsadm.LIST, ipvsadm.parse_rules))
            live = ipvsadm.with_thresholds(
                live, shown_by(self._runner, ipvsadm.LIST_THRESHOLDS, ipvsadm.parse_thresholds)
            )
        if timeouts:
            live.update(shown_by(self._runner, ipvsadm.LIST_TIMEOUTS, ipvsadm.parse_timeouts))
        if daemons:
            live.update(shown_by(self._runner, ipvsadm.LIST_DAEMONS, ipvsadm.parse_daemons))
        return live

    def write(self, changes: Sequence[Change]) -> Refusals:
        if isinstance(changes[0].key, SyncDaemonKey):
            return self._write_daemons(changes)
        completed = self._run(changes)
        if completed.code == 0 and not completed.stderr.strip():
            return {}
        refused: Refusals = {}
        for number, change in enumerate(_unmet(changes, self)):
            if number < _ASK_AGAIN:
                completed = self._run([change])
                if completed.code == 0:
                    continue
            refused[change.key] = " ".join(completed.stderr.split())[:300] or "the kernel refused it"
        return refused

    def _write_daemons(self, changes: Sequence[Change]) -> Refusals:
        refused: Refusals = {}
        for change in changes:
            for command in ipvsadm.daemons(change):
                completed = self._end(command)
                if completed.code:
                    refused[change.key] = " ".join(completed.stderr.split())[:300] or "the kernel refused it"
        unmet = _unmet([change for change in changes if change.key in refused], self)
        return {change.key: refused[change.key] for change in unmet}

    def _run(self, changes: Sequence[Change]) -> Completed:
        timeouts = isinstance(changes[0].key, TimeoutKey)
        return self._end(ipvsadm.set_timeouts(changes) if timeouts else ipvsadm.restore(changes))

    def _end(self, command: Command) -> Completed:
        """Raises CommandFailed where ipvsadm ends in another way than for the kernel's no."""
        completed = self._runner.run(command)
        if completed.timed_out or completed.code not in (0, _REFUSED):
            raise failure(completed, command)
        return completed


def _unmet(changes: Sequence[Change], channel: Channel) -> list[Change]:
    """Those of the changes, which were said to fail, that do not hold: another program may have made some."""
    if not changes:
        return []
    kind = changes[0].key
    live = channel.read(isinstance(kind, TimeoutKey), isinstance(kind, SyncDaemonKey))
    return [change for change in changes if not same(change.key, live.get(change.key), change.after)]


def _in_parts(changes: Sequence[Change]) -> Sequence[Change]:
    """The kernel changes no daemon: one that speaks in another way is stopped and started again."""
    if not isinstance(changes[0].key, SyncDaemonKey):
        return changes
    parts: list[Change] = []
    for change in changes:
        if change.before is not None and change.after is not None:
            parts += [Change(change.key, change.before, None), Change(change.key, None, change.after)]
        else:
            parts.append(change)
    return parts
