"""The one door through which processes are started. Nothing else imports ``sh``.

Works alike with ``sh`` 1.14 (Debian 12) and 2.x (PyPI). Three of its habits shape what is done here:

* Its time limit is looked at ten times a second, so a command with one takes 100 ms, and kills only the child. So the
  limit is ours, and ends the child's whole process group.
* It reads pipes until their end, or 2 s long, when a grandchild holds them open. So a child's streams are files in
  memory: when the child is gone, everything that it said is there.
* It raises for exit codes and signals, each with a type of its own. So the code is asked for, not caught.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Callable, Protocol

from lvs_init.errors import CommandFailed, NotInstalled, SystemFailure

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
OUTPUT_LIMIT = 64 << 20  # bytes, of each stream
STDERR_LIMIT = 64 << 10  # bytes of it that are read: the first complaints tell it all
_LOOK = 0.005  # seconds between two looks at a child, where the kernel cannot tell of its end
_SH_SWITCHES = ("SH_TESTS_RUNNING", "SH_TESTS_USE_SELECT")  # with these sh looks for tests of its own at its import
GRACE = 2.0  # seconds that a killed child gets to go away; one that waits inside the kernel may not

PACKAGES = {
    "ifconfig": "net-tools",
    "ip": "iproute2",
    "ip6tables": "iptables",
    "ip6tables-save": "iptables",
    "iptables-restore": "iptables",
    "iptables-save": "iptables",
    "modprobe": "kmod",
    "route": "net-tools",
    "sysctl": "procps",
}


class Command(Protocol):
    """What the runner needs of a command: ``lvs_init.commands.command.Command`` fits."""

    @property
    def argv(self) -> tuple[str, ...]: ...

    @property
    def stdin(self) -> str: ...

    @property
    def timeout(self) -> float: ...


@dataclass(frozen=True)
class Completed:
    """A command that ended. ``code``: its exit status, or minus the number of the signal that ended it."""

    argv: tuple[str, ...]
    code: int
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False


def failure(done: Completed, command: Command) -> CommandFailed:
    """The error for a command that ended badly."""
    hint = f"it wrote more than {OUTPUT_LIMIT >> 20} MiB" if done.code == -signal.SIGXFSZ else ""
    return CommandFailed(
        done.argv, done.code, done.stderr, timed_out=done.timed_out, seconds=command.timeout, hint=hint
    )


class Runner:
    """Runs commands, one at a time, each in a session, an environment and with a time limit of its own.

    ``keep_open``: descriptors that every child inherits. The mutex's is one: so a child that outlives us (kill -9)
    keeps everybody else out until it is done. ``log`` gets a line for every command that ended. ``environment``: what
    a program needs besides a PATH and a language.
    """

    def __init__(
        self,
        *,
        keep_open: Sequence[int] = (),
        log: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._keep_open = frozenset(keep_open)
        self._environment = {**(environment or {}), **ENVIRONMENT}
        self._log = log

    def find(self, program: str) -> str | None:
        """The program's absolute path, looked for in our own PATH; None where it is not installed."""
        for directory in [""] if "/" in program else PATH.split(":"):
            path = os.path.join(directory, program)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None

    def check(self, command: Command) -> Completed:
        """Run the command. Raises CommandFailed unless it ended with 0, and what ``run`` raises."""
        done = self.run(command)
        if done.code or done.timed_out:
            raise failure(done, command)
        return done

    def run(self, command: Command) -> Completed:
        """Run the command and wait for it, at most ``command.timeout`` seconds and two more for killing it.

        Raises NotInstalled for a program that is missing, SystemFailure where the machine cannot start it.
        """
        path = self.find(command.argv[0])
        if path is None:
            name = os.path.basename(command.argv[0])
            raise NotInstalled(
                f"the program '{command.argv[0]}' is not installed", hint=f"apt-get install {PACKAGES.get(name, name)}"
            )
        started = time.monotonic()
        try:
            done = self._run(path, command)
        except (OSError, RuntimeError) as error:  # RuntimeError: sh got no thread to watch it with
            reason = error.strerror if isinstance(error, OSError) else error
            raise SystemFailure(f"'{path}' cannot be started: {reason}") from error
        if self._log:
            how = "killed, timed out" if done.timed_out else f"exit {done.code}"
            self._log(f"{' '.join(done.argv)}: {how}, {(time.monotonic() - started) * 1000:.1f} ms")
        return done

    def _run(self, path: str, command: Command) -> Completed:
        for name in _SH_SWITCHES:
            os.environ.pop(name, None)
        try:
            from sh import Command as Program  # 30 to 100 ms, which a status that starts nothing does not pay
            from sh import ForkException
        except ImportError as error:
            raise NotInstalled(
                f"the Python package 'sh' cannot be used: {error}", hint="apt-get install python3-sh, or pip install sh"
            ) from error
        with contextlib.ExitStack() as stack:
            stdin, stdout, stderr = (stack.enter_context(_memory(name)) for name in ("stdin", "stdout", "stderr"))
            with open(stdin, "wb", closefd=False) as feed:
                feed.write(command.stdin.encode())
            os.lseek(stdin, 0, os.SEEK_SET)
            try:
                child = Program(path)(
                    *command.argv[1:], _in=stdin, _out=stdout, _err=stderr, _tty_out=False,
                    _env=self._environment, _cwd="/",
                    _new_session=True, _close_fds=False, _preexec_fn=self._in_child, _bg=True, _bg_exc=False,
                )  # fmt: skip
            except ForkException as error:
                last = str(error).strip().splitlines()[-1]
                raise SystemFailure(f"'{path}' cannot be started: {last}") from error
            timed_out = not _ended(child.pid, command.timeout)
            if timed_out:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            gone = not timed_out or _ended(child.pid, GRACE)
            code = child.process.wait() if gone else -signal.SIGKILL
            return Completed(command.argv, code, _said(stdout, OUTPUT_LIMIT), _said(stderr, STDERR_LIMIT), timed_out)

    def _in_child(self) -> None:
        """Between fork and exec: nothing of what our caller set up may reach the program."""
        # Heartbeat ignores SIGALRM and, at shutdown, SIGTERM: what is ignored stays so across exec.
        for number in range(1, signal.NSIG):
            if signal.getsignal(number) not in (signal.SIG_DFL, None):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o022)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        limit = OUTPUT_LIMIT if hard == resource.RLIM_INFINITY else min(OUTPUT_LIMIT, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        # What we opened ourselves is closed by exec; this is for what we were started with.
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                with contextlib.suppress(OSError):
                    os.set_inheritable(int(name), int(name) in self._keep_open)


@contextlib.contextmanager
def _memory(name: str) -> Iterator[int]:
    descriptor = os.memfd_create(name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ended(pid: int, seconds: float) -> bool:
    """Wait for a child's end without collecting it, which sh does. Signals do not cut it short (PEP 475)."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):  # Linux before 5.3, or a Python built for one
        return _ended_by_looking(pid, seconds)
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(watch)


def _ended_by_looking(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):  # sh has collected it
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK)
    return True


def _said(descriptor: int, limit: int) -> str:
    return os.pread(descriptor, min(os.fstat(descriptor).st_size, limit), 0).decode("utf-8", "replace")
