"""What lvsctl ha writes and prints, as those take it whom it is for: Heartbeat, cluster-glue, crm, pcs, Corosync.

The pairs of the other tests run on such files; here is what need not run: all that the parsers can say, and mistakes.
"""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET

import pytest
from offline import available, sh
from support.fixtures import REQUIRED

from lvs_init.ha import stonith
from lvs_init.lab.place import ROOT

#: A value that no shell and no parser on the way may look into.
SECRET = "a\"b c'$HOME`x`;#&|"
FILE = f"""
[cluster]
name = "everything"
[director]
interface = "eth0"
[ha]
nodes = ["node1", "node2"]
ping = ["192.168.0.254", "192.168.0.253"]
auto_failback = true
vips = "ipaddr2"
[[ha.link]]
type = "ucast"
interface = "lo"
addresses = {{ node1 = "192.168.0.1", node2 = "192.168.0.2" }}
[[ha.stonith]]
type = "external/ipmi"
node = "node1"
parameters = {{ hostname = "node1", ipaddr = "10.0.1.1", userid = "hb", passwd = '''{SECRET}''', interface = "lan" }}
[[ha.stonith]]
type = "external/ipmi"
node = "node2"
parameters = {{ hostname = "node2", ipaddr = "10.0.1.2", userid = "hb", passwd = "plain", interface = "lan" }}
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{{ rip = "192.168.0.11" }}]
[[service]]
vip = "192.168.0.220"
port = 80
realservers = [{{ rip = "192.168.0.11" }}]
"""
SOUND = FILE.replace(SECRET, "plain").replace(', "192.168.0.253"', "")
#: Everything that a machine with Heartbeat and lvs-init has. A daemon with realtime priority is for real machines.
LVSCTL = f"""\
lvsctl() {{ {sys.executable} {ROOT}/bin/lvsctl "$@"; }}
echo "$FILE" >/etc/lvs/pair.toml
ln -s {ROOT}/rc.d/resource.d/lvs-director /etc/ha.d/resource.d/
mkdir -p /usr/lib/ocf/resource.d/lvs
ln -s {ROOT}/rc.d/ocf/* /usr/lib/ocf/resource.d/lvs/
ip link set lo up
"""
FILES = """\
lvsctl ha heartbeat pair --out /etc/ha.d >/dev/null 2>&1
sed -i 's,^logfacility.*,logfile /run/ha-log\\ndebugfile /run/ha-debug\\nrealtime off,' /etc/ha.d/ha.cf
"""
START = """\
status=0; /usr/libexec/heartbeat/heartbeat >/dev/null 2>&1 || status=$?
echo "heartbeat: $status"
"""


@pytest.fixture(autouse=True, scope="module")
def _there() -> None:
    why = available()
    if why and os.environ.get(REQUIRED):
        raise RuntimeError(why)
    if why:
        pytest.skip(why)


def test_plugins_want_what_our_table_says() -> None:
    done = sh("for each in $(stonith -L); do echo $each: $(stonith -t $each -n 2>/dev/null); done")
    assert done.returncode == 0, done.stdout
    told = dict(line.split(":") for line in done.stdout.splitlines())
    assert {name: tuple(names.split()) for name, names in told.items()} == dict(stonith.PARAMETERS)


def test_plugins_are_asked_what_they_want() -> None:
    text = FILE.replace('interface = "lan"', 'reset = "lan"', 1).replace("external/ipmi", "external/impi")
    done = sh(LVSCTL + "lvsctl ha heartbeat pair", FILE=text.replace("external/impi", "external/ipmi", 1))
    assert done.returncode == 1
    for part in ("has no parameter reset", "needs interface", "has a '#'", "no plugin external/impi"):
        assert part in done.stdout, done.stdout
    assert SECRET not in done.stdout


# Pacemaker's shells

