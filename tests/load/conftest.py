"""The lab's own fixtures: tests under load are long, so they are not in its folder."""

from __future__ import annotations

import os

import pytest
from support.fixtures import keep_modules_together, node, place, places

__all__ = ["node", "place", "places"]  # fixtures


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    keep_modules_together(items, os.path.dirname(os.path.abspath(__file__)))
