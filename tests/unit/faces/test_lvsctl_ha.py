"""lvsctl ha: what is written, kept and refused, and what is said of it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from lvs_init.faces import lvsctl
from lvs_init.system import identity

TOML = """
[ha]
nodes = ["lb1", "lb2"]
[[ha.link]]
type = "bcast"
interface = "eth1"
[[ha.link]]
type = "bcast"
interface = "eth0"
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{ rip = "192.168.0.11" }]
"""
NAMES = ("ha.cf", "haresources", "authkeys")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration, looked at on lb1."""
    monkeypatch.setattr(identity, "node_name", lambda: "lb1")
    path = tmp_path / "web.toml"
    path.write_text(TOML)
    return path


def run(*arguments: object) -> int:
    return lvsctl.main(["ha", *map(str, arguments)], {})


def test_prints_and_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("heartbeat", file) == 0
    said = capsys.readouterr()
    assert "# /etc/ha.d/ha.cf, mode 644\n" in said.out
    assert "\n1 sha1 (a random key" in said.out
    assert "nothing was written" in said.err
    assert "warning: there is no STONITH" in said.err
    assert sorted(os.listdir(file.parent)) == ["web.toml"]


def test_writes_once(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ha.d"
    assert run("heartbeat", "--out", out, file) == 0
    modes = {name: stat.S_IMODE((out / name).stat().st_mode) for name in NAMES}
    assert modes == {"ha.cf": 0o644, "haresources": 0o644, "authkeys": 0o600}
    before = {name: (out / name).read_bytes() for name in NAMES}
    key = before["authkeys"].split()[-1].decode()
    said = capsys.readouterr().out
    assert f"scp -p {out}/ha.cf {out}/haresources {out}/authkeys root@lb2:/etc/ha.d/" in said
    assert run("heartbeat", "--out", out, file) == 0
    assert {name: (out / name).read_bytes() for name in NAMES} == before
    again = capsys.readouterr()
    assert again.out.count("as it was") == 2
    assert key not in said + again.out + again.err


def test_replaces_nothing_unless_forced(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ha.d"
    run("heartbeat", "--out", out, file)
    key = (out / "authkeys").read_text()
    former = (out / "ha.cf").read_text()
    file.write_text(TOML.replace('"lb2"]', '"lb2"]\ndeadtime = 30'))
    (out / "haresources").unlink()
    assert run("heartbeat", "--out", out, file) == 1
    assert f"ha.cf in {out} would be replaced" in capsys.readouterr().err
    assert (out / "ha.cf").read_text() == former
    assert not (out / "haresources").exists()
    assert run("heartbeat", "--out", out, "--force", file) == 0
    assert "deadtime 30\n" in (out / "ha.cf").read_text()
    assert (out / "ha.cf.old").read_text() == former
    assert (out / "authkeys").read_text() == key
    assert run("heartbeat", "--out", out, "--new-key", file) == 1
    assert run("heartbeat", "--out", out, "--new-key", "--force", file) == 0
    assert (out / "authkeys").read_text() != key
    assert sorted(os.listdir(out)) == ["authkeys", "ha.cf", "ha.cf.old", "haresources"]


def test_a_key_that_others_can_read_is_closed(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "ha.d"
    run("heartbeat", "--out", out, file)
    before = (out / "authkeys").read_bytes()
    (out / "authkeys").chmod(0o644)
    assert run("heartbeat", "--out", out, file) == 0
    assert (out / "authkeys").read_bytes() == before
    assert stat.S_IMODE((out / "authkeys").stat().st_mode) == 0o600


def test_a_broken_key_is_replaced_by_force_alone(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "ha.d"
    out.mkdir()
    (out / "authkeys").write_text("auth 2\n1 sha1 x\n")
    assert run("heartbeat", "--out", out, file) == 1
    assert os.listdir(out) == ["authkeys"]
    assert run("heartbeat", "--out", out, "--force", file) == 0
    assert (out / "authkeys").read_text().startswith("auth 1\n1 sha1 ")


def test_a_link_is_replaced_and_not_followed(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "ha.d"
    out.mkdir()
    (tmp_path / "victim").write_text("theirs\n")
    (out / "haresources").symlink_to(tmp_path / "victim")
    assert run("heartbeat", "--out", out, "--force", file) == 0
    assert (tmp_path / "victim").read_text() == "theirs\n"
    assert not (out / "haresources").is_symlink()


def test_a_directory_that_others_can_write(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ha.d"
    out.mkdir()
    out.chmod(0o777)
    assert run("heartbeat", "--out", out, file) == 1
    assert "writable by everybody" in capsys.readouterr().err
    assert os.listdir(out) == []


def test_nodes_whose_files_differ(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TOML + '[node.lb2]\nha_interfaces = { eth1 = "ens5" }\n')
    monkeypatch.setattr(identity, "node_name", lambda: "desk")
    assert run("heartbeat", file) == 6
    assert "--node lb1 or --node lb2" in capsys.readouterr().err
    assert run("heartbeat", "--node", "lb3", file) == 6
    assert run("heartbeat", "--node", "lb2", "--out", tmp_path / "lb2", file) == 0
    assert "bcast ens5\n" in (tmp_path / "lb2/ha.cf").read_text()
    assert "a ha.cf of its own: lvsctl ha heartbeat --node lb1" in capsys.readouterr().out


def test_passwords_are_written_and_not_shown(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = (
        '[[ha.stonith]]\ntype = "apcmaster"\nparameters = { ipaddr = "10.0.0.9", login = "x", password = "s3cret" }\n'
    )
    file.write_text(TOML + device)
    assert run("heartbeat", file) == 0
    said = capsys.readouterr()
    assert "stonith_host * apcmaster 10.0.0.9 x ***" in said.out
    assert run("heartbeat", "--out", tmp_path / "out", file) == 0
    told = capsys.readouterr()
    assert "s3cret" not in said.out + said.err + told.out + told.err
    assert "stonith_host * apcmaster 10.0.0.9 x s3cret\n" in (tmp_path / "out/ha.cf").read_text()
    assert stat.S_IMODE((tmp_path / "out/ha.cf").stat().st_mode) == 0o600


def test_check(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("lb1", "lb2"):
        run("heartbeat", "--out", tmp_path / name, file)
    capsys.readouterr()
    assert run("check", "--dir", tmp_path / "lb1", file) == 0
    assert "has 1 warning:" in capsys.readouterr().out
    assert run("check", "--dir", tmp_path / "lb1", "--with", tmp_path / "lb2", file) == 1
    said = capsys.readouterr().out
    assert "has 1 mistake and 1 warning:" in said
    assert "has another key than" in said
    assert run("check", "--dir", tmp_path / "lb1", "--with", tmp_path / "lb2", "--json", file) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["version"], answer["sound"], answer["directory"]) == (1, False, f"{tmp_path}/lb1")
    assert {frozenset(each) for each in answer["remarks"]} == {
        frozenset({"severity", "file", "line", "message", "hint"})
    }


def test_nothing_of_a_file_reaches_the_terminal_but_what_can_be_printed(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "ha.d"
    run("heartbeat", file, "--out", place)
    (place / "ha.cf").write_text("\x1b[2Jnode lb1\n")
    capsys.readouterr()
    assert run("check", file, "--dir", place) == 1
    said = capsys.readouterr().out
    assert "'?[2Jnode' is no directive" in said and "\x1b" not in said


def test_what_is_not_there(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--dir", tmp_path / "nothing", file) == 6
    assert run("check", "--dir", tmp_path, tmp_path / "no.toml") == 6
    file.write_text(TOML[TOML.index("[[service]]") :])
    assert run("heartbeat", file) == 6
    assert "has no table [ha]" in capsys.readouterr().err
    assert run("check", "--dir", tmp_path, file) == 1
    assert "has no table [ha]" in capsys.readouterr().out


def test_pacemaker(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tool, begin in (("crm", "crm configure load update - <<'END'\n"), ("pcs", "pcs cluster cib lvs-pair.cib\n")):
        assert run("pacemaker", "--tool", tool, file) == 0
        said = capsys.readouterr()
        assert said.out.startswith(begin)
        assert "stonith-enabled=false" in said.out
        assert "warning: there is no STONITH" in said.err
    assert run("pacemaker", "--tool", "corosync", file) == 1
    assert "no link with an address for both nodes" in capsys.readouterr().err
    assert run("pacemaker", "--tool", "rgmanager", file) == 64