#: pcs in forks of one interpreter, each of which would take two seconds to find all its modules.
FORKED = """\
import os, sys
from pcs import app
while True:
    with open("pcs.in") as told:
        words = told.read().split(chr(0))[:-1]
    child = os.fork()
    if not child:
        log = os.open("pcs.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1), os.dup2(log, 2)
        sys.argv = ["pcs", *words]
        sys.exit(app.main(words))
    with open("pcs.out", "w") as told:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=told)
"""
#: pcs on a cluster that does not run: the two commands that ask it are done on a file.
OFFLINE = f"""\
mkfifo pcs.in pcs.out
/usr/bin/python3 -Es -c '{FORKED}' &
pcs() {{
    case $2 in
    cib) cibadmin --empty >"$3" ;;
    cib-push) cp "$3" pcs.xml ;;
    *)
        printf '%s\\0' "$@" >pcs.in
        read -r code <pcs.out
        [ "$code" = 0 ] || {{ cat pcs.log; return 1; }} ;;
    esac
}}
"""
CRM = "export CIB_file=/run/crm.xml; cibadmin --empty >$CIB_file; lvsctl ha pacemaker pair --realserver >crm.sh\n"


def described(text: str) -> dict[str, dict[str, str]]:
    """What a cluster information base says of each resource and constraint, without the names of its parts."""
    found: dict[str, dict[str, str]] = {}
    root = ET.fromstring(text)
    for each in root.iter("primitive"):
        agent = ":".join(filter(None, (each.get("class"), each.get("provider"), each.get("type"))))
        said = {"agent": agent, **{pair.get("name", ""): pair.get("value", "") for pair in each.iter("nvpair")}}
        for operation in each.iter("op"):
            interval = operation.get("interval", "").rstrip("s")
            if interval != "0":  # what the agent's own description adds to others is pcs's business
                said[f"{operation.get('name')} {operation.get('role', '')} {interval}"] = operation.get("timeout", "")
        found[each.get("id", "")] = said
    for each in root.iter("clone"):
        attributes = each.find("meta_attributes")
        assert attributes is not None
        found[each.get("id", "")] = {pair.get("name", ""): pair.get("value", "") for pair in attributes}
    for each in root.iter("rsc_location"):
        rules = [f" {rule.get('role')} {rule.get('score')}" for rule in each.iter("rule")]
        parts = {
            " ".join(str(part.get(name)) for name in ("attribute", "operation", "value"))
            for part in each.iter("expression")
        }
        found[f"location {each.get('rsc')} {each.get('node', '')}{''.join(rules)}"] = dict.fromkeys(sorted(parts), "")
    for kind in ("rsc_colocation", "rsc_order"):
        for each in root.iter(kind):
            wanted = ("rsc", "with-rsc", "with-rsc-role", "first", "then", "first-action", "then-action")
            found[kind] = {name: each.get(name, "") for name in wanted}
    for part in ("crm_config", "rsc_defaults"):
        found[part] = {
            pair.get("name", ""): pair.get("value", "") for pair in root.iterfind(f"configuration/{part}//nvpair")
        }
    return found


def test_both_shells_make_the_same_cluster() -> None:
    """And none of them looks into a password."""
    done = sh(
        f"exec 3>&1 >made.log 2>&1\ntrap 'cat made.log >&3' EXIT\n{LVSCTL}{CRM}sh -e crm.sh\nunset CIB_file\n"
        f"{OFFLINE}lvsctl ha pacemaker pair --tool pcs --realserver >pcs.sh; . ./pcs.sh\n"
        "crm_verify -V -x crm.xml; crm_verify -V -x pcs.xml\n"
        "(cat crm.xml; echo ====; cat pcs.xml) >&3; trap - EXIT\n",
        FILE=FILE,
    )
    assert done.returncode == 0, done.stdout
    crm, pcs = map(described, done.stdout.split("====\n"))
    assert crm == pcs
    assert crm["fence-node1"]["passwd"] == SECRET
    assert crm["director-everything-clone"] == {
        "promotable": "true", "promoted-max": "1", "promoted-node-max": "1", "clone-max": "2", "clone-node-max": "1",
        "notify": "false", "interleave": "true",
    }  # fmt: skip
    assert {"vip-192.168.0.219", "vip-192.168.0.220", "ping-clone", "realserver-everything-clone"} <= set(crm)
    assert {name for name in crm if name.startswith("location")} == {
        "location fence-node1 node1", "location fence-node2 node2",
        "location director-everything-clone  Promoted -INFINITY", "location director-everything-clone  Promoted 1000",
    }  # fmt: skip


