"""Files in places where others may write."""

from __future__ import annotations

import os
import resource
import signal
import stat
import tracemalloc
from pathlib import Path

import pytest

from lvs_init.errors import NotConfigured, SystemFailure, UnsafeFile
from lvs_init.system import files

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "lvs.toml"
    path.write_bytes(b"[cluster]\n")
    path.chmod(0o644)
    return path


def test_a_trusted_file_is_read(config: Path) -> None:
    assert files.read_trusted(str(config)) == b"[cluster]\n"
    assert files.read_trusted(str(config), limit=10) == b"[cluster]\n"


def test_a_relative_path_is_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    assert files.read_trusted("./lvs.toml") == b"[cluster]\n"


def test_a_missing_file_is_not_a_configuration(tmp_path: Path, config: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "none" / "none", config / "below"):
        for owner_check in (True, False):
            with pytest.raises(NotConfigured, match="does not exist"):
                files.read_trusted(str(path), owner_check=owner_check)


def test_too_much_is_refused(config: Path) -> None:
    with pytest.raises(UnsafeFile, match="more than 9 bytes"):
        files.read_trusted(str(config), limit=9)


@pytest.mark.parametrize(("mode", "who"), [(0o664, "its group"), (0o646, "everybody")])
def test_a_file_that_others_may_write_is_refused(config: Path, mode: int, who: str) -> None:
    config.chmod(mode)
    with pytest.raises(UnsafeFile) as caught:
        files.read_trusted(str(config))
    assert caught.value.message == f"{config} is writable by {who}"
    assert caught.value.hint == f"chmod go-w {config}"
    assert files.read_trusted(str(config), owner_check=False) == b"[cluster]\n"


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open" / "below").mkdir(parents=True)
    (tmp_path / "open" / "below" / "file").write_text("x")
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnsafeFile, match=f"{tmp_path}/open is writable by everybody"):
        files.read_trusted(str(tmp_path / "open" / "below" / "file"))
    (tmp_path / "open").chmod(0o1777)
    assert files.read_trusted(str(tmp_path / "open" / "below" / "file")) == b"x"


@root_only
def test_a_file_of_somebody_else_is_refused(config: Path) -> None:
    os.chown(config, 12345, 0)
    with pytest.raises(UnsafeFile, match="belongs to user id 12345"):
        files.read_trusted(str(config))


@root_only
def test_a_directory_of_somebody_else_is_refused(config: Path) -> None:
    os.chown(config.parent, 12345, 0)
    with pytest.raises(UnsafeFile, match=f"{config.parent} belongs to user id 12345"):
        files.read_trusted(str(config))


def test_links_that_only_we_could_make_are_followed(tmp_path: Path, config: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "relative").symlink_to("../link")
    (tmp_path / "link").symlink_to(config)
    (tmp_path / "directory").symlink_to("below/../below")
    assert files.read_trusted(str(tmp_path / "directory" / "relative")) == b"[cluster]\n"
    assert files.trusted_path(str(tmp_path / "directory" / "relative")) == str(config)


def test_a_link_leads_into_no_unsafe_place(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "file").write_text("x")
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to("open/file")
    with pytest.raises(UnsafeFile, match=f"{tmp_path}/open is writable"):
        files.read_trusted(str(tmp_path / "link"))


def test_links_where_everybody_writes_are_refused(tmp_path: Path, config: Path) -> None:
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "sticky" / "link").symlink_to(config)
    with pytest.raises(UnsafeFile, match="is a link where everybody may put one"):
        files.read_trusted(str(tmp_path / "sticky" / "link"))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(UnsafeFile, match="more than 40 links"):
        files.read_trusted(str(tmp_path / "one"))


@pytest.mark.parametrize("owner_check", [True, False])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, owner_check: bool) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path in (tmp_path / "fifo", tmp_path):
        with pytest.raises(UnsafeFile, match="is not a plain file"):
            files.read_trusted(str(path), owner_check=owner_check)


def test_a_high_limit_takes_no_memory(config: Path) -> None:
    """status and stop read records of at most 64 MiB, also where less memory may be taken (ulimit -v)."""
    tracemalloc.start()
    try:
        files.read_trusted(str(config), 64 << 20)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_small_files_are_text_or_none(tmp_path: Path) -> None:
    assert files.read_small("/proc/sys/kernel/ostype") == "Linux\n"
    assert files.read_small("/proc/none") is None
    assert files.read_small("/proc") is None
    (tmp_path / "binary").write_bytes(b"\xff" * 100_000)
    assert files.read_small(str(tmp_path / "binary")) == "\ufffd" * 100_000


def test_writing_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "record"
    files.write_atomic(str(path), b"one")
    inode = path.stat().st_ino
    files.write_atomic(str(path), b"two", mode=0o640)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_ino != inode
    assert os.listdir(tmp_path) == ["record"]


