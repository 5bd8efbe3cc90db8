"""Everything that can go wrong, as types with facts.

Each error says what is wrong and carries a hint: what to do about it. Wording for a face and exit codes live in
``lvs_init.faces``; nothing here knows of them.
"""

from __future__ import annotations

from collections.abc import Sequence


class LvsError(Exception):
    """Root of the tree.

    ``message``: what is wrong and where. ``hint``: what to do, may be empty. ``undone``: effects had been made, and all
    of them were taken back.
    """

    undone = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotPrivileged(LvsError):
    """The verb needs root and the caller is not."""


class NotInstalled(LvsError):
    """A program, a kernel module or a Python package that the verb needs is missing."""


class NotConfigured(LvsError):
    """There is no configuration, or it gives this machine nothing to do."""


class UnsafeFile(LvsError):
    """A file that root would trust could have been written by somebody else, or is not a plain file."""


class SystemFailure(LvsError):
    """The machine refused something that is not a command: a file, a directory, a socket."""


class Busy(LvsError):
    """Another run holds the mutex. ``holder``: its process id, 0 where unknown."""

    def __init__(self, message: str, *, holder: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class ConfigurationError(LvsError):
    """The configuration has mistakes: ``problems`` holds every one of them (``lvs_init.model.problem.Problem``)."""

    def __init__(self, message: str, problems: Sequence[object], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems: tuple[object, ...] = tuple(problems)


class CommandFailed(LvsError):
    """A command ended badly.

    ``code`` is its exit status, minus the signal's number where a signal ended it; ``timed_out`` says that the
    signal was ours, sent after ``seconds``; ``stderr`` is what it said.
    """

    def __init__(
        self,
        argv: Sequence[str],
        code: int,
        stderr: str,
        *,
        timed_out: bool = False,
        seconds: float = 0.0,
        hint: str = "",
    ) -> None:
        line = " ".join(argv[:12]) + (" ..." if len(argv) > 12 else "")
        if timed_out:
            how = f"was killed after {seconds:g} s without an answer"
        elif code < 0:
            how = f"was ended by signal {-code}"
        else:
            how = f"failed with exit code {code}"
        said = " ".join(stderr.split())
        super().__init__(f"'{line}' {how}" + (f": {said[:500]}" if said else ""), hint=hint)
        self.argv = tuple(argv)
        self.code = code
        self.stderr = stderr
        self.timed_out = timed_out


class Interrupted(LvsError):
    """A signal asked us to stop between two steps. ``signal``: its number."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"interrupted by signal {signal}")
        self.signal = signal


class Refused(LvsError):
    """We could, but must not: doing it would harm the machine or somebody else's work."""


class TooMuchAtOnce(Refused):
    """A new configuration takes away more than it may at once. ``removed``: what, a line each."""

    def __init__(self, message: str, removed: Sequence[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.removed = tuple(removed)


class NotSettled(LvsError):
    """Everything was applied, yet reading again shows something else. ``differences``: a line each."""

    def __init__(self, message: str, differences: Sequence[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.differences = tuple(differences)


class NotUndone(LvsError):
    """A run failed, and taking it back failed, too.

    ``cause``: what failed first; ``left``: what is left, a line each.
    """

    def __init__(self, cause: LvsError, left: Sequence[str]) -> None:
        super().__init__(cause.message, hint=cause.hint)
        self.cause = cause
        self.left = tuple(left)
