"""lvsctl doctor: what it says and ends with, of machines that are made up."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lvs_init.config.load import parse
from lvs_init.doctor.snapshot import Snapshot, Unseen, snapshot_to_plain
from lvs_init.engine import mending, probing, snapshot
from lvs_init.faces import lvsctl
from lvs_init.model.network import AddressKey, LinkKey, SysctlKey
from lvs_init.system import identity, runner
from tests.machines import VIP, altered, director, real_server

TOML = f"""
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
dip = "192.168.0.1"
[[service]]
vip = "{VIP}"
port = 80
scheduler = "rr"
realservers = [{{ rip = "192.168.0.11" }}, {{ rip = "192.168.0.12" }}]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lvs.toml"
    path.write_text(TOML)
    return str(path)


@pytest.fixture
def machine(file: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the machine that doctor sees: loud, a real server that answers for the VIP."""
    cluster = parse(TOML.encode(), file)

    def is_now(seen: Snapshot) -> Snapshot:
        monkeypatch.setattr(snapshot, "take", lambda *_: seen)
        return seen

    loud = altered(real_server(cluster), cluster, settings={"net/ipv4/conf/all/arp_ignore": "0"})
    return {"loud": lambda: is_now(loud), "well": lambda: is_now(director(cluster)), "is": is_now}


def run(*words: str) -> int:
    return lvsctl.main(["doctor", *words], {})


def test_nothing_is_wrong(machine: Any, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine["well"]()
    assert run(file) == 0
    assert capsys.readouterr().out.endswith("on director (director): nothing is wrong\n")


def test_what_is_broken_is_shown_with_what_mends_it(
    machine: Any, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    machine["is"](replace(machine["loud"](), unseen=(Unseen("firewall rules", "only root may look"),)))
    assert run(file) == 1
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].endswith("on rs1 (realserver): 1 broken now")
    assert lines[2:4] == ["broken now", "  ARP01  A real server answers ARP for the VIP (eth0)"]
    assert "         fix  sysctl -w net.ipv4.conf.all.arp_ignore=1" in lines
    assert "         more lvsctl doctor --explain ARP01" in lines
    assert "not seen: firewall rules (only root may look)" in said.err


def test_the_same_for_programs(machine: Any, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine["loud"]()
    assert run("--json", file) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1 and told["file"] == file
    assert told["nodes"] == [{"node": "rs1", "roles": ["realserver"], "unseen": []}]
    (finding,) = told["findings"]
    assert set(finding) == {
        "code", "severity", "title", "node", "about", "seen", "why", "fix", "fixable", "read_more",
    }  # fmt: skip
    assert (finding["code"], finding["severity"], finding["about"], finding["node"]) == ("ARP01", "broken", "eth0", "")
    assert finding["fixable"] and finding["fix"] == "sysctl -w net.ipv4.conf.all.arp_ignore=1"
    assert finding["read_more"] == "docs/findings.md#arp01-a-real-server-answers-arp-for-the-vip"


def test_a_role_may_be_said(machine: Any, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine["is"](replace(machine["loud"](), started=None))
    assert run("--role", "realserver", "--json", file) == 1
    assert json.loads(capsys.readouterr().out)["nodes"][0]["roles"] == ["realserver"]


def test_what_is_collected_is_judged_elsewhere(
    machine: Any, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine["loud"]()
    assert run("--collect", file) == 0
    (tmp_path / "rs1.json").write_text(capsys.readouterr().out)
    machine["well"]()
    assert run(file, "--json", "--with", str(tmp_path / "rs1.json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert [each["node"] for each in told["nodes"]] == ["director", "rs1"]
    assert ("ARP01", "rs1") in [(each["code"], each["node"]) for each in told["findings"]]


@pytest.mark.parametrize("text", ["", "{}", "[", '{"version": 1, "snapshot": {"node": "\\u001b[2J"}}', "[" * 100_000])
def test_what_was_never_collected_is_refused(
    machine: Any, file: str, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    machine["well"]()
    (tmp_path / "odd.json").write_text(text)
    assert run(file, "--with", str(tmp_path / "odd.json")) == 1
    said = capsys.readouterr().err
    assert "is nothing that 'lvsctl doctor --collect' prints" in said and said.isascii() and "\x1b" not in said


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\necho "$*" >{folder}/asked\necho "$HOME" >{folder}/home\n{ending}\n')
    program.chmod(0o755)
    monkeypatch.setattr(runner, "PATH", str(folder))
    monkeypatch.setenv("HOME", "/home/somebody")


def test_other_machines_over_the_users_own_ssh(
    machine: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answer").write_text(json.dumps(snapshot_to_plain(machine["loud"]())) + "\n")
    machine["well"]()
    fake_ssh(tmp_path, monkeypatch, f'while read -r line; do echo "$line"; done <{tmp_path}/answer')
    assert run(file, "--json", "--ssh", "admin@rs1") == 1, capsys.readouterr().err
    said = capsys.readouterr()
    assert [each["node"] for each in json.loads(said.out)["nodes"]] == ["director", "rs1"]
    asked = (tmp_path / "asked").read_text().strip()
    assert asked == f"-o BatchMode=yes -o ConnectTimeout=10 -- admin@rs1 lvsctl doctor --collect {file}"
    assert (tmp_path / "home").read_text() == "/home/somebody\n"


def test_a_machine_that_ssh_does_not_reach(
    machine: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine["well"]()
    fake_ssh(tmp_path, monkeypatch, "echo 'rs9: Permission denied (publickey).' >&2; exit 255")
    assert run(file, "--ssh", "rs9") == 1
    assert "rs9 cannot be looked at: rs9: Permission denied (publickey)." in capsys.readouterr().err


def test_all_there_is_to_say_of_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain", "arp01") == 0
    said = capsys.readouterr().out
    assert said.startswith("ARP01  A real server answers ARP for the VIP\n") and "docs/findings.md#arp01-" in said
    assert run("--explain", "ARP99") == 1


def test_without_a_configuration(tmp_path: Path) -> None:
    assert run(str(tmp_path / "none.toml")) == 6


@pytest.mark.parametrize("option", [("--probe",), ("--listen", "1"), ("--fix",)])
def test_what_needs_root(option: tuple[str, ...], file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: False)
    assert run(file, *option) == 4


@pytest.mark.parametrize("seconds", ["-1", "3601", "nan"])
def test_nobody_listens_for_ever(seconds: str, file: str) -> None:
    assert run(file, "--listen", seconds) == 1


def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: True)


def test_a_fix_is_shown_and_asked_for(
    machine: Any, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_root(monkeypatch)
    machine["loud"]()
    done: list[Any] = []
    monkeypatch.setattr(mending, "mend", lambda wanted, _: done.append(wanted) or "sysctl -w back=1")
    assert run(file, "--fix") == 1  # nobody is there to be asked
    assert "add --yes" in capsys.readouterr().err and not done
    assert run(file, "--fix", "--yes") == 0
    assert done == [{SysctlKey("net/ipv4/conf/all/arp_ignore"): "1"}]
    assert capsys.readouterr().out.endswith("one thing is set right; this takes it back:\n  sysctl -w back=1\n")


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [("y\n", 0, "one thing is set right"), ("n\n", 1, "nothing was changed"), ("\n", 1, "nothing was changed")],
    ids=["yes", "no", "neither"],
)
def test_a_person_at_a_terminal_decides(
    typed: str, code: int, says: str, machine: Any, file: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    as_root(monkeypatch)
    machine["loud"]()
    done: list[Any] = []
    monkeypatch.setattr(mending, "mend", lambda wanted, _: done.append(wanted) or "sysctl -w back=1")
    keyboard, terminal = os.openpty()
    with open(keyboard, "wb", buffering=0) as keys, open(terminal, encoding="ascii") as stdin:
        keys.write(typed.encode())
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(file, "--fix") == code
    said = capsys.readouterr().out
    assert "Set this right? [y/N]" in said and says in said
    assert len(done) == (code == 0)


def test_nobody_gets_this_machine_mended_by_taking_its_name(
    machine: Any, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_root(monkeypatch)
    posing = replace(machine["loud"](), node=machine["well"]().node)
    (tmp_path / "posing.json").write_text(json.dumps(snapshot_to_plain(posing)))
    done: list[Any] = []
    monkeypatch.setattr(mending, "mend", lambda wanted, _: done.append(wanted) or "")
    assert run(file, "--fix", "--yes", "--with", str(tmp_path / "posing.json")) == 1
    assert not done and "calls itself director, too" in capsys.readouterr().err


def test_what_no_setting_mends_is_left(
    machine: Any, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_root(monkeypatch)
    machine["is"](replace(machine["well"](), services=()))
    assert run(file, "--fix", "--yes") == 1
    assert "--fix has nothing to do" in capsys.readouterr().out


def test_nothing_but_settings_and_addresses_is_ever_set() -> None:
    from lvs_init.doctor.finding import Finding, Fix

    odd = Finding("ARP11", "broken", "a", "b", Fix("c", ((LinkKey("lo"), "up"), (SysctlKey("x"), "1"))))
    fine = Finding("ARP05", "broken", "a", "b", Fix("c", ((AddressKey("lo", VIP, 24), None), (SysctlKey("x"), "2"))))
    later = Finding("ARP01", "risk", "a", "b", Fix("c", ((SysctlKey("x"), "3"),)))
    assert mending.wanted_by([odd, fine, later]) == {AddressKey("lo", VIP, 24): None, SysctlKey("x"): "2"}


def test_only_addresses_in_reach_are_asked_for(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = parse(TOML.encode(), file)
    assert probing._in_reach(director(cluster), cluster) == [
        ("eth0", VIP), ("eth0", "192.168.0.11"), ("eth0", "192.168.0.12"),
    ]  # fmt: skip
