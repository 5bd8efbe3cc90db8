"""ipvsadm: lines for -R, and reading back what was captured from ipvsadm 1.31 on Linux 6.1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from lvs_init.commands import ipvsadm
from lvs_init.model.ipvs import RealServer, RealServerKey, Service, ServiceKey, TimeoutKey, Tunnel
from lvs_init.model.network import LinkKey
from lvs_init.model.state import Change, Key, Value
from tests.tables import tables

CAPTURED = Path(__file__).parent / "captured"
WEB = ServiceKey("tcp", "192.168.0.219", 80)
WEB6 = ServiceKey("tcp", "fd00::100", 80, family=6)
MARK6 = ServiceKey("fwmark", fwmark=7, family=6)


def captured(name: str) -> str:
    return (CAPTURED / name).read_text(encoding="ascii")


def lines(state: dict[Key, Value]) -> str:
    return ipvsadm.restore([Change(key, None, value) for key, value in state.items()]).stdin


@given(tables())
def test_everything_written_is_read_back(table: dict[Key, Value]) -> None:
    servers = {key: value for key, value in table.items() if isinstance(value, RealServer)}
    thresholds = {key: (value.upper, value.lower) for key, value in servers.items() if isinstance(key, RealServerKey)}
    assert ipvsadm.with_thresholds(ipvsadm.parse_rules(lines(table)), thresholds) == table


def test_real_output_is_read_and_written_in_the_same_words() -> None:
    def words(text: str) -> list[set[str]]:
        return [set(line.split()) for line in text.splitlines()]

    printed = captured("rules")
    # What ipvsadm prints in a form that it does not take itself.
    readable = printed.replace("-f -1 ", "-f 4294967295 ").replace("-f -294967296 ", "-f 4000000000 ")
    readable = readable.replace("-s sh -b \n", "-s sh -b flag-3\n")
    assert readable != printed
    assert words(lines(ipvsadm.parse_rules(printed))) == words(readable)


@pytest.mark.parametrize(
    ("key", "before", "after", "line"),
    [
        (WEB, None, Service(), "-A -t 192.168.0.219:80 -s wlc"),
        (
            WEB,
            Service(),
            Service("sh", ("sh-fallback", "sh-port")),
            "-E -t 192.168.0.219:80 -s sh -b sh-fallback,sh-port",
        ),
        (WEB, Service(), None, "-D -t 192.168.0.219:80"),
        (WEB, None, Service("rr", persistence=60, netmask=32), "-A -t 192.168.0.219:80 -s rr -p 60"),
        (WEB, None, Service("rr", persistence=60, netmask=24), "-A -t 192.168.0.219:80 -s rr -p 60 -M 255.255.255.0"),
        (WEB, None, Service("rr", persistence=60, netmask=0), "-A -t 192.168.0.219:80 -s rr -p 60 -M 0.0.0.0"),
        (WEB6, None, Service("rr", persistence=60, netmask=64), "-A -t [fd00::100]:80 -s rr -p 60 -M 64"),
        (MARK6, None, Service("rr", one_packet=True), "-A -f 7 -6 -s rr -o"),
        (
            ServiceKey("udp", "192.168.0.219", 5060),
            None,
            Service("rr", persistence=300, netmask=32, engine="sip"),
            "-A -u 192.168.0.219:5060 -s rr -p 300 --pe sip",
        ),
        (ServiceKey("sctp", "192.168.0.219", 3868), None, Service(), "-A --sctp-service 192.168.0.219:3868 -s wlc"),
        (
            RealServerKey(WEB, "192.168.0.11", 8080),
            None,
            RealServer("nat", 0),
            "-a -t 192.168.0.219:80 -r 192.168.0.11:8080 -m -w 0",
        ),
        (
            RealServerKey(WEB6, "fd00::11", 80),
            RealServer(),
            RealServer("dr", 3, 100, 50),
            "-e -t [fd00::100]:80 -r [fd00::11]:80 -g -w 3 -x 100 -y 50",
        ),
        (
            RealServerKey(WEB, "192.168.0.11", 80),
            None,
            RealServer("tun", tunnel=Tunnel("gue", 6080, "remcsum")),
            "-a -t 192.168.0.219:80 -r 192.168.0.11:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
        ),
        (RealServerKey(MARK6, "fd00::11", 0), RealServer(), None, "-d -f 7 -6 -r [fd00::11]:0"),
    ],
)
def test_a_line_says_everything(key: Key, before: Value | None, after: Value | None, line: str) -> None:
    assert ipvsadm.line(Change(key, before, after)) == line


def test_restore_is_one_process_in_the_given_order() -> None:
    changes = [Change(WEB, None, Service()), Change(WEB6, Service(), None)]
    command = ipvsadm.restore(changes)
    assert command.argv == ("ipvsadm", "-R")
    assert command.stdin == "-A -t 192.168.0.219:80 -s wlc\n-D -t [fd00::100]:80\n"
    assert ipvsadm.restore(changes * 5000).timeout > 100


def test_only_the_table_goes_into_a_line() -> None:
    with pytest.raises(TypeError, match="interface eth0"):
        ipvsadm.line(Change(LinkKey("eth0"), "down", "up"))


def test_thresholds_are_filled_into_the_rules_they_belong_to() -> None:
    rules = ipvsadm.parse_rules(captured("rules"))
    thresholds = ipvsadm.parse_thresholds(captured("thresholds"))
    assert set(thresholds) == {key for key in rules if isinstance(key, RealServerKey)}
    limited = RealServerKey(WEB6, "fd00::11", 8080)
    former = rules[limited]
    assert isinstance(former, RealServer)
    state = ipvsadm.with_thresholds(rules, thresholds)
    assert state[limited] == replace(former, upper=10, lower=5)
    assert {key for key in state if state[key] != rules[key]} == {limited}


def test_a_mask_with_holes_is_kept_as_it_is() -> None:
    """``-M 24`` is a plausible slip, and ipvsadm takes it for 0.0.0.24; a foreign service must come back so."""
    for mask in ("0.0.0.24", "255.0.255.0", "0.0.0.255"):
        printed = f"-A -t 192.168.0.219:80 -s rr -p 300 -M {mask}\n"
        assert lines(ipvsadm.parse_rules(printed)) == printed


def test_the_mark_that_looks_like_an_option() -> None:
    assert list(ipvsadm.parse_rules("-A -f -6 -s rr\n-A -f -6 -6 -s rr\n")) == [
        ServiceKey("fwmark", fwmark=2**32 - 6),
        ServiceKey("fwmark", fwmark=2**32 - 6, family=6),
    ]


@pytest.mark.parametrize("row", ["-A -s rr", "-a -t 1.2.3.4:80 -w 1", "ipvsadm: what", "-Z -t 1.2.3.4:80"])
def test_a_line_that_means_nothing_is_named(row: str) -> None:
    with pytest.raises(ValueError, match=row):
        ipvsadm.parse_rules(f"-A -t 192.168.0.219:80 -s rr\n{row}\n")


def test_timeouts() -> None:
    tcp, udp = TimeoutKey("tcp"), TimeoutKey("udp")
    assert ipvsadm.parse_timeouts(captured("timeouts")) == {tcp: 900, TimeoutKey("tcpfin"): 120, udp: 300}
    assert ipvsadm.set_timeouts([Change(udp, 300, 30)]).argv == ("ipvsadm", "--set", "0", "0", "30")
    assert ipvsadm.set_timeouts([Change(udp, 300, 30), Change(tcp, 1, 2)]).argv == ("ipvsadm", "--set", "2", "0", "30")
    with pytest.raises(ValueError, match="Zeit"):
        ipvsadm.parse_timeouts("Zeit: 1\n")
