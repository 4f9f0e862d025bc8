"""The measuring itself: what it counts as a function and how it finds its end."""

from pathlib import Path

import pytest

from tests.repo import functions
from tests.repo.functions import functions_of, without_opaque_text, without_tests


@pytest.fixture
def lengths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(functions, "ROOT", tmp_path)

    def measure(name: str, source: str) -> dict[str, tuple[int, int]]:
        (tmp_path / name).write_text(source)
        return {found.name: (found.line, found.lines) for found in functions_of(Path(name))}

    return measure


def test_python_functions_count_signature_and_body_without_the_docstring(lengths):
    source = '''
def short(): return 1

class Thing:
    def method(
        self,
    ):
        """Two
        lines."""
        x = 1

        def inner():
            return x
        return inner
'''
    assert lengths("a.py", source) == {"short": (2, 1), "method": (5, 8), "inner": (12, 2)}


def test_rust_functions_end_at_their_own_brace(lengths):
    source = r"""
fn one() -> char { '{' }
/// fn not_this() {
trait T { fn declared(&self); }
impl<'a> S<'a> {
    pub fn two(&'a self) -> &'a str {
        let s = "}} fn fake() {";
        let r = r#"}"{"#;
        if s.len() > r.len() { // }
            return "\"}";
        }
        s
    }
}
"""
    assert lengths("a.rs", source) == {"one": (2, 1), "two": (6, 8)}


def test_blanking_keeps_lines_and_code():
    source = "let a = '\\''; /* x\ny */ let b = b'\"'; let c: &'static str = \"// no\";"
    blanked = without_opaque_text(source)
    assert len(blanked) == len(source)
    assert blanked.count("\n") == 1
    assert "let c: &'static str =" in blanked
    assert "no" not in blanked


def test_code_ends_where_its_tests_begin():
    source = 'fn a() { "#[cfg(test)]"; }\n#[cfg(test)]\nmod tests { fn b() { x.unwrap(); } }\n'
    assert "fn a()" in without_tests(source)
    assert "unwrap" not in without_tests(source)
