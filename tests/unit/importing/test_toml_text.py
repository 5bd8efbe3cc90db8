"""What is rendered is what a TOML reader reads."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lvs_init.config.load import _toml_reader
from lvs_init.importing.toml_text import Draft, Key, Table, rendered

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cs"]))
plain: st.SearchStrategy[Any] = st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts
inline = st.dictionaries(names, plain, max_size=3)
values = plain | st.lists(texts, max_size=3) | inline | st.lists(inline, max_size=3)
keys = st.builds(Key, names, values, texts, st.booleans())
tables = st.lists(keys, max_size=4, unique_by=lambda key: key.name).map(tuple)
drafts = st.builds(
    lambda comments, cluster, director, sysctl, services: Draft(
        tuple(comments),
        (
            Table("cluster", cluster),
            Table("director", tuple(key for key in director if key.name != "sysctl")),
            Table("director.sysctl", sysctl),
            *(Table("service", service, many=True) for service in services),
        ),
    ),
    st.lists(texts, max_size=2), tables, tables, tables, st.lists(tables, max_size=3),
)  # fmt: skip


@given(drafts)
def test_a_reader_gets_back_what_was_written(draft: Draft) -> None:
    text = rendered(draft)
    assert text.isascii() and all(line.isprintable() for line in text.splitlines())
    assert _toml_reader()(text) == draft.document()


def test_comments_stand_where_they_belong() -> None:
    draft = Draft(
        ("top",),
        (
            Table("cluster", (Key("name", "web", "guess"), Key("forwarding", "dr", active=False))),
            Table("service", (Key("realservers", [{"rip": "192.0.2.1"}], "by name"),), many=True),
        ),
    )
    assert rendered(draft) == (
        '# top\n\n[cluster]\nname = "web"  # guess\n# forwarding = "dr"\n\n'
        '[[service]]\nrealservers = [\n  { rip = "192.0.2.1" },\n]  # by name\n'
    )
