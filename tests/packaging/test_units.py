"""systemd's view: the native units, and those that its generator makes of the init scripts."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

import pytest
from building import SCRIPTS, make, run

pytestmark = pytest.mark.xdist_group("packaging")
GENERATOR = "/lib/systemd/system-generators/systemd-sysv-generator"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed without DESTDIR's indirection, so that the paths in the units are there."""
    root = tmp_path_factory.mktemp("system")
    make("install", f"DESTDIR={root}", "prefix=/usr")
    for unit in (root / "usr/lib/systemd/system").iterdir():
        unit.write_text(unit.read_text().replace("=/usr/sbin/", f"={root}/usr/sbin/"))
    return root


@pytest.fixture(scope="module")
def generated(prefix: Path) -> Path:
    (prefix / "etc/rc3.d").mkdir()
    (prefix / "etc/rc3.d/S11lvs-director").symlink_to("../init.d/lvs-director")
    out = prefix / "generated"
    out.mkdir()
    environment = {
        "PATH": os.defpath,
        "SYSTEMD_SYSVINIT_PATH": f"{prefix}/etc/init.d",
        "SYSTEMD_SYSVRCND_PATH": f"{prefix}/etc",
        "SYSTEMD_UNIT_PATH": f"{prefix}/no-native-units",
        "SYSTEMD_LOG_TARGET": "console",
    }
    run(GENERATOR, out, out, out, env=environment)
    return out


def unit(path: Path) -> dict[str, set[str]]:
    """Key -> every word that it is given, in any section."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    said: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator:
            said.setdefault(key, set()).update(value.split())
    return said


def complaints(path: Path) -> list[str]:
    """What systemd-analyze has to say of a unit. It speaks of this machine's other units as well."""
    return [line for line in run("systemd-analyze", "verify", "--man=no", path).splitlines() if path.stem in line]


@pytest.mark.parametrize("name", SCRIPTS)
def test_native(prefix: Path, name: str) -> None:
    path = prefix / f"usr/lib/systemd/system/{name}.service"
    said = unit(path)
    assert (said["Type"], said["RemainAfterExit"], said["WantedBy"]) == ({"oneshot"}, {"yes"}, {"multi-user.target"})
    assert {"heartbeat.service", "keepalived.service"} <= said["Before"]
    assert "network-online.target" in said["After"] & said["Wants"]
    for key, verb in (("ExecStart", "start"), ("ExecReload", "reload"), ("ExecStop", "stop")):
        assert said[key] == {f"{prefix}/usr/sbin/{name}", verb}
    assert complaints(path) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_generated(prefix: Path, generated: Path, name: str) -> None:
    path = generated / f"{name}.service"
    said = unit(path)
    assert (said["Type"], said["RemainAfterExit"]) == ({"forking"}, {"yes"})
    assert "PIDFile" not in said
    assert said["ExecReload"] == {f"{prefix}/etc/init.d/{name}", "reload"}
    assert {"heartbeat.service", "keepalived.service"} <= said["Before"]
    assert "network-online.target" in said["After"] & said["Wants"]
    assert complaints(path) == []


def test_a_wrong_unit_is_complained_of(prefix: Path) -> None:
    wrong = prefix / "lvs-wrong.service"
    wrong.write_text((prefix / "usr/lib/systemd/system/lvs-director.service").read_text().replace("Type=", "Tipe="))
    assert complaints(wrong)


def test_an_s_link_is_what_enables(generated: Path) -> None:
    wants = generated / "multi-user.target.wants"
    assert [path.name for path in wants.iterdir()] == ["lvs-director.service"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_kinds_are_ordered_alike(prefix: Path, generated: Path, name: str) -> None:
    native, made = unit(prefix / f"usr/lib/systemd/system/{name}.service"), unit(generated / f"{name}.service")
    assert native["Before"] == made["Before"] - {"multi-user.target", "graphical.target", "shutdown.target"}
    assert native["After"] == made["After"]


def test_a_first_boot_turns_nothing_on(prefix: Path) -> None:
    """systemd enables what presets do not disable when a copied machine has no machine-id (systemd.preset(5))."""
    root = ("--root", prefix)
    run("systemctl", *root, "preset-all", "--preset-mode=enable-only")
    for name in SCRIPTS:
        assert run("systemctl", *root, "is-enabled", f"{name}.service", code=1) == "disabled\n"
