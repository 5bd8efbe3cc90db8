"""lvsctl drain, undrain, weight: what an admin wants of a real server for now, whatever the file says."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lvs_init.faces import codes
from lvs_init.model.address import canonical
from lvs_init.system import streams, syslog

if TYPE_CHECKING:
    from lvs_init.engine.hand import Heard, Said
    from lvs_init.engine.run import Engine

_VERSION = 1
_LONGEST = 31 * 86400  # seconds
_HEAVIEST = 65535
_TARGETS = "a path, or NAME for /etc/lvs/NAME.toml; else every director that is started here"
_KEPT = "It is kept on disk and counts over reload, restart and reboot until 'lvsctl undrain'."


def add_to(commands: Any) -> None:
    """Make the subcommands known to argparse."""
    drain = _command(
        commands,
        "drain",
        "give a real server no new connections",
        f"Gives a real server the weight 0: its connections go on, new ones go to the others. {_KEPT}",
    )
    drain.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="take it out of the table after so many seconds, whatever connections it still has",
    )
    weight = _command(commands, "weight", "give a real server another weight", f"Gives a real server a weight. {_KEPT}")
    weight.add_argument("weight", type=_weight, metavar="N", help="0 to 65535")
    weight.add_argument("--over", type=_seconds, default=0, metavar="S", help="little by little, in so many seconds")
    undrain = _command(
        commands,
        "undrain",
        "let a real server have what the file says again",
        "Withdraws whatever was said by hand of a real server, by drain or weight.",
    )
    for parser in (drain, weight, undrain):
        parser.add_argument("file", nargs="?", default="", metavar="FILE", help=_TARGETS)
    for parser in (drain, weight):
        parser.add_argument("--wait", action="store_true", help="until its connections have ended, or the weight is N")
    for parser in (drain, weight, undrain):
        parser.add_argument("--json", action="store_true", help="the outcome for programs")


def _command(commands: Any, verb: str, about: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        verb,
        help=about,
        description=description,
        epilog="Exit codes: 0 done, 1 failed or no such real server, 4 needs root, 6 no configuration, 64 wrong usage.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "server", type=_server, metavar="RIP[:PORT]", help="the address of the real server; without PORT all its ports"
    )
    parser.set_defaults(run=run, verb=verb)
    return parser


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """0: it counts, and with --wait has come about. Raises LvsError."""
    from lvs_init.engine import hand
    from lvs_init.engine.request import DIRECTOR
    from lvs_init.engine.run import Engine
    from lvs_init.faces.lvsctl import code_of
    from lvs_init.faces.lvsctl_check import file_named
    from lvs_init.faces.telling import tell_error

    address, port = arguments.server
    said = hand.Said(
        arguments.verb,
        address,
        port,
        weight=getattr(arguments, "weight", 0),
        over=getattr(arguments, "over", 0),
        timeout=getattr(arguments, "timeout", None),
    )
    names = (file_named(arguments.file, environment),) if arguments.file else ()
    engine = Engine(DIRECTOR, names, environment=environment)
    everybody = hand.say(engine, said)
    heard = [each for each in everybody if each.outcome.error is None]
    failed = {each.outcome.target.instance: each.outcome.error for each in everybody if each.outcome.error is not None}
    if heard:
        _report(engine, said, heard, arguments)
    for instance, error in failed.items():
        tell_error(f"lvsctl: {instance}", error)
    return next((code_of(error) for error in failed.values()), codes.DONE)


def _report(engine: Engine, said: Said, heard: list[Heard], arguments: argparse.Namespace) -> None:
    """Of those that did as they were told; with --wait until that has come about."""
    from lvs_init.faces import hand_display

    syslog.log("lvsctl", syslog.INFO, " ".join([said.verb, said.subject, *_words(said)]))
    for warning in (warning for each in heard for warning in each.outcome.warnings):
        streams.err(f"lvsctl: warning: {warning}")
    if not arguments.json:
        streams.out("\n".join(hand_display.lines(said, heard)))
    if getattr(arguments, "wait", False):
        _wait(engine, said, heard, quiet=arguments.json)
    if arguments.json:
        import json

        streams.out(json.dumps(_plain(said, heard), indent=2))


def _words(said: Said) -> list[str]:
    words = [str(said.weight)] if said.verb == "weight" else []
    words += [f"over {said.over:g} s"] if said.over else []
    return words + ([f"for {said.timeout:g} s at most"] if said.timeout is not None else [])


def _wait(engine: Engine, said: Said, heard: list[Heard], *, quiet: bool) -> None:
    from lvs_init.engine import hand
    from lvs_init.faces import hand_display

    progress = hand_display.Progress(quiet)
    try:
        hand.wait(engine, said, heard, progress.show)
        progress.end()
    except KeyboardInterrupt:
        progress.end()
        streams.err(f"lvsctl: no longer waiting; what was said of {said.subject} counts all the same")
        raise


def _plain(said: Said, heard: list[Heard]) -> dict[str, object]:
    from lvs_init.engine import hand

    standings = hand.standings(heard)
    return {
        "version": _VERSION,
        "verb": said.verb,
        "servers": [
            {
                "instance": each.outcome.target.instance,
                "started": each.started,
                "service": str(key.service),
                "rip": key.address,
                "port": key.port,
                "file_weight": value.weight,
                "weight": standings[key].weight if key in standings else None,
                "connections": standings[key].connections if key in standings else 0,
            }
            for each in heard
            for key, value in each.servers.items()
        ],
        "warnings": [warning for each in heard for warning in each.outcome.warnings],
    }


def _server(text: str) -> tuple[str, int | None]:
    """``192.168.0.11``, ``192.168.0.11:80``, ``fd00::11``, ``[fd00::11]:80``."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        if port[:1] not in ("", ":"):
            raise argparse.ArgumentTypeError(f"'{text}' is no address with a port")
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = canonical(host)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{host}' is no address of a real server; names are not resolved") from error
    if not port and not text.endswith(":"):
        return address, None
    return address, _number(port, 0, 65535, "a port")


def _seconds(text: str) -> int:
    return _number(text, 0, _LONGEST, "a number of seconds")


def _weight(text: str) -> int:
    return _number(text, 0, _HEAVIEST, "a weight")


def _number(text: str, low: int, high: int, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"'{text}' is not {what} from {low} to {high}")
    return int(text)
