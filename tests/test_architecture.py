"""The house rules, each a function from a tree to its breaches, and for each rule breaches that it must see."""

from __future__ import annotations

import ast
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).resolve().parents[1]
Rule = Callable[[Path], list[str]]

# What each part of lvs_init may import of the others. A new part gets its place here first.
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"faces"},
    "errors": set(),
    "model": {"errors"},
    "config": {"model", "errors"},
    "importing": {"config", "model", "errors"},
    "ha": {"config", "model", "errors"},
    "commands": {"model", "errors"},
    "plan": {"model", "errors"},
    "doctor": {"plan", "config", "commands", "model", "errors"},
    "system": {"model", "errors"},
    "engine": {"doctor", "ha", "plan", "config", "commands", "system", "model", "errors"},
    "lab": {"engine", "doctor", "plan", "config", "commands", "system", "model", "errors"},
    "faces": {"lab", "importing", "engine", "doctor", "ha", "plan", "config", "commands", "system", "model", "errors"},
}

# Values in, values out: these parts see nothing of the machine, so what they decide can be printed, stored and tested.
PURE_PARTS = {"errors", "model", "config", "importing", "ha", "commands", "plan", "doctor"}
# fmt: off
PURE_IMPORTS = {
    "__future__", "abc", "collections", "copy", "dataclasses", "difflib", "enum", "errno", "functools", "graphlib",
    "heapq", "ipaddress", "itertools", "json", "math", "operator", "re", "shlex", "string", "struct", "textwrap",
    "tomli", "tomllib", "types", "typing",
}
# fmt: on
EFFECTS_BUILT_IN = {"open", "print", "input", "exec", "eval", "__import__"}

# Where a module may be imported, of all that root runs. The lab is the world outside, it never runs as a service.
ONLY_IN = {
    "sh": "lvs_init/system/runner.py",
    "netifaces": "lvs_init/system/netinfo.py",
    "psutil": ("lvs_init/system/netinfo.py", "lvs_init/system/processes.py"),
    "subprocess": "lvs_init/lab/",
    "multiprocessing": "lvs_init/lab/",
    "pty": "lvs_init/lab/",
}
STARTS_A_PROCESS = ("exec", "fork", "posix_spawn", "spawn")
STARTS_A_SHELL = {"system", "popen"}

# Names that say nothing of what belongs in the module and what does not.
EMPTY_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
TOO_LONG = 400

# What init systems and cluster managers call.
ENTRY_FOLDERS = ("bin", "rc.d/ocf", "rc.d/resource.d")

# Built of two halves each, so that this file does not break its own rule.
PRIVATE_PLACES = ("../" + "shared", "/wor" + "k/")

# Features that `from __future__` knows on Python 3.6; the grammar alone does not tell.
FUTURES_OF_3_6 = {"absolute_import", "division", "generator_stop", "generators", "nested_scopes", "print_function"}


def python_files(root: Path, *folders: str) -> Iterator[Path]:
    """Every Python file below the folders; "bin" stands for all folders of entry files, which have no suffix."""
    for folder in folders:
        pattern = "*" if folder == "bin" else "*.py"
        for each in ENTRY_FOLDERS if folder == "bin" else (folder,):
            for path in sorted((root / each).rglob(pattern)):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything imported, at any depth of the file."""
    own = path.relative_to(root).with_suffix("").parts
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(own[: -node.level]) if node.level else ""
            for name in node.names:
                yield node.lineno, ".".join(filter(None, (start, node.module, name.name)))


def os_functions(path: Path) -> Iterator[tuple[int, str]]:
    """(line, name) of every function of os that the file mentions."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for name in node.names:
                yield node.lineno, name.name


def part_of(root: Path, path: Path) -> str:
    """The part of lvs_init that a file belongs to: model for lvs_init/model/state.py, errors for lvs_init/errors.py."""
    return path.relative_to(root / "lvs_init").with_suffix("").parts[0]


def tracked_files(root: Path) -> Iterator[Path]:
    """What git tracks; in a tree without git's own folder, everything but what make builds."""
    if (root / ".git").exists():
        # The owner may be another one than who runs the tests (sudo make test): git would refuse to answer.
        command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        paths = [root / name for name in answer.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in root.rglob("*") if path.relative_to(root).parts[0] != "build"]
    return (path for path in sorted(paths) if path.is_file() and not path.is_symlink())


def at(root: Path, path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(root)}:{line}: {what}"


