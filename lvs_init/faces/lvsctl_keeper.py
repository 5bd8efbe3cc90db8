"""lvsctl keeper: started by whoever leaves something timed behind, never by a person."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any

from lvs_init.errors import LvsError, NotPrivileged
from lvs_init.faces import codes
from lvs_init.system import identity, syslog

_NAME = "lvs-keeper"


def add_to(commands: Any) -> None:
    """Make the subcommand known to argparse. Without a help text --help does not list it."""
    commands.add_parser("keeper", allow_abbrev=False).set_defaults(run=run)


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0 once nothing is timed any more, or where another keeper is at work. Raises NotPrivileged, SystemFailure."""
    from lvs_init.engine.keeper import Keeper, due
    from lvs_init.engine.paths import Paths
    from lvs_init.engine.request import DIRECTOR
    from lvs_init.engine.run import Engine

    if not identity.is_root():
        raise NotPrivileged("the keeper needs root", hint="there is no need to start it: whoever needs it does")
    os.chdir("/")
    os.umask(0o022)
    paths = Paths()
    engine = Engine(DIRECTOR, environment=environment, paths=paths)
    try:
        Keeper(paths, lambda: due(paths), lambda: engine.carry_out("tend"), _tell).run()
    except LvsError as error:
        _tell(error.message, True)  # its stderr leads nowhere
        raise
    return codes.DONE


def _tell(text: str, bad: bool) -> None:
    syslog.log(_NAME, syslog.ERROR if bad else syslog.INFO, text)
