"""The life of our package on a Debian with sysvinit: off at first, kept through upgrades, gone when purged."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import ROOT, Machine

pytestmark = pytest.mark.xdist_group("package")
SCRIPTS = ["lvs-director", "lvs-realserver"]
NORMAL = "2345"
# A real server needs no kernel module, so it can be run in any container.
NETWORK = "ip link set lo up; ip address add 192.168.0.11/24 dev lo\n"
VIP = "ip -brief address show dev lo | grep -q 192.168.0.219"
ARP = "cat /proc/sys/net/ipv4/conf/all/arp_ignore"


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package with a later version and another comment in one init script."""
    tree = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree / "tree"], check=True)
    for name, old, new in (
        ("DEBIAN/control", "\nVersion: 0", "\nVersion: 9"),
        ("etc/init.d/lvs-director", "#!/usr/bin/python3", "#!/usr/bin/python3 -B"),
    ):
        file = tree / "tree" / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
    deb = tree / "lvs-init_9_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree / "tree", deb], check=True)
    return deb


@pytest.fixture
def configured(installed: Machine) -> Iterator[Machine]:
    installed.write("/etc/lvs/lvs.toml", (ROOT / "examples/vs-dr.toml").read_text())
    yield installed


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_off_after_installation(installed: Machine, name: str) -> None:
    assert {level: kind for level, kind in installed.links(name).items() if kind == "S"} == {}
    assert set(NORMAL) <= set(installed.links(name))  # as update-rc.d remembers that it is off, not unknown
    assert installed.run(f"service {name} status", code=3) == f"{name} is stopped\n"
    assert f"[ - ]  {name}" in installed.run("service --status-all")


