"""ifconfig(8) of net-tools: VIP aliases with a label, and links up or down.

It only adds: it can remove an alias by its label alone, and a label may hold another address by then.
"""

from __future__ import annotations

from lvs_init.commands.command import Command
from lvs_init.model.address import family_of, netmask_of
from lvs_init.model.network import AddressKey, Alias, LinkKey

#: IFNAMSIZ without its NUL, linux/if.h. ifconfig cuts a longer label and then replaces the interface's own address.
LABEL_LIMIT = 15


def serves(key: AddressKey, alias: Alias) -> bool:
    """Whether ifconfig may set this address.

    IPv4 only, since it cannot say that an IPv6 address is not for the machine's own connections (see ip.address_add),
    and only under an alias's label: under the interface's own name it would replace the interface's address. And not
    on lo: ifconfig sets the address first and its mask after that, and in between the kernel has given it the mask of
    its class (Linux net/ipv4/devinet.c, SIOCSIFADDR). On lo that makes a whole network the machine's own for an
    instant, and its connections to that network are reset (docs/adr/0005-no-ifconfig-on-lo.md).
    """
    if family_of(key.address) == 6 or key.interface == "lo":
        return False
    return alias.label.startswith(f"{key.interface}:") and len(alias.label) <= LABEL_LIMIT


def add(key: AddressKey, alias: Alias) -> Command:
    """Sets the address under the alias's label, which brings the interface up as well.

    Raises ValueError where ifconfig does not serve the address.
    """
    if not serves(key, alias):
        raise ValueError(f"ifconfig cannot be used for {key} with the label '{alias.label}'")
    broadcast = ("broadcast", alias.broadcast) if alias.broadcast else ()
    return Command(("ifconfig", alias.label, key.address, "netmask", netmask_of(key.prefix), *broadcast, "up"))


def link(key: LinkKey, value: str) -> Command:
    """``value``: up or down."""
    return Command(("ifconfig", key.interface, value))
