"""parse(): examples, bounds, places, and documents at random."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvs_init.config import load, realserver_table
from lvs_init.config.load import LARGEST_FILE, MOST_REAL_SERVERS, from_document, parse
from lvs_init.config.problems import MOST_PROBLEMS
from lvs_init.config.schema import KEYS
from lvs_init.errors import ConfigurationError, NotInstalled
from lvs_init.model.ipvs import Tunnel
from lvs_init.model.problem import Problem

EXAMPLES = Path(__file__).parents[3] / "examples"
SOUND = {"vip": "192.168.0.219", "port": 80}
SERVICE = '[[service]]\nvip = "192.168.0.219"\nport = 80\n'


def problems_of(text: str | bytes, file: str = "lvs.toml") -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, file)
    return [problem for problem in caught.value.problems if isinstance(problem, Problem)]


@pytest.mark.parametrize("file", sorted(path.name for path in EXAMPLES.glob("*.toml")))
def test_example_is_sound(file: str) -> None:
    cluster = parse((EXAMPLES / file).read_bytes(), file)
    assert cluster.services
    assert all(service.realservers for service in cluster.services)


def test_examples_have_names_of_their_own() -> None:
    names = [parse(path.read_bytes(), path.name).name for path in EXAMPLES.glob("*.toml")]
    assert len(names) == len(set(names)) >= 9


@pytest.mark.parametrize(("file", "name"), [("/etc/lvs/web.toml", "web"), ("web.toml", "web"), ("/a/b.c.toml", "b.c")])
def test_name_comes_from_the_file(file: str, name: str) -> None:
    assert parse(SERVICE, file).name == name


@pytest.mark.parametrize("file", ["-", "/etc/lvs/.toml", "a b.toml", "a\nb.toml", "x" * 33 + ".toml", ""])
def test_name_is_asked_for_where_the_file_cannot_give_it(file: str) -> None:
    assert [problem.path for problem in problems_of(SERVICE, file)] == ["cluster.name"]


def test_place_of_a_byte_that_is_not_utf8() -> None:
    [problem] = problems_of(b'# \xc3\xa9\na = "\xc3\xa9\xff"\n')
    assert (problem.line, problem.column, problem.found) == (2, 7, "byte 0xff")


def test_byte_order_mark_is_passed_over() -> None:
    assert parse(b"\xef\xbb\xbf" + SERVICE.encode(), "lvs.toml") == parse(SERVICE, "lvs.toml")


@pytest.mark.parametrize("unit", ["#", "\xe9"])
def test_size_is_bounded_in_bytes(unit: str) -> None:
    room = LARGEST_FILE - len(SERVICE) - 1
    fits = SERVICE + "#" + unit * (room // len(unit.encode()))
    assert parse(fits, "lvs.toml").services
    assert problems_of(fits + 2 * unit)[0].message.endswith("4194304 are read")
    assert problems_of((fits + 2 * unit).encode())[0].message.endswith("4194304 are read")


def test_number_of_real_servers_is_bounded() -> None:
    def document(number: int) -> dict[str, object]:
        real_servers = [{"rip": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"} for n in range(1, number + 1)]
        half = number // 2
        return {
            "service": [
                {"vip": "192.168.0.219", "port": 80, "realservers": real_servers[:half]},
                {"vip": "192.168.0.219", "port": 81, "realservers": real_servers[half:]},
            ]
        }

    assert len(from_document(document(MOST_REAL_SERVERS), "lvs.toml").services) == 2
    with pytest.raises(ConfigurationError, match="a mistake"):
        from_document(document(MOST_REAL_SERVERS + 1), "lvs.toml")


def test_number_of_problems_is_bounded() -> None:
    problems = problems_of("".join(f"a{number} = 1\n" for number in range(5000)))
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1].message == f"has {5001 - MOST_PROBLEMS} more mistakes"


def test_number_of_marking_rules_is_bounded() -> None:
    vips = ", ".join(f'"10.0.{number >> 8}.{number & 255}"' for number in range(1, 1026))
    match = ", ".join(f'{{ protocol = "tcp", port = {port} }}' for port in range(4))
    [problem] = problems_of(f"[[service]]\nfwmark = 1\nvips = [{vips}]\nmatch = [{match}]\n")
    assert problem.message == "makes 4100 marking rules; at most 4096 are set"


@pytest.mark.parametrize("text", ["a = " + "[" * 50000, "weight = " + "9" * 10000, "a = '\ud800'", "\x00", "a = 1 \r"])
def test_strange_text_is_a_mistake(text: str) -> None:
    assert problems_of(text)


def test_everything_told_is_short_ascii() -> None:
    long = "\xe9" * 5000
    text = f'"{long}" = 1\n[cluster]\nname = "{long}"\n{SERVICE}persistence = 0x{"f" * 9999}\n'
    for problem in problems_of(text):
        assert str(problem).isascii()
        assert len(problem.found) <= 60
        assert len(problem.path) <= 160


def test_in_the_order_of_the_file() -> None:
    text = '[[service]]\nport = -1\nvip = "x"\n[director]\ndip = "y"\n[cluster]\nforwarding = "z"\n'
    assert [problem.path for problem in problems_of(text)] == [
        "service[0].port",
        "service[0].vip",
        "director.dip",
        "cluster.forwarding",
    ]


def test_place_of_a_problem_in_a_long_array() -> None:
    servers = "".join(f'[[service.realservers]]\nrip = "192.168.1.{number}"\nweight = -1\n' for number in range(1, 13))
    paths = [problem.path for problem in problems_of(SERVICE + servers)]
    assert paths == [f"service[0].realservers[{number}].weight" for number in range(12)]


def test_tunnel_types_are_refused_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SERVICE + (
        'forwarding = "tun"\nrealservers = ['
        '{ rip = "10.0.0.1", tunnel = { type = "gue", port = 6080, checksum = "remcsum" } },'
        '{ rip = "10.0.0.2", tunnel = { type = "gre", checksum = "csum" } }]\n'
    )
    assert [problem.path for problem in problems_of(text)] == [
        "service[0].realservers[0].tunnel.type",
        "service[0].realservers[1].tunnel.type",
    ]
    monkeypatch.setattr(realserver_table, "TRAFFIC_TESTED_TUNNELS", ("ipip", "gue", "gre"))
    [service] = parse(text, "lvs.toml").services
    assert [value.tunnel for _, value in service.realservers] == [
        Tunnel("gue", 6080, "remcsum"),
        Tunnel("gre", 0, "csum"),
    ]


def test_no_toml_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(NotInstalled) as caught:
        parse(SERVICE, "lvs.toml")
    assert "tomli" in caught.value.hint


def test_toml_reader_is_imported_late() -> None:
    assert not {"tomllib", "tomli"} & set(vars(load))


# Names and values that are nearly right reach further than random ones.
NAMES = [*sorted({name for keys in KEYS.values() for name in keys}), "", "a.b", "net.ipv4.vs.conntrack", "\u00e9"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 80, 65535, 65536]),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.sampled_from(
        [
            "192.168.0.219", "192.168.0.219/24", "192.168.0.11", "fd00::1", "fd00::1/64", "127.0.0.1", "255.255.255.0",
            "tcp", "udp", "nat", "dr", "tun", "sh", "mh", "sh-port", "sip", "eth0", "eth0:1", "gue", "ipip", "csum",
        ]
    ),
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
        max_leaves=30,
    ),
    max_size=6,
)


def tables(name: str) -> st.SearchStrategy[dict[str, object]]:
    """Tables with the keys that the schema knows there, and values of every kind."""
    inner = {
        "service": {"realservers": "service.realservers", "match": "service.match"},
        "service.realservers": {"tunnel": "service.realservers.tunnel"},
        "ha": {"link": "ha.link", "stonith": "ha.stonith", "sync": "ha.sync"},
    }.get(name, {})
    values = {
        key: (tables(inner[key]) if key in ("tunnel", "sync") else st.lists(tables(inner[key]), max_size=3)) | LEAVES
        if key in inner
        else LEAVES | st.lists(LEAVES, max_size=3)
        for key in KEYS[name]
    }
    return st.fixed_dictionaries({}, optional=values)


@settings(max_examples=300)
@given(DOCUMENTS)
def test_random_documents(document: dict[str, object]) -> None:
    try:
        from_document(document, "lvs.toml")
    except ConfigurationError as error:
        assert error.problems
        assert all(str(problem).isascii() for problem in error.problems)


NEARLY_SOUND = st.fixed_dictionaries(
    {"service": st.lists(tables("service"), min_size=1, max_size=3)},
    optional={
        "cluster": tables("cluster"),
        "director": tables("director"),
        "ha": tables("ha"),
        "node": st.dictionaries(st.sampled_from(["a", "A", "b c"]), tables("node")),
    },
)


@settings(max_examples=300)
@given(NEARLY_SOUND)
def test_random_services(document: dict[str, object]) -> None:
    try:
        from_document(document, "lvs.toml")
    except ConfigurationError as error:
        assert error.problems


@pytest.mark.parametrize("value", [1 << 20000, -(1 << 64), [1], {}, 1.5, True], ids=range(6))
def test_sysctl_that_no_kernel_takes(value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_document({"director": {"sysctl": {"net.ipv4.vs.conntrack": value}}, "service": [SOUND]}, "lvs.toml")
    [problem] = caught.value.problems
    assert isinstance(problem, Problem)
    assert problem.path == 'director.sysctl."net.ipv4.vs.conntrack"'


def test_deep_dotted_key_is_a_mistake() -> None:
    assert problems_of("[director.sysctl]\nnet" + ".a" * 3000 + " = 1\n" + SERVICE)
    assert problems_of("a" + ".a" * 3000 + " = 1\n" + SERVICE)
