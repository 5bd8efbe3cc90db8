"""crm_attribute as every version of Pacemaker takes it."""

from __future__ import annotations

from lvs_init.commands.pacemaker import promotion_score


def test_a_score_is_an_attribute_of_a_node_until_it_reboots() -> None:
    command = promotion_score("director", 50, "node1")
    assert command.argv == (
        "crm_attribute", "--node", "node1", "--name", "master-director", "--lifetime", "reboot", "--update", "50",
    )  # fmt: skip
    assert command.timeout < 10
    assert promotion_score("director", None).argv[1:] == (
        "--name", "master-director", "--lifetime", "reboot", "--delete",
    )  # fmt: skip
