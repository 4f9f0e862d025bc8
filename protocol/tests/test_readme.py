"""The README is true: its tap runs, its modules exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import dativo_protocol
from dativo_protocol.testing import run

README = (Path(__file__).parent.parent / "README.md").read_text()
INTERNAL = {
    "batch_files",
    "batch_writer",
    "columns",
    "config_sources",
    "decimals",
    "describe",
    "flood",
    "handoff",
    "leaves",
    "page_encoding",
    "parquet_writer",
    "pipes",
    "quick_check",
    "recheck",
    "shapes",
    "typetable",
}


def test_the_tap_of_the_readme_runs(tmp_path):
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "tap_squares.py"
    path.write_text(program)
    outcome = run([sys.executable, path, "--config", '{"rows": 4}'])
    assert outcome.code == 0, outcome.stderr
    assert [each["record"]["square"] for each in outcome.messages("RECORD")] == [0, 1, 4, 9]


def test_the_table_lists_the_public_modules():
    rows = re.findall(r"^\| (`[a-z_`, ]+) \|", README, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    package = Path(dativo_protocol.__file__).parent
    files = {path.stem for path in package.glob("[a-z]*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert listed == files - INTERNAL
