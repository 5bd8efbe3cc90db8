"""Firewalls as iptables-save 1.8.9 and nft 1.0.6 list them, read as one form."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.commands import iptables_save, nft
from lvs_init.model.firewall import OTHER, Chain, Firewall, Match, Rule, Table, joined

CAPTURED = Path(__file__).parent / "captured"


def iptables() -> Firewall:
    return iptables_save.parse((CAPTURED / "iptables_save").read_text(encoding="ascii"), 4)


def ruleset() -> Firewall:
    return nft.parse((CAPTURED / "nft_ruleset").read_text(encoding="ascii"))


def chain(firewall: Firewall, table: str, name: str) -> Chain:
    return next(each for each in firewall.tables if each.name == table).chains[name]


def test_chains_of_iptables_have_hooks_policies_and_places() -> None:
    filtering = chain(iptables(), "filter", "INPUT")
    assert (filtering.hook, filtering.policy, filtering.priority) == ("input", "drop", 0)
    assert chain(iptables(), "filter", "zone").hook == ""
    assert chain(iptables(), "raw", "PREROUTING").priority < chain(iptables(), "mangle", "PREROUTING").priority
    assert chain(iptables(), "nat", "POSTROUTING").priority == 100


def test_rules_of_iptables() -> None:
    states, syn, icmp, log, not_syn, tunnel = chain(iptables(), "filter", "INPUT").rules
    assert (states.action, states.matches) == ("accept", (Match("state", ("RELATED", "ESTABLISHED")),))
    assert syn.matches == (Match("protocol", ("tcp",)), Match("syn"), Match("dport", ("80", "443:445")))
    assert icmp.matches[0] == Match("source", ("10.0.0.0/8",), True)
    assert (icmp.action, icmp.matches[2]) == ("reject", Match("icmp", ("3/4",)))
    assert (log.action, log.target, log.matches) == ("continue", "LOG", ())
    assert not_syn.matches[1:] == (Match("syn", (), True), Match("state", ("NEW",)))
    assert tunnel.matches == (Match("protocol", ("ipencap",)),)
    assert tunnel.text == "-A INPUT -p ipencap -j DROP"
    (forward,) = chain(iptables(), "filter", "FORWARD").rules
    assert (forward.action, forward.target) == ("goto", "zone")
    assert forward.matches == (Match("in", ("eth+",)), Match("out", ("eth1",), True))
    (limited,) = chain(iptables(), "filter", "zone").rules
    assert (limited.action, {match.what for match in limited.matches}) == ("return", {OTHER})


def test_marks_and_other_tables_of_iptables() -> None:
    (mark,) = chain(iptables(), "mangle", "PREROUTING").rules
    assert (mark.target, mark.value, mark.action) == ("MARK", "0x7/0xffffffff", "continue")
    assert mark.text.startswith("-t mangle -A PREROUTING -d 192.168.0.219/32 ")
    (untracked,) = chain(iptables(), "raw", "PREROUTING").rules
    assert untracked.target == "NOTRACK"
    (redirect,) = chain(iptables(), "nat", "PREROUTING").rules
    assert (redirect.target, redirect.action) == ("REDIRECT", "accept")


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ("-m ipvs --ipvs -o eth1", (Match("ipvs"), Match("out", ("eth1",)))),
        ("-m ipvs --vaddr 192.168.0.219/32", (Match("ipvs"), Match(OTHER, ("--vaddr 192.168.0.219/32",)))),
        ("-m rpfilter --invert", (Match(OTHER, ("rpfilter",)), Match(OTHER, ("--invert",)))),
        ("-p tcp -m tcp --tcp-flags SYN,ACK SYN", (Match("protocol", ("tcp",)), Match(OTHER))),
        ("-p icmp -m icmp --icmp-type any", (Match("protocol", ("icmp",)),)),
        ("-m iprange --src-range 192.0.2.1-192.0.2.9", (Match("source", ("192.0.2.1-192.0.2.9",)),)),
        ("-m set ! --match-set x src", (Match(OTHER, ("set",)), Match(OTHER, ("--match-set x src",), True))),
        ("-m mark --mark 0x1", (Match("mark", ("0x1",)),)),
    ],
)
def test_what_a_rule_of_iptables_asks(rule: str, matches: tuple[Match, ...]) -> None:
    firewall = iptables_save.parse(f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {rule} -j NFQUEUE\nCOMMIT\n", 4)
    (found,) = chain(firewall, "filter", "INPUT").rules
    assert (found.matches, found.action) == (matches, "unknown")


@pytest.mark.parametrize("text", ["-A INPUT -j DROP\n", "*filter\n:INPUT DROP [0:0]\n-A INPUT -j 'DROP\n", "Warning\n"])
def test_what_iptables_save_never_prints_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        iptables_save.parse(text, 4)


def test_chains_of_nft() -> None:
    raw, late = chain(ruleset(), "firewalld", "raw_pre"), chain(ruleset(), "firewalld", "forward")
    assert (raw.hook, raw.priority, late.hook, late.priority) == ("prerouting", -300, "forward", 10)
    assert chain(ruleset(), "firewalld", "input").policy == "drop"
    assert chain(ruleset(), "firewalld", "zone").hook == ""


def test_rules_of_nft() -> None:
    rules = chain(ruleset(), "firewalld", "input").rules
    assert (rules[0].action, rules[0].matches) == ("accept", (Match("state", ("ESTABLISHED", "RELATED")),))
    shown = {rule.text.partition(": ")[2]: rule for rule in rules}
    invalid = shown["ct state invalid : drop"]
    assert (invalid.action, invalid.matches) == ("drop", (Match("state", ("INVALID",)),))
    jump = shown["iifname eth0 : jump zone"]
    assert (jump.action, jump.target, jump.matches) == ("jump", "zone", (Match("in", ("eth0",)),))
    known = {match for rule in rules for match in rule.matches}
    assert Match("syn", (), True) in known
    assert Match("dport", ("22", "80", "8000:8010")) in known
    assert Match("source", ("10.0.0.0/8", "192.168.0.1-192.168.0.9")) in known
    assert Match("icmp", ("3", "8")) in known
    assert Match("dport", ("80",), True) in known
    assert Match("protocol", ("ipencap",)) in known
    blocked = next(rule for rule in rules if "@blocked" in rule.text)
    assert blocked.matches == (Match("family", ("4",)), Match(OTHER, ("ip saddr @blocked",)))
    assert [rule.action for rule in rules[-2:]] == ["continue", "reject"]


def test_what_nft_rewrites() -> None:
    targets = {rule.target: rule for table in ruleset().tables for each in table.chains.values() for rule in each.rules}
    assert targets["MARK"].value == "7"
    assert targets["NOTRACK"].action == "continue"
    assert targets["REDIRECT"].action == targets["MASQUERADE"].action == "accept"


@pytest.mark.parametrize("text", ["[]", "{", '{"nftables": [{"rule": {}}]}', '{"nftables": 1}', '{"nftables": [1]}'])
def test_what_nft_never_prints_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        nft.parse(text)


def test_what_both_tools_show_counts_once() -> None:
    drop = Rule("", (), "drop")
    ours = Firewall((Table("ip", "filter", {"INPUT": Chain("INPUT", "input", rules=(drop,))}),))
    again = Table("ip", "filter", {"INPUT": Chain("INPUT", "input")})
    other = Table("ip", "filter2", {"INPUT": Chain("INPUT", "input")})
    assert joined(ours, Firewall((again, other))).tables == (*ours.tables, other)
