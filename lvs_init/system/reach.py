"""Asking whether somebody listens: TCP connections that are made and given up at once."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import time
from collections.abc import Iterator, Sequence

_AT_ONCE = 200  # connections: far fewer files than any process may have open


def refusals(places: Sequence[tuple[str, int]], seconds: float) -> dict[tuple[str, int], str]:
    """Address and port of those that take no connection within so many seconds for all of them, each with a reason."""
    deadline = time.monotonic() + seconds
    refused: dict[tuple[str, int], str] = {}
    for first in range(0, len(places), _AT_ONCE):
        refused.update(_ask(places[first : first + _AT_ONCE], deadline))
    return refused


def _ask(places: Sequence[tuple[str, int]], deadline: float) -> Iterator[tuple[tuple[str, int], str]]:
    import socket  # 3 ms, which only a deep look pays

    with contextlib.ExitStack() as stack:
        poll = select.poll()
        waiting = {}
        for place in places:
            family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
            try:
                channel = stack.enter_context(socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            except OSError as error:
                yield place, str(error.strerror)
                continue
            number = channel.connect_ex(place)
            if number == errno.EINPROGRESS:
                poll.register(channel, select.POLLOUT)
                waiting[channel.fileno()] = (place, channel)
            elif number:
                yield place, os.strerror(number)
        while waiting:
            answered = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not answered:
                break
            for descriptor, _ in answered:
                place, channel = waiting.pop(descriptor)
                poll.unregister(descriptor)
                number = channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number:
                    yield place, os.strerror(number)
        for place, _ in waiting.values():
            yield place, "no answer"
