"""Real servers and services that leave while clients ask and download, by the file and by hand."""

from __future__ import annotations

import re

import cluster
import pytest
from cluster import OTHER_PORT, PORT, SERVERS, THIRD_PORT, VIP, do, service, text

from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal
from lvs_init.lab.steady import SteadyLoad

LVSCTL = "lvsctl"
METHOD = {"nat": "-m", "dr": "-g"}
TRIED = "/root/next.toml"


def no_longer_asked(load: SteadyLoad, server: str, instead: str) -> None:
    """Fails if the real server is sent a connection that is begun from now on. Its download goes on."""
    settled = load.advance(requests=8)
    while server in settled.kept:
        settled = load.advance(requests=8)
    after = load.advance(requests=40)
    assert after.answered.get(server) == settled.answered.get(server), "it is still sent new connections"
    assert after.answered[instead] > settled.answered.get(instead, 0)
    assert server in after.downloads


def only_one(load: SteadyLoad) -> str:
    """Waits until a single real server gets all requests, and names it."""
    before, asked = load.look(), set(SERVERS)
    while len(asked) > 1:
        after = load.advance(requests=20)
        asked = {server for server in SERVERS if after.answered[server] > before.answered[server]}
        before = after
    return asked.pop()


def by_hand(lab: Rehearsal, *lines: str) -> None:
    for line in lines:
        lab.director.run(["ipvsadm", *line.split()]).check()


def weight(lab: Rehearsal, rip: str) -> int | None:
    """In the table, None where it is not there."""
    listed = lab.director.run(["ipvsadm", "-Sn"]).check().stdout
    found = re.search(rf"-r {rip}:80 .*-w (\d+)", listed)
    return int(found[1]) if found else None


def test_a_real_server_that_leaves_the_file_is_drained(lab: Rehearsal, forwarding: str) -> None:
    with cluster.load(lab) as load:
        cluster.reload(lab, load, text(forwarding, service(forwarding, (3, 2))))
        no_longer_asked(load, "rs1", instead="rs3")
        assert weight(lab, cluster.rip(forwarding, 1)) == 0
        cluster.assert_nothing_lost(load.finish())


@pytest.mark.parametrize("seconds", [0, 6])
def test_what_a_leaving_real_server_has_not_finished_in_its_time_is_reset(
    lab: Rehearsal, forwarding: str, seconds: int
) -> None:
    """The control of the test before, and the only loss there is."""
    with cluster.load(lab) as load:
        file = text(forwarding, service(forwarding, (3, 2)), director=f"drain_timeout = {seconds}")
        lab.director.write(CONFIGURATION, file)
        do(lab, "reload")
        while "rs1" in load.look().downloads:
            load.advance(requests=5)
        assert weight(lab, cluster.rip(forwarding, 1)) is None
        became = load.finish()
    lost = {(loss.kind, loss.server, loss.how, loss.error) for loss in became.lost}
    assert ("download", "rs1", "broken", "ECONNRESET") in lost
    assert {loss.server for loss in became.lost} <= ({"rs1"} if seconds else {"rs1", ""}), str(became)
    assert became.done["download"] == {"rs2": 1}


def test_the_service_is_never_empty_while_all_its_real_servers_are_replaced_at_once(
    lab: Rehearsal, forwarding: str
) -> None:
    """Their connections are cut, as was asked for; whoever comes new is answered throughout."""
    with cluster.load(lab, downloads=[]) as load:
        cluster.reload(lab, load, text(forwarding, service(forwarding, (3,)), director="drain_timeout = 0"))
        became = load.finish()
    assert {loss.how for loss in became.lost} <= {"broken"}, str(became)
    assert {loss.server for loss in became.lost} <= {*SERVERS, ""}, str(became)
    assert became.done["new"]["rs3"] > 0


def test_a_persistent_client_goes_on_elsewhere(lab: Rehearsal, forwarding: str) -> None:
    """Its transfer ends where it began; its next connection is sent past the real server that is drained."""
    persistent = 'scheduler = "rr"\npersistence = 300'
    with cluster.load(lab) as load:
        # Whoever is still drained since the last test goes at once: for such a one the kernel is set to forget clients.
        file = text(forwarding, service(forwarding, more=persistent), director="drain_timeout = 0")
        cluster.reload(lab, load, file)
        chosen = only_one(load)
        mine, other = (1, 2) if chosen == "rs1" else (2, 1)
        edit = f"-e -t {VIP}:{PORT} -r {cluster.rip(forwarding, mine)} {METHOD[forwarding]} -w {{}}"
        by_hand(lab, edit.format(0))
        assert only_one(load) == chosen, "weight 0 alone is enough: then this test shows nothing"
        by_hand(lab, edit.format(1))
        cluster.reload(lab, load, text(forwarding, service(forwarding, (other,), more=persistent)))
        no_longer_asked(load, chosen, instead=f"rs{other}")
        cluster.assert_nothing_lost(load.finish())


