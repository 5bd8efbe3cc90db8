"""Machines with our package, made of build/sysv and of what make deb builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
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
