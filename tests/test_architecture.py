"""The structure of the package: which module imports what, and which files there are."""

import ast
import functools
import itertools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "acare"

# From the bottom up; imports run downwards only. Parts of one layer do not import each other.
LAYERS = (
    ("errors", "ids", "json_text", "timestamps", "version", "phone_numbers"),
    ("field_types",),
    ("fields", "parameters", "places", "search_terms"),
    ("auth", "filters", "config"),
    ("database",),
    ("store",),
    ("importing",),  # the API's CSV is written as an export is
    ("api",),
    ("app",),
    ("",),  # acare itself, which embedders import
    ("server", "maintenance"),
    ("cli",),
    ("__main__",),
)
LAYER_OF = {part: layer for layer, parts in enumerate(LAYERS) for part in parts}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def imports(tree: ast.AST) -> set[str]:
    """Every module that is imported, wherever in the file; ``from a import b`` as ``a.b``."""
    nodes = list(ast.walk(tree))
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes), "imports are absolute"
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def part_of(name: str) -> str:
    """The part of acare that a dotted name is in: ``acare.store.keys.KeyStore`` is in ``store``."""
    _, *rest = name.split(".")
    return rest[0] if rest and rest[0] in LAYER_OF else ""


# --- imports


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_layers_below(name: str) -> None:
    here = part_of(name)
    above = [
        imported
        for imported in imports(MODULES[name])
        if imported.split(".")[0] == "acare"
        and part_of(imported) != here
        and LAYER_OF[part_of(imported)] >= LAYER_OF[here]
    ]
    assert above == []


def test_every_module_is_in_a_layer() -> None:
    assert {part_of(name) for name in MODULES} == set(itertools.chain(*LAYERS))
    assert [name for name in MODULES if part_of(name) == ""] == ["acare"], "add the others to LAYERS"


def test_few_other_packages_are_imported() -> None:
    imported = {name.split(".")[0] for tree in MODULES.values() for name in imports(tree)}
    assert imported - sys.stdlib_module_names == {"acare", "falcon", "waitress"}


IMPORTERS = {
    "falcon": {"api", "app"},
    "sqlite3": {"database", "store", "maintenance"},
    "waitress": {"server"},
    "argparse": {"cli"},
    "acare.places": {"store"},  # the database knows no clients
    "acare.search_terms": {"store"},
}


@pytest.mark.parametrize(("package", "parts"), IMPORTERS.items(), ids=IMPORTERS)
def test_only_these_parts_import_a_package(package: str, parts: set[str]) -> None:
    importing = (
        part_of(module)
        for module, tree in MODULES.items()
        if any(f"{name}.".startswith(f"{package}.") for name in imports(tree))
    )
    assert set(importing) == parts


# --- what a module may use

USERS = {
    # name: the modules that may use it
    "sqlite3.connect": r"acare\.database\.connection",
    "print": r"acare\.cli.*",
    "os.environ": r"acare\.(config|cli\.serve)",
}


@pytest.mark.parametrize(("name", "users"), USERS.items(), ids=USERS)
def test_only_these_modules_use_a_name(name: str, users: str) -> None:
    using = {
        module
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == name
    }
    assert [module for module in using if re.fullmatch(users, module) is None] == []


TABLES = re.findall(r"^CREATE TABLE (\w+)", (ROOT / "schema.sql").read_text("utf-8"), re.M)
STATEMENT = re.compile(rf"\b(FROM|INTO|UPDATE|JOIN)\s+({'|'.join(TABLES)})\b")


def test_only_the_store_has_statements_on_clients_users_and_keys() -> None:
    texts = ((name, node) for name, tree in MODULES.items() for node in ast.walk(tree))
    using = {
        name for name, node in texts if isinstance(node, ast.Constant) and STATEMENT.search(str(node.value))
    }
    files = {path.parent.name for path in PACKAGE.rglob("*.sql") if STATEMENT.search(path.read_text("utf-8"))}
    assert files | {part_of(name) for name in using} == {"migrations", "store"}
