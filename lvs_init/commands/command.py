"""A command as a value: it can be compared, printed and run later."""

from __future__ import annotations

from dataclasses import dataclass

#: More changes of a kind than this go through one process that takes them in bulk.
FEW = 8


@dataclass(frozen=True)
class Command:
    """A program with its arguments, what it reads on stdin, and the seconds after which it is killed."""

    argv: tuple[str, ...]
    stdin: str = ""
    timeout: float = 30.0


def bulk_timeout(lines: int) -> float:
    """Seconds for a command that reads so many lines.

    ``ipvsadm -R`` took 0.6 ms a line in User-Mode Linux, where processes are some twenty times slower than on hardware.
    """
    return 30.0 + lines * 0.01


def shell_text(command: Command) -> str:
    """What a person can paste into sh to do the same: stdin is a here-document, without a newline at the end."""
    import shlex  # for a dry run alone

    text = shlex.join(command.argv)
    if not command.stdin:
        return text
    lines = command.stdin.splitlines()
    end = "END"
    while end in lines:
        end += "_"
    return "\n".join([f"{text} <<'{end}'", *lines, end])
