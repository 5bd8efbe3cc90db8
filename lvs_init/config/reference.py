"""The tables of docs/configuration.md and of lvs.toml(5), made from the schema, so that the two cannot drift apart."""

from __future__ import annotations

from lvs_init.config.key import Group, Key
from lvs_init.config.schema import TABLES

BEGIN = "<!-- made by lvs_init.config.reference: begin -->"
END = "<!-- made by lvs_init.config.reference: end -->"

COLUMNS = ("Key", "Type", "Values", "Unit", "Default", "Read by", "Meaning", "Example")


def markdown() -> str:
    """Every table of the file with every key, as Markdown."""
    return "\n".join(_group(group) for group in TABLES.values())


def _group(group: Group) -> str:
    heading = f"`{group.heading}`" if group.heading else "The file"
    rows = [_row(COLUMNS), _row(("---",) * len(COLUMNS))]
    rows += [_row(cells(key)) for key in group.keys]
    return f"### {heading}\n\n{group.doc}\n\n" + "\n".join(rows) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def cells(key: Key) -> tuple[str, ...]:
    """What there is to say about a key, one cell for each of COLUMNS."""
    reader = key.reader
    if key.required:
        default = "required"
    elif isinstance(key.default, bool):
        default = f"`{str(key.default).lower()}`"
    elif isinstance(key.default, str):
        default = f'`"{key.default}"`'
    elif key.default is not None:
        default = f"`{key.default}`"
    else:
        default = key.otherwise or "none"
    return (f"`{key.name}`", reader.kind, reader.allowed, key.unit, default, key.role, key.doc, f"`{key.example}`")
