"""lvsctl plan --from: what is told of the way from one file to another, without a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.faces import lvsctl, terminal
from lvs_init.system import identity

OLD = """
[cluster]
forwarding = "dr"
[director.timeouts]
udp = 30
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.11" }, { rip = "192.168.0.12", weight = 3 }, { rip = "192.168.0.14" }]
[[service]]
vip = "192.168.0.220"
port = 53
protocol = "udp"
realservers = [{ rip = "192.168.0.11" }]
"""
NEW = """
[cluster]
forwarding = "dr"
[[service]]
vip = "192.168.0.219"
port = 80
scheduler = "sh"
scheduler_flags = ["sh-port"]
persistence = 300
realservers = [
  { rip = "192.168.0.12", weight = 5, upper_threshold = 100 },
  { rip = "192.168.0.13" },
  { rip = "192.168.0.14" },
]
[[service]]
vip = "192.168.0.221"
port = 80
scheduler = "rr"
realservers = [{ rip = "192.168.0.14" }]
"""
GOLDEN = Path(__file__).parents[2] / "cases" / "plan_display" / "from.txt"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "new.toml").write_text(NEW)
    return tmp_path


def plan(*words: str) -> int:
    return lvsctl.main(["plan", *words], {})


def test_every_step_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("--from", "old.toml", "new.toml") == 2
    assert capsys.readouterr().out.replace(str(folder), "") == GOLDEN.read_text()


def test_nothing_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.toml").write_text(OLD + "# only a comment\n")
    assert plan("--from", "old.toml", "new.toml") == 0
    assert capsys.readouterr().out.startswith("lvs-director: reload of new.toml: nothing to do")


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("--from", "old.toml", "--json", "new.toml") == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["verb"], told["todo"]) == (1, "reload", True)
    table = next(step for step in told["steps"] if step["phase"] == "table")
    changes = {change["key"]: change for change in table["changes"]}
    edited = changes["real server 192.168.0.12:80 of tcp 192.168.0.219:80"]
    assert (edited["kind"], edited["cause"]) == ("realserver", "changed in the file")
    assert (edited["before"]["weight"], edited["after"]["weight"], edited["after"]["upper"]) == (3, 5, 100)
    assert table["commands"][0]["argv"] == ["ipvsadm", "-R"]
    assert "-e -t 192.168.0.219:80 -r 192.168.0.12:80 -g -w 5 -x 100\n" in table["commands"][0]["stdin"]
    assert [drain["key"] for drain in told["draining"]] == ["real server 192.168.0.11:80 of tcp 192.168.0.219:80"]
    assert told["removal"]["real_servers"] == [2, 4]
    assert (told["removal"]["services"], told["removal"]["refused"]) == ([1, 2], False)


@pytest.mark.parametrize(("share", "refused"), [("0.5", False), ('"49%"', True), ("1.0", False)])
def test_the_brake_of_the_new_file_counts(
    folder: Path, capsys: pytest.CaptureFixture[str], share: str, refused: bool
) -> None:
    (folder / "new.toml").write_text(f"director.max_removal = {share}\n{NEW}")
    assert plan("--from", "old.toml", "new.toml") == 2
    assert ("reload refuses this unless forced" in capsys.readouterr().out) == refused


def test_mistakes_are_told_as_check_tells_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.toml").write_text(NEW.replace("weight = 5", "wieght = 5"))
    assert plan("--from", "old.toml", "new.toml") == 1
    out = capsys.readouterr().out
    assert "new.toml has a mistake:" in out
    assert "did you mean 'weight'?" in out


def test_without_a_file_it_is_6(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("--from", "older.toml", "new.toml") == 6
    assert "older.toml does not exist" in capsys.readouterr().err


def test_a_machine_is_looked_at_by_root_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: False)
    assert plan() == 4
    assert "needs root" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--rol"], ["--role", "router"], ["a", "b"], ["--from"]])
def test_wrong_usage_is_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(*words) == 64


def test_colour_is_for_terminals_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan("--from", "old.toml", "new.toml")
    without = capsys.readouterr().out
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    plan("--from", "old.toml", "new.toml")
    coloured = capsys.readouterr().out
    assert "\x1b" not in without
    assert terminal.GREEN in coloured
    for code in ("32", "33", "31", "1", "2", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == without