def test_a_service_moves_to_another_port(lab: Rehearsal, forwarding: str) -> None:
    """What was begun at the old port comes to its end; the services beside it notice nothing."""
    beside = service(forwarding, port=THIRD_PORT)
    lab.director.write(CONFIGURATION, text(forwarding, service(forwarding), beside))
    do(lab, "reload")
    with cluster.load(lab, new=0, kept=0) as before, cluster.load(lab, port=THIRD_PORT) as steady:
        file = text(forwarding, service(forwarding, port=OTHER_PORT), beside)
        cluster.reload(lab, steady, file)
        before.advance(sips=2)
        with cluster.load(lab, port=OTHER_PORT) as after:
            cluster.assert_nothing_lost(before.finish())
            cluster.assert_nothing_lost(after.finish())
        cluster.assert_nothing_lost(steady.finish())
    with cluster.load(lab, port=OTHER_PORT, timeout=3) as load:
        by_hand(lab, f"-D -t {VIP}:{OTHER_PORT}")
        assert load.finish().losses


@pytest.mark.parametrize("forwarding", [pytest.param("nat", marks=pytest.mark.xdist_group("nat"))], indirect=True)
def test_real_servers_move_to_another_port(lab: Rehearsal, forwarding: str) -> None:
    """Only nat can change the port."""
    moved = service(forwarding).replace('" }', f'", port = {OTHER_PORT} }}')
    with cluster.load(lab) as load:
        cluster.reload(lab, load, text(forwarding, moved))
        load.advance(requests=40)
        cluster.assert_nothing_lost(load.finish())
    lab.logged()
    assert set(lab.request(count=4)["answers"]) == set(SERVERS)
    ports = {line["port"] for lines in lab.logged().values() for line in lines}
    assert ports == {OTHER_PORT}, lab.director.run(["ipvsadm", "-Ln"]).stdout
    with cluster.load(lab, timeout=3) as load:
        by_hand(lab, *(f"-d -t {VIP}:{PORT} -r {cluster.rip(forwarding, number)}:{OTHER_PORT}" for number in (1, 2)))
        assert load.finish().losses


def test_a_real_server_is_drained_by_hand_and_comes_back(lab: Rehearsal, forwarding: str) -> None:
    rip = cluster.rip(forwarding, 1)
    with cluster.load(lab) as load:
        cluster.paced(lab, load, LVSCTL, "drain", rip)
        no_longer_asked(load, "rs1", instead="rs2")
        do(lab, "reload")  # the file still says weight 1
        assert weight(lab, rip) == 0
        cluster.paced(lab, load, LVSCTL, "undrain", rip)
        before = load.look().answered["rs1"]
        assert load.advance(requests=40).answered["rs1"] > before
        cluster.assert_nothing_lost(load.finish())
    with cluster.load(lab, timeout=3) as load:
        by_hand(lab, f"-d -t {VIP}:{PORT} -r {rip}")
        while not load.look().losses:
            load.advance(requests=8)


def test_shares_follow_a_weight_that_changes_little_by_little(lab: Rehearsal, forwarding: str) -> None:
    rip = cluster.rip(forwarding, 1)
    lab.director.write(CONFIGURATION, text(forwarding, service(forwarding, more='scheduler = "wrr"')))
    do(lab, "reload")

    with cluster.load(lab, kept=0) as load:

        def share(requests: int) -> float:
            before = load.look().answered
            after = load.advance(requests=requests).answered
            got = {server: times - before[server] for server, times in after.items()}
            return got["rs1"] / sum(got.values())

        assert 0.4 < share(100) < 0.6
        cluster.call(lab, LVSCTL, "weight", rip, "9", "--over", "6")
        seen = set()
        while weight(lab, rip) != 9:
            seen.add(weight(lab, rip))
            load.advance(requests=5)
        assert seen & set(range(2, 9)), f"it went from 1 to 9 at once: {seen}"
        assert 0.8 < share(200) < 0.97
        cluster.paced(lab, load, LVSCTL, "undrain", rip)
        assert 0.4 < share(100) < 0.6
        cluster.assert_nothing_lost(load.finish())


def test_a_trial_that_nobody_confirms_goes_back(lab: Rehearsal, forwarding: str) -> None:
    """There and back, and neither what is begun before nor what is begun on trial notices it."""
    rip = cluster.rip(forwarding, 1)
    lab.director.write(TRIED, text(forwarding, service(forwarding, (3, 2))))
    with cluster.load(lab) as before:
        cluster.paced(lab, before, LVSCTL, "try", TRIED, "--for", "30")
        assert weight(lab, rip) == 0
        with cluster.load(lab, downloads=["rs3"]) as meanwhile:
            while weight(lab, rip) == 0:
                before.advance(requests=8)
            no_longer_asked(meanwhile, "rs3", instead="rs1")
            cluster.assert_nothing_lost(meanwhile.finish(), ["rs3"])
        cluster.assert_nothing_lost(before.finish())
