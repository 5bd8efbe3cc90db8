"""Waiting until the kernel has made sure that an IPv6 address is ours alone."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lvs_init.model.network import AddressKey
from lvs_init.system import netinfo

#: Duplicate address detection takes 1 s and a random delay of up to 1 s (RFC 4862 5.4.2, dad_transmits 1).
_LONGEST = 4.0
_PAUSE = 0.05  # seconds between two looks; /proc offers nothing to wait on


def await_addresses(added: Sequence[AddressKey]) -> list[str]:
    """Wait until duplicate address detection has ended; a sentence for every address that lost or did not end."""
    deadline = time.monotonic() + _LONGEST
    states = netinfo.unsettled() if added else {}
    while any(states.get(key) == "tentative" for key in added) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        states = netinfo.unsettled()
    said = {
        "failed": netinfo.DUPLICATE,
        "tentative": f"{{}}: duplicate address detection has not ended after {_LONGEST:g} s",
    }
    return [said[states[key]].format(key) for key in added if key in states]
