"""KEY=value files: what a shell would read, a shell beside it as the judge, and what only a shell could read."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvs_init.config.environment import LARGEST_TEXT, parse_assignments
from lvs_init.errors import ConfigurationError

SOUND = [
    ("A=b", "b"),
    ("A=", ""),
    ("export A=b", "b"),
    ("  A=b  ", "b"),
    ("A='a b'", "a b"),
    ('A="a b"', "a b"),
    ("A=a'b c'\"d e\"f", "ab cd ef"),
    ("A=b # why", "b"),
    ("A=b#c", "b#c"),
    ("A='#b'", "#b"),
    (r"A=a\ b", "a b"),
    (r'A="a\"b\\c\d"', 'a"b\\c\\d'),
    ("A='$HOME `id`'", "$HOME `id`"),
    (r"A=\$HOME", "$HOME"),
    (r'A="\$HOME"', "$HOME"),
    ("A=/srv/lvs/web.toml", "/srv/lvs/web.toml"),
    ("A=a=b", "a=b"),
    ("A=old\nA=new", "new"),
    ("A=b\r", "b"),
]


@pytest.mark.parametrize(("text", "value"), SOUND)
def test_reads_what_a_shell_would_read(text: str, value: str) -> None:
    assert parse_assignments(text, "lvs") == {"A": value}
    script = text.replace("\r", "") + '\nprintf %s "$A"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == value


@pytest.mark.parametrize(
    "line",
    [
        "A=$HOME", 'A="$HOME"', "A=`id`", 'A="`id`"', "A=$(id)", "A=b; id", "A=b&", "A=b|c", "A=<b", "A=(b c)",
        r"A=\\$HOME", "A=b c", "A='b", 'A="b', 'A="b"c"', "A =b", "1A=b", "id", "if true; then", ". /etc/rc", "A-B=c",
        "A=b\\", "A='\x1b'", "A+=b",
    ],
)  # fmt: skip
def test_refuses_what_only_a_shell_could_read(line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_assignments(f"# a comment\n\n{line}\nB=c\n", "lvs")
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [("lvs", 3)]


def test_names_every_bad_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_assignments("A=$B\nC=d\nid\n", "/etc/default/lvs-director")
    assert [str(problem) for problem in caught.value.problems] == [
        "/etc/default/lvs-director:1: has a character that a shell would act upon, and no shell reads this file"
        " (found: 'A=$B'); write the value in single quotes",
        "/etc/default/lvs-director:3: is not KEY=value (found: 'id'); this file is read, never executed",
    ]


def test_bounded() -> None:
    with pytest.raises(ConfigurationError):
        parse_assignments("#" * (LARGEST_TEXT + 1), "lvs")


@given(st.text())
def test_nothing_but_a_mistake_is_raised(text: str) -> None:
    try:
        parse_assignments("A=" + text, "lvs")
    except ConfigurationError as error:
        assert error.problems
