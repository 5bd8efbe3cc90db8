"""The socket to the kernel: against this kernel's own family, and against a kernel of ours for its bad days."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Sequence

import pytest

from lvs_init.errors import SystemFailure
from lvs_init.model.attributes import attribute, attributes
from lvs_init.system import netlink
from lvs_init.system.netlink import Family

GET_FAMILY, NAME, ID = 3, 2, 1
ERROR, DONE, DUMP_TORN, ACK = 2, 3, 0x10, 0x4


def message(kind: int, number: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, number, 0) + body + bytes(-len(body) % 4)


def answer(kind: int, number: int, code: int = 0, flags: int = 0) -> bytes:
    return message(kind, number, struct.pack("=i", -code) + bytes(16), flags)


class Kernel:
    """Takes the place of the socket. ``replies``: from number, flags, command and payload of a request to datagrams."""

    def __init__(self, replies: Callable[[int, int, int, bytes], Sequence[bytes]]) -> None:
        self.replies = replies
        self.queue: list[bytes | OSError] = []
        self.sent = 0
        self.closed = False

    def setsockopt(self, *arguments: object) -> None: ...

    def connect(self, address: object) -> None: ...

    def close(self) -> None:
        self.closed = True

    def send(self, data: bytes) -> None:
        self.sent += 1
        while data:
            length, kind, flags, number, _, command, _, _ = struct.unpack_from("=IHHIIBBH", data)
            if kind == 16:  # who has this name?
                self.queue += [message(kind, number, bytes(4) + attribute(ID, struct.pack("=H", 33)))]
                self.queue += [answer(ERROR, number)]
            else:
                self.queue += self.replies(number, flags, command, data[20:length])
            data = data[(length + 3) & ~3 :]

    def recv_into(self, room: bytearray) -> int:
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, "would block")
        data = self.queue.pop(0)
        if isinstance(data, OSError):
            raise data
        room[: len(data)] = data
        return len(data)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel(lambda number, flags, command, payload: [answer(ERROR, number)] if flags & ACK else [])
    monkeypatch.setattr(socket, "socket", lambda *arguments: made)
    return made


def test_this_kernel_lists_its_families_and_finds_one_by_its_name() -> None:
    with Family("nlctrl", 2) as family:
        names = [attributes(payload)[NAME] for payload in family.dump(GET_FAMILY)]
        found = attributes(family.ask(GET_FAMILY, attribute(NAME, b"nlctrl\0")))
    assert b"nlctrl\0" in names
    assert struct.unpack("=H", found[ID]) == (16,)


def test_this_kernel_refuses_each_in_its_place() -> None:
    known, unknown = (GET_FAMILY, attribute(NAME, b"nlctrl\0")), (GET_FAMILY, attribute(NAME, b"lvs-none\0"))
    with Family("nlctrl", 2) as family:
        assert family.tell([]) == {}
        assert family.tell([unknown]) == {0: errno.ENOENT}
        assert family.tell([(200, b"")] * 70 + [unknown]) == {**dict.fromkeys(range(70), errno.EOPNOTSUPP), 70: 2}
        with pytest.raises(OSError, match="No such file"):
            family.ask(*unknown)
        assert attributes(family.ask(*known))  # what went wrong before leaves nothing behind


def test_a_family_that_this_kernel_does_not_have() -> None:
    with pytest.raises(OSError, match="No such file"):
        Family("lvs-none", 1)


def test_many_requests_take_few_system_calls_and_are_told_apart(kernel: Kernel) -> None:
    refused = {3: errno.EEXIST, 64: errno.ESRCH, 129: errno.EINVAL}
    asked: list[bytes] = []

    def replies(number: int, flags: int, command: int, payload: bytes) -> list[bytes]:
        asked.append(payload)
        code = refused.get(len(asked) - 1, 0)
        return [answer(ERROR, number, code)] if code or flags & ACK else []

    kernel.replies = replies
    with Family("IPVS", 1) as family:
        before = kernel.sent
        assert family.tell([(1, struct.pack("=I", place)) for place in range(130)]) == refused
    assert asked == [struct.pack("=I", place) for place in range(130)]
    assert kernel.sent - before == 3
    assert kernel.queue == [] and kernel.closed


def test_a_dump_that_was_torn_is_made_again(kernel: Kernel) -> None:
    times = iter((True, False))

    def replies(number: int, flags: int, command: int, payload: bytes) -> list[bytes]:
        torn = next(times)
        listed = [message(33, number, bytes(4) + (b"old " if torn else b"new ")) for _ in range(2)]
        return [b"".join(listed), answer(DONE, number, flags=DUMP_TORN if torn else 0)]

    kernel.replies = replies
    with Family("IPVS", 1) as family:
        assert family.dump(4) == [b"new ", b"new "]


def test_a_dump_that_is_always_torn_is_given_up(kernel: Kernel) -> None:
    kernel.replies = lambda number, flags, command, payload: [answer(DONE, number, flags=DUMP_TORN)]
    with Family("IPVS", 1) as family, pytest.raises(SystemFailure, match="changes all the time"):
        family.dump(4)


def test_a_refused_dump(kernel: Kernel) -> None:
    for kind in (ERROR, DONE):
        kernel.replies = lambda number, flags, command, payload, kind=kind: [answer(kind, number, errno.EPERM)]
        with Family("IPVS", 1) as family, pytest.raises(OSError, match="not permitted"):
            family.dump(4)


def test_what_comes_late_is_passed_over(kernel: Kernel) -> None:
    with Family("IPVS", 1) as family:
        kernel.queue.append(answer(ERROR, 1, errno.EIO))
        assert family.tell([(1, b"")]) == {}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ([], "has not answered over netlink for 30 s"),
        ([OSError(errno.ENOBUFS, "No buffer space available")], "No buffer space available"),
        ([bytes(16)], "damaged"),
        ([bytes(1 << 16)], "has 65536 bytes or more"),
    ],
)
def test_an_answer_that_is_none(kernel: Kernel, reply: list[bytes | OSError], said: str) -> None:
    with Family("IPVS", 1) as family:
        kernel.replies = lambda *request: reply  # type: ignore[assignment,return-value]
        for ask in (lambda: family.tell([(1, b"")]), lambda: family.dump(4), lambda: family.ask(13)):
            with pytest.raises(SystemFailure, match=said):
                ask()


def test_no_socket_is_left_open_where_there_is_no_family(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netlink.Family, "ask", lambda *arguments: (_ for _ in ()).throw(OSError(2, "none")))
    with pytest.raises(OSError, match="none"):
        Family("IPVS", 1)
    assert kernel.closed
