"""Who and where we are."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from lvs_init.system import identity

if TYPE_CHECKING:
    from tests.unit.system.conftest import Namespaces


def test_the_boot_has_a_name() -> None:
    assert identity.boot_id() == identity.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_namespaces_differ(namespaces: Namespaces) -> None:
    here = identity.netns_id()
    assert here == identity.netns_id() != ""
    with namespaces.over_there():
        assert identity.netns_id() != here


def test_the_node_is_named_as_uname_does() -> None:
    assert identity.node_name() == platform.node()


def test_root_is_root() -> None:
    assert identity.is_root() == (os.geteuid() == 0)