def imports_point_downwards(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init"):
        part = part_of(root, path)
        if part not in MAY_IMPORT:
            breaches.append(at(root, path, 1, f"{part} has no place in MAY_IMPORT"))
            continue
        for line, name in imports(root, path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if top == "lvs_init" and other and other != part and other not in MAY_IMPORT[part]:
                breaches.append(at(root, path, line, f"{part} may not import {name}"))
    return breaches


def entry_files_call_faces_only(root: Path) -> list[str]:
    return [
        at(root, path, line, f"imports {name}")
        for path in python_files(root, "bin")
        for line, name in imports(root, path)
        if name.startswith("lvs_init") and not name.startswith("lvs_init.faces")
    ]


def pure_parts_have_no_effects(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init"):
        if part_of(root, path) not in PURE_PARTS:
            continue
        for line, name in imports(root, path):
            if name.partition(".")[0] not in PURE_IMPORTS | {"lvs_init"}:
                breaches.append(at(root, path, line, f"imports {name}"))
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EFFECTS_BUILT_IN:
                breaches.append(at(root, path, node.lineno, f"calls {node.func.id}"))
    return breaches


def effects_have_one_door(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "bin"):
        place = path.relative_to(root).as_posix()
        for line, name in imports(root, path):
            door = ONLY_IN.get(name.partition(".")[0])
            if door and not place.startswith(door):
                breaches.append(at(root, path, line, f"imports {name}, which belongs in {door}"))
        if not place.startswith(("lvs_init/system/runner.py", "lvs_init/system/detach.py", "lvs_init/lab/")):
            for line, name in os_functions(path):
                if name.startswith(STARTS_A_PROCESS):
                    breaches.append(at(root, path, line, f"starts a process by os.{name}"))
    return breaches


def nothing_starts_a_shell(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "bin", "tests", "bench", "manual"):
        breaches += [at(root, path, line, f"os.{name}") for line, name in os_functions(path) if name in STARTS_A_SHELL]
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False":
                breaches.append(at(root, path, node.value.lineno, "shell="))
    return breaches


def files_are_short(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "bin", "tests", "bench", "manual"):
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length >= TOO_LONG:
            breaches.append(at(root, path, length, f"{TOO_LONG} lines or more"))
    return breaches


def names_say_what_is_inside(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "bin", "tests", "bench", "manual"):
        words = "_".join(path.relative_to(root).with_suffix("").parts).split("_")
        breaches += [at(root, path, 1, f"a module of {word}") for word in words if word in EMPTY_NAMES]
    return breaches


def modules_have_docstrings(root: Path) -> list[str]:
    files = python_files(root, "lvs_init", "bin", "tests", "bench", "manual")
    return [at(root, path, 1, "no docstring") for path in files if not ast.get_docstring(tree_of(path))]


def entry_files_parse_on_python_3_6(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "bin"):
        try:
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 6))
        except SyntaxError as error:
            breaches.append(at(root, path, error.lineno or 1, error.msg))
            continue
        for line, name in imports(root, path):
            top, _, feature = name.partition(".")
            if top == "__future__" and feature not in FUTURES_OF_3_6:
                breaches.append(at(root, path, line, f"Python 3.6 does not know __future__.{feature}"))
    return breaches


def library_parses_on_python_3_9(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "tests", "bench", "manual"):
        try:
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))
        except SyntaxError as error:
            breaches.append(at(root, path, error.lineno or 1, error.msg))
    return breaches


def program_text_is_ascii(root: Path) -> list[str]:
    breaches = []
    for path in python_files(root, "lvs_init", "bin"):
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type != tokenize.COMMENT and not token.string.isascii():
                    breaches.append(at(root, path, token.start[0], repr(token.string)))
    return breaches


def nothing_names_a_private_place(root: Path) -> list[str]:
    breaches = []
    for path in tracked_files(root):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            breaches += [at(root, path, number, f"names {place}") for place in PRIVATE_PLACES if place in line]
    return breaches


