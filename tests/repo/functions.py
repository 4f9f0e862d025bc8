"""How long the functions of a source file are, in lines: signature and body without the docstring."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

RUST_OPAQUE = re.compile(
    r"//[^\n]*"  # comments
    r"|/\*.*?\*/"
    r'|b?r(?P<hashes>#*)".*?"(?P=hashes)'  # raw strings
    r'|"(?:\\.|[^"\\])*"'
    r"|'(?:\\[^'\n]+|[^'\\\n])'",  # characters; a lifetime has no closing quote so close by
    re.DOTALL,
)
RUST_FUNCTION = re.compile(r"\bfn\s+(\w+)")


@dataclass(frozen=True)
class Function:
    path: Path
    name: str
    line: int
    lines: int


def functions_of(path: Path) -> list[Function]:
    """The functions of a Python or Rust file given relative to the root."""
    source = (ROOT / path).read_text()
    return list(_python(path, source) if path.suffix == ".py" else _rust(path, source))


def without_opaque_text(source: str) -> str:
    """Rust source with comments, strings and characters blanked, so that every brace left counts."""
    return RUST_OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def without_tests(source: str) -> str:
    """Blanked Rust source up to its `#[cfg(test)]` module, which by convention comes last."""
    return without_opaque_text(source).partition("#[cfg(test)]")[0]


def _python(path: Path, source: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            end = node.end_lineno or node.lineno
            yield Function(path, node.name, node.lineno, end - node.lineno + 1 - _docstring_lines(node))


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def _rust(path: Path, source: str) -> Iterator[Function]:
    code = without_opaque_text(source)
    for match in RUST_FUNCTION.finditer(code):
        opening = re.compile(r"[{;]").search(code, match.end())
        if opening and opening.group() == "{":
            body = code[match.start() : _closing(code, opening.start())]
            yield Function(path, match.group(1), code.count("\n", 0, match.start()) + 1, body.count("\n") + 1)


def _closing(code: str, opening: int) -> int:
    """Where the brace that opens at `opening` closes."""
    depth = 0
    for brace in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.start()
    return len(code)
