"""What the names of variables say: VIP, DIP and RIP1 are as old as the scripts themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvs_init.importing.shell_values import Variables
from lvs_init.model.address import canonical

_VIP = re.compile(r"(LVS_?)?VIPS?[_0-9]*|VIRTUAL_?IPS?\d*|VIP_\w+|\w+_VIP\d*")
_DIP = re.compile(r"DIPS?[_0-9]*|DIRECTOR_?(IP|ADDR)?\d*|DIP_\w+|\w+_DIP\d*")
_RIP = re.compile(r"RIPS?[_0-9]*|RIP_?LIST|RIP_\w+|\w+_RIPS?\d*|RS_?\d*(_?IPS?)?|REAL_?(SERVERS?|IPS?)(_?LIST)?_?\d*")
_MOST = 4096


class Named:
    """Addresses by what the variables that hold them are called, each once, in the order of assignment."""

    def __init__(self, variables: Variables) -> None:
        self.addresses: dict[str, str] = {}  # every address -> its variable
        self.vips: list[str] = []
        self.dips: list[str] = []
        self.rips: list[str] = []
        for name, text in _texts(variables):
            for address in _addresses(text):
                self.addresses.setdefault(address, name)
                for pattern, found in ((_VIP, self.vips), (_DIP, self.dips), (_RIP, self.rips)):
                    if pattern.fullmatch(name.upper()) and address not in found and len(found) < _MOST:
                        found.append(address)


def _texts(variables: Variables) -> Iterator[tuple[str, str]]:
    yield from variables.texts.items()
    for name, array in variables.arrays.items():
        yield name, " ".join(array.values())


def _addresses(text: str) -> Iterator[str]:
    for word in re.split(r"[\s,;]+", text):
        try:
            yield canonical(word.partition("/")[0])
        except ValueError:
            continue