@pytest.mark.parametrize("name", SCRIPTS)
def test_update_rc_d_turns_it_on_and_off(installed: Machine, name: str) -> None:
    for verb, kind in (("enable", "S"), ("disable", "K"), ("enable", "S")):
        said = installed.run(f"update-rc.d {name} {verb}")
        assert verb == "disable" or said == ""  # insserv warns of everything that is off against its header
        assert {installed.links(name)[level] for level in NORMAL} == {kind}
    installed.run(f"update-rc.d {name} remove")
    assert installed.links(name) == {}
    installed.run(f"update-rc.d {name} defaults")
    assert {installed.links(name)[level] for level in NORMAL} == {"S"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_without_insserv_as_on_a_debian_with_systemd(machine: Machine, package: Path, name: str) -> None:
    machine.run("mv /sbin/insserv /sbin/insserv.away")
    try:
        machine.install(package)
        machine.run(f"update-rc.d {name} enable")
        assert {machine.links(name)[level] for level in NORMAL} == {"S"}
        wants = machine.root / "etc/systemd/system/multi-user.target.wants"
        assert [link.name for link in wants.glob("lvs-*")] == [f"{name}.service"]
        machine.run(f"update-rc.d {name} disable")
        assert {machine.links(name)[level] for level in NORMAL} == {"K"}
        assert list(wants.glob("lvs-*")) == []
    finally:
        machine.run("dpkg --purge lvs-init; mv /sbin/insserv.away /sbin/insserv; insserv")


def test_the_order_at_boot_and_at_shutdown(installed: Machine) -> None:
    for name in SCRIPTS:
        installed.run(f"update-rc.d {name} enable")
    for level in NORMAL:
        director, realserver = (installed.place(level, name) for name in SCRIPTS)
        assert realserver < director
        assert installed.place(level, "ipvsadm") < director
        assert director < installed.place(level, "heartbeat")
        assert director < installed.place(level, "keepalived")
        assert installed.place(level, "inetutils-syslogd") < realserver
    assert installed.links("networking")["S"] == "S"  # the level that comes before all of these
    for level in "06":
        for name in SCRIPTS:
            place = installed.place(level, name)
            assert installed.place(level, "heartbeat") < place
            assert installed.place(level, "keepalived") < place
            assert place < installed.place(level, "inetutils-syslogd") < installed.place(level, "networking")
        assert installed.place(level, "lvs-director") < installed.place(level, "ipvsadm")
    # startpar passes over what is off, and over whatever waits for something by way of that.
    stopping = (installed.root / "etc/init.d/.depend.stop").read_text()
    for last in ("inetutils-syslogd", "networking"):
        (before,) = re.findall(rf"^{last}: (.*)", stopping, re.MULTILINE)
        assert set(SCRIPTS) <= set(before.split())
    table = installed.run("insserv -s")
    for name in SCRIPTS:
        assert f":2 3 4 5:{name}\n" in table
        assert f":0 1 6:{name}\n" in table
        assert "warning" not in installed.run(f"insserv -n -v {name}")


def test_startpar_runs_it_and_passes_over_what_is_not_configured(configured: Machine) -> None:
    startpar = "startpar -p 4 -t 20 -T 3 -a {} /etc/init.d/lvs-realserver"
    start, stop = startpar.format("start"), startpar.format("stop")
    said = configured.run(f"{NETWORK} {start}; {VIP}; {stop}; ! {VIP}")
    assert "lvs-realserver is running" in said
    configured.run("rm /etc/lvs/lvs.toml")
    assert "there is no configuration /etc/lvs/lvs.toml" in configured.run(start)


def test_an_upgrade_keeps_what_runs_what_is_on_and_what_was_edited(configured: Machine, newer: Path) -> None:
    configured.run("update-rc.d lvs-realserver enable")
    configured.run("sed -i 's/^# LVS.*//; $ a # edited' /etc/init.d/lvs-director /etc/default/lvs-realserver")
    upgrade = f"dpkg --force-confold --install {configured.bring(newer)}"
    said = configured.run(
        f"{NETWORK} service lvs-realserver start; ip monitor address >/tmp/changes & "
        f"{upgrade}; {VIP}; service lvs-realserver status; kill $!; cat /tmp/changes; "
        f"service lvs-realserver stop; ! {VIP}"
    )
    assert "Setting up lvs-init (9" in said
    assert "lvs-realserver is running\n" in said
    assert "Deleted" not in said.partition("lvs-realserver is stopped")[0]
    assert {configured.links("lvs-realserver")[level] for level in NORMAL} == {"S"}
    for name in ("init.d/lvs-director", "default/lvs-realserver"):
        assert (configured.root / "etc" / name).read_text().endswith("# edited\n")


def test_removal_stops_what_runs_whoever_started_it(configured: Machine) -> None:
    said = configured.run(
        f"{ARP}; {NETWORK} lvs-realserver start; {ARP}; {VIP}; dpkg --remove lvs-init; ! {VIP}; {ARP}; "
        "/usr/bin/python3 -Es /etc/init.d/lvs-director stop"
    )
    before, up, *_, after, left = [line for line in said.splitlines() if line.isdigit() or "not installed" in line]
    assert (before, up, after) == ("0", "1", "0")
    assert left == "lvs-director: lvs-init is not installed"
    assert (configured.root / "etc/lvs/lvs.toml").exists()


def test_purging_leaves_nothing(machine: Machine, package: Path) -> None:
    before = machine.files()
    machine.install(package)
    machine.write("/etc/lvs/web.toml", (ROOT / "examples/vs-dr.toml").read_text())
    machine.write("/var/lib/lvs/note", "")
    for name in SCRIPTS:
        machine.run(f"update-rc.d {name} enable")
    machine.run(f"{NETWORK} lvs-realserver web start")
    assert (machine.root / "run/lvs/realserver-web.record").exists()
    machine.run("dpkg --purge lvs-init")
    assert machine.files() ^ before == set()


def test_from_a_checkout_without_a_package(machine: Machine) -> None:
    before = machine.files()
    machine.bring_checkout("/tmp/checkout")
    machine.run("make -C /tmp/checkout install; update-rc.d lvs-realserver defaults")
    assert {machine.links("lvs-realserver")[level] for level in NORMAL} == {"S"}
    machine.write("/etc/lvs/lvs.toml", (ROOT / "examples/vs-dr.toml").read_text())
    said = machine.run(
        f"{NETWORK} service lvs-realserver start; ! make -C /tmp/checkout uninstall; {VIP}; "
        f"service lvs-realserver status; service lvs-realserver stop; ! {VIP}; "
        "make -C /tmp/checkout uninstall; rm -r /etc/lvs /run/lvs"
    )
    assert "Still running: realserver-lvs - stop it first" in said
    assert "lvs-realserver is running\n" in said
    assert "/etc/lvs stays: the configuration is yours." in said
    left = {name for name in machine.files() ^ before if not (machine.root / name).is_dir()}
    assert left == set()
