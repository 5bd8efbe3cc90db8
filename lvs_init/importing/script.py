"""A classic script, or what ``ipvsadm -S`` prints -> lvs.toml. Pure: nothing is executed, opened or looked up."""

from __future__ import annotations

from dataclasses import dataclass

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.errors import ConfigurationError
from lvs_init.importing.draft import drafted
from lvs_init.importing.names import Named
from lvs_init.importing.recognise import Recogniser
from lvs_init.importing.said import Said
from lvs_init.importing.shell_walk import Walk
from lvs_init.importing.toml_text import rendered
from lvs_init.model.problem import Problem


@dataclass(frozen=True)
class Imported:
    """``text``: TOML, "" where nothing of a virtual server was found. ``said``: (line or 0, what was left out and why).

    ``problems``: why the text cannot be used as it is; none where there is a ``cluster``.
    """

    text: str
    said: tuple[tuple[int, str], ...]
    problems: tuple[Problem, ...] = ()
    cluster: Cluster | None = None


def imported(data: bytes, source: str, target: str, name: str = "") -> Imported:
    """``source``: what was read, ``target``: the file that it is for; neither is opened.

    ``name``: the cluster's; "" leaves it to the file's name. The script is read as if it were called with "start".
    Raises NotInstalled where Python has no reader for TOML.
    """
    said = Said()
    recogniser = Recogniser(said)
    walk = Walk(recogniser, said)
    walk.run(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    draft = drafted(recogniser.facts, Named(walk.variables), name, source, said)
    if draft is None:
        return Imported("", said.lines())
    text = rendered(draft)
    try:
        return Imported(text, said.lines(), cluster=parse(text, target))
    except ConfigurationError as error:
        problems = tuple(problem for problem in error.problems if isinstance(problem, Problem))
        return Imported(text, said.lines(), problems)
