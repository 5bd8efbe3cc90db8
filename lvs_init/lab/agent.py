"""The process inside the lab. It makes hosts and runs things in them; each host is a forked copy of it.

A host serves its own requests, so whatever it starts inherits its namespaces and nothing has to be entered. Every
request has a number, is served in its own child and is answered when it ends: answers come in any order.

    {"do": "host", "name", "lower"}                 a new host; only the agent itself does this
    {"do": "exec", "argv", "environment", "stdin", "timeout"}       a program
    {"do": "entry", ... as exec, "hook", "hook_arguments"}          a Python script, in a fork of this interpreter
    {"do": "call", "function", "arguments", "timeout"}              a Python function; its result is the answer
    {"do": "serve", ... as call}                    a generator function; its first value is the answer, it lives on
    {"do": "signal", "number", "signal"}            to the child of an earlier request; SIGKILL: to all its descendants
    {"do": "write", "path", "text", "mode"}, {"do": "read", "path", "start"}
    {"do": "up", "interfaces"}
"""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lvs_init.lab import children, isolation
from lvs_init.lab.window import Lines, Message, Window

_OUTPUT_LIMIT = 8 << 20  # bytes kept of each stream
_PIECE = 65536

# What the root of a host is made of: directories to see through to, mounts to show read-only in their places.
Below = tuple[Sequence[str], Sequence[str]]


@dataclass
class Job:
    """A child and what is owed to the one who asked for it."""

    number: int
    pid: int
    started: float
    deadline: float | None
    streams: dict[int, bytearray]  # reading end of a pipe -> what came out of it: stdout, stderr
    answered: mmap.mmap | None  # one byte shared with a child that answers for itself; None: we answer at its end
    is_host: bool = False
    expired: bool = False
    watchers: list[int] = field(default_factory=list)  # requests to be answered when it is gone


