"""Machines with our package, made of build/sysv and of what make deb builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import guide
import pytest
from disk import make_image
from guest import Guest
from machine import ROOT, SYSV, Machine


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb as it stands in the checkout: a copy, since somebody else may build meanwhile."""
    said = subprocess.run(
        ["make", "--no-print-directory", "deb"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True
    )
    return Path(shutil.copy(ROOT / said.stdout.split()[-1], tmp_path_factory.mktemp("built")))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Without our package; every test leaves it so."""
    if os.geteuid():
        pytest.skip("only root can change its root directory")
    assert (SYSV / ".complete").exists(), "make test-boot sets it up"
    return Machine(tmp_path_factory.mktemp("machine") / "root")


@pytest.fixture
def installed(machine: Machine, package: Path) -> Iterator[Machine]:
    """With our package; purged after the test."""
    machine.install(package)
    yield machine
    machine.run("dpkg --purge lvs-init")


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Path:
    """What every guest sees as /outside; the package is below it."""
    path = tmp_path_factory.mktemp("outside")
    (path / "package").mkdir()
    shutil.copy(package, path / "package")
    return path


@pytest.fixture(scope="session")
def image(outside: Path) -> Iterator[Path]:
    """The disk of a machine without our package; every guest writes on a layer of its own."""
    if os.geteuid():
        pytest.skip("only root can read all of build/sysv")
    path = outside.with_name("image")
    make_image(path, outside)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def disk(image: Path, outside: Path) -> Path:
    """With our package and a configuration, put there as docs/operations.md says. Nothing is enabled."""
    guest = Guest(image, outside, "installing")
    install = guide.commands("Install on Debian", "apt install")
    try:
        guest.boot()
        guest.write("/root/lvs.toml", (ROOT / "examples/vs-nat.toml").read_text())
        said = guest.run(f"cp /outside/package/*.deb .\n{install}")
        assert "lvs.toml is sound" in said
        guest.power_off()
    finally:
        guest.cut_power()
    return guest.disk
