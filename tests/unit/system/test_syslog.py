"""Log lines over a real socket, and over one that does not take them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvs_init.system import syslog


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setattr(syslog, "SOCKET", str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(syslog.SOCKET)
        channel.settimeout(5)
        yield channel


def test_a_line_arrives(daemon: socket.socket) -> None:
    syslog.log("lvs-director", syslog.WARNING, "VIP in use\nby caf\u00e9")
    packet = daemon.recv(4096).decode("ascii")
    pattern = rf"<28>[A-Z][a-z]{{2}} [ 1-3]\d \d\d:\d\d:\d\d lvs-director\[{os.getpid()}\]: (.*)"
    match = re.fullmatch(pattern, packet)
    assert match and match[1] == "VIP in use by caf\\xe9"


def test_a_long_text_is_cut(daemon: socket.socket) -> None:
    syslog.log("lvsctl", syslog.ERROR, "x" * 1_000_000)
    assert len(daemon.recv(4096)) < 1100


def test_a_full_socket_is_not_waited_for(daemon: socket.socket) -> None:
    for _ in range(1000):
        syslog.log("lvsctl", syslog.ERROR, "x")
    assert daemon.recv(4096).endswith(b": x")


def test_no_log_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "SOCKET", str(tmp_path / "none"))
    syslog.log("lvsctl", syslog.ERROR, "x")
