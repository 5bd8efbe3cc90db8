"""Hosts, networks and routes of a configuration: golden files for the examples, rules for every sound case."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from lvs_init.config.load import parse
from lvs_init.errors import ConfigurationError
from lvs_init.lab.rehearsal import modules_of
from lvs_init.lab.subnets import CannotBuild
from lvs_init.lab.topology import MOST_REAL_SERVERS, Host, Topology, topology_of
from lvs_init.model.address import inside, network_of

TESTS = Path(__file__).parents[2]
EXAMPLES = sorted((TESTS.parent / "examples").glob("*.toml"))
CASES = sorted((TESTS / "cases" / "config").glob("*/lvs.toml"))


def built(text: str, director: str | None = None) -> Topology:
    return topology_of(parse(text, "lab.toml"), director)


def service(realservers: str, vip: str = "192.168.0.219", port: int = 80, more: str = "") -> str:
    return f'[[service]]\nvip = "{vip}"\nport = {port}\nrealservers = [{realservers}]\n{more}\n'


def addresses(host: Host) -> list[str]:
    return [f"{device} {address}" for device, address in host.addresses]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples(example: Path) -> None:
    golden = TESTS / "cases" / "topology" / f"{example.stem}.json"
    told = json.loads(json.dumps(asdict(built(example.read_text()))))
    assert told == json.loads(golden.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.parent.name)
def test_every_sound_configuration_gives_hosts_that_reach_each_other(case: Path) -> None:
    try:
        cluster = parse(case.read_bytes(), "lab.toml")
    except ConfigurationError:
        return
    try:
        topology = topology_of(cluster)
    except CannotBuild as error:
        assert error.message
        return
    everywhere = [address.partition("/")[0] for host in topology.hosts for _, address in host.addresses]
    assert len(set(everywhere)) == len(everywhere)
    macs = [wire.mac for host in topology.hosts for wire in host.wires]
    assert len(set(macs)) == len(macs)
    for host in topology.hosts:
        interfaces = {wire.interface: wire.segment for wire in host.wires}
        assert len(interfaces) == len(host.wires)
        for device, address in host.addresses:
            assert network_of(*split(address)) in topology.segments[interfaces[device]]
        for gateway in host.gateways:
            assert any(inside(gateway, network_of(*split(address))) for _, address in host.addresses)
            assert gateway in everywhere or cluster.director.dip_interface
    assert set(topology.watches) == {vip.address for vip in cluster.vips}


def split(address: str) -> tuple[str, int]:
    host, _, prefix = address.partition("/")
    return host, int(prefix)


def test_nat_alone_needs_no_router() -> None:
    text = '[director]\ndip = "10.1.0.1"\n' + service('{ rip = "10.1.0.11", forwarding = "nat" }')
    topology = built(text)
    assert [host.name for host in topology.hosts] == ["client", "director", "rs1"]
    assert addresses(topology.director) == ["eth0 192.168.0.1/24", "eth1 10.1.0.1/24"]
    assert topology.host("rs1").gateways == ("10.1.0.1",)


def test_nat_on_one_network_keeps_the_client_off_it() -> None:
    text = '[director]\ndip = "192.168.0.5"\n' + service('{ rip = "192.168.0.11", forwarding = "nat" }')
    topology = built(text)
    assert addresses(topology.host("client")) == ["eth0 198.51.100.100/24"]
    assert topology.host("rs1").gateways == ("192.168.0.5",)
    assert topology.director.gateways == ("192.168.0.254",)


def test_a_dip_that_start_adds_is_not_there_before() -> None:
    text = '[director]\ninterface = "eth0"\ndip = "10.1.0.1/24"\ndip_interface = "eth7"\n'
    director = built(text + service('{ rip = "10.1.0.11", forwarding = "nat" }')).director
    assert addresses(director) == ["eth0 192.168.0.1/24", "eth7 10.1.0.2/24"]


def test_tunnels_lead_through_the_router() -> None:
    topology = built(service('{ rip = "10.9.0.11", forwarding = "tun" }'))
    assert [wire.segment for wire in topology.director.wires] == ["net1"]
    assert topology.segments["net2"] == ("10.9.0.0/24",)
    assert topology.host("rs1").gateways == ("10.9.0.254",)


def test_private_rips_under_dr_are_on_a_wire_with_the_director() -> None:
    topology = built(service('{ rip = "10.9.0.11" }'))
    assert addresses(topology.director) == ["eth0 192.168.0.1/24", "eth1 10.9.0.1/24"]
    assert topology.host("rs1").gateways == ("10.9.0.254",)


def test_a_nat_real_server_outside_the_dips_network_is_given_a_gateway_and_it_is_said() -> None:
    text = '[director]\ndip = "10.1.0.1"\n' + service('{ rip = "10.2.0.11", forwarding = "nat" }')
    topology = built(text)
    assert topology.host("rs1").gateways == ("10.2.0.1",)
    assert "10.2.0.1" in topology.notes[0]


@pytest.mark.parametrize("rip", ["127.0.0.1", "192.168.0.5"])
def test_a_real_server_on_the_director_is_no_host_of_its_own(rip: str) -> None:
    text = '[director]\ndip = "192.168.0.5"\n' + service(f'{{ rip = "{rip}" }}, {{ rip = "192.168.0.12" }}')
    topology = built(text)
    assert topology.director.rips == (rip,)
    assert [host.name for host in topology.realservers] == ["director", "rs1"]


def test_vips_in_several_networks_are_behind_a_router() -> None:
    topology = built(service("", "192.168.0.219") + service("", "192.168.7.219"))
    assert addresses(topology.host("router"))[1:] == ["eth1 192.168.0.254/24", "eth2 192.168.7.254/24"]
    assert {watch.interface for watch in topology.watches.values()} == {"eth1", "eth2"}
    together = built('[director]\ninterface = "eth5"\n' + service("", "192.168.0.219") + service("", "192.168.7.219"))
    assert [wire.interface for wire in together.director.wires] == ["eth5"]
    assert [host.name for host in together.hosts] == ["client", "director"]


NODES = """
[director]
interface = "eth0"
dip = "10.1.0.1"
[realserver]
interface = "ens1"
[node.lb2]
interface = "ens3:1"
dip = "10.1.0.2"
[node.rs1]
realserver_interface = "bond0"
"""


def test_nodes_have_their_own_interfaces() -> None:
    text = NODES + service('{ rip = "10.1.0.11", forwarding = "nat" }, { rip = "10.1.0.12", forwarding = "nat" }')
    assert addresses(built(text).director) == ["eth0 192.168.0.1/24", "eth1 10.1.0.1/24"]
    second = built(text, "lb2")
    assert addresses(second.host("lb2")) == ["ens3 192.168.0.1/24", "eth0 10.1.0.2/24"]
    assert [wire.interface for host in second.realservers for wire in host.wires] == ["bond0", "ens1"]


def test_who_has_the_dip_directs_where_the_director_has_none() -> None:
    text = '[node.lb1]\ndip = "10.1.0.1"\n' + service('{ rip = "10.1.0.11", forwarding = "nat" }')
    assert built(text).director.name == "lb1"


def test_a_written_prefix_is_the_networks_width() -> None:
    text = '[director]\ndip = "10.1.0.1"\n' + service('{ rip = "10.1.0.11", forwarding = "nat" }', "172.16.3.219/16")
    assert addresses(built(text).director)[0] == "eth0 172.16.0.1/16"


def many(number: int) -> str:
    rips = [f'{{ rip = "10.1.{place // 200}.{place % 200 + 20}" }}' for place in range(number)]
    return service(", ".join(rips))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[director]\ndip = "192.168.0.5"\n' + service('{ rip = "192.168.0.11" }')
            + service('{ rip = "192.168.0.11", forwarding = "nat" }', port=81),
            "192.168.0.11 is served by nat and by dr",
        ),
        (
            service("", "192.168.0.219", more='interface = "eth0"')
            + service("", "192.168.0.220", more='interface = "eth1"'),
            "the VIP 192.168.0.220 is to be on eth1, but 192.168.0.0/24 is the network on eth0",
        ),
        (service('{ rip = "10.1.0.255" }'), "10.1.0.255 is not the address of a host in 10.1.0.0/24"),
        (
            service('{ rip = "192.0.2.1" }', "198.51.100.1") + service("", "203.0.113.1"),
            "nothing is left for the lab's client",
        ),
        (
            '[director]\ndip = "10.1.0.1"\n'
            + service('{ rip = "10.1.0.11", forwarding = "nat" }', "172.16.3.218/30"),
            "172.16.3.216/30 has no free address left",
        ),
        (many(MOST_REAL_SERVERS + 1), f"more than the {MOST_REAL_SERVERS}"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_said_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(CannotBuild, match=said):
        built(text)


def test_modules_are_loaded_before_hosts_are_compared() -> None:
    text = service('{ rip = "10.1.0.11", forwarding = "tun" }', more='scheduler = "sh"')
    assert modules_of(parse(text, "lab.toml")) == ["ip_vs", "ip_vs_sh", "ipip"]


PAIR = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
[ha]
nodes = ["lb1", "lb2"]
{links}
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{{ rip = "192.168.0.11" }}]
"""
LINKS = """
[[ha.link]]
type = "ucast"
interface = "eth0"
addresses = { lb1 = "192.168.0.8", lb2 = "192.168.0.9" }
[[ha.link]]
type = "bcast"
interface = "eth3"
[ha.sync]
interface = "eth3"
"""


