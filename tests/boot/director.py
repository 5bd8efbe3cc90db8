"""What every director of these tests has to show, whoever has started it: that of examples/vs-nat.toml."""

from __future__ import annotations

import re

from disk import CLIENT, SERVERS
from guest import Guest

UP = "lvs-director is running: 1 service, 1 VIP, 2 real servers\n"
FACTS = UP.partition(": ")[2].strip()
REQUEST = f"ip netns exec {CLIENT} bash -c 'cat </dev/tcp/192.168.0.219/80'"
STATE = "ipvsadm -Sn; ip -o address show dev eth0; cat /proc/sys/net/ipv4/ip_forward; ls -A /run/lock/subsys"


def serves(guest: Guest) -> None:
    """Every part is there, and requests of a client are answered by both real servers."""
    assert guest.run("lvs-director status").startswith("lvs-director is running\nProt ")
    state = guest.run(STATE)
    assert state.count(" -r 192.168.10.1") == 2
    assert re.search(r"inet 192\.168\.0\.219/24 .* secondary eth0:1\\", state)
    assert state.endswith("\n1\nlvs-director\n")
    guest.run(f"ip netns pids {SERVERS} | grep -q . || ip netns exec {SERVERS} python3 /outside/web.py")
    assert set(guest.run(f"{REQUEST}; {REQUEST}").split()) == {"192.168.10.11", "192.168.10.12"}
