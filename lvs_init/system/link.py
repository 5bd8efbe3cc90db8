"""Network devices as the kernel shows them to sockets: in the network namespace that we are in.

/sys/class/net shows the namespace of whoever mounted /sys instead.
"""

from __future__ import annotations

import fcntl
import struct

# include/uapi/linux/sockios.h, if.h
SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
UP, LOOPBACK, RUNNING, NOARP = 0x1, 0x8, 0x40, 0x80  # RUNNING: up with a carrier (netdevice(7))

_SIOCETHTOOL, _GET_FLAGS, _LRO = 0x8946, 0x25, 1 << 15  # linux/ethtool.h: ETHTOOL_GFLAGS, ETH_FLAG_LRO


def device_of(label: str) -> str:
    """``eth0:1`` -> ``eth0``: a device's own name never holds a colon (net/core/dev.c dev_valid_name)."""
    return label.partition(":")[0]


def flags(interface: str) -> int:
    """The device's flags, UP and so on. Raises OSError where there is no such device."""
    return int(struct.unpack_from("=H", _ask(interface, SIOCGIFFLAGS))[0])


def hardware_address(interface: str) -> bytes:
    """The six bytes of the device's MAC. Raises OSError where there is no such device."""
    return _ask(interface, SIOCGIFHWADDR)[2:8]  # after the family of a struct sockaddr


def hardware_type(interface: str) -> int:
    """What kind of hardware it is (linux/if_arp.h ARPHRD_*). Raises OSError where there is no such device."""
    return int(struct.unpack_from("=H", _ask(interface, SIOCGIFHWADDR))[0])


def mtu(interface: str) -> int:
    """The device's largest packet in bytes. Raises OSError where there is no such device."""
    return int(struct.unpack_from("=i", _ask(interface, SIOCGIFMTU))[0])


def large_receive_offload(interface: str) -> bool | None:
    """Whether the device merges packets that come in (linux/ethtool.h ETH_FLAG_LRO); None where it does not tell."""
    import array

    answer = array.array("B", struct.pack("=II", _GET_FLAGS, 0))
    pointer, _ = answer.buffer_info()
    try:
        _ioctl(_SIOCETHTOOL, struct.pack("@16sP16x", interface.encode()[:15], pointer))
    except OSError:
        return None
    return bool(struct.unpack("=II", answer.tobytes())[1] & _LRO)


def _ask(interface: str, request: int) -> bytes:
    return _ioctl(request, struct.pack("=16s24x", interface.encode()[:15]))[16:]


def _ioctl(request: int, data: bytes) -> bytes:
    import socket  # 3 ms, which the status of a director, who asks no device, does not pay

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        return fcntl.ioctl(channel, request, data)
