"""A steady load: new connections, kept ones and long downloads, each counted. Runs in a host (Node.serve).

Outside, lab/steady.py drives it. Every requester is a thread of plain blocking calls, so that each waits for its own
answer only; they pause between requests, so that the load is steady and leaves the machine room for what is tested.
"""

from __future__ import annotations

import math
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from lvs_init.lab.door import Door, inquire
from lvs_init.lab.server import body
from lvs_init.lab.traffic import EndOfStream, ask, connect, name_of

NEW, KEPT, DOWNLOAD = "new", "kept", "download"
#: How a request can be lost: no connection since it was refused, or for another reason; a connection that had been
#: made was lost; an answer that is not the right one.
REFUSED, FAILED, BROKEN, WRONG = "refused", "failed", "broken", "wrong"

_PAUSE = 0.02  # seconds
_PER_CONNECTION = 25  # requests over a kept one, then it is closed: so kept ones follow the scheduler, too
_SIP, _SIP_PAUSE = 2048, 0.1  # bytes, seconds: a download goes on for more than three minutes unless it is to finish
_RECEIVES = 8192  # bytes on their way to a download's client: what it has not read is still with the real server
_TRIES = 500  # connections until the scheduler has chosen every server that is to serve downloads
_STEP = 0.25  # seconds: so fine is it noted who answered when
_MOMENTS = 500  # losses whose time is noted

Told = dict[str, Any]


def steady(
    name: str,
    address: str,
    port: int = 80,
    new: int = 2,
    kept: int = 2,
    downloads: Sequence[str] = (),
    servers: Sequence[str] = (),
    size: int = 4 << 20,
    request_timeout: float = 30.0,
    download_timeout: float | None = None,
    pause: float = _PAUSE,
) -> Iterator[Told]:
    """Ask over HTTP without end, yielding once all of it is on its way.

    name: what order() calls this load. new, kept: requesters with a connection for each request, and with one for 25 of
    them. downloads: the hosts from each of which a body of ``size`` bytes is read slowly. servers: who may answer,
    empty for anybody. request_timeout: seconds for each answer. download_timeout: seconds in which each download must
    get on; None: the same. pause: seconds between two requests of one requester. Yields what order(name, "look")
    returns.
    """
    load = _Load(address, port, frozenset(servers), size, request_timeout, download_timeout or request_timeout, pause)
    with Door(f"load-{name}") as door:
        yield load.begin(new, kept, downloads)
        door.answer(load.obey)


def order(
    name: str,
    what: str,
    requests: int = 0,
    sips: int = 0,
    within: float | None = None,
    text: str = "",
    timeout: float = 60.0,
) -> Told:
    """What became of the load so far: "look", "advance", "mark", "course" or "finish".

    advance: wait until ``requests`` more requests have had their end, good or bad, and each open download has got
    ``sips`` more pieces of 2048 bytes, or ``within`` seconds have passed. mark: note that ``text`` happens now. finish:
    begin nothing more, read every download to its end at full speed, wait for all.

    Returns "done": {kind: {host: times}}; "lost": [{kind, how, error, server, times, first}], where "server" is who had
    answered on the connection before and "first" counts seconds since the load began; "asked": how many requests had
    their end, good or bad; "kept": [host] of each kept connection that is open; "downloads": {host: bytes} of those
    under way; "slowest": seconds of the longest request; "gap": the longest time in seconds in which no request had the
    right answer. For "course" it returns instead "step", in seconds; "answers": {host: times} for each step since the
    beginning, downloads not among them; "losses", the first 500 of them, and "marks": [seconds since the beginning,
    what]. Raises TimeoutError.
    """
    words = {"what": what, "requests": requests, "sips": sips, "within": within, "text": text}
    told: Told = inquire(f"load-{name}", timeout, **words)
    return told


