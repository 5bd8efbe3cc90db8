"""A reload changes every attribute where it is: one line, and nothing else of the table is touched."""

from __future__ import annotations

import pytest

from lvs_init.commands.render import Tools, render
from lvs_init.config import realserver_table
from lvs_init.config.director import director_wants
from lvs_init.config.load import parse
from lvs_init.model.ipvs import TimeoutKey
from lvs_init.model.machine import Interface, Machine
from lvs_init.model.network import AddressKey, Alias, ModuleKey, SysctlKey
from lvs_init.model.state import Change, Key, Value
from lvs_init.plan.intent import Plan, plan_up
from tests import edits
from tests.kernel import Kernel
from tests.states import record_of

_OWN: dict[AddressKey, Alias] = {
    AddressKey("eth0", "192.168.0.1", 24): Alias(),
    AddressKey("eth0", "fd00::1", 64): Alias(),
}
_SETTINGS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


@pytest.fixture(autouse=True)
def _every_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realserver_table, "TRAFFIC_TESTED_TUNNELS", ("ipip", "gue", "gre"))


def wants(text: str) -> dict[Key, Value | None]:
    machine = Machine("lvs1", {"eth0": Interface("eth0")}, _OWN)
    desired = director_wants(parse(text, "lvs.toml"), machine, _OWN)
    assert desired.problems == []
    return desired.wanted


def carry_out(plan: Plan, kernel: Kernel) -> None:
    for change in [change for step in plan.steps for change in step.changes]:
        kernel.do(Change(change.key, kernel.state.get(change.key), change.after))


def reload(names: list[str]) -> list[str]:
    """What a reload writes after a start with the file as it was before the edits."""
    live: dict[Key, Value] = {**_OWN, **{SysctlKey(path): "0" for path in _SETTINGS}}
    live.update({TimeoutKey(name): seconds for name, seconds in (("tcp", 900), ("tcpfin", 120), ("udp", 300))})
    kernel = Kernel(live)
    first = plan_up(wants(edits.file(names, after=False)), kernel.state, None)
    carry_out(first, kernel)
    second = plan_up(wants(edits.file(names, after=True)), kernel.state, record_of(first))
    written = []
    for step in second.steps:
        if not isinstance(step.changes[0].key, (ModuleKey, SysctlKey)):  # for a scheduler, for nat in IPv6
            for command in render(step.changes, Tools(net_tools=True)):
                written += command.stdin.splitlines() or [" ".join(command.argv)]
    return written


@pytest.mark.parametrize("name", edits.ALL)
def test_an_edit_is_one_line(name: str) -> None:
    assert reload([name]) == ["ipvsadm --set 2000 0 0", edits.line(name)]


def test_all_of_them_are_one_process() -> None:
    written = reload(list(edits.ALL))
    assert sorted(written[1:]) == sorted(edits.line(name) for name in edits.ALL)
