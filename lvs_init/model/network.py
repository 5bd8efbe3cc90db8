"""The network side: VIP aliases, host routes, links, sysctls, modules and firewall rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AddressKey:
    """An address on an interface. Identity has no label: a label is only what the address is called there."""

    interface: str
    address: str
    prefix: int

    def __str__(self) -> str:
        return f"address {self.address}/{self.prefix} on {self.interface}"


@dataclass(frozen=True)
class Alias:
    """How an address is set: label ("" for none) and broadcast ("" for none)."""

    label: str = ""
    broadcast: str = ""


@dataclass(frozen=True)
class RouteKey:
    """A host route to an address through an interface, in the main table."""

    interface: str
    address: str

    def __str__(self) -> str:
        return f"host route to {self.address} on {self.interface}"


@dataclass(frozen=True)
class Route:
    """A host route's attribute: the label of the alias that it was set through (ifconfig's and route's world)."""

    label: str = ""


@dataclass(frozen=True)
class LinkKey:
    """Whether an interface is up: its value is "up" or "down"."""

    interface: str

    def __str__(self) -> str:
        return f"interface {self.interface}"


@dataclass(frozen=True)
class SysctlKey:
    """A kernel setting, written with slashes (``net/ipv4/ip_forward``), since an interface's name may hold dots.

    Its value is the text that the kernel shows, blanks folded.
    """

    path: str

    def __str__(self) -> str:
        return dotted(self.path)


def dotted(path: str) -> str:
    """The form people write: dots, unless a component holds one itself."""
    return path if "." in path else path.replace("/", ".")


def slashed(name: str) -> str:
    """``net.ipv4.ip_forward`` or ``net/ipv4/conf/eth0.100/forwarding`` -> the form with slashes.

    As sysctl(8) reads names: whichever of the two separators comes first is the separator.
    """
    first_dot, first_slash = name.find("."), name.find("/")
    if first_slash != -1 and (first_dot == -1 or first_slash < first_dot):
        return name
    return name.replace("/", "\0").replace(".", "/").replace("\0", ".")


#: The effective values with which a real server keeps quiet about a VIP that it carries. arp_ignore: answer only for
#: addresses of the interface that was asked; arp_announce: speak with an address of the subnet asked, never the VIP
#: (Linux Documentation/networking/ip-sysctl.rst).
QUIET = {"arp_ignore": ("1", "2"), "arp_announce": ("2",)}


def effective(everywhere: str, here: str) -> str:
    """What holds of conf/all and conf/INTERFACE of such a setting (include/linux/inetdevice.h IN_DEV_MAXCONF)."""
    return max(everywhere, here, key=int)


@dataclass(frozen=True)
class ModuleKey:
    """A kernel module; its value is "loaded". Never unloaded by us."""

    name: str

    def __str__(self) -> str:
        return f"kernel module {self.name}"


@dataclass(frozen=True)
class MarkRuleKey:
    """A rule of the mangle table that marks packets for a firewall-mark service. Present or not: value "present".

    ``protocol`` "" with ``port`` 0 marks everything that is sent to the address.
    """

    address: str
    protocol: str
    port: int
    fwmark: int

    def __str__(self) -> str:
        what = f"{self.protocol} port {self.port} of " if self.protocol else ""
        return f"firewall mark {self.fwmark} for {what}{self.address}"


@dataclass(frozen=True)
class FilterTableKey:
    """The whole IPv4 filter table, for ``flush_iptables`` alone. Value: FilterTable."""

    def __str__(self) -> str:
        return "iptables filter table"


@dataclass(frozen=True)
class FilterTable:
    """The lines of ``iptables-save -t filter`` without comments. ``flushed``: no rule is left and counters are zero."""

    lines: tuple[str, ...] = ()
