"""A line to the system's log, where there is one.

The C library's syslog(3) waits when the log's socket is full; a takeover must not wait for a log.
"""

from __future__ import annotations

import contextlib
import os
import time

SOCKET = "/dev/log"
DAEMON = 3 << 3  # facility
ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6  # severities (syslog(3))
LIMIT = 1000  # bytes: RFC 3164 promises 1024 for the whole packet


def log(name: str, priority: int, text: str) -> None:
    """Log under a program's name. Never raises, never waits; long text is cut, line ends become blanks."""
    import socket  # 3 ms, which who has nothing to say does not pay

    stamp = time.strftime("%b %e %H:%M:%S")
    line = " ".join(text.split()).encode("ascii", "backslashreplace")[:LIMIT]
    packet = f"<{DAEMON | priority}>{stamp} {name}[{os.getpid()}]: ".encode() + line
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.connect(SOCKET)
        channel.send(packet)
