"""Heartbeat on this machine: its files as they are, what they refer to, and writing them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence

from lvs_init.commands import stonith as commands
from lvs_init.errors import LvsError, NotConfigured, SystemFailure
from lvs_init.ha import authkeys, ha_cf, stonith
from lvs_init.ha.checks import FILES
from lvs_init.ha.folder import Folder, Found, Host
from lvs_init.ha.heartbeat_files import File
from lvs_init.system import files, identity
from lvs_init.system.runner import Runner

USUAL_FOLDER = "/etc/ha.d"
_SCRIPTS = ("/etc/ha.d/resource.d", "/etc/init.d")
_LIBRARIES = ("/usr/libexec/heartbeat", "/usr/lib/heartbeat", "/usr/lib64/heartbeat")
_BOOT = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")
_UNITS = "/etc/systemd/system/multi-user.target.wants"
_LARGEST = 1 << 20  # bytes


def plugin_parameters(plugins: Iterable[str], runner: Runner) -> dict[str, tuple[str, ...] | None]:
    """Plugin -> the names of its parameters; None: there is none of that name. Asks cluster-glue where it is here."""
    wanted = sorted(set(plugins))
    if not wanted or runner.find(commands.PROGRAM) is None:
        return {plugin: stonith.PARAMETERS.get(plugin) for plugin in wanted}
    there = runner.check(commands.plugins()).stdout.split()
    found: dict[str, tuple[str, ...] | None] = dict.fromkeys(wanted)
    for plugin in wanted:
        if plugin in there:
            found[plugin] = commands.parse_names(runner.check(commands.parameter_names(plugin)).stdout)
    return found


def folder(path: str) -> Folder:
    """The three files of a directory. Raises NotConfigured where there is no such directory."""
    if not os.path.isdir(path):
        raise NotConfigured(f"there is no directory {path}", hint="--dir names another one; Heartbeat's is /etc/ha.d")
    return Folder(path, {name: _found(os.path.join(path, name)) for name in FILES})


def host(here: Folder, runner: Runner) -> Host:
    """This machine, as far as Heartbeat's files speak of it."""
    directives = ha_cf.parse(here.text(ha_cf.NAME) or "")
    plugins = [each.words[1] for each in directives if each.name == "stonith_host" and len(each.words) > 1]
    programs = {each.words[1] for each in directives if each.name == "respawn" and len(each.words) > 1}
    return Host(
        node=identity.node_name(),
        scripts=frozenset(name for place in _SCRIPTS for name in _names(place) if _runs(os.path.join(place, name))),
        at_boot=_at_boot(),
        parameters=plugin_parameters(plugins, runner),
        not_executable=frozenset(each for each in programs if not _runs(each)),
    )


def ipfail() -> str:
    """Where ipfail is here; where Debian 12 has it if it is nowhere."""
    places = (os.path.join(place, "ipfail") for place in _LIBRARIES)
    return next((place for place in places if _runs(place)), ha_cf.IPFAIL)


def write(path: str, made: Sequence[File]) -> list[str]:
    """Write files into a directory, which is made where it is missing; what they replace stays beside them as NAME.old.

    Returns the paths that were kept so. Raises UnsafeFile where others could write there, SystemFailure.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o755)
        path = files.trusted_path(path)
    except OSError as error:
        raise SystemFailure(f"cannot write to {path}: {error.strerror}") from error
    kept = []
    for file in made:
        place = os.path.join(path, file.name)
        former = _found(place)
        # A key that was replaced is worth nothing, except to others.
        if former.text is not None and file.name != authkeys.NAME and former.text != file.text:
            files.write_atomic(f"{place}.old", former.text.encode("utf-8", "surrogateescape"), former.mode)
            kept.append(f"{place}.old")
        files.write_atomic(place, file.text.encode("utf-8", "surrogateescape"), file.mode)
    return kept


def _found(path: str) -> Found:
    try:
        text = files.read_trusted(path, _LARGEST, owner_check=False).decode("utf-8", "surrogateescape")
        status = os.stat(path)
        return Found(text, status.st_mode & 0o7777, status.st_uid)
    except NotConfigured:
        return Found()
    except (LvsError, OSError) as error:
        return Found(why=f"cannot be read: {error.strerror if isinstance(error, OSError) else error.message}")


def _at_boot() -> frozenset[str]:
    links = (re.fullmatch(r"S[0-9]{2}(.+)", name) for place in _BOOT for name in _names(place))
    units = (re.fullmatch(r"(.+)\.service", name) for name in _names(_UNITS))
    return frozenset(match[1] for match in (*links, *units) if match)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
