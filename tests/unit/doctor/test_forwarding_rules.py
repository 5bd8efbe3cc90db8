"""nat and tun, connections and IPv6: for each code a machine that has it, and one beside it that has not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lvs_init.commands import iptables_save
from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.doctor.case import Case
from lvs_init.doctor.catalogue import diagnose
from lvs_init.doctor.finding import Finding
from lvs_init.doctor.snapshot import (
    Address,
    Connections,
    Interface,
    LiveServer,
    PolicyRule,
    Route,
    RouteAnswer,
    Snapshot,
    Started,
)
from tests.machines import CLIENT, DIP, OTHER, RIP, ROUTER, VIP, altered, cluster, codes, director, judged, real_server

DR, NAT, TUN = cluster("dr"), cluster("nat"), cluster("tun")
VS = "net/ipv4/vs"
TUNNEL_VIP = f"ip address add {VIP}/32 broadcast {VIP} label tunl0:1 dev tunl0"


def found(machine: Snapshot, of: Cluster, code: str) -> list[Finding]:
    return [each for each in judged(machine, of) if each.code == code]


def rerouted(machine: Snapshot, to: str, source: str, **changes: Any) -> Snapshot:
    answers = tuple(
        replace(each, **changes) if (each.to, each.source, each.iif) == (to, source, "") else each
        for each in machine.answers or ()
    )
    return replace(machine, answers=answers)


def with_settings(machine: Snapshot, **settings: str) -> Snapshot:
    changed = {name.replace("__", "/"): value for name, value in settings.items()}
    return replace(machine, sysctls={**(machine.sysctls or {}), **changed})


def served(machine: Snapshot, *servers: LiveServer, **service: Any) -> Snapshot:
    (live,) = machine.services or ()
    return replace(machine, services=(replace(live, servers=servers or live.servers, **service),))


def test_nat01_forwarding() -> None:
    off = with_settings(director(NAT), net__ipv4__ip_forward="0", net__ipv4__conf__eth0__forwarding="0")
    assert [each.fix.text for each in found(off, NAT, "NAT01")] == ["sysctl -w net.ipv4.ip_forward=1"]
    interface = with_settings(director(NAT), net__ipv4__conf__eth0__forwarding="0")
    assert [each.fix.text for each in found(interface, NAT, "NAT01")] == ["sysctl -w net.ipv4.conf.eth0.forwarding=1"]
    assert judged(with_settings(director(NAT), net__ipv4__ip_forward="0"), NAT) == []  # the interface counts
    assert found(replace(off, started=(), services=()), NAT, "NAT01") == []  # start will set it


def test_nat02_gateways() -> None:
    other = rerouted(real_server(NAT), CLIENT, RIP, via=ROUTER)
    assert [each.fix.text for each in found(other, NAT, "NAT02")] == [f"ip route replace default via {DIP}"]
    none = rerouted(real_server(NAT), CLIENT, RIP, via="", kind="error", error="Network is unreachable")
    assert [each.severity for each in found(none, NAT, "NAT02")] == ["broken"]
    full = cluster("nat", director='sysctl = { "net.ipv4.vs.conntrack" = 1 }')
    assert [each.severity for each in judged(rerouted(real_server(full), CLIENT, RIP, via=ROUTER), full)] == ["note"]
    elsewhere = cluster("nat", dip="192.168.7.1")
    assert found(rerouted(real_server(elsewhere), CLIENT, RIP, via=ROUTER), elsewhere, "NAT02") == []


@pytest.mark.parametrize(("sent", "back", "told"), [(9, 0, True), (9, 3, False), (2, 0, False), (None, None, False)])
def test_nat02_as_the_director_sees_it(sent: int | None, back: int | None, told: bool) -> None:
    machine = served(director(NAT), LiveServer(RIP, 80, "nat", 1, in_packets=sent, out_packets=back))
    assert bool(found(machine, NAT, "NAT02")) == told
    direct = served(director(DR), LiveServer(RIP, 80, "dr", 1, in_packets=9, out_packets=0))
    assert judged(direct, DR) == []
    assert found(with_settings(machine, net__ipv4__vs__run_estimation="0"), NAT, "NAT02") == []


def test_nat03_a_real_server_in_the_clients_network() -> None:
    of = parse(
        f'[cluster]\nforwarding = "nat"\n[director]\ninterface = "eth0"\ndip = "192.168.10.10"\n[[service]]\n'
        f'vip = "{VIP}"\nport = 80\nrealservers = [{{ rip = "192.168.10.11" }}]\n'.encode(), "/etc/lvs/lvs.toml",
    )  # fmt: skip
    addresses = (Address("eth0", "192.168.10.11", 24), Address("eth0", "192.168.0.77", 24))
    machine = Snapshot("rs1", interfaces=(Interface("eth0"),), addresses=addresses)
    (told,) = found(machine, of, "NAT03")
    assert told.fix.text == "ip address del 192.168.0.77/24 dev eth0"
    assert found(replace(machine, addresses=addresses[:1]), of, "NAT03") == []


def test_nat03_a_client_that_was_seen_beside_the_real_servers() -> None:
    beside = altered(director(NAT), NAT, clients=("192.168.0.50",))
    assert [each.severity for each in found(beside, NAT, "NAT03")] == ["risk"]
    assert found(altered(director(NAT), NAT, clients=("203.0.113.5",)), NAT, "NAT03") == []
    rules = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -m ipvs --ipvs -j MASQUERADE\nCOMMIT"
    full = replace(with_settings(beside, net__ipv4__vs__conntrack="1"), firewall=iptables_save.parse(rules, 4))
    assert found(full, NAT, "NAT03") == []


def test_nat04_redirects() -> None:
    loud = with_settings(director(NAT), net__ipv4__conf__all__send_redirects="1")
    (told,) = found(loud, NAT, "NAT04")
    assert told.fix.text == "sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0"
    assert found(with_settings(director(DR), net__ipv4__conf__all__send_redirects="1"), DR, "NAT04") == []
    obeyed = rerouted(real_server(NAT), CLIENT, RIP, via=ROUTER, redirected=True)
    assert codes(judged(obeyed, NAT)) == ["NAT04"]


@pytest.mark.parametrize(("count", "severity"), [("10", ""), ("90", "will-break"), ("100", "broken"), ("?", "")])
def test_nat07_a_full_table(count: str, severity: str) -> None:
    machine = with_settings(
        director(DR), net__netfilter__nf_conntrack_count=count, net__netfilter__nf_conntrack_max="100"
    )
    assert [each.severity for each in judged(machine, DR)] == ([severity] if severity else [])


def test_nat08_asymmetric_ways() -> None:
    machine = with_settings(altered(director(NAT), NAT, clients=("203.0.113.5",)), net__ipv4__conf__all__rp_filter="1")
    assert found(machine, NAT, "NAT08") == []
    away = rerouted(machine, "203.0.113.5", "", device="eth1")
    assert [each.severity for each in found(away, NAT, "NAT08")] == ["broken"]
    unknown = rerouted(with_settings(director(NAT), net__ipv4__conf__all__rp_filter="1"), CLIENT, "", device="eth1")
    assert [each.severity for each in found(unknown, NAT, "NAT08")] == ["risk"]


def test_nat08_rules_for_the_vip() -> None:
    ruled = replace(director(NAT), rules=(PolicyRule(100, "7", f"{VIP}/32"), PolicyRule(0, "local")))
    assert found(ruled, NAT, "NAT08") == []
    assert len(found(with_settings(ruled, net__ipv4__vs__snat_reroute="0"), NAT, "NAT08")) == 1
    assert found(with_settings(director(NAT), net__ipv4__vs__snat_reroute="0"), NAT, "NAT08") == []


def test_nat09_ftp() -> None:
    of = parse(
        f'[cluster]\nforwarding = "nat"\n[director]\ninterface = "eth0"\ndip = "{DIP}"\n[[service]]\nvip = "{VIP}"\n'
        f'port = 21\nrealservers = [{{ rip = "{RIP}" }}]\n'.encode(), "/etc/lvs/lvs.toml",
    )  # fmt: skip
    assert [each.fix.text for each in found(director(of), of, "NAT09")] == ["modprobe ip_vs_ftp"]
    assert found(replace(director(of), applications=("ftp",)), of, "NAT09") == []
    assert found(director(NAT), NAT, "NAT09") == []


def devices(machine: Snapshot, **tunnel: Any) -> Snapshot:
    changed = (replace(each, **tunnel) if each.name == "tunl0" else each for each in machine.interfaces or ())
    return replace(machine, interfaces=tuple(changed))


def test_tun01_and_tun02_receivers() -> None:
    machine = real_server(TUN)
    gone = replace(machine, interfaces=tuple(each for each in machine.interfaces or () if each.name != "tunl0"))
    (none,) = judged(gone, TUN)
    assert (none.code, none.fix.text.splitlines()[0]) == ("TUN01", "modprobe ipip")
    down = judged(devices(machine, up=False), TUN)
    assert [(each.code, each.fix.text) for each in down] == [("TUN02", "ip link set tunl0 up")]
    assert codes(judged(replace(gone, started=(), addresses=(Address("eth0", RIP, 24),)), TUN), "broken") == []


@pytest.mark.parametrize(
    ("everywhere", "tunnel", "bare", "fix"),
    [
        ("0", "2", False, None),
        ("1", "2", False, None),
        ("0", "0", True, None),
        ("0", "1", False, "sysctl -w net.ipv4.conf.tunl0.rp_filter=2"),
        ("1", "0", False, "sysctl -w net.ipv4.conf.tunl0.rp_filter=2"),
        ("0", "2", True, TUNNEL_VIP),
        ("2", "0", True, f"{TUNNEL_VIP}\nsysctl -w net.ipv4.conf.tunl0.rp_filter=2"),
    ],
)
def test_tun03_filters(everywhere: str, tunnel: str, bare: bool, fix: str | None) -> None:
    machine = with_settings(
        real_server(TUN), net__ipv4__conf__all__rp_filter=everywhere, net__ipv4__conf__tunl0__rp_filter=tunnel
    )
    if bare:
        moved = tuple(
            replace(each, interface="lo") if each.address == VIP else each for each in machine.addresses or ()
        )
        machine = replace(machine, addresses=moved)
    assert [each.fix.text for each in found(machine, TUN, "TUN03")] == ([] if fix is None else [fix])


def test_tun04_a_tunnel_does_not_hide_the_vip() -> None:
    loud = with_settings(real_server(TUN), net__ipv4__conf__all__arp_ignore="0")
    assert sorted(codes(judged(loud, TUN))) == ["ARP01", "TUN04"]
    assert found(with_settings(real_server(DR), net__ipv4__conf__all__arp_ignore="0"), DR, "TUN04") == []


def test_tun05_mtu_is_a_note() -> None:
    assert [each.severity for each in judged(director(TUN), TUN)] in ([], ["note"])
    machine = with_settings(director(TUN), net__ipv4__vs__pmtu_disc="1")
    (told,) = found(machine, TUN, "TUN05")
    assert (told.severity, told.fix.text) == ("note", "sysctl -w net.ipv4.vs.pmtu_disc=0")
    assert found(with_settings(machine, net__ipv4__vs__pmtu_disc="0"), TUN, "TUN05") == []
    wide = tuple(replace(each, mtu=1520) if each.name == "eth0" else each for each in machine.interfaces or ())
    assert found(replace(machine, interfaces=wide), TUN, "TUN05") == []


def test_tun07_another_kind_of_tunnel() -> None:
    (told,) = found(served(director(TUN), LiveServer(RIP, 80, "tun", 3, tunnel="gue")), TUN, "TUN07")
    assert told.fix.text == f"ipvsadm -e -t {VIP}:80 -r {RIP}:80 -i -w 3 --tun-type ipip"
    for kind in ("ipip", None):
        assert found(served(director(TUN), LiveServer(RIP, 80, "tun", 1, tunnel=kind)), TUN, "TUN07") == []


def test_tun08_a_tunnel_on_the_director() -> None:
    machine = director(TUN)
    tunnel = replace(
        machine,
        interfaces=(*(machine.interfaces or ()), Interface("tunl0", noarp=True, type="ipip")),
        addresses=(*(machine.addresses or ()), Address("tunl0", VIP, 32)),
    )
    assert [each.severity for each in found(tunnel, TUN, "TUN08")] == ["note"]
    assert found(machine, TUN, "TUN08") == []


PERSISTENT = cluster("dr", service="persistence = 300")


def test_con01_drained_and_persistent() -> None:
    machine = served(
        director(PERSISTENT), LiveServer(RIP, 80, "dr", 0), LiveServer(OTHER, 80, "dr", 1), persistent=True
    )
    assert codes(judged(with_settings(machine, net__ipv4__vs__expire_quiescent_template="0"), PERSISTENT)) == ["CON01"]
    assert found(with_settings(machine, net__ipv4__vs__expire_quiescent_template="1"), PERSISTENT, "CON01") == []
    once = served(machine, persistent=False)
    assert found(with_settings(once, net__ipv4__vs__expire_quiescent_template="0"), PERSISTENT, "CON01") == []


def test_con02_connections_to_nowhere() -> None:
    machine = with_settings(director(DR), net__ipv4__vs__expire_nodest_conn="0")
    gone = replace(machine, connections=Connections(3, of_servers={f"{VIP}:80 192.168.0.13:80": 3}))
    assert codes(judged(gone, DR)) == ["CON02"]
    assert judged(replace(machine, connections=Connections(3, of_servers={f"{VIP}:80 {RIP}:80": 3})), DR) == []
    assert judged(with_settings(gone, net__ipv4__vs__expire_nodest_conn="1"), DR) == []


@pytest.mark.parametrize(
    ("kernel", "mode", "conntrack", "told"),
    [
        ("6.1.0", "1", "1", 0),
        ("6.1.0", "0", "0", 1),
        ("5.4.0-42", "1", "1", 1),
        ("5.4.0-42", "1", "0", 0),
        ("x", "0", "1", 0),
    ],
)
def test_con03_ports_used_again(kernel: str, mode: str, conntrack: str, told: int) -> None:
    machine = with_settings(director(DR), net__ipv4__vs__conn_reuse_mode=mode, net__ipv4__vs__conntrack=conntrack)
    assert len(found(replace(machine, kernel=kernel), DR, "CON03")) == told


@pytest.mark.parametrize(("timeout", "severity"), [(7200, ""), (900, "note"), (30, "risk")])
def test_con04_idle_connections(timeout: int, severity: str) -> None:
    machine = replace(director(DR), timeouts={"tcp": timeout})
    assert [each.severity for each in judged(machine, DR)] == ([severity] if severity else [])


def test_con05_skew() -> None:
    machine = served(director(PERSISTENT), persistent=True)
    crowd = replace(machine, connections=Connections(40, templates={f"{RIP}:80": 39, f"{OTHER}:80": 1}))
    assert codes(judged(crowd, PERSISTENT)) == ["CON05"]
    even = replace(machine, connections=Connections(40, templates={f"{RIP}:80": 20, f"{OTHER}:80": 20}))
    assert judged(even, PERSISTENT) == []
    few = replace(machine, connections=Connections(3, templates={f"{RIP}:80": 3}))
    assert judged(few, PERSISTENT) == []


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("drop_packet", "3", "broken"),
        ("drop_packet", "1", "risk"),
        ("secure_tcp", "3", "risk"),
        ("drop_entry", "0", ""),
    ],
)
def test_con06_defence(name: str, value: str, severity: str) -> None:
    machine = altered(director(DR), DR, settings={f"{VS}/{name}": value})
    assert [each.severity for each in judged(machine, DR)] == ([severity] if severity else [])
    if severity:
        wanted = cluster("dr", director=f'sysctl = {{ "net.ipv4.vs.{name}" = {value} }}')
        assert [each.severity for each in judged(machine, wanted)] == ["note"]


def test_con07_one_packet() -> None:
    assert codes(judged(served(director(DR), one_packet=True), DR), "broken") == ["CON07"]
    assert found(served(director(DR), one_packet=False), DR, "CON07") == []


def marked(*rules: str) -> Snapshot:
    text = "\n".join(["*mangle", ":PREROUTING ACCEPT [0:0]", *rules, "COMMIT"])
    machine = director(MARKED)
    return replace(machine, firewall=iptables_save.parse(text, 4))


MARKED = parse(
    f'[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\n[[service]]\nfwmark = 7\nvips = ["{VIP}"]\n'
    f'match = [{{ protocol = "tcp", port = 80 }}]\nrealservers = [{{ rip = "{RIP}" }}]\n'.encode(), "/etc/lvs/lvs.toml",
)  # fmt: skip
RULE = f"-A PREROUTING -d {VIP}/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x7/0xffffffff"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((), True),
        ((RULE,), False),
        ((RULE.replace("0x7", "0x8"),), True),
        ((RULE.replace("80", "443"),), True),
        ((RULE.replace(f"-d {VIP}/32 ", ""),), False),
        (("-A PREROUTING -j CONNMARK --restore-mark",), False),
    ],
)
def test_con08_marks(rules: tuple[str, ...], told: bool) -> None:
    assert codes(judged(marked(*rules), MARKED), "broken") == (["CON08"] if told else [])


def test_con09_con10_con12() -> None:
    assert codes(judged(with_settings(real_server(DR), net__ipv4__tcp_tw_recycle="1"), DR)) == ["CON09"]
    assert judged(with_settings(real_server(DR), net__ipv4__tcp_tw_recycle="0"), DR) == []
    frozen = judged(with_settings(director(DR), net__ipv4__vs__run_estimation="0"), DR)
    assert [(each.code, each.severity) for each in frozen] == [("CON10", "note")]
    every = cluster("dr", service="persistence = 60")
    every = replace(every, services=(replace(every.services[0], key=every.services[0].key._replace(port=0)),))
    assert "CON12" in codes(judged(director(every), every), "note")
    assert found(director(DR), DR, "CON12") == []


VIP6, RIP6 = "fd00::219", "fd00::11"
DR6 = parse(
    f'[cluster]\nforwarding = "dr"\n[director]\ninterface = "eth0"\n[[service]]\nvip = "{VIP6}"\nport = 80\n'
    f'realservers = [{{ rip = "{RIP6}" }}]\n'.encode(), "/etc/lvs/lvs.toml",
)  # fmt: skip
LO, ETH0 = Interface("lo", loopback=True), Interface("eth0")


def six(*addresses: Address, role: str = "realserver", **changes: Any) -> list[Finding]:
    machine = Snapshot(
        "rs1", interfaces=(LO, ETH0), addresses=(Address("eth0", RIP6, 64), *addresses),
        started=(Started(role, "lvs", DR6.file, addresses=(Address("lo", VIP6, 128),)),), **changes,
    )  # fmt: skip
    return diagnose(Case(DR6, machine, frozenset({role})))


def test_v601_v602_where_the_vip_is() -> None:
    assert six(Address("lo", VIP6, 128)) == []
    (told,) = six(Address("eth0", VIP6, 128), Address("lo", VIP6, 128))
    assert (told.code, told.fix.text) == ("V601", f"ip address del {VIP6}/128 dev eth0")
    (wide,) = six(Address("lo", VIP6, 64))
    assert (wide.code, wide.fix.text.splitlines()[0]) == ("V602", f"ip address del {VIP6}/64 dev lo")
    lost = six(Address("eth0", VIP6, 128, dadfailed=True, tentative=True), role="director")
    assert "V601" in codes(lost, "broken")


def test_v603_v606_vips_that_are_gone() -> None:
    assert sorted(codes(six())) == ["ARP07", "V603"]
    disabled = six(sysctls={"net/ipv6/conf/lo/disable_ipv6": "1"})
    assert codes(disabled, "broken") == ["V606"]
    assert disabled[0].fix.text.splitlines()[0] == "sysctl -w net.ipv6.conf.lo.disable_ipv6=0"


def test_v608_advertised_routes() -> None:
    of = parse(
        f'[cluster]\nforwarding = "nat"\n[director]\ninterface = "eth0"\ndip = "fd00::1"\n[[service]]\nvip = "{VIP6}"\n'
        f'port = 80\nrealservers = [{{ rip = "{RIP6}" }}]\n'.encode(), "/etc/lvs/lvs.toml",
    )  # fmt: skip
    route = Route("default", via="fe80::1", device="eth0", family=6)
    settings = {"net/ipv6/conf/all/forwarding": "1", "net/ipv6/conf/eth0/accept_ra": "1"}
    machine = Snapshot("director", interfaces=(LO, ETH0), addresses=(), routes=(route,), sysctls=settings)
    case = Case(of, machine, frozenset({"director"}))
    assert "V608" in codes(diagnose(case), "will-break")
    machine = replace(machine, sysctls={**settings, "net/ipv6/conf/eth0/accept_ra": "2"})
    assert "V608" not in codes(diagnose(replace(case, snapshot=machine)))
    started = (Started("director", "lvs", of.file),)
    vips = (Address("eth0", "fd00::1", 64),)
    unheeded = replace(machine, addresses=vips, routes=(), sysctls=settings, started=started)
    assert "V608" in codes(diagnose(replace(case, snapshot=unheeded)), "risk")
    heeded = replace(unheeded, sysctls=machine.sysctls)
    assert "V608" not in codes(diagnose(replace(case, snapshot=heeded)))


def test_answers_of_another_form_do_not_matter() -> None:
    odd = RouteAnswer(CLIENT, RIP, kind="blackhole")
    assert codes(judged(replace(real_server(DR), answers=(odd,)), DR), "broken") == []
