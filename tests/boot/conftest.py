"""Machines with our package, made of build/sysv and of what make deb builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import disk
import pytest
from disk import Image
from guest import Guest
from guide import install
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
    if os.geteuid():
        pytest.skip("only root can read all of a machine's files")
    path = tmp_path_factory.mktemp("outside")
    disk.prepare(path)
    (path / "package").mkdir()
    shutil.copy(package, path / "package")
    return path


@pytest.fixture(scope="session")
def sysvinit(outside: Path) -> Iterator[Image]:
    """The disk of a machine with sysvinit and without our package; every guest writes on a layer of its own."""
    image = disk.sysvinit(outside.with_name("sysvinit"), outside)
    yield image
    image.path.unlink()


@pytest.fixture(scope="session")
def systemd(outside: Path) -> Iterator[Image]:
    """The same with systemd."""
    image = disk.systemd(outside.with_name("systemd"), outside)
    yield image
    image.path.unlink()


@pytest.fixture(scope="session")
def installed_disk(sysvinit: Image) -> Path:
    """With our package and a configuration. Nothing is enabled."""
    guest = Guest(sysvinit, "installing")
    try:
        guest.boot()
        install(guest)
        guest.power_off()
    finally:
        guest.cut_power()
    return guest.disk
