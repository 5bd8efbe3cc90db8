"""A director that sysvinit starts, reboots and switches off; and whose power is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import guide
import pytest
import sequence
from director import FACTS, STATE, UP, serves
from disk import Image
from guest import Guest

pytestmark = pytest.mark.xdist_group("guest")
REPLACED = "dpkg --install /outside/package/*.deb"


@dataclass
class Life:
    guest: Guest
    before: str
    following: str
    down: str


@pytest.fixture(scope="module")
def life(sysvinit: Image, installed_disk: Path) -> Iterator[Life]:
    """Two boots: the first with nothing enabled, the second after what docs/operations.md says to do then."""
    guest = Guest(sysvinit, "director", installed_disk)
    try:
        guest.boot()
        before = guest.run(f"set +e; service lvs-director status; ls /run/lvs; ls /proc/net/ip_vs; {STATE}; :")
        following = guest.run(guide.commands("Install on Debian", "lvs-director"))
        yield Life(guest, before, following, guest.reboot())
    finally:
        guest.cut_power()


@pytest.fixture
def director(life: Life) -> Guest:
    """Up, and up again after the test."""
    if not life.guest.is_on:
        life.guest.boot()
    return life.guest


def stopped_in_order(down: str, runlevel: int) -> None:
    """Who uses the director before it, the network after it. startpar may put others' lines between those of one."""
    for user in ("Heartbeat not configured", "Stopping keepalived"):
        lines = (f"runlevel: {runlevel}", user, "lvs-director is stopped\n", "Deconfiguring network")
        places = [down.find(line) for line in lines]
        assert -1 not in places, down
        assert places == sorted(places), down


def test_what_is_not_enabled_is_not_up_after_a_boot(life: Life) -> None:
    assert life.before.startswith("lvs-director is stopped\n")
    assert "cannot access '/run/lvs'" in life.before
    assert "cannot access '/proc/net/ip_vs'" in life.before
    assert "192.168.0.219" not in life.before
    assert "lvs-director\n" not in life.before.splitlines()
    assert "\n0\n" in life.before


def test_the_guide_for_debian_can_be_followed_word_by_word(life: Life) -> None:
    assert "-A -t 192.168.0.219:80 -s rr" in life.following.partition(UP)[0]  # what --dry-run shows
    assert f"{UP}lvs-director is running\n" in life.following


def test_it_serves_after_a_reboot(director: Guest) -> None:
    assert UP in director.console()
    serves(director)


def test_a_reboot_stops_it_between_its_users_and_the_network(life: Life) -> None:
    stopped_in_order(life.down, 6)


def test_the_log_has_what_was_said_at_shutdown_and_at_boot(director: Guest) -> None:
    """The first start is that of the guide; at shutdown the log must be there longer than we are."""
    said = re.findall(r"lvs-director\[\d+\]: lvs-director (is \w+)", director.run("cat /var/log/syslog"))
    assert said[:3] == ["is running", "is stopped", "is running"]


def test_so_does_switching_it_off(director: Guest) -> None:
    down = director.power_off()
    stopped_in_order(down, 0)
    assert "reboot: System halted" in down


def test_after_a_power_cut_it_comes_up_clean(director: Guest) -> None:
    # The plug is pulled when a run has noted what it is about to do, and has not done it all.
    director.run(
        "service lvs-director stop; service lvs-director start >/dev/null 2>&1 &\n"
        "until [ -e /run/lvs/director-lvs.journal ]; do :; done"
    )
    director.cut_power()
    assert UP in director.boot()
    serves(director)
    assert director.run("ls /run/lvs") == "director-lvs.record\nmutex\n"
    # Nothing that an earlier boot has noted is put back.
    stopped = director.run(f"service lvs-director stop; {STATE}; service lvs-director start")
    assert "192.168.0.219" not in stopped
    assert stopped.startswith("lvs-director is stopped\n")
    assert stopped.endswith(f"\n0\n{UP}")


def test_service_knows_it(director: Guest) -> None:
    assert director.run("service lvs-director restart").startswith("lvs-director is running")
    assert director.run("service lvs-director reload") == f"lvs-director is running, nothing to do: {FACTS}\n"
    listed = director.run("service --status-all 2>&1")
    assert " [ + ]  lvs-director\n" in listed
    assert " [ - ]  lvs-realserver\n" in listed


def test_the_lsb_sequence(director: Guest) -> None:
    part = "ip address delete 192.168.0.219/24 dev eth0"
    told = sequence.follow(
        director,
        "lvs-director",
        a_part_is_lost=part,
        all_is_lost=f"{part}; ipvsadm -C; echo 0 >/proc/sys/net/ipv4/ip_forward",
    )
    assert told == sequence.expected(FACTS)


def test_an_upgrade_does_not_touch_what_runs(director: Guest) -> None:
    serves(director)
    # The kernel adds up every two seconds. A table that is made anew counts from zero.
    director.run("until ipvsadm -Ln --stats --exact | grep -Eq '^TCP +[0-9.:]+ +[1-9]'; do sleep 0.1; done")
    count = "ipvsadm -Ln --stats --exact | awk '/^TCP/ { print $3 }'"
    record = director.run("cat /run/lvs/director-lvs.record")
    before = int(director.run(count))
    said = director.run(f"ip monitor address >changes & {REPLACED}; kill $!; cat changes; rm changes")
    assert "Unpacking lvs-init (0" in said
    assert " over (0" in said
    assert "Deleted" not in said
    assert int(director.run(count)) >= before > 0
    assert director.run("cat /run/lvs/director-lvs.record") == record
    serves(director)


def test_removal_stops_it_and_a_new_installation_finds_it_enabled(director: Guest) -> None:
    removed = director.run(f"dpkg --remove lvs-init; {STATE}; ls /etc/lvs /etc/rc2.d")
    assert "lvs-director is stopped\n" in removed
    assert "192.168.0.219" not in removed
    assert re.search(r"\n0\n/etc/lvs:\nlvs.toml\n", removed)
    director.run(f"{REPLACED}; ls /etc/rc2.d/S??lvs-director; service lvs-director start")
    serves(director)


def test_purging_stops_it_and_leaves_nothing(director: Guest) -> None:
    everything = "find / -xdev -name 'lvs[-_.c]*' -o -path '*/lvs'; find /run"
    purged = director.run(f"dpkg --purge lvs-init; ipvsadm -Sn; ip -o address show dev eth0; {everything}")
    assert "lvs-director is stopped\n" in purged
    assert "192.168.0.219" not in purged
    assert "/run/lock\n" in purged
    left = {line for line in purged.splitlines() if line.startswith("/") and ("lvs" in line or "subsys" in line)}
    assert {path for path in left if not path.startswith(("/root/", "/var/cache", "/var/lib/dpkg"))} == set()
    director.run(f"{REPLACED}; install -m 644 lvs.toml /etc/lvs")
    director.run(guide.commands("Install on Debian", "lvs-director"))
    serves(director)