class Server:
    """Serves the requests of one host, or of the lab itself."""

    def __init__(self, window: Window, doorbell: int, control: int, below: Below | None = None) -> None:
        """control: where numbers come in. below: for the agent, what its hosts stand on; None in a host."""
        self._window = window
        self._doorbell = doorbell
        self._control = control
        self._below = below
        self._lines = Lines()
        self._jobs: dict[int, Job] = {}  # by pid
        self._hosts: dict[str, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._keep = (window.descriptor, doorbell)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._selector.register(control, selectors.EVENT_READ, self._listen)
        self._selector.register(self._wake, selectors.EVENT_READ, self._woken)

    def run(self) -> None:
        """Serve until the other end is closed."""
        while self._control in self._selector.get_map():
            for key, _ in self._selector.select(self._until_next_deadline()):
                if self._selector.get_map().get(key.fd) is key:  # else closed by what came before it
                    key.data(key.fd)
            self._expire()

    def ring(self, number: int, answer: Message) -> None:
        self._window.put(f"{number}.answer", answer)
        os.write(self._doorbell, b"%d\n" % number)

    # Requests

    def _listen(self, control: int) -> None:
        try:
            piece = os.read(control, _PIECE)
        except OSError:  # EIO: the console was hung up
            piece = b""
        if not piece:
            self._selector.unregister(control)
        for line in self._lines.feed(piece):
            number, _, host = line.partition(" ")
            try:
                if host:
                    self._hosts[host].send(number.encode() + b"\n")
                else:
                    self._serve(int(number))
            except Exception:  # noqa: BLE001 - the one who asked is told, the others are served on
                self.ring(int(number), {"error": traceback.format_exc()})

    def _serve(self, number: int) -> None:
        request = self._window.get(f"{number}.request")
        what = request["do"]
        if what == "write":
            self._write(**{name: request[name] for name in ("path", "text", "mode")})
            self.ring(number, {})
        elif what == "read":
            with open(request["path"], "rb") as file:
                if request["start"]:
                    file.seek(request["start"])
                self.ring(number, {"text": file.read().decode("utf-8", "replace")})
        elif what == "signal":
            self._signal(number, request["number"], request["signal"])
        elif what == "up":
            for interface in request["interfaces"]:
                isolation.link_up(interface)
            self.ring(number, {})
        elif what == "host":
            self._host(number, request["name"])
        else:
            self._start(number, request)

    @staticmethod
    def _write(path: str, text: str, mode: int | None) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
            if mode is not None:
                os.fchmod(file.fileno(), mode)

    def _signal(self, number: int, target: int, which: int) -> None:
        job = next((job for job in self._jobs.values() if job.number == target), None)
        if job is None:
            self.ring(number, {})
        elif which == signal.SIGKILL:
            job.watchers.append(number)
            children.end(job.pid)
        else:
            os.kill(job.pid, which)
            self.ring(number, {})

    # Children

    def _start(self, number: int, request: Message) -> None:
        stdin = self._standard_input(request.get("stdin"))
        out, out_child = os.pipe2(os.O_CLOEXEC)
        err, err_child = os.pipe2(os.O_CLOEXEC)
        streams = (stdin, out_child, err_child)
        answered = None
        environment = request.get("environment")
        if environment is None:
            environment = children.ENVIRONMENT
        started = time.monotonic()
        try:
            if request["do"] == "exec":
                pid = children.spawn(request["argv"], environment, streams)
            elif request["do"] == "entry":
                pid = children.fork(
                    lambda: children.run_script(
                        request["argv"], environment, request["hook"], request["hook_arguments"]
                    ),
                    streams,
                    (),
                )
            else:
                answered = mmap.mmap(-1, 1)
                pid = children.fork(lambda: self._call(number, request, answered), streams, self._keep)
        except OSError as error:
            os.close(out)
            os.close(err)
            text = f"{request['argv'][0]}: {error.strerror}\n"
            self.ring(
                number, {"code": children.NOT_FOUND, "stdout": "", "stderr": text, "seconds": 0.0, "expired": False}
            )
            return
        finally:
            for descriptor in streams:
                os.close(descriptor)
        timeout = request["timeout"]
        self._watch(
            Job(number, pid, started, timeout and started + timeout, {out: bytearray(), err: bytearray()}, answered)
        )

    @staticmethod
    def _standard_input(text: str | None) -> int:
        if text is None:
            return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        file = os.memfd_create("stdin")
        os.write(file, text.encode())
        os.lseek(file, 0, os.SEEK_SET)
        return file

    def _call(self, number: int, request: Message, answered: Any) -> None:
        os.environ.clear()
        os.environ.update(children.ENVIRONMENT)
        result = children.resolve(request["function"])(**request["arguments"])
        self._answer(number, {"result": next(result) if request["do"] == "serve" else result}, answered)
        if request["do"] == "serve":
            for _ in result:
                pass

    def _answer(self, number: int, answer: Message, answered: Any) -> None:
        self.ring(number, answer)
        answered[0] = 1

    def _watch(self, job: Job) -> None:
        self._jobs[job.pid] = job
        for descriptor in job.streams:
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, self._drain)

    def _drain(self, descriptor: int) -> None:
        kept = next(job.streams[descriptor] for job in self._jobs.values() if descriptor in job.streams)
        try:
            while True:
                piece = os.read(descriptor, _PIECE)
                if not piece:
                    self._selector.unregister(descriptor)
                    return
                kept += piece[: _OUTPUT_LIMIT - len(kept)]
        except BlockingIOError:
            return

    def _woken(self, wake: int) -> None:
        os.read(wake, _PIECE)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._jobs:  # else an orphan that process 1 inherited
                self._finish(self._jobs[pid], status)

    def _finish(self, job: Job, status: int) -> None:
        for descriptor in job.streams:
            if descriptor in self._selector.get_map():
                self._drain(descriptor)
            if descriptor in self._selector.get_map():  # something that outlives the child holds the other end
                self._selector.unregister(descriptor)
            os.close(descriptor)
        del self._jobs[job.pid]
        code = os.waitstatus_to_exitcode(status)
        stdout, stderr = [bytes(kept).decode(errors="replace") for kept in job.streams.values()] or ["", ""]
        if job.answered is None:
            self.ring(
                job.number,
                {
                    "code": code,
                    "stdout": stdout,
                    "stderr": stderr,
                    "expired": job.expired,
                    "seconds": round(time.monotonic() - job.started, 4),
                },
            )
        elif not job.answered[0]:
            why = "did not end in time and was killed" if job.expired else f"ended with {code} before it had answered"
            self.ring(job.number, {"error": f"The child {why}.\n{stdout}{stderr}"})
        if job.is_host:
            os.write(self._doorbell, b"-%d\n" % job.number)
        for number in job.watchers:
            self.ring(number, {})

    # Time

    def _until_next_deadline(self) -> float | None:
        deadlines = [job.deadline for job in self._jobs.values() if job.deadline]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _expire(self) -> None:
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.deadline and job.deadline <= now:
                job.deadline = None
                if not (job.answered and job.answered[0]):
                    job.expired = True
                    children.end(job.pid)

    # Hosts

    def _host(self, number: int, name: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        answered = mmap.mmap(-1, 1)
        null = os.open(os.devnull, os.O_RDWR)
        started = time.monotonic()

        def live() -> None:
            assert self._below is not None
            outer = int(os.readlink("/proc/self"))  # our own number is 1
            try:
                isolation.unshare(isolation.CLONE_NEWNET | isolation.CLONE_NEWUTS)
                isolation.private_mounts()
                isolation.enter_root(isolation.make_root("/run/host", *self._below))
                socket.sethostname(name)
                isolation.set_kernel_defaults()
                isolation.link_up("lo")
            except OSError:  # the former root may be gone, with the file that is the console
                self._answer(number, {"error": traceback.format_exc()}, answered)
                return
            server = Server(self._window, self._doorbell, theirs.fileno())
            self._answer(number, {"pid": outer}, answered)
            server.run()

        pid = children.fork(live, (null, 1, 2), (*self._keep, theirs.fileno()), isolation.fork_into_new_processes)
        os.close(null)
        theirs.close()
        former = self._hosts.pop(name, None)
        if former:
            former.close()
        self._hosts[name] = ours
        self._watch(Job(number, pid, started, None, {}, answered, is_host=True))


def preload(modules: Sequence[str]) -> None:
    """Import what the scripts import, once for all hosts. What is missing is the scripts' own matter."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            continue
    gc.collect()
    gc.freeze()  # collecting in the children would write to, and so copy, pages they share


def serve(window: str, doorbell: int, below: Below, modules: Sequence[str]) -> None:
    os.umask(0o022)
    preload(modules)
    server = Server(Window(window), doorbell, doorbell, below)
    server.ring(0, {"pid": os.getpid()})
    server.run()
