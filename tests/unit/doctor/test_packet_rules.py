"""Direct routing and firewalls: for each code a machine that has it, and one beside it that has not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.commands import iptables_save, nft
from lvs_init.config.cluster import Cluster
from lvs_init.doctor.finding import Finding
from lvs_init.doctor.snapshot import Answered, Interface, Listener, Neighbour, Snapshot
from lvs_init.model.firewall import Firewall
from tests.machines import CLIENT, DIP, RIP, VIP, altered, cluster, codes, director, judged, real_server

DR, NAT, TUN = cluster("dr"), cluster("nat"), cluster("tun")


def only(found: list[Finding], code: str) -> Finding:
    assert codes(found, "broken", "will-break", "risk") == [code], found
    return next(each for each in found if each.code == code)


def firewalled(machine: Snapshot, *rules: str, chain: str = "INPUT", table: str = "filter", policy: str = "ACCEPT",
               settings: dict[str, str] | None = None) -> Snapshot:  # fmt: skip
    text = "\n".join([f"*{table}", f":{chain} {policy} [0:0]", *rules, "COMMIT"])
    sysctls = {**(machine.sysctls or {}), **(settings or {})}
    return replace(machine, firewall=iptables_save.parse(text, 4), sysctls=sysctls)


def rerouted(machine: Snapshot, to: str, source: str, **changes: object) -> Snapshot:
    """Another answer of the kernel to one question."""
    answers = tuple(
        replace(each, **changes) if (each.to, each.source, each.iif) == (to, source, "") else each
        for each in machine.answers or ()
    )
    return replace(machine, answers=answers)


def table_with(port: int, of: Cluster = DR) -> Snapshot:
    machine = director(of)
    (service,) = machine.services or ()
    return replace(machine, services=(replace(service, servers=(replace(service.servers[0], port=port),)),))


def test_dr01_a_port_that_is_not_used() -> None:
    found = only(judged(table_with(8080), DR), "DR01")
    assert found.fix.text.splitlines() == [
        f"ipvsadm -d -t {VIP}:80 -r {RIP}:8080", f"ipvsadm -a -t {VIP}:80 -r {RIP}:80 -g -w 1",
    ]  # fmt: skip
    assert "DR01" not in codes(judged(table_with(8080, NAT), NAT))
    assert "DR01" not in codes(judged(table_with(0), DR))


@pytest.mark.parametrize(
    ("listeners", "taken"),
    [
        ([("0.0.0.0", None)], True),
        ([(VIP, None)], True),
        ([("::", False)], True),
        ([("::", None)], True),
        ([("::", True)], False),
        ([(RIP, None)], False),
        ([], False),
        ([(RIP, None), (VIP, None)], True),
    ],
)
def test_dr02_where_a_service_listens(listeners: list[tuple[str, bool | None]], taken: bool) -> None:
    machine = replace(
        real_server(DR), listeners=tuple(Listener("tcp", address, 80, only6) for address, only6 in listeners)
    )
    assert codes(judged(machine, DR)) == ([] if taken else ["DR02"])


def test_dr02_under_nat_packets_come_for_the_rip() -> None:
    assert judged(replace(real_server(NAT), listeners=(Listener("tcp", RIP, 80),)), NAT) == []
    assert "DR02" in codes(judged(replace(real_server(NAT), listeners=(Listener("tcp", VIP, 80),)), NAT))


def test_dr02_a_redirection_goes_elsewhere() -> None:
    nobody = replace(real_server(DR), listeners=())
    rule = f"-A PREROUTING -d {VIP}/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080"
    assert judged(firewalled(nobody, rule, chain="PREROUTING", table="nat"), DR) == []
    assert judged(replace(nobody, listeners=None), DR) == []


def test_dr03_udp_from_the_wildcard() -> None:
    of = cluster("dr", service='protocol = "udp"')
    (told,) = judged(replace(real_server(of), listeners=(Listener("udp", "0.0.0.0", 80),)), of)
    assert (told.code, told.severity) == ("DR03", "note")  # it may well take care
    bound = (Listener("udp", "0.0.0.0", 80), Listener("udp", VIP, 80))
    assert judged(replace(real_server(of), listeners=bound), of) == []


def test_dr04_the_gateway_is_the_director() -> None:
    machine = rerouted(real_server(DR), CLIENT, VIP, via=DIP)
    assert only(judged(machine, DR), "DR04").severity == "broken"
    of = cluster("dr", director='sysctl = { "net.ipv4.conf.eth0.accept_local" = 1 }')
    assert judged(rerouted(real_server(of), CLIENT, VIP, via=DIP), of) == []


def test_dr04_the_gateway_has_the_directors_hardware() -> None:
    other = "192.168.0.2"
    machine = replace(
        rerouted(real_server(DR), CLIENT, VIP, via=other),
        neighbours=(Neighbour(other, "eth0", "02:00:00:00:00:01", "REACHABLE"),),
    )
    assert judged(machine, DR) == []
    heard = (Answered(VIP, "eth0", ("02:00:00:00:00:01",)),)
    assert "DR04" in codes(judged(replace(machine, probed=heard), DR))


def test_dr05_no_way_to_clients() -> None:
    lost = {"kind": "error", "via": "", "device": "", "error": "Network is unreachable"}
    assert only(judged(rerouted(real_server(DR), CLIENT, VIP, **lost), DR), "DR05").severity == "broken"
    apart = rerouted(real_server(DR), CLIENT, VIP, device="eth1")
    assert only(judged(apart, DR), "DR05").severity == "risk"


def strict(of: Cluster, device: str, **settings: str) -> Snapshot:
    """rp_filter as given, and the way to clients by this device."""
    machine = altered(
        real_server(of), of, settings={f"net/ipv4/conf/{name}/rp_filter": value for name, value in settings.items()}
    )
    for source in ("", VIP, RIP):
        machine = rerouted(machine, CLIENT, source, device=device)
    interfaces = (*(machine.interfaces or ()), Interface("eth1"))
    return replace(machine, interfaces=interfaces)


@pytest.mark.parametrize(
    ("device", "settings", "drops"),
    [
        ("eth1", {"eth0": "1"}, True),
        ("eth1", {"all": "1"}, True),
        ("eth1", {"all": "1", "eth0": "2"}, False),
        ("eth1", {"lo": "1"}, False),
        ("eth0", {"all": "1"}, False),
    ],
)
def test_dr06_strict_filters(device: str, settings: dict[str, str], drops: bool) -> None:
    found = judged(strict(DR, device, **settings), DR)
    assert codes(found) == (["DR06"] if drops else [])
    assert not drops or found[0].fix.text == "sysctl -w net.ipv4.conf.eth0.rp_filter=2"


SYN, KNOWN = (
    "-A INPUT -p tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT",
    "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
)
WEB = f"-A INPUT -d {VIP}/32 -p tcp -m tcp --dport 80 -j ACCEPT"
TRACKED = {"net/ipv4/vs/conntrack": "1"}


@pytest.mark.parametrize(
    ("rules", "settings", "severity"),
    [
        ((SYN, KNOWN, "-A INPUT -p tcp -j DROP"), {}, "broken"),
        ((SYN, KNOWN, "-A INPUT -p tcp -j DROP"), TRACKED, "broken"),
        ((WEB, SYN, KNOWN, "-A INPUT -p tcp -j DROP"), {}, ""),
        (("-A INPUT -m conntrack --ctstate INVALID -j DROP",), {}, "risk"),
        (("-A INPUT -m conntrack --ctstate INVALID -j DROP",), TRACKED, "broken"),
        ((WEB, "-A INPUT -m conntrack --ctstate INVALID -j DROP"), {}, ""),
    ],
)
def test_dr07_stateful_firewalls(rules: tuple[str, ...], settings: dict[str, str], severity: str) -> None:
    icmp = "-A INPUT -p icmp -j ACCEPT"
    found = judged(firewalled(director(DR), icmp, *rules, settings=settings), DR)
    assert [(each.code, each.severity) for each in found] == ([("DR07", severity)] if severity else [])
    assert not found or found[0].fix.text == f"iptables -I INPUT -d {VIP} -p tcp --dport 80 -j ACCEPT"


def test_dr07_under_nat_the_director_sees_both_directions() -> None:
    rules = (SYN, KNOWN, "-A INPUT -p tcp -j DROP")
    found = only(judged(firewalled(director(NAT), *rules), NAT), "DR07")
    assert found.fix.text == "sysctl -w net.ipv4.vs.conntrack=1"
    assert judged(firewalled(director(NAT), *rules, settings=TRACKED), NAT) == []


def test_dr08_requests_are_dropped() -> None:
    rule = f"-A INPUT -d {VIP}/32 -p tcp -m tcp --dport 80 -j DROP"
    assert rule in only(judged(firewalled(director(DR), rule), DR), "DR08").seen
    assert judged(firewalled(director(DR), rule.replace("80", "81")), DR) == []
    assert "DR08" in codes(judged(firewalled(director(DR), policy="DROP"), DR))
    assert judged(firewalled(director(DR), policy="DROP", chain="FORWARD"), DR) == []
    assert judged(replace(director(DR), firewall=None), DR) == []


def test_dr08_in_other_tables_and_tools() -> None:
    raw = firewalled(director(DR), "-A PREROUTING -p tcp -j DROP", chain="PREROUTING", table="raw")
    assert only(judged(raw, DR), "DR08").fix.text == (
        f"iptables -t raw -I PREROUTING -d {VIP} -p tcp --dport 80 -j ACCEPT"
    )
    ruleset = nft.parse(
        '{"nftables": [{"table": {"family": "inet", "name": "fw"}}, {"chain": {"family": "inet", "table": "fw",'
        ' "name": "in", "hook": "input", "prio": 0, "policy": "drop"}}, {"rule": {"family": "inet", "table": "fw",'
        ' "chain": "in", "expr": [{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "icmp"}},'
        ' {"accept": null}]}}]}'
    )
    found = only(judged(replace(director(DR), firewall=ruleset), DR), "DR08")
    assert found.fix.text == f"nft insert rule inet fw in ip daddr {VIP} tcp dport 80 accept"


def test_dr08_what_ipvs_sends_passes_output() -> None:
    known = "-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"
    assert "OUTPUT" in only(judged(firewalled(director(DR), known, chain="OUTPUT", policy="DROP"), DR), "DR08").seen
    untracked = known.replace("NEW", "NEW,UNTRACKED")
    assert judged(firewalled(director(DR), untracked, chain="OUTPUT", policy="DROP"), DR) == []


def test_dr09_a_real_servers_firewall() -> None:
    rip_alone = f"-A INPUT -d {RIP}/32 -p tcp -m tcp --dport 80 -j ACCEPT"
    assert only(judged(firewalled(real_server(DR), rip_alone, policy="DROP"), DR), "DR09").about.endswith(VIP)
    assert judged(firewalled(real_server(DR), WEB, policy="DROP"), DR) == []
    assert judged(firewalled(real_server(NAT), rip_alone, policy="DROP"), NAT) == []
    answers = firewalled(real_server(DR), "-A OUTPUT -p tcp -m tcp --sport 80 -j DROP", chain="OUTPUT")
    assert "the answer" in only(judged(answers, DR), "DR09").seen


def test_dr09_a_tunnels_packets_arrive_twice() -> None:
    inner = firewalled(real_server(TUN), WEB, policy="DROP")
    found = only(judged(inner, TUN), "DR09")
    assert found.fix.text == f"iptables -I INPUT -d {RIP} -p 4 -j ACCEPT"
    assert judged(firewalled(real_server(TUN), WEB, "-A INPUT -p ipencap -j ACCEPT", policy="DROP"), TUN) == []


@pytest.mark.parametrize(
    ("rule", "drops"),
    [
        ("-p icmp -j DROP", True),
        ("-p icmp -m icmp --icmp-type 8 -j DROP", False),
        ("-p icmp -m icmp --icmp-type 3 -j DROP", True),
    ],
)
def test_dr10_icmp_for_real_servers(rule: str, drops: bool) -> None:
    assert codes(judged(firewalled(director(DR), f"-A INPUT {rule}"), DR)) == (["DR10"] if drops else [])
    assert codes(judged(firewalled(director(NAT), f"-A INPUT {rule}"), NAT)) == []


@pytest.mark.parametrize(
    ("rules", "policy", "settings", "drops"),
    [
        ((), "DROP", {}, True),
        (("-A FORWARD -m conntrack --ctstate INVALID -j DROP",), "ACCEPT", {}, True),
        (("-A FORWARD -m conntrack --ctstate INVALID -j DROP",), "ACCEPT", TRACKED, False),
        (("-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",), "DROP", {}, True),
        (("-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",), "DROP", TRACKED, False),
        (("-A FORWARD -s 192.168.0.0/24 -j ACCEPT",), "DROP", {}, False),
    ],
)
def test_nat05_answers_are_forwarded(
    rules: tuple[str, ...], policy: str, settings: dict[str, str], drops: bool
) -> None:
    machine = firewalled(director(NAT), *rules, chain="FORWARD", policy=policy, settings=settings)
    found = judged(machine, NAT)
    assert codes(found) == (["NAT05", "NAT05"] if drops else [])
    if drops:
        known = "ESTABLISHED" in rules[0] or "INVALID" in rules[0] if rules else False
        assert found[0].fix.text == (
            "sysctl -w net.ipv4.vs.conntrack=1"
            if known
            else f"iptables -I FORWARD -s {RIP} -p tcp --sport 80 -j ACCEPT"
        )


def test_nat06_a_masquerade_that_does_nothing() -> None:
    rule = "-A POSTROUTING -o eth0 -m ipvs --ipvs -j MASQUERADE"
    machine = firewalled(director(NAT), rule, chain="POSTROUTING", table="nat")
    assert only(judged(machine, NAT), "NAT06").fix.text == "sysctl -w net.ipv4.vs.conntrack=1"
    tracked = replace(machine, sysctls={**(machine.sysctls or {}), **TRACKED})
    assert judged(tracked, NAT) == []
    assert (
        judged(firewalled(director(NAT), rule.replace("-m ipvs --ipvs ", ""), chain="POSTROUTING", table="nat"), NAT)
        == []
    )


def test_a_firewall_that_was_not_seen_is_not_judged() -> None:
    for of in (DR, NAT, TUN):
        for make in (director, real_server):
            assert judged(replace(make(of), firewall=None), of) == []
            assert judged(replace(make(of), firewall=Firewall()), of) == []


def test_ways_that_were_not_seen_are_not_judged() -> None:
    assert codes(judged(replace(real_server(DR), answers=()), DR), "broken") == []
