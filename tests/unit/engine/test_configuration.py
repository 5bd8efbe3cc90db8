"""Which file is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.engine import configuration
from lvs_init.engine.paths import Paths


@pytest.mark.parametrize(
    ("name", "environment", "written", "file", "instance"),
    [
        ("", {}, "", "/etc/lvs/lvs.toml", "lvs"),
        ("web", {"LVS_CONFIG": "/srv/other.toml"}, "", "/etc/lvs/web.toml", "web"),
        ("/srv/web.toml", {}, "LVS_CONFIG=/srv/other.toml", "/srv/web.toml", "web"),
        ("", {}, "LVS_CONFIG=/srv/web.toml", "/srv/web.toml", "web"),
        ("", {}, "LVS_CONFIG=web.toml", "/etc/lvs/web.toml", "web"),
        ("", {"LVS_CONFIG": "/srv/first.toml"}, "LVS_CONFIG=$(broken", "/srv/first.toml", "first"),
    ],
)
def test_the_file_that_is_meant(
    tmp_path: Path, name: str, environment: dict[str, str], written: str, file: str, instance: str
) -> None:
    (tmp_path / "lvs-director").write_text(written)
    target = configuration.target(Paths(assignments=(str(tmp_path),)), "director", name, environment)
    assert (target.file, target.instance) == (file, instance)


@pytest.mark.parametrize(
    ("environment", "written", "channel"),
    [
        ({}, "LVS_CHANNEL=ipvsadm", "ipvsadm"),
        ({"LVS_CHANNEL": ""}, "LVS_CHANNEL=ipvsadm", ""),
        ({"LVS_CHANNEL": "ipvsadm"}, "", "ipvsadm"),
        ({"LVS_CHANNEL": "ipvsadm"}, "LVS_CONFIG=$(broken", "ipvsadm"),
    ],
)
def test_service_and_boot_have_their_environment_in_a_file(
    tmp_path: Path, environment: dict[str, str], written: str, channel: str
) -> None:
    (tmp_path / "lvs-director").write_text(written)
    found = configuration.surroundings(Paths(assignments=(str(tmp_path),)), "director", environment)
    assert found["LVS_CHANNEL"] == channel
