"""The Red Hat package: what is in it, and that it runs from where rpm puts it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from building import ROOT, SCRIPTS, run

import lvs_init

pytestmark = pytest.mark.xdist_group("packaging")
# Root does without: in a chroot nobody may have a user namespace.
BECOME_ROOT = ("--map-root-user",) if os.geteuid() else ()


@pytest.fixture
def root(rpm: Path, tmp_path: Path) -> Path:
    """A tree that the package has been unpacked into by rpm; scriptlets would need a whole system there."""
    in_root(tmp_path, "--initdb")
    in_root(tmp_path, "--install", "--nodeps", "--noscripts", rpm)
    return tmp_path


def in_root(root: Path, *arguments: object) -> str:
    """What rpm says, with a data base of its own; as somebody who may change the root directory."""
    become = ["unshare", *BECOME_ROOT] if BECOME_ROOT else []
    return run(*become, "rpm", "--root", root, "--dbpath", "/var/lib/rpm", *arguments)


def test_it_belongs_to_no_architecture_and_no_python(rpm: Path) -> None:
    said = run("rpm", "-qp", "--queryformat", "%{VERSION} %{ARCH}\n[%{FILENAMES}\n]", rpm)
    assert said.startswith(f"{lvs_init.__version__} noarch\n")
    assert not [line for line in said.splitlines() if "site-packages" in line or "pycache" in line or "python3" in line]


def test_scriptlets_add_and_remove_by_chkconfig_and_stop_on_removal_only(rpm: Path) -> None:
    said = run("rpm", "-qp", "--scripts", rpm)
    post, _, rest = said.partition("preuninstall")
    preun = rest.partition("postuninstall")[0]
    assert "chkconfig --add $name" in post
    assert "chkconfig --del $name" in preun
    assert "$name start" not in said
    stop = preun.index("$name stop")
    assert preun.index('if [ "$1" = 0 ]') < stop < preun.rindex("\nfi")


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_runs_from_where_rpm_puts_it(root: Path, name: str) -> None:
    script = root / "etc/rc.d/init.d" / name
    assert run(script, "status", env={}, code=3) == f"{name} is stopped\n"
    assert (root / "etc/chkconfig.d" / name).is_file()
    assert (root / "etc/sysconfig" / name).is_file()
    assert run(root / "etc/ha.d/resource.d" / name, "web", "status", env={}, code=3) == f"{name} is stopped\n"


def test_start_is_rehearsed_from_where_rpm_puts_it(root: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "lvs.toml"
    shutil.copy(ROOT / "examples/vs-dr.toml", configuration)
    machine = "ip link set lo up; ip address add 192.168.0.11/24 dev lo"
    start = f"{root}/etc/rc.d/init.d/lvs-realserver {configuration} --dry-run start"
    said = run("unshare", *BECOME_ROOT, "--net", "sh", "-ec", f"{machine}; {start}")
    assert "ip address add 192.168.0.219/32" in said


def test_the_administrators_command_runs_from_where_rpm_puts_it(root: Path) -> None:
    assert run(root / "usr/sbin/lvsctl", "--version").split()[-1] == lvs_init.__version__


def test_removal_leaves_no_file(root: Path) -> None:
    in_root(root, "--erase", "--noscripts", "lvs-init")
    left = [path for path in root.rglob("*") if not path.is_dir() and "var/lib/rpm" not in str(path)]
    assert left == []
