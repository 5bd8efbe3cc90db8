"""A signal asks us to stop; when that happens is ours to say.

A handler that raised would leave a half-sent command running while its undo begins. So handlers set a flag, which is
looked at between two steps.
"""

from __future__ import annotations

import contextlib
import signal
from types import FrameType, TracebackType
from typing import Any

from lvs_init.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stop:
    """While entered, the first SIGTERM, SIGINT or SIGHUP is remembered in ``requested`` and does nothing else.

    Main thread only (signal(2) handlers are Python's there). Signals that our caller ignores are heard, too: Heartbeat
    ignores SIGTERM at shutdown.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._former: dict[int, Any] = {}

    def check(self) -> None:
        """Raises Interrupted where a signal came."""
        if self.requested is not None:
            raise Interrupted(self.requested)

    def __enter__(self) -> Stop:
        for number in SIGNALS:
            self._former[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            # None: it was set outside of Python, which cannot be given back.
            with contextlib.suppress(TypeError):
                signal.signal(number, former)
        self._former.clear()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.requested is None:
            self.requested = number
