"""Addresses and devices of this machine, by ``netifaces``, which nothing else imports, and ``psutil``.

Both are imported late, since psutil costs 20 ms; so is socket, at 3 ms. Both read the network namespace that we are in.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from lvs_init.errors import NotInstalled
from lvs_init.model.machine import Interface
from lvs_init.model.network import AddressKey, Alias
from lvs_init.model.state import Key
from lvs_init.system import link
from lvs_init.system.files import read_small

# netifaces reads everything again for each label: 1000 labels take 450 ms, psutil with its import 25 ms.
MANY_LABELS = 200

#: To be said of an address whose duplicate address detection failed.
DUPLICATE = "{}: another machine has it (duplicate address detection failed), so it will not work here"

_DADFAILED, _TENTATIVE = 0x08, 0x40  # include/uapi/linux/if_addr.h

_Row = tuple[str, str, str, str]  # label, address, netmask, broadcast


def addresses() -> dict[AddressKey, Alias]:
    """Every IPv4 and IPv6 address of the machine. Raises NotInstalled.

    An alias has a label where that is another name than the device's, and a broadcast where the device broadcasts:
    getifaddrs(3) shows the address itself where none was set.
    """
    netifaces = _package("netifaces")
    labels = netifaces.interfaces()
    rows = _rows_of_psutil() if len(labels) > MANY_LABELS else _rows_of_netifaces(netifaces, labels)
    found = {}
    for label, address, netmask, broadcast in rows:
        device = link.device_of(label)
        text = str(ipaddress.ip_address(address.partition("%")[0]))
        found[AddressKey(device, text, _prefix(netmask))] = Alias("" if label == device else label, broadcast)
    return found


def interfaces() -> dict[str, Interface]:
    """Every network device. ``up`` is what was set, not whether there is a carrier."""
    import socket

    found = {}
    for _, name in socket.if_nameindex():
        with contextlib.suppress(OSError):  # gone since
            flags = link.flags(name)
            hardware = link.hardware_address(name)
            found[name] = Interface(
                name,
                up=bool(flags & link.UP),
                loopback=bool(flags & link.LOOPBACK),
                noarp=bool(flags & link.NOARP),
                mtu=link.mtu(name),
                hardware=hardware.hex(":") if any(hardware) else "",
            )
    return found


def gateways() -> tuple[str, ...]:
    """The gateways of the main table's default routes. Raises NotInstalled."""
    netifaces = _package("netifaces")
    found = netifaces.gateways()
    families = (found.get(family, []) for family in (netifaces.AF_INET, netifaces.AF_INET6))
    return tuple(str(ipaddress.ip_address(entry[0].partition("%")[0])) for family in families for entry in family)


def unsettled() -> dict[Key, str]:
    """The IPv6 addresses that duplicate address detection keeps from working: "tentative" or "failed"."""
    found: dict[Key, str] = {}
    for line in (read_small("/proc/net/if_inet6") or "").splitlines():
        packed, _, prefix, _, shown, device = line.split()
        flags = int(shown, 16)
        if flags & (_DADFAILED | _TENTATIVE):
            address = str(ipaddress.IPv6Address(bytes.fromhex(packed)))
            found[AddressKey(device, address, int(prefix, 16))] = "failed" if flags & _DADFAILED else "tentative"
    return found


def _rows_of_netifaces(netifaces: Any, labels: Iterable[str]) -> Iterator[_Row]:
    for label in labels:
        with contextlib.suppress(ValueError):  # gone since
            families = netifaces.ifaddresses(label)
            for family in (netifaces.AF_INET, netifaces.AF_INET6):
                for entry in families.get(family, ()):
                    yield label, entry["addr"], entry.get("netmask", ""), entry.get("broadcast", "")


def _rows_of_psutil() -> Iterator[_Row]:
    import socket

    for label, entries in _package("psutil").net_if_addrs().items():
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                yield label, entry.address, entry.netmask or "", entry.broadcast or ""


def _prefix(netmask: str) -> int:
    """``255.255.255.0``, ``ffff::`` or netifaces' ``ffff::/16`` -> the prefix length. "" is 0."""
    mask = netmask.partition("/")[0]
    return bin(int(ipaddress.ip_address(mask))).count("1") if mask else 0


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(
            f"the Python package '{name}' cannot be used: {error}",
            hint=f"apt-get install python3-{name}, or pip install {name}",
        ) from error
