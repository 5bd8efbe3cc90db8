"""lvsctl: one command for people, a module for each of its subcommands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from lvs_init.errors import LvsError, NotConfigured, NotPrivileged
from lvs_init.faces import codes
from lvs_init.faces.telling import lines_of
from lvs_init.system import streams, syslog

if TYPE_CHECKING:
    import argparse

#: EX_USAGE of sysexits.h. 2 is what `plan` says when there is something to do.
USAGE = 64
INTERRUPTED = 130


def run(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """main() as a process: past anything at its end that could change the exit code."""
    streams.hold_standard_descriptors()
    streams.finish(main(argv, environment))


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code: 0 fine, 1 failed or broken, 4 needs root, 6 no configuration, 64 wrong usage. Never raises."""
    try:
        arguments = parser().parse_args(argv)
        code: int = arguments.run(arguments, environment)
        return code
    except SystemExit as stop:  # argparse has said all there is to say
        return USAGE if stop.code else codes.DONE
    except KeyboardInterrupt:
        streams.err("lvsctl: interrupted")
        return INTERRUPTED
    except LvsError as error:
        for number, line in enumerate(lines_of(error)):
            streams.err(line if number else f"lvsctl: {line}")
        return code_of(error)
    except Exception as error:  # noqa: BLE001 - the last line: a person is told what to report
        return _bug(error)


def code_of(error: LvsError) -> int:
    """What lvsctl ends with: fewer codes than an init script's."""
    if isinstance(error, NotPrivileged):
        return codes.UNPRIVILEGED
    return codes.NOT_CONFIGURED if isinstance(error, NotConfigured) else codes.FAILED


def parser() -> argparse.ArgumentParser:
    """Every subcommand and option; lvsctl(8) and the completion of shells are made from it."""
    import argparse

    import lvs_init
    from lvs_init.faces import (
        lvsctl_check,
        lvsctl_doctor,
        lvsctl_ha,
        lvsctl_hand,
        lvsctl_import,
        lvsctl_keeper,
        lvsctl_lab,
        lvsctl_plan,
        lvsctl_try,
    )

    made = argparse.ArgumentParser(
        prog="lvsctl",
        description="Looks after a Linux Virtual Server that lvs-director and lvs-realserver set up.",
        epilog="Exit codes: 0 fine, 1 failed or broken, 2 plan has something to do, 4 needs root, 6 no configuration, "
        "64 wrong usage.",
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"lvsctl {lvs_init.__version__}")
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    modules = (
        lvsctl_check,
        lvsctl_doctor,
        lvsctl_import,
        lvsctl_lab,
        lvsctl_plan,
        lvsctl_try,
        lvsctl_hand,
        lvsctl_ha,
        lvsctl_keeper,
    )
    for module in modules:
        module.add_to(commands)
    return made


def _bug(error: Exception) -> int:
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"internal error, please report it: {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    streams.err(f"lvsctl: {text}")
    syslog.log("lvsctl", syslog.ERROR, text)
    if os.environ.get("LVS_DEBUG"):
        traceback.print_exc()
    return codes.FAILED