def test_writing_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "record").symlink_to("precious")
    (tmp_path / f".record.{os.getpid()}.new").symlink_to("precious")
    files.write_atomic(str(tmp_path / "record"), b"new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "record").read_bytes() == b"new"


def test_a_full_disk_leaves_the_former_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "record"
    files.write_atomic(str(path), b"former")
    limits, action = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(SystemFailure, match=r"cannot write .*record: File too large"):
            files.write_atomic(str(path), b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, action)
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["record"]


def test_writing_where_there_is_no_directory_fails(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match="No such file or directory"):
        files.write_atomic(str(tmp_path / "none" / "record"), b"x")


def test_a_private_directory_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "lvs"
    files.private_directory(str(path))
    (path / "kept").write_text("x")
    path.chmod(0o755)
    files.private_directory(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (path / "kept").exists()


def test_a_private_directory_is_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(UnsafeFile, match="is not a directory"):
            files.private_directory(str(tmp_path / name))
    with pytest.raises(SystemFailure):
        files.private_directory(str(tmp_path / "none" / "lvs"))


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """As on Debian: var/lock is a link to run/lock, where everybody may write."""
    (tmp_path / "run" / "lock").mkdir(parents=True)
    (tmp_path / "run" / "lock").chmod(0o1777)
    (tmp_path / "lock").symlink_to("run/lock")
    return tmp_path / "lock" / "subsys" / "lvs-director"


def test_a_lock_comes_and_goes(lock: Path) -> None:
    files.remove(str(lock))
    files.touch_lock(str(lock))
    files.touch_lock(str(lock))
    assert lock.read_bytes() == b""
    files.remove(str(lock))
    files.remove(str(lock))
    assert not lock.exists()


def test_a_planted_link_is_not_followed(lock: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "lvs-director").write_text("x")
    lock.parent.symlink_to(tmp_path / "precious")
    for touch in (files.touch_lock, files.remove):
        with pytest.raises(SystemFailure, match="is a link where everybody may put one"):
            touch(str(lock))
    assert (tmp_path / "precious" / "lvs-director").read_text() == "x"


@root_only
def test_a_planted_directory_is_not_used(lock: Path) -> None:
    lock.parent.mkdir()
    os.chown(lock.parent, 12345, 12345)
    with pytest.raises(SystemFailure, match="belongs to user id 12345"):
        files.touch_lock(str(lock))


def test_a_lock_that_is_a_link_is_not_written_through(lock: Path, tmp_path: Path) -> None:
    lock.parent.mkdir()
    lock.symlink_to(tmp_path / "precious")
    with pytest.raises(SystemFailure, match="cannot make"):
        files.touch_lock(str(lock))
    assert not (tmp_path / "precious").exists()


def test_installing_keeps_the_former_one_with_mode_and_owner(config: Path) -> None:
    config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(config, 0, 4)
    owner = config.stat().st_uid, config.stat().st_gid
    former = Path(f"{config}.old")
    former.write_text("of an earlier time")
    assert files.install(str(config), b"new") == str(former)
    assert (config.read_bytes(), former.read_bytes()) == (b"new", b"[cluster]\n")
    for path in (config, former):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid, path.stat().st_gid) == (0o640, *owner)
    assert sorted(path.name for path in config.parent.iterdir()) == ["lvs.toml", "lvs.toml.old"]


def test_installing_what_is_there_or_where_nothing_is(config: Path) -> None:
    assert files.install(str(config), b"[cluster]\n") == ""
    config.unlink()
    assert files.install(str(config), b"new") == ""
    assert [path.name for path in config.parent.iterdir()] == ["lvs.toml"]
    assert config.read_bytes() == b"new"


def test_installing_follows_a_link_to_a_configuration_and_replaces_one_in_the_place_of_the_former(
    config: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    real, victim = config.rename(elsewhere / "lvs.toml"), tmp_path / "victim"
    config.symlink_to(real)
    victim.write_text("mine")
    Path(f"{real}.old").symlink_to(victim)
    assert files.install(str(config), b"new") == f"{real}.old"
    assert (config.is_symlink(), real.read_bytes(), victim.read_text()) == (True, b"new", "mine")
    assert not Path(f"{real}.old").is_symlink()


def test_nothing_is_installed_where_no_directory_is(tmp_path: Path) -> None:
    with pytest.raises(SystemFailure, match=r"cannot write .*: No such file or directory"):
        files.install(str(tmp_path / "none" / "lvs.toml"), b"new")


def test_nothing_is_installed_where_others_can_write(config: Path) -> None:
    config.parent.chmod(0o777)
    for present in (True, False):
        with pytest.raises(UnsafeFile, match="writable by everybody"):
            files.install(str(config), b"new")
        config.unlink(missing_ok=True)
        assert present or not config.exists()