class _Load:
    def __init__(
        self, address: str, port: int, servers: frozenset[str], size: int, timeout: float, download_timeout: float,
        pause: float = _PAUSE,
    ) -> None:  # fmt: skip
        self._address, self._port, self._servers = address, port, servers
        self._size, self._timeout, self._download_timeout, self._pause = size, timeout, download_timeout, pause
        self._checksum = zlib.crc32(body(size))
        self._began = time.monotonic()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()  # held while any of these is read or written:
        self._done: dict[str, Counter[str]] = {NEW: Counter(), KEPT: Counter(), DOWNLOAD: Counter()}
        self._lost: dict[tuple[str, str, str, str], Told] = {}
        self._asked = 0
        self._kept: dict[int, str] = {}  # requester -> the server that its open connection leads to
        self._downloads: dict[str, int] = {}
        self._slowest = 0.0
        self._gap = 0.0
        self._answered = self._began
        self._ended = math.inf
        self._steps: dict[int, Counter[str]] = {}  # number of the step -> server -> answers
        self._losses: list[tuple[float, str]] = []
        self._marks: list[tuple[float, str]] = []

    def begin(self, new: int, kept: int, downloads: Sequence[str]) -> Told:
        for server, connection in self._reach(downloads).items():
            self._downloads[server] = 0
            self._start(self._download, server, connection)
        for number in range(new + kept):
            kind, per_connection = (NEW, 1) if number < new else (KEPT, _PER_CONNECTION)
            self._start(self._request, number, kind, per_connection)
        return self.obey("advance", requests=2 * (new + kept), sips=1)

    def obey(self, what: str, requests: int = 0, sips: int = 0, within: float | None = None, text: str = "") -> Told:
        if what == "finish":
            with self._changed:
                self._ended = min(self._ended, time.monotonic())
            self._ending.set()
            for thread in self._threads:
                thread.join()
        with self._changed:
            if what == "advance":
                self._advance(requests, sips * _SIP, within)
            elif what == "mark":
                self._marks.append((self._now(), text))
            elif what == "course":
                return self._course()
            return {
                "done": {kind: dict(counts) for kind, counts in self._done.items()},
                "lost": list(self._lost.values()),
                "asked": self._asked,
                "kept": sorted(self._kept.values()),
                "downloads": dict(self._downloads),
                "slowest": round(self._slowest, 3),
                "gap": round(self._longest_gap(), 3),
            }

    def _course(self) -> Told:
        steps = range(int(self._now() / _STEP) + 1)
        answers = [dict(self._steps.get(step, {})) for step in steps]
        return {"step": _STEP, "answers": answers, "losses": self._losses, "marks": self._marks}

    def _now(self) -> float:
        """In seconds since the beginning."""
        return round(time.monotonic() - self._began, 3)

    def _longest_gap(self) -> float:
        """Until now, or until nobody began to ask any more: an outage that goes on counts, too."""
        return max(self._gap, min(time.monotonic(), self._ended) - self._answered)

    def _advance(self, requests: int, received: int, within: float | None) -> None:
        asked = self._asked + requests
        had = {server: size + received for server, size in self._downloads.items()}
        self._changed.wait_for(
            lambda: self._asked >= asked and all(self._downloads.get(name, size) >= size for name, size in had.items()),
            within,
        )

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _request(self, number: int, kind: str, per_connection: int) -> None:
        connection: socket.socket | None = None
        server, left = "", 0
        while not self._ending.wait(self._pause):
            began = time.monotonic()
            try:
                if connection is None:
                    server, left = "", per_connection
                    connection = connect(self._address, self._port, self._timeout)
                left -= 1
                answer = ask(connection, keepalive=left > 0)
                self._judge(kind, answer, server in ("", answer) and answer in (self._servers or (answer,)))
                server = answer
            except OSError as error:
                name = name_of(error)
                how = BROKEN if connection else REFUSED if name == "ECONNREFUSED" else FAILED
                self._lose(kind, how, name, server)
                left = 0
            if connection and not left:
                connection.close()
                connection = None
            with self._changed:
                self._asked += 1
                if connection:
                    self._kept[number] = server
                else:
                    self._kept.pop(number, None)
                self._slowest = max(self._slowest, time.monotonic() - began)
                self._changed.notify_all()
        if connection:
            connection.close()

    def _reach(self, servers: Sequence[str]) -> dict[str, socket.socket]:
        """A connection to each of them: asked who answers, and closed again if it is nobody that is missing."""
        reached: dict[str, socket.socket] = {}
        for _ in range(_TRIES):
            if len(reached) == len(servers):
                return reached
            connection = connect(self._address, self._port, self._download_timeout, receives=_RECEIVES)
            server = ask(connection, keepalive=True)
            if server in servers and server not in reached:
                reached[server] = connection
            else:
                connection.close()
        raise LookupError(f"{_TRIES} connections were not enough: no answer by {set(servers).difference(reached)}")

    def _download(self, server: str, connection: socket.socket) -> None:
        checksum = received = 0
        try:
            with connection, connection.makefile("rb", buffering=_SIP) as stream:
                connection.sendall(b"GET /%d HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n" % self._size)
                while stream.readline() not in (b"\r\n", b""):  # the head
                    pass
                while received < self._size:
                    piece = stream.read(min(_SIP, self._size - received))
                    if not piece:
                        raise EndOfStream
                    checksum = zlib.crc32(piece, checksum)
                    received += len(piece)
                    with self._changed:
                        self._downloads[server] = received
                        self._changed.notify_all()
                    self._ending.wait(_SIP_PAUSE)
            self._judge(DOWNLOAD, server, checksum == self._checksum)
        except OSError as error:
            self._lose(DOWNLOAD, BROKEN, name_of(error), server)
        finally:
            with self._changed:
                del self._downloads[server]
                self._changed.notify_all()

    # Counting

    def _judge(self, kind: str, server: str, right: bool) -> None:
        if right:
            with self._changed:
                self._done[kind][server] += 1
                if kind != DOWNLOAD:
                    self._steps.setdefault(int(self._now() / _STEP), Counter())[server] += 1
                    self._gap, self._answered = self._longest_gap(), time.monotonic()
        else:
            self._lose(kind, WRONG, "", server)

    def _lose(self, kind: str, how: str, error: str, server: str) -> None:
        now = self._now()
        loss = {"kind": kind, "how": how, "error": error, "server": server, "times": 0, "first": now}
        with self._changed:
            if len(self._losses) < _MOMENTS:
                self._losses.append((now, " ".join(filter(None, (kind, how, error)))))
            self._lost.setdefault((kind, how, error, server), loss)["times"] += 1
