"""The shape of the house: who may know whom, and what stands where."""

from __future__ import annotations

import ast
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "acare"

# From the bottom up; imports run downwards only. What shares a floor does not know each other, but for
# modules of one folder.
FLOORS = (
    ("errors", "ids", "field_types", "ratelimit", "timestamps", "version"),
    ("fields", "config", "auth"),
    ("clients",),
    ("api", "store", "exchange"),
    ("app",),
    ("",),  # acare itself: what an embedder imports
    ("server",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file; ``from a import b`` as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(name: str) -> str:
    """The part of acare that a dotted name is in: ``acare.store.keys.KeyStore`` is in ``store``."""
    _, *rest = name.split(".")
    return rest[0] if rest and rest[0] in FLOOR_OF else ""


def who_imports(package: str) -> set[str]:
    return {
        name
        for name, tree in MODULES.items()
        if any(imported.split(".")[0] == package for imported in imports(tree))
    }


def names_in(tree: ast.AST) -> set[str]:
    """Names and attributes that are used, as they are written: ``os.environ``, ``print``."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute)))
    return {ast.unparse(node) for node in nodes}


def who_uses(*wanted: str) -> set[str]:
    return {name for name, tree in MODULES.items() if not names_in(tree).isdisjoint(wanted)}


# --- who may know whom


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_the_floors_below_alone(name: str) -> None:
    here = part_of(name)
    above = [
        imported
        for imported in imports(MODULES[name])
        if imported.split(".")[0] == "acare"
        and part_of(imported) != here
        and FLOOR_OF[part_of(imported)] >= FLOOR_OF[here]
    ]
    assert above == []


def test_every_module_is_on_a_floor() -> None:
    assert {part_of(name) for name in MODULES} == set(itertools.chain(*FLOORS))
    assert {name for name in MODULES if part_of(name) == ""} == {"acare"}


def test_api_and_store_do_not_know_each_other() -> None:
    for here, there in (("api", "store"), ("store", "api")):
        for name, tree in MODULES.items():
            if part_of(name) == here:
                assert not [imported for imported in imports(tree) if part_of(imported) == there]


def test_of_the_api_the_command_knows_no_resource() -> None:
    known = {
        ".".join(imported.split(".")[:3])
        for name, tree in MODULES.items()
        if part_of(name) in ("server", "cli")
        for imported in imports(tree)
        if imported.startswith("acare.api")
    }
    assert known <= {"acare.api.envelope", "acare.api.access_log", "acare.api.openapi"}


def test_only_the_api_and_the_app_know_falcon() -> None:
    assert {part_of(name) for name in who_imports("falcon")} == {"api", "app"}


def test_only_the_store_knows_sqlite() -> None:
    assert {part_of(name) for name in who_imports("sqlite3")} == {"store"}


def test_only_one_module_opens_connections() -> None:
    assert who_uses("sqlite3.connect", "sqlite3.dbapi2.connect") == {"acare.store.connection"}
    assert not any("sqlite3.connect" in imports(tree) for tree in MODULES.values())


def test_only_one_module_knows_the_time_in_sql() -> None:
    """But for defaults in the schema and in migrations, which must never change."""
    found = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "'now'" in node.value
    }
    assert found == {"acare.store.connection", "acare.store.migrations"}


def test_only_the_server_imports_waitress() -> None:
    assert {part_of(name) for name in who_imports("waitress")} == {"server"}


def test_only_the_command_reads_arguments() -> None:
    assert {part_of(name) for name in who_imports("argparse")} == {"cli"}


def test_only_the_command_prints() -> None:
    assert {part_of(name) for name in who_uses("print", "sys.stdout", "sys.stderr")} == {"cli"}


def test_only_the_command_exits() -> None:
    assert {part_of(name) for name in who_uses("sys.exit", "os._exit", "exit", "SystemExit")} <= {
        "cli",
        "server",
        "__main__",
    }


def test_only_the_settings_read_the_environment() -> None:
    assert who_uses("os.environ", "os.getenv", "os.environb", "environ", "getenv") <= {"acare.config"}


def test_only_a_few_packages_are_imported() -> None:
    imported = {name.split(".")[0] for tree in MODULES.values() for name in imports(tree)}
    assert imported - sys.stdlib_module_names == {"acare", "falcon", "waitress"}


# --- importing is free

IMPORT_ALL = """
import importlib, sys, threading
import falcon, waitress  # what they do at import is theirs

done = []
NOT_NOW = "sqlite3.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "_thread.start_new_thread"

def watch(event, arguments):
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".so")):
        done.append(f"opened {arguments[0]}")
    if event in NOT_NOW:
        done.append(event)

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(threading.active_count(), done)
"""


def test_importing_starts_no_thread_and_opens_no_file(tmp_path: Path) -> None:
    names = [name for name in MODULES if name != "acare.__main__"]
    ended = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL, *names],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        timeout=30,
    )
    assert (ended.stdout, ended.stderr) == ("1 []\n", "")


# --- what stands where


def test_no_module_is_named_after_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc"}
    assert not vague & set(itertools.chain(*(name.split(".") for name in MODULES)))


def test_two_packages_are_needed_at_run_time() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}  # type: ignore[index]
    assert needed == {"falcon", "waitress"}


BUILT = re.compile(r"build|dist|__pycache__|PKG-INFO|.*\.(egg-info|db|db-wal|db-shm)")


def top_level() -> set[str]:
    """What stands at the top: what git knows, or where there is no git what was not built."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z"]
        files = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        return {name.split("/")[0] for name in files.split("\0") if name}
    return {entry.name for entry in ROOT.iterdir() if not BUILT.fullmatch(entry.name)}


def test_nothing_else_stands_at_the_top() -> None:
    visible = {name for name in top_level() if not name.startswith(".")}
    assert visible == {"pyproject.toml", "README.md", "acare", "schema.sql", "tests"}
