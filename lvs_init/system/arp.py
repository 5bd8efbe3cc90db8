"""Announcing addresses, and asking whether somebody else has them: all at once, over raw sockets.

An arping or ndisc6 for each address would cost a process and a second each. Devices that have no neighbours (loopback,
NOARP, no Ethernet) are left out. What goes wrong is returned as text and never raised: an address that could not be
announced still works, only later.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from lvs_init.system import frames, link
from lvs_init.system.files import read_small

Addresses = Sequence[tuple[str, str]]  # (interface, canonical address)

LISTEN = 0.3  # seconds, in all
ROUNDS = 3  # a single broadcast gets lost too easily
SEND_WAIT = 0.2  # seconds that a full send queue may cost

_QUEUE = 512  # frames, more than a socket holds (net.core.rmem_default)
_SO_ATTACH_FILTER = 26
_SOL_PACKET, _ADD_MEMBERSHIP, _MULTICAST = 263, 1, 0
_ETHERNET = 1  # ARPHRD_ETHER

# Only neighbour advertisements: next header at 14 + 6, ICMPv6 type at 14 + 40. Without it a busy director's own
# IPv6 traffic would push the answers out of the socket's queue. (code, jump if true, jump if false, value)
_ADVERTISEMENTS = (
    (0x30, 0, 0, 20), (0x15, 0, 3, frames.ICMPV6), (0x30, 0, 0, 54), (0x15, 0, 1, frames.ADVERTISEMENT),
    (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
)  # fmt: skip


def announce(addresses: Addresses, rounds: int = ROUNDS) -> list[str]:
    """Tell the neighbours that these addresses are ours, now. Returns problems, a line for each device."""
    problems: list[str] = []
    for interface, wanted in _by_device(addresses).items():
        with _reported(interface, "announce", wanted, problems), contextlib.ExitStack() as stack:
            channel = open_channel(stack, interface, 0)
            if channel is None:
                continue
            own = link.hardware_address(interface)
            router = (read_small(f"/proc/sys/net/ipv6/conf/{interface}/forwarding") or "").strip() == "1"
            for _ in range(rounds):
                for address in wanted:
                    if ":" in address:
                        channel.send(frames.advertisement(own, address, router=router))
                    else:
                        channel.send(frames.gratuitous_arp(own, address, frames.REQUEST))
                        channel.send(frames.gratuitous_arp(own, address, frames.REPLY))
    return problems


class Probe:
    """Asks who else has these addresses. The answers come in while its owner does other things.

    ``problems``: a line for each device that cannot be asked.
    """

    def __init__(self, addresses: Addresses) -> None:
        """Ask, all of them at once."""
        self.problems: list[str] = []
        self._found: dict[str, dict[str, None]] = {}
        self._stack = contextlib.ExitStack()
        self._channels: dict[int, socket.socket] = {}
        self._questions: list[tuple[socket.socket, str, bytes]] = []
        for interface, wanted in _by_device(addresses).items():
            with _reported(interface, "look for duplicates of", wanted, self.problems):
                self._ask(interface, wanted)
        self._asked = time.monotonic()

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def answers(self, seconds: float = LISTEN) -> dict[str, str]:
        """Address -> MAC of the first to answer; answers from this machine's own devices do not count.

        Waits until ``seconds`` after asking, unless all have answered before: little or not at all where other things
        have been done since. Who was silent is asked again, since a frame may get lost.
        """
        self._listen(self._asked + seconds / 2)
        for channel, address, frame in self._questions:
            if address not in self._found:
                with contextlib.suppress(OSError):  # the device has gone since
                    channel.send(frame)
        self._listen(max(self._asked + seconds, time.monotonic() + seconds / 6))
        return {address: next(iter(found)) for address, found in self._found.items()}

    def everyone(self, seconds: float) -> dict[str, list[str]]:
        """Address -> the MACs of all that answer. Asks again half-way, and listens to the end."""
        self._listen(self._asked + seconds / 2, until_all=False)
        for channel, _, frame in self._questions:
            with contextlib.suppress(OSError):
                channel.send(frame)
        self._listen(self._asked + seconds, until_all=False)
        return {address: list(found) for address, found in self._found.items()}

    def _ask(self, interface: str, wanted: Sequence[str]) -> None:
        own = link.hardware_address(interface)
        for kind, make in ((frames.ARP, frames.arp_probe), (frames.IPV6, frames.solicitation)):
            asked = [address for address in wanted if (":" in address) == (kind == frames.IPV6)]
            channel = open_channel(self._stack, interface, kind) if asked else None
            if channel is not None:
                self._channels[channel.fileno()] = channel
                for address in asked:
                    frame = make(own, address)
                    channel.send(frame)
                    self._questions.append((channel, address, frame))

    def _listen(self, deadline: float, *, until_all: bool = True) -> None:
        asked = {address for _, address, _ in self._questions}
        if until_all and asked <= self._found.keys():
            return
        for _, address, hardware, _ in claims(self._channels, deadline):
            if address in asked:
                self._found.setdefault(address, {})[hardware] = None
                if until_all and asked <= self._found.keys():
                    return


def claims(channels: Mapping[int, socket.socket], deadline: float) -> Iterator[tuple[int, str, str, bytes]]:
    """What others say in the name of an address until then: (descriptor, address, MAC, frame).

    What has come before is heard however late it is: on a busy machine it is late.
    """
    own = _own_hardware()
    poll = select.poll()
    for descriptor in channels:
        poll.register(descriptor, select.POLLIN)
    late = False
    while not late:
        left = deadline - time.monotonic()
        late = left <= 0
        for descriptor, _ in poll.poll(max(0.0, left) * 1000):
            try:
                for frame in _waiting(channels[descriptor]):
                    claim = frames.claimed(frame)
                    if claim and claim[1] not in own:
                        yield descriptor, claim[0], claim[1].hex(":"), frame
            except OSError:  # the device went down or away
                poll.unregister(descriptor)


def _waiting(channel: socket.socket) -> Iterator[bytes]:
    """All that waits, but never for ever where frames come faster than they are read. Raises OSError."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(_QUEUE):
            yield channel.recv(256, socket.MSG_DONTWAIT)


