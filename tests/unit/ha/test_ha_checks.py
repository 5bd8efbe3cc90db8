"""What lvsctl ha check finds: one thing wrong at a time in files that are sound otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvs_init.config.cluster import Cluster
from lvs_init.config.load import parse
from lvs_init.ha import checks, heartbeat_files, stonith
from lvs_init.ha.folder import Folder, Found, Host
from lvs_init.ha.remark import MISTAKE, WARNING, Remark

TOML = """
[director]
interface = "eth0"
[ha]
nodes = ["lb1", "lb2"]
ping = ["192.168.0.1"]
[[ha.link]]
type = "ucast"
interface = "eth1"
addresses = { lb1 = "10.0.0.1", lb2 = "10.0.0.2" }
[[ha.link]]
type = "bcast"
interface = "eth0"
[[ha.link]]
type = "mcast"
interface = "eth2"
group = "239.255.81.1"
[[ha.stonith]]
type = "external/ipmi"
node = "lb1"
parameters = { hostname = "lb1", ipaddr = "10.0.1.1", userid = "hb", passwd = "s3cret", interface = "lan" }
[[ha.stonith]]
type = "external/ipmi"
node = "lb2"
parameters = { hostname = "lb2", ipaddr = "10.0.1.2", userid = "hb", passwd = "s3cret", interface = "lan" }
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{ rip = "192.168.0.11" }]
"""
CLUSTER = parse(TOML, "/etc/lvs/lvs.toml")
KEY = "0123456789abcdef0123456789abcdef01234567"
PLUGINS = {**stonith.PARAMETERS, "external/nothing": None}
SCRIPTS = frozenset({"lvs-director", "lvs-realserver", "IPaddr", "IPaddr2"})
HOST = Host("lb1", SCRIPTS, frozenset({"heartbeat", "lvs-director", "lvs-realserver"}), PLUGINS)


def folder(cluster: Cluster = CLUSTER, path: str = "/etc/ha.d") -> Folder:
    """What lvsctl ha heartbeat makes."""
    assert cluster.ha
    made = heartbeat_files.made(cluster, cluster.ha, "lb1", stonith.PARAMETERS, KEY, "/usr/libexec/heartbeat/ipfail")
    return Folder(path, {file.name: Found(file.text, file.mode) for file in made})


def changed(name: str, old: str, new: str) -> Folder:
    """The same with one replacement in one file."""
    files = dict(folder().files)
    text = files[name].text or ""
    assert old in text
    files[name] = replace(files[name], text=text.replace(old, new))
    return Folder("/etc/ha.d", files)


def told(remarks: list[Remark]) -> list[str]:
    return [f"{each.severity} {each.place}: {each.message}" for each in remarks]


def test_what_is_made_is_sound() -> None:
    assert checks.remarks(folder(), CLUSTER, HOST, folder(path="/tmp/lb2")) == []
    text = TOML.replace("ping =", 'vips = "ipaddr2"\nauto_failback = true\ndeadtime = 2.5\nwarntime = 2\nping =')
    other = parse(text, "/etc/lvs/web.toml")
    assert checks.remarks(folder(other), other, HOST) == []


# fmt: off
HA_CF = [
    ("keepalive 1", "keepalive one", MISTAKE, "'one' is no time"),
    ("deadtime 10", "deadtime 2", MISTAKE, "more than twice keepalive"),
    ("deadtime 10", "deadtime 1500ms", MISTAKE, "more than twice keepalive"),
    ("deadtime 10", "deadtime 70", MISTAKE, "initdead is below deadtime"),
    ("deadtime 10", "deadtime 40", WARNING, "initdead is short"),
    ("initdead 60", "initdead 8", MISTAKE, "initdead is below deadtime"),
    ("warntime 5", "warntime 20", WARNING, "between keepalive and deadtime"),
    ("mcast eth2 239.255.81.1 694", "mcast eth2 239.255.81.1 695", WARNING, "mcast goes to port 695"),
    ("694 1 0", "694 1 1", MISTAKE, "loop"),
    ("694 1 0", "694 1", MISTAKE, "takes five words"),
    ("ucast eth1 10.0.0.1", "ucast 10.0.0.1", MISTAKE, "takes an interface and the peer's address"),
    ("auto_failback off", "udpport 694\nauto_failback off", MISTAKE, "comes after ucast (line 9)"),
    ("auto_failback off", "auto_failback legacy", WARNING, "hb_standby"),
    ("auto_failback off", "auto_failback perhaps", MISTAKE, "auto_failback is 'perhaps'"),
    ("auto_failback off\n", "", WARNING, "has no auto_failback"),
    ("auto_failback off", "auto_failback off\nnice_failback on", MISTAKE, "obsolete"),
    ("auto_failback off", "auto_failback off\ncrm yes", MISTAKE, "does not read haresources"),
    ("auto_failback off", "auto_failback off\npacemaker respawn", MISTAKE, "does not read haresources"),
    ("auto_failback off", "auto_failback off\nautojoin any", MISTAKE, "cannot be together with haresources"),
    ("auto_failback off", "auto_failback off\nwhatchdog /dev/watchdog", MISTAKE, "'whatchdog' is no directive"),
    ("auto_failback off", "auto_failback off\nwatchdog # later", MISTAKE, "watchdog has no value"),
    ("keepalive 1", "keepalive 1\nkeepalive 1", WARNING, "stands there again"),
    ("node lb1 lb2", "node LB1 lb2", WARNING, "node LB1 is lb1 to Heartbeat"),
    ("node lb1 lb2", "node lb1 lb1", MISTAKE, "node lb1 stands there twice"),
    ("node lb1 lb2", "node lb1", MISTAKE, "and has 1"),
    ("node lb1 lb2", "node lb3 lb2", MISTAKE, "does not name this machine"),
    ("node lb1 lb2", "node lb1 lb3", MISTAKE, "node is lb1, lb3 here and lb1, lb2 in [ha]"),
    ("ping 192.168.0.1", "ping 10.0.0.2", MISTAKE, "10.0.0.2 is a node of the cluster"),
    ("ping 192.168.0.1\n", "", WARNING, "ipfail has nothing to do"),
    ("respawn hacluster /usr/libexec/heartbeat/ipfail", "", WARNING, "nothing comes of ping nodes without ipfail"),
    ("stonith_host lb2 external/ipmi", "stonith_host lb2 external/nothing", MISTAKE, "no STONITH plugin"),
    ("10.0.1.2 hb s3cret lan", "10.0.1.2 hb s3cret", MISTAKE, "takes 5 parameters"),
    ("stonith_host lb2", "stonith_host lb3", MISTAKE, "nobody ever calls this device"),
    ("stonith_host lb2", "stonith_host lb1", MISTAKE, "second device for one node"),
    ("stonith_host lb2", "stonith_host *", MISTAKE, "second device for one node"),
    ("node lb1 lb2", "stonith external/ipmi /etc/ha.d/ipmi.cfg\nnode lb1 lb2", MISTAKE, "beside stonith_host"),
    ("keepalive 1", "keepalive 2", WARNING, "keepalive is 2 s here and 1 s in [ha]"),
    ("auto_failback off", "auto_failback on", WARNING, "auto_failback is on here and off in [ha]"),
    ("bcast eth0", "bcast eth0 eth3", WARNING, "'bcast eth3' is not in [ha]"),
    ("bcast eth0", "", WARNING, "lacks 'bcast eth0'"),
    ("stonith_host lb2 external/ipmi lb1 10.0.1.1 hb s3cret lan\n", "", WARNING, "stonith_host is external/ipmi here"),
]
HARESOURCES = [
    ("lb1 lvs-director", "lb3 lvs-director", MISTAKE, "lb3, which is no node of ha.cf"),
    ("lb1 lvs-director", "lb1", MISTAKE, "has nothing after the node"),
    ("lb1 lvs-director", "# nothing", MISTAKE, "is empty"),
    ("lb1 lvs-director", "lb1 lvs-directory", MISTAKE, "no script lvs-directory"),
    ("lb1 lvs-director", "lb1 IPaddr2::10.9.9.9/24/eth0", MISTAKE, "does not name lvs-director"),
    ("lb1 lvs-director", "lb1 lvs-director::web", MISTAKE, "lvs-director::web is for another file"),
    ("lb1 lvs-director", "lb1 lvs-director IPaddr2::192.168.0.219/32/eth0", MISTAKE, "192.168.0.219, and so does"),
    ("lb1 lvs-director", "lb1 192.168.0.219 lvs-director", MISTAKE, "IPaddr brings 192.168.0.219"),
    ("lb1 lvs-director", "lb1 lvs-director 10.9.9.9", WARNING, "IPaddr, which needs ifconfig"),
    ("lb1 lvs-director", "lb1 lvs-director IPaddr2::10.9.9.9 IPaddr2::10.9.9.9/24", MISTAKE, "stands in line 3"),
    ("lb1 lvs-director", "lb1 lvs-director\nlb2 IPaddr2::10.9.9.9 lvs-director", MISTAKE, "for one group"),
    ("lb1 lvs-director", "lb1 lvs-director\nlb2 IPaddr2::10.9.9.9 \\\n lvs-director", MISTAKE, "there twice"),
    ("lb1 lvs-director", "lb1 lvs-director lvs-realserver", WARNING, "moves with the director"),
    ("lb1 lvs-director", "lb1 lvs-director lvs-realserver", MISTAKE, "is started at boot and by Heartbeat"),
    ("lb1 lvs-director", "lb1 lvs-director\r", MISTAKE, "line ends of another system"),
    ("lb1 lvs-director", "lb1 lvs-director(", MISTAKE, "is no pattern"),
]
AUTHKEYS = [
    ("auth 1", "auth 2", MISTAKE, "names key 2, which no line defines"),
    ("auth 1\n", "", MISTAKE, "has 0 lines 'auth NUMBER'"),
    ("auth 1", "auth 1\nauth 1", MISTAKE, "has 2 lines"),
    ("1 sha1", "1 sha2", MISTAKE, "has the method 'sha2'"),
    (f"1 sha1 {KEY}", "1 sha1", MISTAKE, "has no key after sha1"),
    (f"1 sha1 {KEY}", f"1 {KEY}", MISTAKE, "has one word after its number"),
    ("auth 1", f"auth {KEY}", MISTAKE, "names key (none), which no line defines"),
    (f"1 sha1 {KEY}", "1 sha1 hello", WARNING, "short key"),
    (f"1 sha1 {KEY}", "1 crc", WARNING, "not forgery"),
    ("1 sha1", f"1 md5 {KEY}\n1 sha1", MISTAKE, "defines key 1 again"),
    ("auth 1", "auth 1\nsecret", MISTAKE, "is neither 'auth NUMBER' nor"),
]
# fmt: on
CASES = [
    *(("ha.cf", *case) for case in HA_CF),
    *(("haresources", *case) for case in HARESOURCES),
    *(("authkeys", *case) for case in AUTHKEYS),
]


@pytest.mark.parametrize(("name", "old", "new", "severity", "message"), CASES)
def test_one_thing_wrong(name: str, old: str, new: str, severity: str, message: str) -> None:
    found = checks.remarks(changed(name, old, new), CLUSTER, HOST)
    assert [each for each in found if each.severity == severity and message in each.message], told(found)
    assert not [each for each in found if KEY in each.message + each.hint or "s3cret" in each.message + each.hint]


def test_everything_at_once() -> None:
    nothing = Folder("/x", {name: Found() for name in checks.FILES})
    found = checks.remarks(nothing, CLUSTER, Host())
    assert told(found) == [f"{MISTAKE} {name}: is missing" for name in checks.FILES]
    found = checks.remarks(
        Folder(
            "/x",
            {
                "ha.cf": Found("debug 1\nnoed lb1\nucast eth0 10.0.0.2\nudpport 694\n", 0o644),
                "haresources": Found("lb9 IPaddr::192.168.0.219\n", 0o644),
                "authkeys": Found("auth 1\n1 sha1 short\n", 0o644, 1000),
            },
        ),
        CLUSTER,
        HOST,
    )
    lines = [each for each in told(found) if each.startswith(MISTAKE)]
    assert len(lines) == 10, "\n".join(lines)
    assert [each.place for each in found] == sorted(
        (each.place for each in found), key=lambda place: (checks.FILES.index(place.split(":")[0]), place)
    )


@pytest.mark.parametrize(
    ("stonith_lines", "bcast", "said"),
    [(False, False, "one link and no STONITH"), (False, True, "has no STONITH"), (True, False, "has one link")],
)
def test_two_nodes_that_could_split(stonith_lines: bool, bcast: bool, said: str) -> None:
    files = dict(folder().files)
    lines = (files["ha.cf"].text or "").splitlines(keepends=True)
    kept = [
        line for line in lines
        if not line.startswith("mcast") and (bcast or not line.startswith("bcast"))
        and (stonith_lines or not line.startswith("stonith"))
    ]  # fmt: skip
    files["ha.cf"] = replace(files["ha.cf"], text="".join(kept))
    found = checks.remarks(Folder("/etc/ha.d", files), CLUSTER, HOST)
    assert [each for each in found if each.severity == WARNING and said in each.message], told(found)


@pytest.mark.parametrize(
    ("name", "mode", "owner", "said"),
    [
        ("authkeys", 0o640, 0, "has mode 640: Heartbeat does not start"),
        ("authkeys", 0o610, 0, "has mode 610"),
        ("authkeys", 0o600, 33, "belongs to user id 33"),
        ("ha.cf", 0o644, 0, "says how a node is turned off"),
    ],
)
def test_who_can_read_it(name: str, mode: int, owner: int, said: str) -> None:
    files = dict(folder().files)
    files[name] = replace(files[name], mode=mode, owner=owner)
    assert [said in each.message for each in checks.remarks(Folder("/etc/ha.d", files), CLUSTER, HOST)] == [True]


def test_who_is_started_at_boot() -> None:
    alone = replace(CLUSTER, ha=None)
    found = told(checks.remarks(folder(), alone, HOST))
    assert [each.split(":")[0] for each in found] == [
        f"{WARNING} /etc/lvs/lvs.toml",
        f"{MISTAKE} /etc/init.d/lvs-director",
    ]
    cold = replace(HOST, at_boot=frozenset())
    found = told(checks.remarks(folder(), CLUSTER, cold))
    assert [each.split(":")[0] for each in found] == [
        f"{WARNING} /etc/init.d/heartbeat",
        f"{WARNING} /etc/init.d/lvs-director",
    ]


def test_a_program_that_cannot_be_run() -> None:
    found = checks.remarks(
        folder(), CLUSTER, replace(HOST, not_executable=frozenset({"/usr/libexec/heartbeat/ipfail"}))
    )
    assert [each.message for each in found] == ["/usr/libexec/heartbeat/ipfail cannot be run: Heartbeat does not start"]


# fmt: off
OTHERS = [
    ("haresources", "lb1 lvs-director", "lb2 lvs-director", "haresources:3: is another one than /tmp/lb2/haresources"),
    ("haresources", "# The preferred", "# A remark; the preferred", ""),
    ("authkeys", KEY, KEY[::-1], "authkeys: has another key than /tmp/lb2/authkeys"),
    ("authkeys", "auth 1", "# the same\nauth 1", ""),
    ("ha.cf", "deadtime 10", "deadtime 12", "ha.cf:6: deadtime is 10 here and 12 in /tmp/lb2/ha.cf"),
    ("ha.cf", "deadtime 10", "deadtime 10000ms", ""),
    ("ha.cf", "node lb1 lb2", "node lb2 lb3", "ha.cf: the nodes are lb1, lb2 here and lb2, lb3 in /tmp/lb2/ha.cf"),
    ("ha.cf", "bcast eth0\n", "", "ha.cf: the links are"),
    ("ha.cf", "eth1", "ens5", ""),
]
# fmt: on


@pytest.mark.parametrize(("name", "old", "new", "said"), OTHERS)
def test_the_other_node(name: str, old: str, new: str, said: str) -> None:
    other = Folder("/tmp/lb2", changed(name, old, new).files)
    found = [f"{each.place}: {each.message}" for each in checks.remarks(folder(), CLUSTER, HOST, other)]
    assert [line.startswith(said) for line in found] == [True] * bool(said), found


def test_a_file_that_the_other_node_lacks() -> None:
    other = Folder("/tmp/lb2", {**folder().files, "authkeys": Found()})
    [remark] = checks.remarks(folder(), CLUSTER, HOST, other)
    assert (remark.severity, remark.file, remark.message) == (MISTAKE, "/tmp/lb2/authkeys", "is missing")


@pytest.mark.parametrize(
    ("words", "severity", "message"),
    [
        ("IPaddr2::192.168.0.219/32 lvs-director", WARNING, "192.168.0.219 is there before the table"),
        ("lvs-director", MISTAKE, "nobody brings 192.168.0.219"),
        ("lvs-director IPaddr2::192.168.0.218/32", MISTAKE, "nobody brings 192.168.0.219"),
        ("lvs-director IPaddr2::192.168.0.219/32", "", ""),
    ],
)
def test_where_ipaddr2_brings_the_vips(words: str, severity: str, message: str) -> None:
    cluster = parse(TOML.replace("ping =", 'vips = "ipaddr2"\nping ='), "/etc/lvs/lvs.toml")
    files = {**folder(cluster).files, "haresources": Found(f"lb1 {words}\n", 0o644)}
    found = checks.remarks(Folder("/etc/ha.d", files), cluster, HOST)
    assert [(each.severity, each.message.partition(":")[0]) for each in found] == [(severity, message)] * bool(message)