@pytest.mark.parametrize("password", ["a\\", 'a\\"b'])
def test_crm_is_not_given_what_it_cannot_read(password: str) -> None:
    text = FILE.replace(SECRET, password)
    done = sh(LVSCTL + "lvsctl ha pacemaker pair --tool pcs >pcs.sh; lvsctl ha pacemaker pair", FILE=text)
    assert done.returncode == 1
    assert "cannot read" in done.stdout
    assert "crm configure" not in done.stdout
    # And that it could not is so.
    unseen = LVSCTL + CRM.replace("lvsctl ha pacemaker pair --realserver", "echo crm configure load update /run/x")
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    done = sh(
        unseen + 'echo "$LINE" >x; sh -e crm.sh', FILE=text, LINE=f'primitive x stonith:null params hostlist="{quoted}"'
    )
    assert done.returncode != 0, done.stdout


def test_corosync_takes_its_file() -> None:
    made = (
        LVSCTL
        + "lvsctl ha pacemaker pair --tool corosync >/etc/corosync/corosync.conf; corosync-keygen -l >/dev/null\n"
    )
    done = sh(made + "corosync -t", FILE=FILE)
    assert done.returncode == 0, done.stdout
    done = sh(made + "sed -i s/knet/nket/ /etc/corosync/corosync.conf; corosync -t", FILE=FILE)
    assert done.returncode != 0, done.stdout


# Heartbeat


def test_heartbeat_takes_the_files() -> None:
    done = sh(LVSCTL + FILES + "lvsctl ha check pair || cat /etc/ha.d/ha.cf\n" + START + "cat ha-log", FILE=SOUND)
    assert "heartbeat: 0\n" in done.stdout, done.stdout
    assert "mistake" not in done.stdout, done.stdout
    assert "Configuration validated. Starting heartbeat 3.0.6" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("ha.cf", "s/deadtime 10/deadtime 2/"),
        ("ha.cf", "s/initdead 60/initdead 5/"),
        ("ha.cf", "s/keepalive 1/keepaliv 1/"),
        ("ha.cf", "s/node node1 node2/node node2 node3/"),
        ("ha.cf", "s/^ucast/#/; s/^ping/#/; s/^respawn/#/"),  # to Heartbeat ping is a link, too
        ("ha.cf", "s,external/ipmi,external/impi,"),
        ("ha.cf", "s/ plain lan/ plain/"),
        ("ha.cf", "s,/ipfail,/ipfial,"),
        ("haresources", "s/^node1/node3/"),
        ("authkeys", "s/auth 1/auth 2/"),
        ("authkeys", "s/sha1/sha2/"),
    ],
)
def test_heartbeat_does_not_start_where_check_says_so(file: str, change: str) -> None:
    script = f"sed -i '{change}' /etc/ha.d/{file}\nlvsctl ha check pair || echo found\n{START}"
    done = sh(LVSCTL + FILES + script, FILE=SOUND)
    assert "\nfound\n" in done.stdout, done.stdout
    assert f"\n  {file}" in done.stdout, done.stdout
    assert "heartbeat: 0\n" not in done.stdout, done.stdout
    assert "heartbeat: " in done.stdout, done.stdout


def test_heartbeat_does_not_start_with_an_open_key() -> None:
    done = sh(LVSCTL + FILES + "chmod 640 /etc/ha.d/authkeys\nlvsctl ha check pair || echo found\n" + START, FILE=SOUND)
    assert "has mode 640" in done.stdout, done.stdout
    assert "\nfound\n" in done.stdout, done.stdout
    assert "heartbeat: 0\n" not in done.stdout, done.stdout
