"""What is built is built once, by the commands that a person would type."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from building import ROOT, make


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(make("deb"), tmp_path_factory)


@pytest.fixture(scope="session")
def rpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(make("rpm"), tmp_path_factory)


def kept(said: str, factory: pytest.TempPathFactory) -> Path:
    """A copy of the file that make named last: somebody else may build meanwhile."""
    return Path(shutil.copy(ROOT / said.split()[-1], factory.mktemp("built")))
