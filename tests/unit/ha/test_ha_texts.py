"""Heartbeat's files, crm and pcs commands, corosync.conf: what [ha] becomes, in full and where it must not."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.ha import corosync, crm_text, ha_cf, haresources, heartbeat_files, pacemaker, pcs_text, risks, stonith
from lvs_init.model.ha import HighAvailability, Link, Stonith

CASES = Path(__file__).parents[2] / "cases" / "ha"
EXAMPLES = Path(__file__).parents[3] / "examples"
SERVICE = '[[service]]\nvip = "192.168.0.219"\nport = 80\nrealservers = [{ rip = "192.168.0.11" }]\n'
HEAD = '[ha]\nnodes = ["lb1", "lb2"]\n'


def pair_of(more: str, file: str = "/etc/lvs/web.toml") -> tuple[Cluster, HighAvailability]:
    cluster = parse(HEAD + more + SERVICE, file)
    assert cluster.ha
    return cluster, cluster.ha


@pytest.mark.parametrize("name", ["ha-heartbeat", "ha-pacemaker"])
def test_examples(name: str) -> None:
    """Golden files: what an admin gets for the two examples, of either manager."""
    cluster = parse((EXAMPLES / f"{name}.toml").read_bytes(), "/etc/lvs/lvs.toml")
    assert cluster.ha
    pair = pacemaker.pair(cluster, cluster.ha, realserver=True)
    made = {
        "ha.cf": ha_cf.text(cluster, cluster.ha, "lb1", stonith.PARAMETERS, hide=True),
        "haresources": haresources.text(cluster, cluster.ha),
        "crm": "\n".join(crm_text.commands(pair)) + "\n",
        "pcs": "\n".join(pcs_text.commands(pair, "lvs-pair.cib")) + "\n",
        "corosync.conf": corosync.text(cluster, cluster.ha),
    }
    assert made == {kind: (CASES / name / kind).read_text() for kind in made}


def test_each_node_has_its_own_ha_cf_where_interfaces_differ() -> None:
    cluster, ha = pair_of(
        'ping = ["fd00::1"]\nkeepalive = 0.25\ndeadtime = 2\n[[ha.link]]\ntype = "bcast"\ninterface = "eth1"\n'
        '[[ha.link]]\ntype = "mcast"\ninterface = "eth0"\ngroup = "239.255.81.1"\nttl = 2\n'
        '[node.lb2]\nha_interfaces = { eth1 = "ens5" }\n'
    )
    first, second = (ha_cf.text(cluster, ha, node, {}) for node in ha.nodes)
    assert ha_cf.differs(cluster, ha)
    assert "\nbcast eth1\nmcast eth0 239.255.81.1 694 2 0\n" in first
    assert "\nbcast ens5\nmcast eth0 239.255.81.1 694 2 0\n" in second
    assert "for lb2 alone" in second
    for line in ("keepalive 250ms", "deadtime 2", "ping6 fd00::1", "respawn hacluster /usr/libexec/heartbeat/ipfail"):
        assert f"\n{line}\n" in second


@pytest.mark.parametrize(
    ("file", "word"),
    [
        ("/etc/lvs/lvs.toml", "lvs-director"),
        ("/etc/lvs/web.toml", "lvs-director::web"),
        ("/srv/lvs/web.toml", "lvs-director::/srv/lvs/web.toml"),
        ("/etc/lvs/x/web.toml", "lvs-director::/etc/lvs/x/web.toml"),
    ],
)
def test_the_script_is_told_its_file(file: str, word: str) -> None:
    cluster, ha = pair_of("", file)
    assert haresources.text(cluster, ha).endswith(f"\nlb1 {word}\n")
    assert [str(each) for each in haresources.parse(haresources.text(cluster, ha))[0].resources] == [word]


def test_ipaddr2_brings_what_moves() -> None:
    more = 'vips = "ipaddr2"\n[director]\ninterface = "eth0"\ndip = "10.0.0.10/24"\ndip_interface = "eth1"\n'
    cluster, ha = pair_of(more)
    assert [str(each) for each in haresources.wanted(cluster, ha)] == [
        "lvs-director::web",
        "IPaddr2::192.168.0.219/32/eth0/192.168.0.219",
        "IPaddr2::10.0.0.10/24/eth1/10.0.0.255",
    ]
    cluster, ha = pair_of(more + '[node.lb2]\ninterface = "ens3"\n')
    assert str(haresources.wanted(cluster, ha)[1]) == "IPaddr2::192.168.0.219/32"
    pair = pacemaker.pair(cluster, ha)
    assert [vip.parameters.get("nic") for vip in pair.vips] == [None, "eth1"]
    [order] = [line for line in crm_text.definitions(pair) if line.startswith("order")]
    assert order == "order vips-web-after-director Mandatory: director-web-clone:promote vips-web:start"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", ["ha.link: is missing"]),
        ('type = "external/ssh"\n', ["external/ssh needs hostlist"]),
        ('type = "external/ssh"\nparameters = { hostlist = "lb1" }\n', ["would refuse to turn off lb2"]),
        ('type = "external/ssh"\nparameters = { hostlist = "lb1,lb2", user = "x" }\n', ["has no parameter user"]),
        ('type = "external/own"\n', ["no plugin external/own is known here"]),
        (
            'type = "external/ipmi"\nnode = "lb2"\nparameters = { hostname = "lb1", ipaddr = "10.0.1.2", '
            'userid = "a b", '
            'passwd = "a#b", interface = "lan plus" }\n',
            ["userid has a blank", "passwd has a '#'", "would refuse to turn off lb2"],
        ),
        ('type = "fence_ipmilan"\nparameters = { anything = "a b#c" }\n', []),
        ('type = "external/ssh"\nparameters = { hostlist = "lb1 lb2" }\n', []),
        ('type = "external/libvirt"\nnode = "lb1"\nparameters = { hostlist = "lb1:vm1", hypervisor_uri = "qemu:///s", '
         'reboot_method = "reboot" }\n', []),
    ],
)  # fmt: skip
def test_what_heartbeat_could_not_be_told(toml: str, said: list[str]) -> None:
    link = '[[ha.link]]\ntype = "bcast"\ninterface = "eth1"\n[[ha.stonith]]\n' if toml else ""
    cluster, ha = pair_of(link + toml)
    problems = [str(each) for each in heartbeat_files.mistakes(cluster, ha, stonith.PARAMETERS)]
    assert len(problems) == len(said), problems
    assert all(part in problem for part, problem in zip(said, problems)), problems


def test_a_file_that_haresources_cannot_name() -> None:
    cluster, ha = pair_of('[[ha.link]]\ntype = "bcast"\ninterface = "eth1"\n', "/srv/my lvs/web.toml")
    assert len(heartbeat_files.mistakes(cluster, ha, {})) == 1


@pytest.mark.parametrize(
    ("links", "devices", "said"),
    [
        (1, (), ["neither STONITH nor a second link"]),
        (2, (), ["no STONITH"]),
        (1, ("external/ipmi",), ["one link only"]),
        (2, ("external/ipmi",), []),
        (2, ("null",), ["for tests: it ends nobody"]),
        (2, ("fence_ipmilan",), ["no STONITH"]),
    ],
)
def test_two_node_rule(links: int, devices: tuple[str, ...], said: list[str]) -> None:
    ha = HighAvailability(
        ("lb1", "lb2"),
        tuple(Link("bcast", f"eth{number}") for number in range(links)),
        stonith=tuple(Stonith(each) for each in devices),
    )
    found = list(risks.risks(ha))
    assert len(found) == len(said)
    assert all(part in risk for part, risk in zip(said, found))


def test_a_node_that_nobody_turns_off() -> None:
    links = (Link("bcast", "eth0"), Link("bcast", "eth1"))
    [risk] = risks.risks(HighAvailability(("lb1", "lb2"), links, stonith=(Stonith("external/ipmi", "lb2"),)))
    assert "turns lb1 off" in risk


@pytest.mark.parametrize("value", ["plain", "a b", "a\"b c'$HOME`x`;#&|", "a\\b", "$(reboot)", "'; reboot #", "%s"])
def test_nothing_runs_unquoted(value: str) -> None:
    device = f'[[ha.stonith]]\ntype = "fence_x"\nnode = "lb2"\nparameters = {{ password = {_toml(value)} }}\n'
    cluster, ha = pair_of(device)
    pair = pacemaker.pair(cluster, ha)
    words = [shlex.split(line) for line in pcs_text.commands(pair, "a b.cib")]
    assert all(line[0] == "pcs" for line in words)
    assert [word for line in words for word in line if word.startswith("password=")] == [f"password={value}"]
    begin, *inside, end, verify = crm_text.commands(pair)
    assert (begin, end, verify) == ("crm configure load update - <<'END'", "END", "crm configure verify")
    assert "END" not in inside
    assert [word for line in inside for word in shlex.split(line) if word.startswith("password=")] == [
        f"password={value}"
    ]


def _toml(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_pacemaker_gets_agents_or_else_plugins() -> None:
    plugin = '[[ha.stonith]]\ntype = "external/ssh"\nparameters = { hostlist = "lb1 lb2" }\n'
    agents = "".join(f'[[ha.stonith]]\ntype = "fence_{name}"\nnode = "lb2"\n' for name in ("a", "b"))
    _, ha = pair_of(plugin)
    assert [device.type for device in pacemaker.devices(ha)] == ["external/ssh"]
    cluster, ha = pair_of(plugin + agents)
    pair = pacemaker.pair(cluster, ha)
    assert [(device.name, device.agent, node) for device, node in pair.fences] == [
        ("fence-lb2", "stonith:fence_a", "lb2"),
        ("fence-lb2-2", "stonith:fence_b", "lb2"),
    ]
    cluster, ha = pair_of("")
    assert pacemaker.pair(cluster, ha).properties == {"stonith-enabled": "false"}


def test_table_of_secrets() -> None:
    hidden = {name for names in stonith.PARAMETERS.values() for name in names if stonith.secret(name)}
    assert hidden == {"password", "passwd", "community", "ilo_password", "VI_CREDSTORE"}
