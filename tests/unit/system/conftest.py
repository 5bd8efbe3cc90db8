"""Network namespaces to test in, with a veth pair between them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from lvs_init.system import link

CLONE_NEWNET = 0x40000000
IFF_RUNNING = 0x40
LIBC = ctypes.CDLL(None, use_errno=True)


class Namespaces:
    """We are in the first of two new namespaces; v0 is here, its other end v1 over there. Both are up."""

    def __init__(self) -> None:
        self.home = self._open()
        self.there = self._new()
        self.here = self._new()
        self.ip("link add v0 type veth peer name v1")
        self.ip(f"link set v1 netns /proc/{os.getpid()}/fd/{self.there}")
        self.ip("link set lo up", "link set v0 up")
        with self.over_there():
            self.ip("link set lo up", "link set v1 up")
            self._await_carrier("v1")
        self._await_carrier("v0")

    @staticmethod
    def _await_carrier(interface: str) -> None:
        """Frames sent before both ends are up are lost."""
        while not link.flags(interface) & IFF_RUNNING:
            time.sleep(0.005)

    def ip(self, *commands: str) -> None:
        for command in commands:
            subprocess.run(["ip", *command.split()], check=True, stdin=subprocess.DEVNULL)

    @contextlib.contextmanager
    def over_there(self) -> Iterator[None]:
        self._enter(self.there)
        try:
            yield
        finally:
            self._enter(self.here)

    def leave(self) -> None:
        self._enter(self.home)
        for descriptor in (self.home, self.there, self.here):
            os.close(descriptor)

    def _new(self) -> int:
        if LIBC.unshare(CLONE_NEWNET):
            pytest.skip(f"no network namespaces: {os.strerror(ctypes.get_errno())}")
        return self._open()

    @staticmethod
    def _open() -> int:
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @staticmethod
    def _enter(descriptor: int) -> None:
        assert LIBC.setns(descriptor, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    if os.geteuid():
        pytest.skip("network namespaces need root")
    made = Namespaces()
    try:
        yield made
    finally:
        made.leave()
