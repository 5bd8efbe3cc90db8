"""What runs on a real kernel have taught: each a machine as it was seen there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.commands import iptables_save
from lvs_init.config.load import parse
from lvs_init.doctor.case import ELSEWHERE, Case
from lvs_init.doctor.catalogue import diagnose
from lvs_init.doctor.snapshot import Address, Interface, RouteAnswer, Snapshot
from tests.machines import DIP, OTHER, RIP, VIP, altered, cluster, codes, director, judged

DR = cluster("dr")
VIP6, RIP6 = "fd00::219", "fd00::11"
DR6 = parse(
    f'[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\n[[service]]\nvip = "{VIP6}"\nport = 80\n'
    f'realservers = [{{ rip = "{RIP6}" }}]\n'.encode(), "/etc/lvs/lvs.toml",
)  # fmt: skip
REVERSE_PATH = "-A PREROUTING -m rpfilter --invert -j DROP"


def test_a_wide_vip_that_came_first_is_made_narrow() -> None:
    """A route's source does not change in whose name the director asks by ARP; the first address does."""
    machine = director(DR)
    others = [each for each in machine.addresses or () if each.address not in (VIP, DIP)]
    first = Address("eth0", VIP, 24, label="eth0:1")
    then = Address("eth0", DIP, 24, secondary=True)
    answers = tuple(replace(each, preferred=VIP) if each.to in (RIP, OTHER) else each for each in machine.answers or ())
    found = judged(altered(machine, DR, addresses=(first, then, *others), answers=answers), DR)
    (told,) = (each for each in found if each.code == "DIR02")
    assert told.fix.text.splitlines() == [
        "sysctl -w net.ipv4.conf.eth0.promote_secondaries=1",
        f"ip address del {VIP}/24 dev eth0",
        f"ip address add {VIP}/32 broadcast {VIP} label eth0:1 dev eth0",
    ]


@pytest.mark.parametrize(("way", "told"), [("second9", True), ("eth0", False)])
def test_v604_under_dr_where_answers_leave_by_another_device(way: str, told: bool) -> None:
    client = ELSEWHERE[6]
    machine = Snapshot(
        "rs1", interfaces=(Interface("lo", loopback=True), Interface("eth0"), Interface("second9")),
        addresses=(Address("eth0", RIP6, 64), Address("second9", "fd00::61", 64), Address("lo", VIP6, 128)),
        answers=(RouteAnswer(client, VIP6, via="fd00::fe", device=way),),
        firewall=iptables_save.parse(f"*raw\n:PREROUTING ACCEPT [0:0]\n{REVERSE_PATH}\nCOMMIT\n", 6),
    )  # fmt: skip
    assert ("V604" in codes(diagnose(Case(DR6, machine, frozenset({"realserver"}))))) is told