BREACHES: list[tuple[Rule, str, str]] = [
    (imports_point_downwards, "lvs_init/model/state.py", "import lvs_init.plan.order"),
    (imports_point_downwards, "lvs_init/plan/order.py", "def late():\n    from lvs_init import system"),
    (imports_point_downwards, "lvs_init/config/__init__.py", "from ..engine import start"),
    (imports_point_downwards, "lvs_init/errors.py", "from .model import problem"),
    (imports_point_downwards, "lvs_init/__init__.py", "from lvs_init import errors"),
    (imports_point_downwards, "lvs_init/lab/hosts.py", "from lvs_init.faces.lsb import main"),
    (imports_point_downwards, "lvs_init/cache/__init__.py", ""),
    (entry_files_call_faces_only, "bin/lvs-director", "from lvs_init.engine import start"),
    (entry_files_call_faces_only, "bin/lvs-director", "import lvs_init"),
    (entry_files_call_faces_only, "rc.d/ocf/director", "from lvs_init.engine import start"),
    (pure_parts_have_no_effects, "lvs_init/plan/order.py", "import os"),
    (pure_parts_have_no_effects, "lvs_init/commands/route.py", "from pathlib import Path"),
    (pure_parts_have_no_effects, "lvs_init/config/read.py", "text = open('lvs.toml').read()"),
    (effects_have_one_door, "lvs_init/engine/apply.py", "from sh import ifconfig"),
    (effects_have_one_door, "lvs_init/system/files.py", "def late():\n    import psutil"),
    (effects_have_one_door, "lvs_init/system/runner.py", "import subprocess"),
    (effects_have_one_door, "bin/lvsctl", "import os\nos.execv('/bin/true', ['true'])"),
    (nothing_starts_a_shell, "lvs_init/lab/guest.py", "subprocess.run('ls', shell=True)"),
    (nothing_starts_a_shell, "tests/lab/test_traffic.py", "import os\nos.system('ls')"),
    (nothing_starts_a_shell, "bench/start.py", "from os import popen"),
    (files_are_short, "tests/unit/test_plan.py", "pass\n" * TOO_LONG),
    (names_say_what_is_inside, "lvs_init/system/file_utils.py", ""),
    (names_say_what_is_inside, "tests/helpers/__init__.py", ""),
    (modules_have_docstrings, "lvs_init/plan/__init__.py", "# no docstring"),
    (modules_have_docstrings, "bin/lvsctl", "import sys"),
    (entry_files_parse_on_python_3_6, "bin/lvsctl", "match 1:\n    case 1:\n        pass"),
    (entry_files_parse_on_python_3_6, "bin/lvsctl", "from __future__ import annotations"),
    (library_parses_on_python_3_9, "lvs_init/plan/order.py", "match 1:\n    case 1:\n        pass"),
    (program_text_is_ascii, "lvs_init/faces/lsb.py", "print('gestartet \u2713')"),
    (program_text_is_ascii, "bin/lvsctl", '"""Caf\u00e9."""'),
    (nothing_names_a_private_place, "docs/lab.md", "See " + PRIVATE_PLACES[0] + "/notes.md"),
    (nothing_names_a_private_place, "Makefile", "demo:\n\tcd " + PRIVATE_PLACES[1] + "main"),
]

# The parser of Python 3.9 takes no notice of feature_version.
if sys.version_info >= (3, 10):
    BREACHES.append((entry_files_parse_on_python_3_6, "bin/lvsctl", "if (verb := 1):\n    pass"))

KEPT: list[tuple[Rule, str, str]] = [
    (imports_point_downwards, "lvs_init/engine/start.py", "from ..plan import order\nfrom . import observe"),
    (entry_files_call_faces_only, "bin/lvsctl", "from lvs_init.faces import lvsctl"),
    (pure_parts_have_no_effects, "lvs_init/system/files.py", "import os\nopen('/proc/uptime')"),
    (effects_have_one_door, "lvs_init/system/runner.py", "import sh"),
    (effects_have_one_door, "lvs_init/lab/guest.py", "import os, subprocess\nos.fork()"),
    (nothing_starts_a_shell, "lvs_init/lab/guest.py", "subprocess.run(['ls'], shell=False)"),
    (files_are_short, "tests/unit/test_plan.py", "pass\n" * (TOO_LONG - 1)),
    (entry_files_parse_on_python_3_6, "bin/lvsctl", "from __future__ import print_function\nprint(f'{1}')"),
    (program_text_is_ascii, "lvs_init/model/address.py", "# Alexandre Cass\u00e9n's report"),
    (nothing_names_a_private_place, "build/log", PRIVATE_PLACES[1]),
]

RULES = list(dict.fromkeys(rule for rule, _, _ in BREACHES))


def sample(root: Path, place: str, text: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule: Rule) -> None:
    breaches = rule(ROOT)
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(("rule", "place", "text"), BREACHES)
def test_a_breach_is_seen(tmp_path: Path, rule: Rule, place: str, text: str) -> None:
    sample(tmp_path, place, text)
    breaches = rule(tmp_path)
    assert len(breaches) == 1
    assert breaches[0].startswith(f"{place}:")


@pytest.mark.parametrize(("rule", "place", "text"), KEPT)
def test_what_is_allowed_is_not_a_breach(tmp_path: Path, rule: Rule, place: str, text: str) -> None:
    sample(tmp_path, place, text)
    assert rule(tmp_path) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_an_empty_tree_has_no_breach(tmp_path: Path, rule: Rule) -> None:
    assert rule(tmp_path) == []


def test_no_two_modules_of_tests_have_one_name() -> None:
    """pytest imports them by it, so that the second would not be collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