def pair(director: str | None = None, links: str = LINKS) -> Topology:
    return topology_of(parse(PAIR.format(links=links), "lab.toml"), director, pair=True)


def test_a_pair_has_two_directors_with_the_addresses_and_interfaces_of_its_links() -> None:
    topology = pair()
    assert [host.name for host in topology.directors] == ["lb1", "lb2"]
    assert [addresses(host) for host in topology.directors] == [
        ["eth0 192.168.0.8/24", "eth3 10.255.255.1/24"], ["eth0 192.168.0.9/24", "eth3 10.255.255.2/24"],
    ]  # fmt: skip
    first, second = (host.wires for host in topology.directors)
    assert [wire.segment for wire in first] == [wire.segment for wire in second]
    assert topology.watches["192.168.0.219"].mac == first[0].mac
    assert [host.name for host in topology.hosts] == ["client", "router", "lb1", "lb2", "rs1"]


def test_a_pair_needs_no_link_and_either_can_be_the_first() -> None:
    topology = pair("lb2", links="")
    assert [host.name for host in topology.directors] == ["lb2", "lb1"]
    assert topology.director.name == "lb2"
    assert addresses(topology.host("lb1")) == ["eth0 192.168.0.2/24"]
    synced = pair(links='[ha.sync]\ninterface = "eth5"')
    assert addresses(synced.host("lb1")) == ["eth0 192.168.0.1/24", "eth5 10.255.255.1/24"]


