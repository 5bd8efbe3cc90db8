"""Errors, warnings and notes as lines for a tired admin: on stderr, and to syslog where there is one."""

from __future__ import annotations

from lvs_init.errors import ConfigurationError, LvsError, NotSettled, NotUndone, TooMuchAtOnce
from lvs_init.system import streams, syslog

_MOST_REMOVED = 20  # lines; `lvsctl plan` has them all


def lines_of(error: LvsError) -> list[str]:
    """What is wrong, all of it, and what to do."""
    lines = [error.message]
    if isinstance(error, ConfigurationError):
        lines += [f"  {problem}" for problem in error.problems]
    if isinstance(error, NotSettled):
        lines += [f"  {difference}" for difference in error.differences]
    if isinstance(error, TooMuchAtOnce):
        lines += [f"  {line}" for line in error.removed[:_MOST_REMOVED]]
        more = len(error.removed) - _MOST_REMOVED
        lines += [f"  and {more} more"] if more > 0 else []
    if error.hint:
        lines.append(f"  -> {error.hint}")
    if error.undone:
        lines.append("everything is as it was before")
    if isinstance(error, NotUndone):
        lines.append("and taking it back failed, so this is left over:")
        lines += [f"  {line}" for line in error.left]
        lines.append("  -> 'stop' tries again to put back what was there before")
    return lines


def tell_error(name: str, error: LvsError) -> None:
    """On stderr line by line, in the log as one."""
    lines = lines_of(error)
    for number, line in enumerate(lines):
        streams.err(f"{name}: {line}" if number == 0 or not line.startswith(" ") else line)
    syslog.log(name, syslog.ERROR, "; ".join(line.strip() for line in lines))


def tell_warning(name: str, text: str) -> None:
    """Something that an admin should mend, but that kept nobody from going on."""
    streams.err(f"{name}: warning: {text}")
    syslog.log(name, syslog.WARNING, text)


def tell_note(name: str, text: str) -> None:
    """What was left alone, and why."""
    streams.err(f"{name}: note: {text}")
