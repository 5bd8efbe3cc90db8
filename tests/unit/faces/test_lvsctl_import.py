"""lvsctl import: files, exit codes and what is said where."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from lvs_init.config.load import parse
from lvs_init.faces import lvsctl

SOUND = "VIP=10.0.0.1\nipvsadm -A -t $VIP:80 -s rr\nipvsadm -a -t $VIP:80 -r 10.0.0.11 -g\n"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "classic.sh"
    path.write_text(SOUND)
    return path


def run(*words: object) -> int:
    return lvsctl.main(["import", *map(str, words)], {})


def test_writes_to_standard_output_and_says_the_rest_elsewhere(script: Path, capsys: Captured) -> None:
    script.write_text(SOUND + "reticulate splines\n")
    assert run(script) == 0
    out, err = capsys.readouterr()
    assert parse(out, "lvs.toml").vips[0].address == "10.0.0.1"
    assert f"{script}:4: not understood: reticulate splines\n" in err
    assert "lvsctl: the result is sound: lvs, 1 service by dr, 1 VIP, 1 real server; 1 remark above" in err


def test_writes_a_file_once(script: Path, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "web.toml"
    assert run(script, "--out", file) == 0
    assert parse(file.read_bytes(), str(file)).name == "web"
    assert file.stat().st_mode & 0o777 == 0o644
    file.write_text("mine")
    assert run(script, "--out", file) == 1
    assert file.read_text() == "mine" and "is there already" in capsys.readouterr().err
    assert run(script, "--out", file, "--force", "--name", "shop") == 0
    assert parse(file.read_bytes(), str(file)).name == "shop"


def test_a_link_that_leads_nowhere_is_there_already(script: Path, tmp_path: Path) -> None:
    link = tmp_path / "web.toml"
    link.symlink_to(tmp_path / "elsewhere")
    assert run(script, "--out", link) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"-A -t 10.0.0.1:80 -s rr\n")))
    assert run("-") == 0
    assert 'vip = "10.0.0.1"' in capsys.readouterr().out


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"#" * (4 * 1024 * 1024 + 1))))
    assert run("-") == 1
    assert "more than 4194304 bytes" in capsys.readouterr().err


def test_an_unsound_result_is_written_and_told(script: Path, tmp_path: Path, capsys: Captured) -> None:
    script.write_text("VIP=10.0.0.1\nifconfig lo:0 $VIP netmask 255.255.255.255 up\n")
    file = tmp_path / "lvs.toml"
    assert run(script, "--out", file) == 1
    assert 'vip = "10.0.0.1"\n# port = 80  # missing' in file.read_text()
    err = capsys.readouterr().err
    assert "cannot be used yet:\n  service[0].port: is missing" in err


@pytest.mark.parametrize("name", ["a name", "-x", "x" * 33])
def test_a_name_that_cannot_be_one_is_a_problem(script: Path, name: str, capsys: Captured) -> None:
    assert run(script, f"--name={name}") == 1
    assert "cluster.name: must be a name" in capsys.readouterr().err


def test_where_there_is_nothing_nothing_is_written(script: Path, tmp_path: Path, capsys: Captured) -> None:
    script.write_text("echo hello\n")
    assert run(script, "--out", tmp_path / "lvs.toml") == 1
    assert not (tmp_path / "lvs.toml").exists()
    assert f"nothing of a virtual server was found in {script}" in capsys.readouterr().err


def test_exit_codes_of_wrong_calls(tmp_path: Path) -> None:
    assert run(tmp_path / "none") == 6
    assert run() == run("a", "b") == run("--frob") == 64
