"""Network devices as the kernel shows them to sockets: in the network namespace that we are in.

/sys/class/net shows the namespace of whoever mounted /sys instead.
"""

from __future__ import annotations

import fcntl
import struct

# include/uapi/linux/sockios.h, if.h
SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
UP, LOOPBACK, NOARP = 0x1, 0x8, 0x80


def device_of(label: str) -> str:
    """``eth0:1`` -> ``eth0``: a device's own name never holds a colon (net/core/dev.c dev_valid_name)."""
    return label.partition(":")[0]


def flags(interface: str) -> int:
    """The device's flags, UP and so on. Raises OSError where there is no such device."""
    return int(struct.unpack_from("=H", _ask(interface, SIOCGIFFLAGS))[0])


def hardware_address(interface: str) -> bytes:
    """The six bytes of the device's MAC. Raises OSError where there is no such device."""
    return _ask(interface, SIOCGIFHWADDR)[2:8]  # after the family of a struct sockaddr


def mtu(interface: str) -> int:
    """The device's largest packet in bytes. Raises OSError where there is no such device."""
    return int(struct.unpack_from("=i", _ask(interface, SIOCGIFMTU))[0])


def _ask(interface: str, request: int) -> bytes:
    import socket  # 3 ms, which the status of a director, who asks no device, does not pay

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        return fcntl.ioctl(channel, request, struct.pack("=16s24x", interface.encode()[:15]))[16:]
