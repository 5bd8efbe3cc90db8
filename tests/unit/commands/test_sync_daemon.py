"""The sync daemon on both ways to the kernel: the same daemon, in netlink's bytes and in ipvsadm's words."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.commands import ipvs_messages, ipvs_replies, ipvsadm
from lvs_init.commands import ipvs_numbers as ipvs
from lvs_init.commands.render import Tools, render
from lvs_init.model.attributes import attribute
from lvs_init.model.ipvs import SyncDaemon, SyncDaemonKey
from lvs_init.model.network import LinkKey
from lvs_init.model.record import Entry
from lvs_init.model.state import Change, same

MASTER, BACKUP = SyncDaemonKey("master"), SyncDaemonKey("backup")
ETH1 = SyncDaemon("eth1", 7)
#: As ipvsadm 1.31 showed them on Linux 6.1.
SHOWN = """\
master sync daemon (mcast=eth1, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
backup sync daemon (mcast=eth0, syncid=0, maxlen=1452, group=ff02::51, port=9000, ttl=3)
"""
TOLD = {MASTER: SyncDaemon("eth1", 7, maxlen=1472), BACKUP: SyncDaemon("eth0", 0, "ff02::51", 9000, 3, 1452)}

daemons = st.builds(
    SyncDaemon,
    st.sampled_from(("eth0", "bond0.100")),
    st.integers(0, 255),
    st.sampled_from(("224.0.0.81", "239.255.1.2", "ff02::51")),
    st.integers(1, 65535),
    st.integers(1, 255),
    st.integers(0, 65507),
)


@given(st.sampled_from((MASTER, BACKUP)), daemons)
def test_what_is_sent_is_read_as_it_was_meant(key: SyncDaemonKey, daemon: SyncDaemon) -> None:
    command, payload = ipvs_messages.message(Change(key, None, daemon))
    assert (command, ipvs_replies.daemon(payload)) == (ipvs.NEW_DAEMON, (key, daemon))


def test_the_bytes_of_a_start_and_of_a_stop() -> None:
    """linux/ip_vs.h: state 1 is the master; interface, id, group in the network's order, port in the machine's, ttl."""
    _, payload = ipvs_messages.message(Change(MASTER, None, ETH1))
    expected = "38000380 08000100 01000000 09000200 6574683100000000 08000300 07000000 08000500 e0000051"
    expected += " 06000700 9022 0000 05000800 01 000000"
    assert payload.hex() == expected.replace(" ", "")
    assert ipvs_messages.message(Change(BACKUP, ETH1, None)) == (
        ipvs.DEL_DAEMON,
        bytes.fromhex("0c000380" + "08000100" + "02000000"),
    )


def test_an_old_kernel_tells_of_interface_and_id_alone() -> None:
    told = attribute(ipvs.STATE, b"\2\0\0\0") + attribute(ipvs.SYNC_INTERFACE, b"eth1\0")
    told += attribute(ipvs.SYNC_ID, b"\7\0\0\0")
    assert ipvs_replies.daemon(attribute(ipvs.DAEMON, told)) == (BACKUP, ETH1)


def test_what_ipvsadm_shows() -> None:
    assert ipvsadm.parse_daemons(SHOWN) == TOLD
    assert ipvsadm.parse_daemons("master sync daemon (mcast=eth1, syncid=7)\n") == {MASTER: ETH1}
    assert ipvsadm.parse_daemons("") == {}
    for rubbish in ("IP Virtual Server version 1.2.1", "third sync daemon (mcast=eth1, syncid=7)"):
        with pytest.raises(ValueError, match="cannot read"):
            ipvsadm.parse_daemons(rubbish)


def test_the_commands_of_a_start_a_change_and_a_stop() -> None:
    start = "ipvsadm --start-daemon master --mcast-interface eth1 --syncid {} "
    start += "--mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"
    eight = SyncDaemon("eth1", 8, maxlen=1400)
    changes = [Change(MASTER, None, ETH1), Change(MASTER, ETH1, eight), Change(BACKUP, ETH1, None)]
    assert [" ".join(command.argv) for command in render(changes, Tools(net_tools=True))] == [
        start.format(7),
        "ipvsadm --stop-daemon master",
        start.format(8) + " --sync-maxlen 1400",
        "ipvsadm --stop-daemon backup",
    ]
    with pytest.raises(TypeError, match="cannot make"):
        ipvsadm.daemons(Change(LinkKey("lo"), "down", "up"))


def test_reasons_are_ipvsadms() -> None:
    assert ipvs_messages.reason(ipvs.NEW_DAEMON, errno.EEXIST) == "Daemon has already run"
    assert ipvs_messages.reason(ipvs.DEL_DAEMON, errno.ESRCH) == "No daemon is running"
    assert ipvs_messages.reason(ipvs.NEW_DAEMON, errno.ENETUNREACH) is None  # strerror: Network is unreachable


def test_a_length_that_the_kernel_chose_is_no_difference() -> None:
    chosen = TOLD[MASTER]
    assert same(MASTER, ETH1, chosen) and same(MASTER, chosen, ETH1) and Entry(ETH1, None).wrote(chosen)
    for other in (SyncDaemon("eth1", 7, maxlen=1400), SyncDaemon("eth1", 8, maxlen=1472), SyncDaemon("eth0", 7), None):
        assert not same(MASTER, other, chosen) and not Entry(chosen, None).wrote(other)
