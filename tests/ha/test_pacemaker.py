"""A pair under Corosync and Pacemaker, with the resource agent ocf:lvs:director as a promotable clone.

The cluster is told what `lvsctl ha pacemaker` prints, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pacemaker_pair.stack import LINK, SOFTWARE, Stack
from pair.control import NODES, VIP
from pair.lab import Pair
from pair.view import Seen, View

from lvs_init.lab.place import Place


@pytest.fixture(scope="module")
def running(place: Place) -> Iterator[Stack]:
    with Pair(place, SOFTWARE) as pair:
        stack = Stack(pair)
        stack.boot(*NODES)
        stack.until(lambda seen: seen.online == set(NODES))
        stack.configure()
        yield stack


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """Whole: one node is promoted, the other is its standby. Nobody is fenced but whom the test says."""
    running.boot(*(name for name in NODES if name not in running.pair.nodes))
    running.until_whole()
    running.fenced()
    yield running
    assert running.fenced() == []


def other(name: str) -> str:
    return next(each for each in NODES if each != name)


def table(stack: Stack, name: str) -> str:
    return stack.pair.nodes[name].run(["ipvsadm", "-Sn"]).check().stdout


def daemons(stack: Stack, name: str) -> list[str]:
    """The roles of the sync daemons that run."""
    said = stack.pair.nodes[name].run(["ipvsadm", "-Ln", "--daemon"]).check().stdout
    return [line.split()[0] for line in said.splitlines()]


def taken_over(stack: Stack, view: View, by: str) -> Seen:
    """What was seen until this node has the VIP and serves with it."""
    stack.pair.await_holders(by)
    view.advance()
    seen = view.finish()
    print(seen)
    assert seen.at_once == 1, f"both had the VIP: {seen.holders} {seen.answers}"
    return seen


def test_the_promoted_node_is_active_and_the_other_its_warm_standby(stack: Stack) -> None:
    active = stack.active
    stack.pair.await_holders(active)
    assert (daemons(stack, active), daemons(stack, other(active))) == (["master"], ["backup"])
    assert table(stack, active) == table(stack, other(active)) != ""


def test_a_move_costs_no_connection(stack: Stack) -> None:
    active = stack.active
    with View(stack.pair) as view:
        stack.until_heard(other(active))
        stack.tell("crm_resource", "--resource", stack.clone, "--move", "--promoted", "--node", other(active))
        seen = taken_over(stack, view, other(active))
    stack.tell("crm_resource", "--resource", stack.clone, "--clear")
    assert seen.downloads.losses == 0, str(seen)
    stack.until_whole()
    assert (daemons(stack, other(active)), daemons(stack, active)) == (["master"], ["backup"])


def test_after_a_demotion_nobody_is_active_until_one_is_promoted(stack: Stack) -> None:
    role = ["crm_resource", "--resource", stack.clone, "--meta"]
    stack.tell(*role, "--set-parameter", "target-role", "--parameter-value", "Unpromoted")
    stack.until(lambda seen: seen.unpromoted == set(NODES))
    stack.pair.await_holders()
    assert [daemons(stack, name) for name in NODES] == [["backup"], ["backup"]]
    stack.tell(*role, "--delete-parameter", "target-role")
    stack.pair.await_holders(stack.active)


def test_a_node_in_standby_has_nothing_of_ours(stack: Stack) -> None:
    active = stack.active
    with View(stack.pair) as view:
        stack.until_heard(other(active))
        stack.tell("crm_standby", "--node", active, "--update", "on")
        seen = taken_over(stack, view, other(active))
    assert seen.downloads.losses == 0, str(seen)
    stack.until(lambda now: not {active} & (now.promoted | now.unpromoted))
    assert (table(stack, active), daemons(stack, active)) == ("", [])
    stack.tell("crm_standby", "--node", active, "--delete")
    assert stack.active == other(active), "it went back without need"
    assert daemons(stack, active) == ["backup"]


def test_what_somebody_took_away_is_put_back(stack: Stack) -> None:
    """The monitor finds it; nobody is fenced for that."""
    active = stack.active
    stack.pair.nodes[active].ip(f"address delete {VIP}/32 dev eth0")
    stack.pair.await_holders()
    stack.until(lambda seen: bool(seen.failed))
    stack.pair.await_holders(stack.active)
    stack.tell("crm_resource", "--cleanup")


def test_a_killed_node_is_fenced_and_followed(stack: Stack) -> None:
    active = stack.active
    with View(stack.pair) as view:
        stack.until_heard(other(active))
        stack.pair.kill(active)
        seen = taken_over(stack, view, other(active))
    assert stack.fenced() == [active]
    assert seen.downloads.losses == 0, str(seen)
    stack.boot(active)
    assert stack.active == other(active), "it went back without need"


def test_a_node_is_fenced_by_order(stack: Stack) -> None:
    active = stack.active
    with View(stack.pair) as view:
        stack.until_heard(other(active))
        stack.tell("stonith_admin", "--reboot", active, on=other(active))
        seen = taken_over(stack, view, other(active))
    stack.pair.bury(active)
    assert stack.fenced() == [active]
    assert seen.downloads.losses == 0, str(seen)


def test_of_two_that_do_not_hear_each_other_the_active_one_goes_on(stack: Stack) -> None:
    """Both want to end the other; the standby is made to wait (priority-fencing-delay), so clients notice nothing."""
    active = stack.active
    with View(stack.pair) as view:
        stack.pair.cut(active, LINK)
        assert stack.until_fenced() == [other(active)]
        stack.pair.bury(other(active))
        seen = taken_over(stack, view, active)
    stack.pair.join(active, LINK)
    assert (seen.requests.losses, seen.downloads.losses) == (0, 0), str(seen)
