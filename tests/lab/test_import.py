"""A classic script runs and serves; its configuration is imported and started, and nobody who asks notices."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lvs_init.lab.place import ROOT, Place
from lvs_init.lab.rehearsal import CONFIGURATION, Rehearsal
from lvs_init.lab.snapshot import Snapshot, difference

SCRIPT = "/etc/lvs/classic"
ENOUGH = "/run/enough"
VIP = "192.168.0.219"
TRAFFIC = "lvs_init.lab.traffic"

# What the hosts are made of. The director's own copy is removed: it gets the imported one.
HOSTS = """
[cluster]
forwarding = "{forwarding}"
[director]
interface = "eth0"
dip = "{network}.10"
[[service]]
vip = "{vip}"
port = 80
scheduler = "{scheduler}"
realservers = [{{ rip = "{network}.11" }}, {{ rip = "{network}.12" }}]
"""

NAT_SCRIPT = """#!/bin/bash
VIP=192.168.0.219
DIP=192.168.10.10
RIP1=192.168.10.11
RIP2=192.168.10.12
case "$1" in
start)
    ifconfig eth0:1 $VIP netmask 255.255.255.0 up
    echo 1 > /proc/sys/net/ipv4/ip_forward
    iptables -F
    iptables -Z
    ipvsadm -C
    ipvsadm -A -t $VIP:80 -s rr
    for rip in $RIP1 $RIP2; do ipvsadm -a -t $VIP:80 -r $rip -m; done
    ;;
stop)
    ipvsadm -C
    ifconfig eth0:1 down
    echo 0 > /proc/sys/net/ipv4/ip_forward
    ;;
esac
"""
DR_SCRIPT = """#!/bin/bash
vip=192.168.0.219
rips=(192.168.0.11 192.168.0.12)
start() {
    ifconfig eth0:0 $vip broadcast $vip netmask 255.255.255.255 up
    route add -host $vip dev eth0:0
    echo 1 > /proc/sys/net/ipv4/ip_forward
    ipvsadm -C
    ipvsadm --set 600 60 120
    ipvsadm -A -t $vip:80 -s wrr
    weight=1
    for rip in "${rips[@]}"; do
        ipvsadm -a -t $vip:80 -r $rip -g -w $weight
        weight=$((weight + 1))
    done
}
stop() {
    ipvsadm -C
    ifconfig eth0:0 down
    echo 0 > /proc/sys/net/ipv4/ip_forward
}
"$1"
"""


@dataclass(frozen=True)
class Case:
    hosts: str
    script: str


CASES = {
    "nat": Case(
        HOSTS.format(forwarding="nat", network="192.168.10", vip=f"{VIP}/24", scheduler="rr"),
        NAT_SCRIPT,
    ),
    "dr": Case(HOSTS.format(forwarding="dr", network="192.168.0", vip=VIP, scheduler="wrr"), DR_SCRIPT),
}


def look(lab: Rehearsal) -> Snapshot:
    """The director without its lock and record files."""
    taken: Snapshot = lab.director.call("lvs_init.lab.snapshot:take")
    del taken["files"]
    return taken


@pytest.mark.parametrize("name", CASES)
def test_a_running_script_is_taken_over_under_load(place: Place, name: str) -> None:
    case = CASES[name]
    with Rehearsal(place, case.hosts, fresh=False) as lab:
        for call in lab.call_realservers("start"):
            call.completed.check()
        lab.director.run(["rm", CONFIGURATION]).check()
        lab.director.write(SCRIPT, case.script)
        lab.director.run(["bash", SCRIPT, "start"]).check()
        running = look(lab)

        held = lab.client.serve(f"{TRAFFIC}:hold", name="held", address=VIP)
        asking = lab.client.start_call("support.load:until", file=ENOUGH, address=VIP)
        imported = lab.director.entry([f"{ROOT}/bin/lvsctl", "import", SCRIPT, "--out", CONFIGURATION])
        assert imported.code == 0, imported.stderr
        assert lab.call_director("start").completed.check().stderr == ""
        assert lab.call_director("status").completed.code == 0
        adopted = look(lab)
        assert lab.call_director("stop").completed.code == 0
        lab.client.write(ENOUGH, "")
        asked = asking.wait()

        assert asked["errors"] == {} and sum(asked["answers"].values()) >= 20
        assert lab.client.call(f"{TRAFFIC}:ask_held", name="held") == held.ready
        # The configuration says what the script does, to the last setting; stop has given it all back.
        assert difference(running, adopted) == []
        assert difference(running, look(lab)) == []
