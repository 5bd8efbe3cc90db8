"""lvsctl check: every mistake at once, aligned; exit codes; what is told to programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvs_init.faces import lvsctl, terminal
from lvs_init.system import identity

SOUND = '[[service]]\nvip = "192.168.0.219"\nport = 80\nrealservers = [{ rip = "192.168.0.11" }]\n'
BROKEN = """
[cluster]
forwarding = "natt"
[[service]]
vip = "192.168.0.219"
port = "80"
scheduler = "rr"
realservers = [{ rip = "192.168.0.11", wieght = 1 }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lvs.toml"
    path.write_text(SOUND)
    path.chmod(0o644)
    return path


def test_a_sound_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["check", str(file)], {}) == 0
    out, err = capsys.readouterr()
    assert out == f"{file} is sound: lvs, 1 service by dr, 1 VIP, 1 real server\n"
    assert err == ""


def test_every_mistake_in_one_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(BROKEN)
    assert lvsctl.main(["check", str(file)], {}) == 1
    assert capsys.readouterr().out == (
        f"{file} has 3 mistakes:\n"
        "\n"
        "  cluster.forwarding                must be one of nat, dr, tun (found: 'natt')\n"
        "\n"
        "  service[0].port                   must be an integer from 0 to 65535 (found: '80')\n"
        "                                    -> write it without quotes\n"
        "\n"
        "  service[0].realservers[0].wieght  is not a known key\n"
        "                                    -> did you mean 'weight'?\n"
    )


def test_a_syntax_error_has_its_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[cluster\n")
    assert lvsctl.main(["check", str(file)], {}) == 1
    assert "\n  line 1, column 9  is not TOML: " in capsys.readouterr().out


def test_long_texts_are_wrapped_and_long_places_stand_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[director.sysctl]\n"net.ipv4.conf.all.a_name_that_nobody_gave" = []\n')
    assert lvsctl.main(["check", str(file)], {}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[1:])) <= 100
    assert '  director.sysctl."net.ipv4.conf.all.a_name_that_nobody_gave"' in lines


def test_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(BROKEN)
    assert lvsctl.main(["check", "--json", str(file)], {}) == 1
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in ("version", "file", "sound", "warnings", "notes")} == {
        "version": 1,
        "file": str(file),
        "sound": False,
        "warnings": [],
        "notes": [],
    }
    assert told["problems"][1] == {
        "path": "service[0].port",
        "message": "must be an integer from 0 to 65535",
        "found": "'80'",
        "hint": "write it without quotes",
        "line": 0,
        "column": 0,
    }


@pytest.mark.parametrize(("root", "code"), [(True, 1), (False, 0)])
def test_a_file_that_others_may_write(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: bool, code: int
) -> None:
    monkeypatch.setattr(identity, "is_root", lambda: root)
    file.chmod(0o666)
    assert lvsctl.main(["check", str(file)], {}) == code
    out, err = capsys.readouterr()
    told = " ".join(f"{out} {err}".split())
    assert f"{file} is writable by everybody" in told
    assert ("is sound" in out, err.startswith("lvsctl: warning: ")) == (not root, not root)


def test_which_file_is_meant(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(["check"], {"LVS_CONFIG": str(file)}) == 0
    monkeypatch.chdir(file.parent)
    assert lvsctl.main(["check", "lvs.toml"], {}) == 0
    capsys.readouterr()
    assert lvsctl.main(["check", "no-such-cluster"], {}) == 6
    assert "/etc/lvs/no-such-cluster.toml" in capsys.readouterr().err


def test_marks_that_nobody_sets_are_noted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[[service]]\nfwmark = 7\nvips = ["192.168.0.219"]\nrealservers = [{ rip = "192.168.0.11" }]\n')
    assert lvsctl.main(["check", str(file)], {}) == 0
    assert "note: service[0] has no match" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["chek"], ["check", "--jsn"], ["check", "a", "b"], ["lab"], ["lab", "x", "--requests", "0"]]
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(words, {}) == 64
    assert "usage: lvsctl" in capsys.readouterr().err


def test_a_pair_that_could_split_is_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[ha]\nnodes = ["lb1", "lb2"]\n' + SOUND)
    assert lvsctl.main(["check", str(file)], {}) == 0
    assert "warning: there is neither STONITH nor a second link" in capsys.readouterr().err
    device = '[[ha.stonith]]\ntype = "external/own"\nparameters = { passwd = "x" }\n'
    file.write_text('[ha]\nnodes = ["lb1", "lb2"]\n' + device + SOUND)
    lvsctl.main(["check", str(file)], {})
    assert f"chmod 600 {file}" in capsys.readouterr().err
    file.chmod(0o600)
    lvsctl.main(["check", str(file)], {})
    assert "chmod" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["check", "--help"], ["lab", "--help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert lvsctl.main(words, {}) == 0
    assert capsys.readouterr().out.isascii()


def test_lab_tells_mistakes_as_check_does(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(BROKEN)
    assert lvsctl.main(["lab", str(file)], {}) == 1
    assert f"{file} has 3 mistakes:\n" in capsys.readouterr().out
    file.write_text(SOUND.replace("192.168.0.11", "10.1.0.255"))
    assert lvsctl.main(["lab", str(file)], {}) == 1
    assert "10.1.0.255 is not the address of a host" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("here", "shown"), [("/", "/etc/lvs/lvs.toml"), ("/etc", "lvs/lvs.toml"), ("/usr", "/etc/lvs/lvs.toml")]
)
def test_a_file_is_named_as_a_reader_would(monkeypatch: pytest.MonkeyPatch, here: str, shown: str) -> None:
    monkeypatch.chdir(here)
    assert terminal.shorter("/etc/lvs/lvs.toml") == shown
