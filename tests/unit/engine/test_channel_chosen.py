"""Which channel is chosen, and what becomes of what ipvsadm says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lvs_init.commands import ipvs_numbers
from lvs_init.commands.command import Command
from lvs_init.engine import channel
from lvs_init.engine.channel import VARIABLE, Table
from lvs_init.errors import CommandFailed, SystemFailure
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, SyncDaemon, SyncDaemonKey, TimeoutKey
from lvs_init.model.state import Change
from lvs_init.system.runner import Completed, Runner

WEB = ServiceKey("tcp", "192.168.0.219", 80)
SERVERS = [RealServerKey(WEB, f"192.168.0.{number}", 80) for number in range(1, 41)]
HEADINGS = "IP Virtual Server version 1.2.1 (size=4096)\nProt\n  -> RemoteAddress\n"
ALONE = "ipvsadm -R alone"


class Ipvsadm(Runner):
    """Answers as it is told, and notes what it was asked."""

    def __init__(self, answers: Callable[[str, str], Completed | None]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: Command) -> Completed:  # type: ignore[override]
        text = " ".join(command.argv)
        self.asked.append(ALONE if command.stdin.count("\n") == 1 else text)
        return self.answers(text, command.stdin) or Completed(command.argv, 0)


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /proc/net/ip_vs; the kernel has no IPVS over netlink."""
    path = tmp_path / "ip_vs"
    monkeypatch.setattr(channel, "_TABLE", str(path))
    monkeypatch.setattr(channel, "Family", _absent)
    return path


def _absent(name: str, version: int) -> None:
    raise FileNotFoundError(2, "No such file or directory")


def _never(*arguments: object) -> None:
    raise AssertionError("nothing may be asked")


def test_nothing_is_asked_or_run_while_the_kernel_has_no_table(listing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "Family", _never)
    with Table(Ipvsadm(_never), {}) as table:  # type: ignore[arg-type]
        assert table.read(timeouts=True) == {}
        assert table.write([]) == {}


def test_ipvsadm_is_run_where_there_is_no_family_and_not_for_an_empty_table(listing: Path) -> None:
    def answers(text: str, stdin: str) -> Completed | None:
        shown = {"ipvsadm -Sn": "-A -t 192.168.0.219:80 -s rr\n", "ipvsadm -Ln --thresholds": ""}
        return Completed((), 0, shown[text])

    runner = Ipvsadm(answers)
    with Table(runner, {}) as table:
        listing.write_text(HEADINGS)
        assert table.read() == {} and runner.asked == []
        listing.write_text(HEADINGS + "TCP  C0A800DB:0050 rr\n")
        assert table.read() == {WEB: Service("rr")}


def test_it_is_forced_by_the_environment(listing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "Family", _never)
    listing.write_text(HEADINGS)
    with Table(Ipvsadm(lambda text, stdin: None), {VARIABLE: "ipvsadm"}) as table:
        assert table.read() == {}


def test_what_ipvsadm_refuses_is_asked_again_alone_but_not_hundreds(listing: Path) -> None:
    """It named no line; nothing of it holds."""
    listing.write_text(HEADINGS)
    said = "Service not defined\n"
    runner = Ipvsadm(
        lambda text, stdin: Completed((), 255, "", said * stdin.count("\n")) if text.endswith("-R") else None
    )
    changes = [Change(key, None, RealServer()) for key in SERVERS]
    with Table(runner, {}) as table:
        refused = table.write(changes)
    assert list(refused) == SERVERS
    assert set(list(refused.values())[:16]) == {"Service not defined"}
    assert runner.asked.count(ALONE) == 16


def test_what_holds_after_all_is_not_refused(listing: Path) -> None:
    listing.write_text(HEADINGS)
    runner = Ipvsadm(lambda text, stdin: Completed((), 0, "", "a warning\n") if text.endswith("-R") else None)
    with Table(runner, {}) as table:
        assert table.write([Change(SERVERS[0], RealServer(), None), Change(SERVERS[1], None, RealServer())]) == {}
    assert runner.asked.count(ALONE) == 1  # the second of them, and that went well


@pytest.mark.parametrize(
    "ended", [Completed(("ipvsadm",), 77, "", "broken"), Completed(("ipvsadm",), -9, timed_out=True)]
)
def test_an_ipvsadm_that_does_not_work_is_no_refusal(listing: Path, ended: Completed) -> None:
    with Table(Ipvsadm(lambda text, stdin: ended), {}) as table, pytest.raises(CommandFailed):
        table.write([Change(WEB, None, Service())])


def test_timeouts_are_set_by_one_command(listing: Path) -> None:
    runner = Ipvsadm(lambda text, stdin: None)
    with Table(runner, {}) as table:
        assert table.write([Change(TimeoutKey("tcp"), 900, 800), Change(TimeoutKey("udp"), 300, 77)]) == {}
    assert runner.asked == ["ipvsadm --set 800 0 77"]


def test_rubbish_is_named_with_its_command(listing: Path) -> None:
    listing.write_text(HEADINGS + "TCP  C0A800DB:0050 rr\n")
    runner = Ipvsadm(lambda text, stdin: Completed((), 0, "%&! rubbish\n"))
    with Table(runner, {}) as table, pytest.raises(SystemFailure, match="'ipvsadm -Sn' shows what cannot"):
        table.read()


def test_daemons_are_commanded_one_by_one_and_a_refusal_is_no_end(listing: Path) -> None:
    """ipvsadm -R knows no daemons."""
    listing.write_text(HEADINGS)
    master, backup = SyncDaemonKey("master"), SyncDaemonKey("backup")

    def answers(text: str, stdin: str) -> Completed | None:
        if "--start-daemon master" in text:
            return Completed((), 255, "", "Network is unreachable\n")
        return Completed((), 0, "backup sync daemon (mcast=eth1, syncid=2)\n" if "--daemon" in text else "")

    runner = Ipvsadm(answers)
    with Table(runner, {}) as table:
        changes = [Change(master, None, SyncDaemon("eth1")), Change(backup, SyncDaemon("eth1"), SyncDaemon("eth1", 2))]
        assert table.write(changes) == {master: "Network is unreachable"}
    assert [text.split()[1:3] for text in runner.asked] == [
        ["--start-daemon", "master"], ["--stop-daemon", "backup"], ["--start-daemon", "backup"], ["-Ln", "--daemon"],
    ]  # fmt: skip


def test_a_daemon_that_speaks_in_another_way_is_two_messages(listing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing.write_text(HEADINGS)
    told: list[int] = []

    class Kernel:
        def __init__(self, name: str, version: int) -> None: ...

        def tell(self, requests: Iterable[tuple[int, bytes]]) -> dict[int, int]:
            told.extend(command for command, _ in requests)
            return {}

        def close(self) -> None: ...

    monkeypatch.setattr(channel, "Family", Kernel)
    with Table(Ipvsadm(_never), {}) as table:  # type: ignore[arg-type]
        changes = [Change(SyncDaemonKey("backup"), SyncDaemon("eth1"), SyncDaemon("eth1", 2))]
        assert table.write(changes) == {}
    assert told == [ipvs_numbers.DEL_DAEMON, ipvs_numbers.NEW_DAEMON]
