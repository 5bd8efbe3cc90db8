"""What a firewall does with a packet: certain, or unknown."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_init.commands.iptables_save import parse
from lvs_init.doctor.admission import let_in
from lvs_init.doctor.verdict import ACCEPT, DROP, UNKNOWN, Fate, Packet, arrives, fate, passes, redirected
from lvs_init.model.firewall import Chain, Firewall, Table

WEB = Packet(4, "tcp", destination="192.168.0.219", dport=80, state="NEW", syn=True)


def filtering(*rules: str, policy: str = "ACCEPT", table: str = "filter", chain: str = "INPUT") -> Firewall:
    lines = [f"*{table}", f":{chain} {policy} [0:0]", ":own - [0:0]", *rules, "COMMIT"]
    return parse("\n".join(lines), 4)


@pytest.mark.parametrize(
    ("rules", "policy", "verdict"),
    [
        ((), "ACCEPT", ACCEPT),
        ((), "DROP", DROP),
        (("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT",), "DROP", ACCEPT),
        (("-A INPUT -p tcp -m tcp --dport 81 -j ACCEPT",), "DROP", DROP),
        (("-A INPUT -p tcp -m multiport --dports 22,79:81 -j ACCEPT",), "DROP", ACCEPT),
        (("-A INPUT -d 192.168.0.0/24 -j DROP",), "ACCEPT", DROP),
        (("-A INPUT ! -d 192.168.0.219/32 -j DROP",), "ACCEPT", ACCEPT),
        (("-A INPUT -s 10.0.0.0/8 -j DROP",), "ACCEPT", UNKNOWN),  # who asks?
        (("-A INPUT -s 10.0.0.0/8 -j ACCEPT",), "DROP", UNKNOWN),
        (("-A INPUT -s 10.0.0.0/8 -j DROP", "-A INPUT -j DROP"), "ACCEPT", DROP),
        (("-A INPUT -i lo -j ACCEPT",), "DROP", DROP),
        (("-A INPUT -i eth0 -j ACCEPT",), "DROP", UNKNOWN),
        (("-A INPUT -m state --state ESTABLISHED -j ACCEPT",), "DROP", DROP),
        (("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT",), "DROP", ACCEPT),
        (("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",), "ACCEPT", ACCEPT),
        (("-A INPUT -m limit --limit 5/min -j ACCEPT",), "DROP", UNKNOWN),
        (("-A INPUT -j NFQUEUE",), "DROP", UNKNOWN),
        (("-A INPUT -j LOG",), "ACCEPT", ACCEPT),
        (("-A INPUT -j own", "-A own -p udp -j DROP", "-A INPUT -j REJECT"), "ACCEPT", DROP),
        (("-A INPUT -j own", "-A own -p tcp -j ACCEPT"), "DROP", ACCEPT),
        (("-A INPUT -j own", "-A own -p tcp -j RETURN", "-A own -j DROP"), "ACCEPT", ACCEPT),
        (("-A INPUT -g own", "-A own -p udp -j DROP", "-A INPUT -j DROP"), "ACCEPT", ACCEPT),
        (("-A INPUT -j own", "-A own -j own"), "ACCEPT", UNKNOWN),  # no kernel takes this
    ],
)
def test_fate(rules: tuple[str, ...], policy: str, verdict: str) -> None:
    assert fate(filtering(*rules, policy=policy), "input", WEB).verdict == verdict


def test_the_rule_that_drops_is_told() -> None:
    rule = "-A INPUT -p tcp -j DROP"
    assert fate(filtering(rule), "input", WEB)[:2] == (DROP, rule)
    assert fate(filtering(policy="DROP"), "input", WEB).rule == "policy DROP of INPUT"


def test_what_comes_after_ipvs_does_not_matter() -> None:
    assert fate(filtering("-A INPUT -j DROP", table="nat"), "input", WEB).verdict == ACCEPT


def test_one_table_is_enough_to_drop() -> None:
    firewall = Firewall(
        (*filtering().tables, *filtering("-A PREROUTING -j DROP", table="raw", chain="PREROUTING").tables)
    )
    assert arrives(firewall, WEB).verdict == DROP
    assert fate(firewall, "input", WEB).verdict == ACCEPT


def test_notrack_takes_the_state_away() -> None:
    raw = filtering("-A PREROUTING -p tcp -j NOTRACK", table="raw", chain="PREROUTING").tables
    untracked = filtering("-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT", policy="DROP").tables
    assert arrives(Firewall((*raw, *untracked)), WEB).verdict == ACCEPT
    assert arrives(Firewall(untracked), WEB).verdict == DROP
    some = filtering("-A PREROUTING -s 10.0.0.0/8 -j NOTRACK", table="raw", chain="PREROUTING").tables
    assert arrives(Firewall((*some, *untracked)), WEB).verdict == UNKNOWN


def test_what_goes_on_is_asked_of_forward() -> None:
    firewall = filtering("-A FORWARD -m conntrack --ctstate INVALID -j DROP", chain="FORWARD")
    answer = Packet(4, "tcp", source="192.168.10.11", sport=80, state="INVALID", syn=False)
    assert passes(firewall, "forward", answer).verdict == DROP


def test_the_other_family_is_none_of_its_business() -> None:
    packet = Packet(6, "tcp", destination="fd00::219", dport=80)
    assert fate(filtering(policy="DROP"), "input", packet).verdict == ACCEPT


def test_redirections() -> None:
    nat = filtering("-A PREROUTING -d 192.168.0.219/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080",
                    table="nat", chain="PREROUTING")  # fmt: skip
    assert redirected(nat, WEB)
    assert not redirected(nat, Packet(4, "tcp", destination="192.168.0.220", dport=80))


_CONDITIONS = ("-s 10.0.0.0/8", "! -s 10.0.0.1/32", "-i eth0", "! -i eth0", "-m state --state NEW", "-p tcp",
               "-p tcp -m tcp --dport 80", "-p tcp -m tcp ! --dport 80", "-p udp", "")  # fmt: skip
_TARGETS = ("ACCEPT", "DROP", "REJECT", "RETURN", "LOG", "own")
_RULES = st.lists(st.tuples(st.sampled_from(("INPUT", "own")), st.sampled_from(_CONDITIONS), st.sampled_from(_TARGETS)))


@given(_RULES, st.sampled_from(("ACCEPT", "DROP")), st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_certain_is_so_of_every_packet(
    rules: list[tuple[str, str, str]], policy: str, data: st.DataObject
) -> None:
    lines = [f"-A {chain} {asks} -j {target}" for chain, asks, target in rules if (chain, target) != ("own", "own")]
    firewall = filtering(*lines, policy=policy)
    asked = Packet(4, "tcp", destination="192.168.0.219", dport=80)
    certain = fate(firewall, "input", asked).verdict
    one = asked._replace(
        source=data.draw(st.sampled_from(("10.0.0.1", "10.0.0.2", "192.0.2.1"))),
        interface=data.draw(st.sampled_from(("eth0", "eth1"))),
        state=data.draw(st.sampled_from(("NEW", "ESTABLISHED"))),
    )
    known = fate(firewall, "input", one).verdict
    assert known in (ACCEPT, DROP)
    assert certain in (known, UNKNOWN)


def test_a_chain_of_another_machines_stands_in_the_fix_for_nothing_but_itself() -> None:
    chain = Chain("input;reboot", hook="input", policy="drop")
    fix = let_in(Fate(DROP, "policy", Table("inet", "filter", {chain.name: chain}), chain), WEB)
    assert shlex.split(fix.text)[5] == "input;reboot" and "'input;reboot'" in fix.text
