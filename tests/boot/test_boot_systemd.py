"""A director that systemd starts, reloads, reboots and switches off; and whose power is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import guide
import pytest
from director import STATE, UP, serves
from disk import Image
from guest import Guest

pytestmark = pytest.mark.xdist_group("systemd")
REPLACED = "dpkg --install /outside/package/*.deb"
RELOAD = "systemctl reload lvs-director"
UNIT = "systemctl is-enabled lvs-director; systemctl is-active lvs-director"


@dataclass
class Life:
    guest: Guest
    before: str
    following: str
    down: str


@pytest.fixture(scope="module")
def life(systemd: Image) -> Iterator[Life]:
    """Two boots: our package comes in the first one, the second is after what docs/operations.md says to do then."""
    guest = Guest(systemd, "systemd")
    try:
        guest.boot()
        guide.install(guest)
        before = guest.run(f"set +e; {UNIT}; {STATE}; :")
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


def moments(guest: Guest, unit: str, *properties: str) -> list[int]:
    """Microseconds since boot, of each property."""
    said = guest.run(f"systemctl show {unit} " + " ".join(f"-p {name}TimestampMonotonic" for name in properties))
    found = dict(re.findall(r"^(\w+)TimestampMonotonic=(\d+)$", said, re.MULTILINE))
    return [int(found[name]) for name in properties]


def test_it_is_off_after_installation(life: Life) -> None:
    assert life.before.startswith("disabled\ninactive\n")
    assert "192.168.0.219" not in life.before


def test_the_guide_for_debian_can_be_followed_word_by_word(life: Life) -> None:
    assert "-A -t 192.168.0.219:80 -s rr" in life.following
    assert "Active: active (exited)" in life.following


def test_it_serves_after_a_reboot(director: Guest) -> None:
    assert director.run(UNIT) == "enabled\nactive\n"
    assert UP in director.console()
    serves(director)
    assert UP in director.run("journalctl --boot --no-pager -o cat -t lvs-director")


def test_it_comes_between_the_network_and_its_users(director: Guest) -> None:
    begun, up = moments(director, "lvs-director", "InactiveExit", "ActiveEnter")
    (network,) = moments(director, "networking", "ActiveEnter")
    (user,) = moments(director, "keepalived", "InactiveExit")
    assert 0 < network < begun < up < user


def test_a_reboot_stops_it_between_its_users_and_the_network(life: Life) -> None:
    lines = ("Stopped keepalived.service", "lvs-director is stopped\n", "Stopped lvs-director.service",
             "Stopping networking.service")  # fmt: skip
    places = [life.down.find(line) for line in lines]
    assert -1 not in places, life.down
    assert places == sorted(places), life.down


def test_it_reloads_in_place(director: Guest) -> None:
    kept = director.run("cp /etc/lvs/lvs.toml .; sed -i s/rr/lc/ /etc/lvs/lvs.toml; ipvsadm -Sn")
    said = director.run(f"ip monitor address >changes & {RELOAD}; kill $!; cat changes; rm changes; ipvsadm -Sn")
    assert "-s lc" in said
    assert "Deleted" not in said
    assert director.run(f"mv lvs.toml /etc/lvs; {RELOAD}; ipvsadm -Sn") == kept
    serves(director)


def test_a_start_that_cannot_be_is_a_failed_unit(director: Guest) -> None:
    said = director.run(
        "systemctl stop lvs-director; mv /etc/lvs/lvs.toml .; ! systemctl start lvs-director; "
        f"systemctl show lvs-director -p ActiveState -p ExecMainStatus; {STATE}; "
        "mv lvs.toml /etc/lvs; systemctl start lvs-director"
    )
    assert "ActiveState=failed\n" in said
    assert "ExecMainStatus=6\n" in said
    assert "192.168.0.219" not in said
    serves(director)


def test_after_a_power_cut_it_comes_up_clean(director: Guest) -> None:
    director.run("sync")  # what earlier tests have put back
    director.cut_power()
    assert UP in director.boot()
    serves(director)


def test_all_commands_for_systemd_can_be_followed_word_by_word(director: Guest) -> None:
    said = director.run(guide.commands("With systemd", "systemctl enable"))
    assert "Active: active (exited)" in said
    assert "lvs-director is running\nProt " in said
    assert UP in said


def test_several_clusters_are_started_by_a_drop_in(director: Guest) -> None:
    drop_in = guide.passage("Several clusters on one director", "[Service]")
    director.run("mkdir -p /etc/systemd/system/lvs-director.service.d; cp /etc/lvs/lvs.toml /etc/lvs/web.toml")
    director.write("/etc/systemd/system/lvs-director.service.d/override.conf", drop_in)
    said = director.run(
        "sed 's/port = 80/port = 25/' /etc/lvs/lvs.toml >/etc/lvs/mail.toml; systemctl daemon-reload\n"
        "systemctl restart lvs-director; lvs-director status; ipvsadm -Sn; systemctl stop lvs-director; ipvsadm -Sn\n"
        "rm -r /etc/lvs/web.toml /etc/lvs/mail.toml /etc/systemd/system/lvs-director.service.d\n"
        "systemctl daemon-reload; systemctl start lvs-director"
    )
    assert said.startswith("lvs-director is running\nmail: up\nweb: up\n")
    assert said.count("-A -t 192.168.0.219:80 ") == said.count("-A -t 192.168.0.219:25 ") == 1
    serves(director)


def test_an_upgrade_does_not_touch_what_runs(director: Guest) -> None:
    record = director.run("cat /run/lvs/director-lvs.record")
    said = director.run(f"ip monitor address >changes & {REPLACED}; kill $!; cat changes; rm changes")
    assert " over (0" in said
    assert "Deleted" not in said
    assert director.run(f"cat /run/lvs/director-lvs.record; {UNIT}") == f"{record}enabled\nactive\n"
    serves(director)


def test_removal_stops_what_systemd_has_not_started(director: Guest) -> None:
    removed = director.run(f"systemctl stop lvs-director; lvs-director start; dpkg --remove lvs-init; {STATE}")
    assert removed.startswith(UP)
    assert "192.168.0.219" not in removed.partition("lvs-director is stopped")[2]
    assert removed.endswith("\n0\n")
    assert director.run(f"{REPLACED}; {UNIT} || :").endswith("enabled\ninactive\n")


def test_purging_stops_it_and_leaves_nothing(director: Guest) -> None:
    everything = "find / -xdev \\( -name 'lvs[-_.c]*' -o -path '*/lvs' \\) -print; find /run -name '*lvs*'"
    purged = director.run(f"systemctl start lvs-director; dpkg --purge lvs-init; {STATE}; {everything}")
    assert "192.168.0.219" not in purged
    left = {line for line in purged.splitlines() if line.startswith("/")}
    assert {path for path in left if not path.startswith(("/root/", "/var/cache", "/var/lib/dpkg"))} == set()
    director.run(f"{REPLACED}; systemctl enable lvs-director")
    director.write("/etc/lvs/lvs.toml", guide.CONFIGURATION.read_text())
    director.run("systemctl start lvs-director")
    serves(director)


def test_switching_it_off_stops_it(director: Guest) -> None:
    down = director.power_off()
    assert "lvs-director is stopped\n" in down
    assert "reboot: System halted" in down
