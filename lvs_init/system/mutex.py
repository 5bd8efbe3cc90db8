"""One run at a time: an exclusive flock(2) on a file of its own.

The kernel lets go of it when the last process that has the file open is gone, so nothing is ever left locked, and a
command that outlives its killed caller still keeps everybody else out.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from types import TracebackType
from typing import Callable

from lvs_init.errors import Busy, SystemFailure
from lvs_init.system.files import private_directory, read_small

DIRECTORY = "/run/lvs"
WAIT = 15.0  # seconds
GRACE = 10.0  # seconds that a signalled holder gets for taking back its unfinished step
POLL = 0.05  # seconds; a blocking flock cannot be given a time limit without an alarm signal


class Mutex:
    """The mutex of this machine. A context manager that acquires with the default patience.

    ``fd`` is the open file while held, for ``Runner(keep_open=[mutex.fd])``.
    """

    def __init__(self, directory: str = DIRECTORY, name: str = "mutex") -> None:
        self._directory = directory
        self.path = os.path.join(directory, name)
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The descriptor that holds the lock. Raises ValueError while it is not held."""
        if self._fd is None:
            raise ValueError("the mutex is not held")
        return self._fd

    def acquire(
        self,
        seconds: float = WAIT,
        on_wait: Callable[[int], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Take the mutex; nothing happens where it is held already.

        ``on_wait`` is called once, with the holder's process id or 0, when there is something to wait for; ``check``
        again and again while waiting, and may raise. Raises Busy after ``seconds``, UnsafeFile and SystemFailure where
        the file cannot be had.
        """
        deadline = time.monotonic() + seconds
        while not self._try():
            holder = self.holder()
            if on_wait:
                on_wait(holder)
                on_wait = None
            if check:
                check()
            left = deadline - time.monotonic()
            if left <= 0:
                who = f"process {holder}" if holder else "another process"
                raise Busy(
                    f"{who} is still at work after {seconds:g} s", holder=holder, hint="wait for it, then try again"
                )
            time.sleep(min(POLL, left))

    def release(self, *, remove: bool = False) -> None:
        """Let go; with the file, where nobody is likely to wait for it. Nothing happens where it is not held."""
        if self._fd is not None:
            if remove:
                with contextlib.suppress(OSError):
                    os.unlink(self.path)
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            # Closing alone would leave it locked for as long as a child that inherited it lives.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None

    def holder(self) -> int:
        """The process id that the holder wrote, if that process still lives; 0 otherwise."""
        words = (read_small(self.path) or "").split()
        if len(words) != 2 or not words[0].isdecimal():
            return 0
        return int(words[0]) if _start_time(int(words[0])) == words[1] else 0

    def terminate_holder(self, grace: float = GRACE) -> None:
        """Take the mutex from whoever holds it: for stop, which must not fail because a start hangs.

        SIGTERM to the holder, and to who gets it next; where the holder is gone, to the processes that inherited the
        lock from it. After ``grace`` seconds SIGKILL. The mutex is ours on return. Raises Busy where even that did not
        help.
        """
        deadline = time.monotonic() + grace
        told = {os.getpid()}
        while not self._try():
            if time.monotonic() >= deadline:
                _signal(self._holding() - {os.getpid()}, signal.SIGKILL)
                self.acquire(GRACE)
                return
            holder = self.holder()
            targets = {holder} if holder else self._holding()
            _signal(targets - told, signal.SIGTERM)
            told |= targets
            time.sleep(POLL)

    def __enter__(self) -> Mutex:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _try(self) -> bool:
        if self._fd is not None:
            return True
        private_directory(self._directory)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Who removed the file and made it anew would have another one to lock.
                if not os.path.samestat(os.fstat(descriptor), os.stat(self.path, follow_symlinks=False)):
                    raise BlockingIOError
                os.ftruncate(descriptor, 0)
                with contextlib.suppress(OSError):  # on a full disk nobody can read who we are; _holding() still knows
                    os.pwrite(descriptor, f"{os.getpid()} {_start_time(os.getpid())}\n".encode(), 0)
            except BaseException:
                os.close(descriptor)
                raise
        except (BlockingIOError, FileNotFoundError):
            return False
        except OSError as error:
            raise SystemFailure(f"cannot lock {self.path}: {error.strerror}") from error
        self._fd = descriptor
        return True

    def _holding(self) -> set[int]:
        """The processes that have the locked file open: not those that wait for it, which opened it for themselves.

        /proc/PID/fdinfo/N shows a lock only for the open file that it was set through (proc(5), fs/locks.c).
        """
        locked = os.stat(self.path)
        found = set()
        for pid in (int(name) for name in os.listdir("/proc") if name.isdecimal()):
            with contextlib.suppress(OSError):
                for name in os.listdir(f"/proc/{pid}/fd"):
                    if os.path.samestat(os.stat(f"/proc/{pid}/fd/{name}"), locked) and "FLOCK" in (
                        read_small(f"/proc/{pid}/fdinfo/{name}") or ""
                    ):
                        found.add(pid)
                        break
        return found


def _start_time(pid: int) -> str:
    """When the process started, in clock ticks since boot, which with its id names it for good; "" for none."""
    # The second field, in parentheses, may hold anything.
    return ((read_small(f"/proc/{pid}/stat") or "").rpartition(")")[2].split() + [""] * 20)[19]


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
