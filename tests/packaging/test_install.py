"""make install and make uninstall on both layouts."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from building import ROOT, SCRIPTS, make, run

pytestmark = pytest.mark.xdist_group("packaging")


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}


def test_debian_layout(tmp_path: Path) -> None:
    make("install", f"DESTDIR={tmp_path}")
    there = files(tmp_path)
    for name in SCRIPTS:
        assert {f"etc/init.d/{name}", f"etc/default/{name}", f"usr/share/insserv/overrides/{name}"} <= there
    assert "usr/local/lib/systemd/system-preset/80-lvs-init.preset" in there
    assert not any(name.startswith(("etc/chkconfig.d", "etc/sysconfig", "etc/rc.d")) for name in there)
    assert (tmp_path / "etc/lvs").is_dir()
    assert not any(name.startswith("etc/lvs/") for name in there)  # nothing that start would apply
    pages = {f"man8/{name}.8" for name in (*SCRIPTS, "lvsctl")} | {"man5/lvs.toml.5"}
    pages |= {"man7/ocf_lvs_director.7", "man7/ocf_lvs_realserver.7"}
    assert {f"usr/local/share/man/{page}" for page in pages} <= there
    completed = {f"usr/local/share/bash-completion/completions/{name}" for name in (*SCRIPTS, "lvsctl")}
    assert completed <= there


def test_red_hat_layout_is_found(tmp_path: Path) -> None:
    (tmp_path / "etc/rc.d/init.d").mkdir(parents=True)
    (tmp_path / "etc/init.d").symlink_to("rc.d/init.d")
    make("install", f"DESTDIR={tmp_path}", "prefix=/usr")
    there = files(tmp_path)
    for name in SCRIPTS:
        assert {f"etc/rc.d/init.d/{name}", f"etc/chkconfig.d/{name}", f"etc/sysconfig/{name}"} <= there
        link = tmp_path / "etc/init.d" / name
        assert "/" in os.readlink(link)  # insserv passes over a link to a neighbour
        assert link.resolve() == tmp_path / "usr/sbin" / name
    assert not any(name.startswith(("etc/default", "usr/share/insserv")) for name in there)


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/lvs"])
def test_what_is_installed_runs_from_every_path_it_has(tmp_path: Path, prefix: str) -> None:
    make("install", f"DESTDIR={tmp_path}", f"prefix={prefix}")
    (tmp_path / "etc/rc3.d").mkdir()
    (tmp_path / "etc/rc3.d/S11lvs-director").symlink_to("../init.d/lvs-director")
    empty = {"PATH": "/usr/bin:/bin"}
    for place in ("etc/init.d", prefix.strip("/") + "/sbin", prefix.strip("/") + "/share/lvs-init/bin"):
        assert run(tmp_path / place / "lvs-director", "status", env=empty, code=3) == "lvs-director is stopped\n"
        assert run(tmp_path / place / "lvs-realserver", "status", env=empty, code=3) == "lvs-realserver is stopped\n"
    assert run(tmp_path / "etc/rc3.d/S11lvs-director", "status", env=empty, code=3) == "lvs-director is stopped\n"
    for name in SCRIPTS:
        assert (
            run(tmp_path / "etc/ha.d/resource.d" / name, "web", "status", env=empty, code=3) == f"{name} is stopped\n"
        )
    for agent in ("director", "realserver"):
        said = run(tmp_path / "usr/lib/ocf/resource.d/lvs" / agent, "meta-data", env=empty)
        assert f'<resource-agent name="{agent}"' in said
    assert "is sound" in run(f"{tmp_path}{prefix}/sbin/lvsctl", "check", "examples/vs-dr.toml", env=empty)
    unit = (tmp_path / prefix.strip("/") / "lib/systemd/system/lvs-director.service").read_text()
    assert f"ExecStart={prefix}/sbin/lvs-director start\n" in unit


def test_modes_do_not_depend_on_umask(tmp_path: Path) -> None:
    subprocess.run(["make", "install", f"DESTDIR={tmp_path}"], cwd=ROOT, umask=0o077, check=True)
    for path in tmp_path.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        run_by_all = path.is_dir() or path.parent.name in ("sbin", "ocf", "resource.d")
        assert path.is_symlink() or mode == (0o755 if run_by_all else 0o644), path


def test_a_second_installation_keeps_what_the_admin_wrote(tmp_path: Path) -> None:
    make("install", f"DESTDIR={tmp_path}")
    written = {"etc/lvs/lvs.toml": "mine", "etc/default/lvs-director": "LVS_CONFIG=/etc/lvs/web.toml\n"}
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    stale = tmp_path / "usr/local/share/lvs-init/lvs_init/gone.py"
    stale.write_text("")
    make("install", f"DESTDIR={tmp_path}")
    assert {name: (tmp_path / name).read_text() for name in written} == written
    assert not stale.exists()
    said = make("uninstall", f"DESTDIR={tmp_path}")
    assert files(tmp_path) == set(written)
    assert "etc/default/lvs-director has been changed, it stays" in said
    assert "etc/lvs stays" in said


@pytest.mark.parametrize("init", ["/etc/init.d", "/etc/rc.d/init.d"])
def test_uninstall_leaves_no_file(tmp_path: Path, init: str) -> None:
    make("install", f"DESTDIR={tmp_path}", f"INITDIR={init}")
    run(tmp_path / init[1:] / "lvs-director", "status", code=3)  # leaves compiled files
    links = [tmp_path / "etc" / name for name in ("rc0.d/K89lvs-director", "rc2.d/S01lvs-realserver")]
    for link in links:
        link.parent.mkdir()
        link.symlink_to(f"..{init[4:]}/{link.name[3:]}")
    make("uninstall", f"DESTDIR={tmp_path}", f"INITDIR={init}")
    assert files(tmp_path) == set()
    assert not (tmp_path / "etc/lvs").exists()
    assert not list(tmp_path.rglob("lvs*"))


@pytest.mark.parametrize(("verb", "code"), [("stop", 0), ("status", 4), ("start", 5), ("reload", 5)])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_outlives_its_package_says_so(tmp_path: Path, name: str, verb: str, code: int) -> None:
    left = tmp_path / "etc/init.d" / name
    left.parent.mkdir(parents=True)
    text = (ROOT / "bin" / name).read_text()
    left.write_text(text.replace('"/usr/share/lvs-init"', '"/nowhere"'))  # this machine may have it installed
    assert run("/usr/bin/python3", "-Es", left, verb, code=code) == f"{name}: lvs-init is not installed\n"
