"""A steady load counts what becomes of its requests, each way of losing them by its name."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from lvs_init.lab import door, load, server

LOCALHOST = "127.0.0.1"
Answer = Callable[[bytes], bytes]


def honest(request: bytes) -> bytes:
    """Answers as lab/server.py: who it is, or a download."""
    wanted = request.partition(b" /")[2].partition(b" ")[0]
    return server.body(int(wanted)) if wanted else b"rs1"


@contextlib.contextmanager
def listening(answer: Answer, times: int = 1000) -> Iterator[int]:
    """The port of a server that closes each connection after so many answers."""

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
            for _ in range(times):
                request = stream.readline()
                while stream.readline() not in (b"\r\n", b""):
                    pass
                if not request:
                    return
                body = answer(request)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server((LOCALHOST, 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.fixture
def steady(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., load.Told]:
    """Runs a load to its end, after so many requests; what became of it."""
    monkeypatch.setattr(door, "DIRECTORY", str(tmp_path))

    def run(port: int, requests: int = 40, meanwhile: Callable[[], Any] = lambda: None, **more: Any) -> load.Told:
        running = load.steady("door", LOCALHOST, port, size=1 << 16, request_timeout=5, **more)
        next(running)
        threading.Thread(target=next, args=(running,), daemon=True).start()
        load.order("door", "advance", requests=requests)
        meanwhile()
        return load.order("door", "finish")

    return run


def losses(told: load.Told) -> set[tuple[str, str, str, str]]:
    return {(loss["kind"], loss["how"], loss["error"], loss["server"]) for loss in told["lost"]}


def test_what_is_answered_is_counted_by_kind_and_server(steady: Callable[..., load.Told]) -> None:
    with listening(honest) as port:
        told = steady(port, servers=["rs1"], downloads=["rs1"])
    assert told["lost"] == []
    assert told["done"]["download"] == {"rs1": 1}
    assert told["done"]["new"]["rs1"] + told["done"]["kept"]["rs1"] == told["asked"] >= 40
    assert told["done"]["new"]["rs1"] > 5
    assert told["done"]["kept"]["rs1"] > 5
    assert told["downloads"] == {}


def test_a_download_goes_on_until_the_load_is_to_finish(steady: Callable[..., load.Told]) -> None:
    seen: dict[str, load.Told] = {}

    def look() -> None:
        seen["before"] = load.order("door", "look")
        seen["after"] = load.order("door", "advance", sips=2)

    with listening(honest) as port:
        told = steady(port, requests=1, meanwhile=look, downloads=["rs1"])
    assert seen["before"]["downloads"]["rs1"] + 2 * 2048 <= seen["after"]["downloads"]["rs1"] < 1 << 16
    assert told["done"]["download"] == {"rs1": 1}


def test_what_happened_when_is_noted(steady: Callable[..., load.Told]) -> None:
    course: load.Told = {}

    def look() -> None:
        load.order("door", "mark", text="half of it")
        told = load.order("door", "advance", requests=20)
        course.update(load.order("door", "course"), asked=told["asked"])

    with listening(honest, times=3) as port:
        steady(port, meanwhile=look, new=0)
    ((marked, text),) = course["marks"]
    assert text == "half of it"
    answered = sum(step.get("rs1", 0) for step in course["answers"])
    assert answered + len(course["losses"]) >= course["asked"] >= 60
    assert {what for _, what in course["losses"]} <= {"kept broken EOF", "kept broken ECONNRESET", "kept broken EPIPE"}
    assert any(at < marked for at, _ in course["losses"]) and any(at > marked for at, _ in course["losses"])
    assert marked < course["step"] * len(course["answers"])


def test_who_asks_no_more_notices_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=lambda: now[0]))
    running = load._Load(LOCALHOST, 1, frozenset(), 1, 5.0, 5.0)
    now[0] = 103.0
    assert running.obey("look")["gap"] == 3.0
    assert running.obey("finish")["gap"] == 3.0
    now[0] = 200.0
    assert running.obey("look")["gap"] == 3.0


def test_nobody_listens_any_more(steady: Callable[..., load.Told]) -> None:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(listening(honest))

        def close() -> None:
            stack.close()
            load.order("door", "advance", requests=10)

        told = steady(port, meanwhile=close)
    assert ("new", "refused", "ECONNREFUSED", "") in losses(told)


def test_a_kept_connection_is_closed_by_the_other_side(steady: Callable[..., load.Told]) -> None:
    with listening(honest, times=3) as port:
        told = steady(port)
    assert {loss[:2] for loss in losses(told)} == {("kept", "broken")}
    assert {loss[3] for loss in losses(told)} == {"rs1"}
    assert told["done"]["new"]["rs1"] > 0


def test_somebody_else_answers(steady: Callable[..., load.Told]) -> None:
    with listening(honest) as port:
        told = steady(port, new=1, kept=1, servers=["rs2"])
    assert losses(told) == {("new", "wrong", "", "rs1"), ("kept", "wrong", "", "rs1")}
    assert told["done"] == {"new": {}, "kept": {}, "download": {}}


def test_a_kept_connection_is_answered_by_another_one(steady: Callable[..., load.Told]) -> None:
    names = iter(f"rs{number}".encode() for number in range(10000))
    with listening(lambda request: next(names)) as port:
        told = steady(port, new=1, kept=1)
    assert {loss[:2] for loss in losses(told)} == {("kept", "wrong")}


@pytest.mark.parametrize(
    ("spoil", "how"),
    [(lambda body: body[:-1] + b"?", ("wrong", "")), (lambda body: body[:-8], ("broken", "EOF"))],
    ids=["a byte", "its end"],
)
def test_a_download_is_not_what_it_should_be(
    steady: Callable[..., load.Told], spoil: Callable[[bytes], bytes], how: tuple[str, str]
) -> None:
    def answer(request: bytes) -> bytes:
        body = honest(request)
        return body if body == b"rs1" else spoil(body)

    with listening(answer, times=2) as port:
        told = steady(port, new=0, kept=0, requests=0, downloads=["rs1"])
    assert losses(told) == {("download", *how, "rs1")}


def test_a_real_server_that_no_connection_reaches_is_named(steady: Callable[..., load.Told]) -> None:
    with listening(honest) as port, pytest.raises(LookupError, match="rs2"):
        steady(port, downloads=["rs1", "rs2"])
