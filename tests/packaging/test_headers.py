"""The headers of the init scripts, read with the rules of those who read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from building import ROOT, SCRIPTS
from headers import NotSupported, Service, block, chkconfig, stray_tags

NORMAL = frozenset({2, 3, 4, 5})
LSB = "### BEGIN INIT INFO\n"


def script(name: str) -> str:
    return (ROOT / "bin" / name).read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_chkconfig_starts_it_at_11_and_stops_it_at_89(name: str) -> None:
    service = chkconfig(script(name))
    assert (service.start, service.stop, service.lsb) == (11, 89, True)
    assert service.levels == NORMAL  # which Debian needs, and what the override is for
    assert service.description.endswith(("a Linux Virtual Server director.", "a Linux Virtual Server real server."))
    assert "\\" not in service.description


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_override_turns_it_off_on_red_hat(name: str) -> None:
    service = chkconfig(script(name), (ROOT / "rc.d/chkconfig.d" / name).read_text())
    assert (service.levels, service.start, service.stop) == (frozenset(), 11, 89)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_block_orders_it_after_the_network_and_before_heartbeat(name: str) -> None:
    said = block(script(name))
    assert said["Provides"] == name
    assert said["Default-Start"].split() == ["2", "3", "4", "5"]
    assert said["Default-Stop"].split() == ["0", "1", "6"]
    assert {"$network", "$local_fs", "$remote_fs"} == set(said["Required-Start"].split())
    assert said["Required-Start"] == said["Required-Stop"]
    assert said["Should-Start"] == said["Should-Stop"]
    assert said["X-Start-Before"] == said["X-Stop-After"]
    assert {"heartbeat", "keepalived"} <= set(said["X-Start-Before"].split())
    assert ("lvs-director" in said["X-Start-Before"].split()) == (name == "lvs-realserver")


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_insserv_reads_instead_adds_the_log(name: str) -> None:
    wanted = {
        keyword: f"{said} $syslog" if keyword.startswith("Should-") else said
        for keyword, said in block(script(name)).items()
    }
    wanted["X-Stop-After"] = "heartbeat keepalived"  # the file says why
    assert block((ROOT / "rc.d/insserv" / name).read_text()) == wanted


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_link_for_an_init_directory_has_a_slash_and_the_scripts_name(name: str) -> None:
    """insserv passes over a link to a neighbour, and looks for an override by the target's name."""
    target = os.readlink(ROOT / "rc.d/init.d" / name)
    assert "/" in target
    assert Path(target).name == name
    assert (ROOT / "rc.d/init.d" / name).resolve() == ROOT / "bin" / name


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_below_the_header_looks_like_one(name: str) -> None:
    assert list(stray_tags(script(name))) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_pid_file_is_promised(name: str) -> None:
    assert "pidfile" not in script(name).lower()


@pytest.mark.parametrize(
    "comment", ["# chkconfig: is a tool", "    # Default-Start: is empty", "#PIDFILE: none", "#  description of it"]
)
def test_a_stray_tag_is_seen(comment: str) -> None:
    text = script("lvs-director") + comment + "\n"
    assert [found for _, found in stray_tags(text)] == [comment.strip()]


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("# chkconfig: - 08 92\n", Service(frozenset(), 8, 92)),
        ("# chkconfig: 2345 11 89\n# chkconfig: 3 1 2\n", Service(NORMAL, 11, 89)),
        ("  #chkconfig:35 11 89 text\n", Service(frozenset({3, 5}), 11, 89)),
        (LSB + "# Default-Start: 2 3\n# Default-Stop: 0 3\n", Service(frozenset({2}), lsb=True)),
        (LSB + "# Default-Start:\n", Service(frozenset(), lsb=True)),
        ("# chkconfig: - 11 89\n# Default-Start: 2\n", Service(frozenset({2}), 11, 89)),
        ("# Default-Start: 2\n# chkconfig: - 11 89\n", Service(frozenset({2}), 11, 89)),
        ("# chkconfig: - 1 2\n# description: one \\\n#    two\n", Service(frozenset(), 1, 2, "one two")),
    ],
)
def test_how_chkconfig_reads(text: str, service: Service) -> None:
    assert chkconfig(text) == service


@pytest.mark.parametrize(
    "text", ["", "# chkconfig: - 11 89", "# chkconfig: is a tool\n", "# Default-Start: 2\n", "# Chkconfig: - 11 89\n"]
)
def test_what_chkconfig_refuses(text: str) -> None:
    with pytest.raises(NotSupported):
        chkconfig(text)
