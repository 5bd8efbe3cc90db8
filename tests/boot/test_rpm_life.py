"""The life of our Red Hat package in a root of that layout: its scriptlets are run, by a real rpm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from machine import ROOT, Machine

pytestmark = pytest.mark.xdist_group("package")
SCRIPTS = ["lvs-director", "lvs-realserver"]
HERE = Path(__file__).parent
# A scriptlet that fails is told and no more: rpm ends with 0.
RPM = 'quietly rpm --root "$0" --dbpath /var/lib/rpm --nodeps'
# Debian's rpm says each time that Debian has another way to install packages.
QUIETLY = "quietly() { \"$@\" >said 2>&1; grep -v '^rpm: ' said || true; rm said; }\n"
INSIDE = 'chroot "$0"'
NETWORK = "ip link set lo up; ip address add 192.168.0.11/24 dev lo"
VIP = "ip -brief address show dev lo | grep -q 192.168.0.219"


def built(checkout: Path, target: Path) -> Path:
    said = subprocess.run(["make", "--no-print-directory", "rpm"], cwd=checkout, text=True, stdout=subprocess.PIPE,
                          check=True)  # fmt: skip
    return Path(shutil.copy(checkout / said.stdout.split()[-1], target))


@pytest.fixture(scope="module")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package with a later version."""
    checkout = tmp_path_factory.mktemp("newer") / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns("build", "tests", ".git", "__pycache__"))
    (checkout / "lvs_init/__init__.py").write_text('"""The next one."""\n\n__version__ = "9"\n')
    return built(checkout, checkout)


@pytest.fixture(scope="module")
def red_hat(machine: Machine) -> Machine:
    """The machine with Red Hat's directories and a chkconfig."""
    etc, sbin = machine.root / "etc", machine.root / "sbin"
    (etc / "rc.d").mkdir()
    for name in ("init.d", *(f"rc{level}.d" for level in range(7))):
        shutil.move(etc / name, etc / "rc.d" / name)
        (etc / name).symlink_to(f"rc.d/{name}")
    shutil.copy(HERE / "chkconfig.py", sbin / "chkconfig")
    shutil.copy(HERE.parent / "packaging/headers.py", sbin)
    (sbin / "chkconfig").chmod(0o755)
    (etc / "lvs").mkdir()
    shutil.copy(ROOT / "examples/vs-dr.toml", etc / "lvs/lvs.toml")
    for directory in ("etc/sysconfig", "usr/lib/systemd/system-preset", "var/lib/rpm"):
        (machine.root / directory).mkdir()
    return machine


def test_it_is_off_until_chkconfig_turns_it_on_and_gone_when_erased(red_hat: Machine, rpm: Path) -> None:
    before = red_hat.files()
    assert red_hat.around(f"{QUIETLY}{RPM} --install {rpm}") == ""
    for name in SCRIPTS:
        assert red_hat.links(name) == dict.fromkeys("0123456", "K")
        assert {red_hat.place(level, name) for level in "0123456"} == {89}
        red_hat.run(f"chkconfig {name} on")
        assert {level for level, kind in red_hat.links(name).items() if kind == "S"} == set("2345")
        assert {red_hat.place(level, name) for level in "2345"} == {11}
    assert red_hat.around(f"{QUIETLY}{RPM} --erase lvs-init") == ""
    left = {name for name in red_hat.files() ^ before if not name.startswith("var/lib/rpm")}
    assert left == set()


def test_an_upgrade_keeps_what_runs_what_is_on_and_what_was_edited(red_hat: Machine, rpm: Path, newer: Path) -> None:
    edited = red_hat.root / "etc/sysconfig/lvs-director"
    red_hat.around(f"{QUIETLY}{RPM} --install {rpm}; {INSIDE} chkconfig lvs-realserver on")
    edited.write_text(edited.read_text() + "# edited\n")
    said = red_hat.around(
        f"{QUIETLY}{NETWORK}; {INSIDE} service lvs-realserver start; ip monitor address >changes & "
        f"{RPM} --upgrade {newer}; {VIP}; {INSIDE} service lvs-realserver status; "
        f"kill $!; cat changes; rm changes; {RPM} --erase lvs-init; ! {VIP}; ls $0/run/lvs || true"
    )
    up, _, after = said.partition("lvs-realserver is running\n")
    assert "lvs-realserver is running: " in up
    assert "Deleted" not in after
    assert "error: " not in said
    assert "scriptlet" not in said
    assert "/run/lvs': No such file" in after
    assert edited.with_name("lvs-director.rpmsave").read_text().endswith("# edited\n")
