"""The rooms of the architecture: each workspace member, what it is called and whom it may import."""

import ast
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.paths import ROOT

ARROWS: dict[str, set[str]] = {
    "native": set(),
    "protocol": {"dativo_native"},
    "taps/*": {"dativo_protocol"},
    "targets/target-iceberg": {"dativo_protocol", "target_parquet"},
    "targets/*": {"dativo_protocol"},
    "runner": set(),
}
"""Member → our packages that it may import (docs/architecture.md, section 2). Arrows only point down."""

UNDECLARED: dict[str, set[str]] = {
    "native": {"pyarrow", "psycopg", "_cffi_backend"},
    "protocol": {"yaml"},
    "runner": {"botocore", "requests"},
    "targets/target-iceberg": {"botocore", "pydantic", "requests", "sqlalchemy"},
    "targets/target-parquet": {"types_boto3_s3"},
}
"""Third-party modules used, inside functions, only where the caller brings them; cffi's half in C; types."""


@dataclass(frozen=True)
class Room:
    """A distribution of the workspace."""

    member: str
    project: dict[str, Any]
    package: Path

    @property
    def distribution(self) -> str:
        return self.project["name"]

    @property
    def scripts(self) -> list[str]:
        return sorted(self.project.get("scripts", {}))

    def requirements(self) -> set[str]:
        """Everything the distribution declares, extras included, as written."""
        extras = self.project.get("optional-dependencies", {}).values()
        return {*self.project.get("dependencies", []), *(one for extra in extras for one in extra)}


@dataclass(frozen=True)
class Import:
    """A top-level module that a file imports: inside a function (`late`), or under `if TYPE_CHECKING`."""

    module: str
    path: Path
    line: int
    late: bool
    for_types: bool


def rooms() -> list[Room]:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    manifests = [
        path for pattern in workspace["members"] for path in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
    ]
    return [_room(manifest) for manifest in manifests]


def arrows(room: Room) -> set[str]:
    """Our packages that the room may import.

    Raises:
        KeyError: the architecture has no row for the room.
    """
    for pattern, allowed in ARROWS.items():
        if fnmatch(room.member, pattern):
            return allowed
    raise KeyError(room.member)


def imports_of(room: Room) -> Iterator[Import]:
    """Every import, those for types too: an arrow of types is an arrow."""
    for path in sorted(room.package.rglob("*.py")):
        tree = ast.parse(path.read_text())
        late, for_types = _inside(tree, _is_function), _inside(tree, _is_type_checking)
        for node in ast.walk(tree):
            for module in _modules(node):
                line = getattr(node, "lineno", 0)
                yield Import(module, path.relative_to(ROOT), line, node in late, node in for_types)


def _inside(tree: ast.Module, is_outer: Callable[[ast.AST], bool]) -> set[ast.AST]:
    return {inner for outer in ast.walk(tree) if is_outer(outer) for inner in ast.walk(outer)}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _room(manifest: Path) -> Room:
    project = tomllib.loads(manifest.read_text())["project"]
    inits = [*manifest.parent.glob("src/*/__init__.py"), *manifest.parent.glob("python/*/__init__.py")]
    [init] = inits
    return Room(str(manifest.parent.relative_to(ROOT)), project, init.parent)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [(node.module or "").partition(".")[0]]
    return []