def open_channel(stack: contextlib.ExitStack, interface: str, kind: int) -> socket.socket | None:
    """A socket on the device that hears frames of this EtherType, 0 for none; None for a device without neighbours."""
    if link.flags(interface) & (link.LOOPBACK | link.NOARP):
        return None
    channel = stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    channel.settimeout(SEND_WAIT)
    if kind == frames.IPV6:
        import ctypes

        program = b"".join(struct.pack("=HBBI", *instruction) for instruction in _ADVERTISEMENTS)
        memory = ctypes.create_string_buffer(program)
        fprog = struct.pack("@HP", len(_ADVERTISEMENTS), ctypes.addressof(memory))
        channel.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
        group = struct.pack("@iHH8s", socket.if_nametoindex(interface), _MULTICAST, 6, frames.ALL_NODES_HARDWARE)
        channel.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, group)
    channel.bind((interface, kind))
    return channel if channel.getsockname()[3] == _ETHERNET else None


def _by_device(addresses: Addresses) -> dict[str, list[str]]:
    devices: dict[str, list[str]] = {}
    for interface, address in addresses:
        devices.setdefault(link.device_of(interface), []).append(address)
    return devices


def _own_hardware() -> set[bytes]:
    own = set()
    for _, interface in socket.if_nameindex():
        with contextlib.suppress(OSError):
            own.add(link.hardware_address(interface))
    return own


@contextlib.contextmanager
def _reported(interface: str, verb: str, wanted: Sequence[str], problems: list[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = wanted[0] if len(wanted) == 1 else f"{len(wanted)} addresses"
        problems.append(f"cannot {verb} {what} on {interface}: {error.strerror or error}")
