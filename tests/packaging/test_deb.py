"""The Debian package as a file: what lintian says, what it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from building import run

import lvs_init

pytestmark = pytest.mark.xdist_group("packaging")


def test_lintian_finds_nothing(deb: Path) -> None:
    said = run("lintian", "--allow-root", "--fail-on", "none", "--tag-display-limit", "0", "-E", "--pedantic", deb)
    assert said == ""


def test_only_what_a_python_init_script_cannot_avoid_is_overridden(deb: Path) -> None:
    said = run("lintian", "--allow-root", "--show-overrides", deb)
    overridden = set(re.findall(r"^O: lvs-init: (\S+)", said, re.MULTILINE))
    assert overridden == {"init.d-script-uses-usr-interpreter", "init.d-script-does-not-source-init-functions"}


def test_it_has_the_version_of_the_library(deb: Path) -> None:
    assert run("dpkg-deb", "-f", deb, "Version").split("-")[0] == lvs_init.__version__


def test_init_scripts_are_files_that_dpkg_keeps(deb: Path) -> None:
    conffiles = run("dpkg-deb", "-I", deb, "conffiles").split()
    assert sorted(conffiles) == [
        f"/etc/{place}/lvs-{role}" for place in ("default", "init.d") for role in ("director", "realserver")
    ]
    contents = run("dpkg-deb", "-c", deb)
    assert len(re.findall(r"^-rwxr-xr-x root/root .* \./etc/init\.d/lvs-", contents, re.MULTILINE)) == 2
    assert len(re.findall(r" \./etc/ha\.d/resource\.d/lvs-\S+ -> ", contents)) == 2


def test_nothing_compiled_and_no_test_is_in_it(deb: Path) -> None:
    contents = run("dpkg-deb", "-c", deb)
    assert "__pycache__" not in contents
    assert "/tests" not in contents
