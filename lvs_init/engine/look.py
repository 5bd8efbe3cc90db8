"""One look at a machine: what was missed, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, TypeVar

from lvs_init.commands.command import Command
from lvs_init.config.cluster import Cluster
from lvs_init.doctor.plain import clean
from lvs_init.doctor.snapshot import Unseen
from lvs_init.engine.paths import Paths
from lvs_init.errors import LvsError
from lvs_init.system import identity
from lvs_init.system.runner import Runner

_T = TypeVar("_T")


@dataclass
class Look:
    """``cluster``: which configuration the machine is judged by, None where there is none."""

    cluster: Cluster | None
    paths: Paths
    runner: Runner
    unseen: list[Unseen] = field(default_factory=list)

    def attempt(self, what: str, look: Callable[[], _T]) -> _T | None:
        """What is seen; None, and told of, where that cannot be."""
        try:
            return look()
        except LvsError as error:
            self.missed(what, error.message)
        except OSError as error:
            self.missed(what, error.strerror or str(error))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            self.missed(what, f"what is shown of it is not understood: {error}")
        return None

    def missed(self, what: str, why: str) -> None:
        """Note what was not seen."""
        self.unseen.append(Unseen(what, clean(why)))

    def asked_as_root(self, what: str) -> bool:
        """Whether we may look; told of where not."""
        if not identity.is_root():
            self.missed(what, "only root may look")
            return False
        return True

    def shown(self, command: Command) -> str:
        """What a command prints. Raises LvsError."""
        return self.runner.check(command).stdout
