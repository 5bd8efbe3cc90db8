"""How a resource agent reads its environment."""

from __future__ import annotations

import pytest

from lvs_init.faces.ocf_parameters import read

PROMOTABLE = {"OCF_RESKEY_CRM_meta_promoted_max": "1", "OCF_RESOURCE_INSTANCE": "director"}


@pytest.mark.parametrize(
    ("config", "cluster", "name", "named"),
    [
        ("", "", "lvs", ""),
        ("web", "", "web", ""),
        ("/srv/lvs/web.toml", "", "/srv/lvs/web.toml", ""),
        ("", "web", "web", ""),
        ("/srv/lvs/a.toml", "web", "/srv/lvs/a.toml", "web"),
    ],
)
def test_config_and_cluster_pick_a_file(config: str, cluster: str, name: str, named: str) -> None:
    read_in = read({"OCF_RESKEY_config": config, "OCF_RESKEY_cluster": cluster, "LVS_CONFIG": "/elsewhere.toml"})
    assert (read_in.name, read_in.cluster, read_in.wrong) == (name, named, ())


@pytest.mark.parametrize("text", ["../web", "a b", "-x", "web\n", "/a\0b"])
@pytest.mark.parametrize("parameter", ["config", "cluster"])
def test_what_is_no_name_is_told_and_picks_nothing(parameter: str, text: str) -> None:
    found = read({f"OCF_RESKEY_{parameter}": text})
    assert found.name == ""
    assert len(found.wrong) == 1


def test_the_name_of_a_file_is_told_apart_from_that_of_a_cluster() -> None:
    assert read({"OCF_RESKEY_config": "web.toml"}).wrong


def test_what_was_started_is_found_whatever_the_cluster_must_be_called() -> None:
    found = read({"OCF_RESKEY_config": "/srv/a.toml", "OCF_RESKEY_cluster": "c d"})
    assert found.name == "/srv/a.toml"
    assert found.wrong


def test_every_wrong_parameter_is_told() -> None:
    wrong = {"OCF_RESKEY_config": "a b", "OCF_RESKEY_cluster": "c d", "OCF_RESKEY_promotable": "perhaps"}
    assert len(read(wrong).wrong) == 3


def test_a_wrong_word_for_promotable_does_not_hide_what_was_started() -> None:
    found = read({"OCF_RESKEY_config": "web", "OCF_RESKEY_promotable": "perhaps"})
    assert found.name == "web"
    assert found.wrong


@pytest.mark.parametrize(
    ("environment", "promotable"),
    [
        ({}, False),
        ({"OCF_RESKEY_CRM_meta_promoted_max": "1"}, True),
        ({"OCF_RESKEY_CRM_meta_master_max": "1"}, True),
        ({"OCF_RESKEY_CRM_meta_master_max": "0"}, False),
        ({"OCF_RESKEY_CRM_meta_master_max": "many"}, False),
        ({"OCF_RESKEY_CRM_meta_promoted_max": "1", "OCF_RESKEY_promotable": "false"}, False),
        ({"OCF_RESKEY_promotable": "TRUE"}, True),
        ({"OCF_RESKEY_promotable": "0"}, False),
    ],
)
def test_promotable_is_what_is_said_else_what_pacemaker_does(environment: dict[str, str], promotable: bool) -> None:
    assert read(environment).promotable is promotable


def test_a_score_is_kept_for_a_promotable_clone_of_pacemaker_alone() -> None:
    assert read(PROMOTABLE).scored
    assert not read({"OCF_RESKEY_promotable": "true", "OCF_RESOURCE_INSTANCE": "director"}).scored  # ocf-tester
    assert not read({**PROMOTABLE, "OCF_RESKEY_promotable": "no"}).scored
    assert read({**PROMOTABLE, "OCF_RESKEY_CRM_meta_on_node": "node1"}).node == "node1"


@pytest.mark.parametrize(("text", "level"), [("", 0), ("0", 0), ("10", 10), ("20", 20), ("deep", 0), ("9" * 12, 0)])
def test_level(text: str, level: int) -> None:
    assert read({"OCF_CHECK_LEVEL": text}).level == level


def test_a_probe_is_a_monitor_without_an_interval() -> None:
    assert read({"OCF_RESKEY_CRM_meta_interval": "0"}).probe
    assert not read({"OCF_RESKEY_CRM_meta_interval": "10000"}).probe
    assert not read({}).probe
