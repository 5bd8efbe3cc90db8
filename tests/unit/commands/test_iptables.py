"""iptables: our MARK rules and the filter table, as captured from iptables 1.8.9."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.commands import iptables
from lvs_init.model.network import FilterTable, MarkRuleKey
from lvs_init.model.state import Change

CAPTURED = Path(__file__).parent / "captured"
WEB = MarkRuleKey("192.168.0.219", "tcp", 80, 7)
WEB6 = MarkRuleKey("fd00::100", "tcp", 80, 7)
ALL = MarkRuleKey("192.168.0.219", "", 0, 2**32 - 1)


def captured(name: str) -> str:
    return (CAPTURED / name).read_text(encoding="ascii")


def test_a_rule_is_appended_and_deleted_by_the_same_words() -> None:
    appended = iptables.append_mark(WEB).argv
    assert " ".join(appended) == (
        "iptables -w 5 -t mangle -A PREROUTING -d 192.168.0.219 -p tcp --dport 80 "
        "-m comment --comment lvs-init -j MARK --set-mark 7"
    )
    assert iptables.delete_mark(WEB).argv == tuple("-D" if word == "-A" else word for word in appended)
    assert iptables.append_mark(WEB6).argv[0] == "ip6tables"
    assert "-p" not in iptables.append_mark(ALL).argv


def test_many_rules_are_one_process_a_family() -> None:
    first, second = iptables.restore_marks(
        [Change(WEB, None, "present"), Change(WEB6, "present", None), Change(ALL, None, "present")]
    )
    assert first.argv == ("iptables-restore", "-w", "5", "--noflush", "-T", "mangle")
    assert second.argv[0] == "ip6tables-restore"
    head, *rules, tail = first.stdin.splitlines()
    assert (head, tail) == ("*mangle", "COMMIT")
    assert rules == [
        "-A PREROUTING -d 192.168.0.219 -p tcp --dport 80 -m comment --comment lvs-init -j MARK --set-mark 7",
        "-A PREROUTING -d 192.168.0.219 -m comment --comment lvs-init -j MARK --set-mark 4294967295",
    ]
    assert second.stdin.splitlines()[1].startswith("-D PREROUTING -d fd00::100 ")


def test_only_our_own_rules_are_read() -> None:
    assert set(iptables.parse_marks(captured("marks4"), 4)) == {
        WEB,
        ALL,
        MarkRuleKey("192.168.0.219", "udp", 53, 8),
        MarkRuleKey("192.168.0.219", "sctp", 53, 8),
        MarkRuleKey("192.168.0.219", "tcp", 0, 8),
    }
    assert iptables.parse_marks(captured("marks6"), 6) == {WEB6: "present"}
    assert "other thing" in captured("marks4")


@pytest.mark.parametrize(
    "rule",
    [
        '-A PREROUTING -d 1.2.3.4/32 -m comment --comment "not \\" lvs-init " -j MARK --set-xmark 0x7/0xffffffff',
        "-A PREROUTING -d 1.2.3.4/32 -p tcp -m tcp --dport 80:90 -m comment --comment lvs-init"
        " -j MARK --set-xmark 0x7/0xffffffff",
        "-A PREROUTING -d 1.2.3.4/32 -i eth0 -m comment --comment lvs-init -j MARK --set-xmark 0x7/0xffffffff",
        "-A PREROUTING -d 1.2.3.4/32 -m comment --comment lvs-init -j MARK --set-xmark 0x7/0xff",
        "-A PREROUTING -m comment --comment lvs-init -j MARK --set-xmark 0x7/0xffffffff",
        "-A PREROUTING -d 1.2.3.0/24 -m comment --comment lvs-init -j MARK --set-xmark 0x7/0xffffffff",
        "-A PREROUTING -d 1.2.3.4/32 -m comment --comment lvs-init -j ACCEPT",
    ],
)
def test_a_rule_that_we_would_never_write_is_not_ours(rule: str) -> None:
    assert iptables.parse_marks(f"{rule}\n", 4) == {}


def test_two_reads_of_one_table_are_equal_whatever_passed_between_them() -> None:
    text = captured("filter")
    assert "[2:86]" in text
    later = text.replace("[2:86]", "[3:99]").replace("Sun", "Mon")
    assert iptables.parse_save(text) == iptables.parse_save(later)
    assert "[2:86]" in iptables.parse_save('*filter\n-A INPUT -m comment --comment ":a b [2:86]" -j DROP\n').lines[1]


def test_the_filter_table_is_emptied_and_put_back() -> None:
    full, empty = iptables.parse_save(captured("filter")), iptables.parse_save(captured("filter_flushed"))
    assert not iptables.flushed(full)
    assert iptables.without_rules(full) == empty
    assert iptables.flushed(empty)
    assert iptables.filter_table(empty) == (iptables.FLUSH, iptables.ZERO)
    (restore,) = iptables.filter_table(full)
    assert restore.argv == ("iptables-restore", "-w", "5", "-T", "filter")
    assert iptables.parse_save(restore.stdin) == full
    assert restore.stdin.endswith("COMMIT\n")


def test_policies_are_those_of_the_chains_that_have_one() -> None:
    table = iptables.parse_save(captured("filter"))
    assert iptables.policies(table) == {"INPUT": "ACCEPT", "FORWARD": "DROP", "OUTPUT": "ACCEPT"}
    assert iptables.policies(FilterTable()) == {}
