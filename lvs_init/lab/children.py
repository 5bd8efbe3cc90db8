"""Starting children of the agent: programs by posix_spawn, Python by fork; and ending them with all they started."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, NoReturn

ENVIRONMENT = {"PATH": "/sbin:/usr/sbin:/bin:/usr/bin", "TERM": "dumb"}
NOT_FOUND = 127

# Signals that Python ignores and a child must not inherit so.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)


def spawn(argv: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]) -> int:
    """Start a program as leader of a session of its own; returns its pid.

    posix_spawn shares the memory until the exec: a fork would copy the page tables of a Python, 20 ms in a guest.
    Raises FileNotFoundError or PermissionError as exec does.
    """
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(streams)]
    return os.posix_spawn(
        _find(argv[0], environment), list(argv), environment, file_actions=actions, setsid=True, setsigdef=_RESTORED
    )


def _find(program: str, environment: Mapping[str, str]) -> str:
    if "/" in program:
        return program
    for directory in environment.get("PATH", os.defpath).split(":"):
        path = os.path.join(directory, program)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(2, "No such program in PATH", program)


def fork(
    work: Callable[[], int | None], streams: Sequence[int], keep: Iterable[int], how: Callable[[], int] = os.fork
) -> int:
    """Run `work` in a forked child as leader of a session of its own; returns its pid. It exits with what `work`
    returns (None is 0), or 1 after a traceback. Of the open files it has the three streams and `keep`."""
    pid = how()
    if pid == 0:
        code = 1
        try:
            _settle(streams, keep)
            code = work() or 0
        except BaseException:  # noqa: BLE001 - nothing may unwind into the agent's own stack
            traceback.print_exc()
        finally:
            _leave(code)
    return pid


def _settle(streams: Sequence[int], keep: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    first = 3
    for descriptor in sorted(keep):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - these live as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115


def _leave(code: int) -> NoReturn:
    """What an interpreter does at its end, without taking the inherited modules apart."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
        importlib.import_module("atexit")._run_exitfuncs()
        sys.stderr.flush()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001
        code = 120  # as Python does when its last flush fails
    os._exit(code)


def resolve(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def run_script(
    argv: list[str], environment: Mapping[str, str], hook: str | None, hook_arguments: Mapping[str, Any]
) -> int:
    """Run a Python script as if freshly started; to be called in a forked child. Returns its exit code."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(argv)
    sys.path.insert(0, os.path.dirname(os.path.realpath(argv[0])))
    main = types.ModuleType("__main__")
    main.__file__ = argv[0]
    sys.modules["__main__"] = main
    try:
        if hook:
            resolve(hook)(**hook_arguments)
        with open(argv[0], "rb") as file:
            exec(compile(file.read(), argv[0], "exec"), main.__dict__)  # noqa: S102 - it is what was asked for
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0
    return 0


def end(pid: int) -> None:
    """SIGKILL a child and all its descendants, whatever sessions and groups they made for themselves."""
    doomed: dict[int, None] = {}
    found = {pid: None}
    while found:  # stopped first: who is stopped makes no further children
        for each in found:
            _send(each, signal.SIGSTOP)
        doomed.update(found)
        found = {child: None for child, parent in _parents() if parent in doomed and child not in doomed}
    for each in doomed:
        _send(each, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _parents() -> Iterable[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name in parentheses may hold anything, spaces and parentheses too (proc(5)).
                    yield int(name), int(file.read().rpartition(b")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