def test_interfaces_of_a_pair_may_have_other_names_on_one_node() -> None:
    others = LINKS + '[node.lb2]\ninterface = "ens1"\nha_interfaces = { eth0 = "ens1", eth3 = "ens7" }\n'
    for director in ("lb1", "lb2"):
        topology = pair(director, links=others)
        assert {device for device, _ in topology.host("lb1").addresses} == {"eth0", "eth3"}
        assert addresses(topology.host("lb2"))[0] == "ens1 192.168.0.9/24"
        assert [wire.interface for wire in topology.host("lb2").wires] == ["ens1", "ens7"]


def test_who_is_no_pair_is_told() -> None:
    with pytest.raises(CannotBuild, match="is a director and a real server"):
        pair(links=LINKS.replace("192.168.0.8", "192.168.0.11"))
    with pytest.raises(CannotBuild, match="lb3 is none of the nodes"):
        pair("lb3")
    with pytest.raises(CannotBuild, match="is called like another host"):
        topology_of(parse(PAIR.format(links="").replace("lb2", "rs1"), "lab.toml"), pair=True)
    with pytest.raises(CannotBuild, match=r"has no \[ha\]"):
        topology_of(parse(service('{ rip = "192.168.0.11", forwarding = "dr" }'), "lab.toml"), pair=True)
