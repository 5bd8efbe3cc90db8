"""What is built is built once, by the commands that a person would type."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import ROOT, make


@pytest.fixture(scope="session")
def deb() -> Path:
    return ROOT / make("deb").split()[-1]


@pytest.fixture(scope="session")
def rpm() -> Path:
    return ROOT / make("rpm").split()[-1]
