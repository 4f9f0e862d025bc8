"""The hash by which a run says what of a connector was run."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from dativo.connectors.fingerprint import fingerprint_of
from dativo.connectors.programs import Program
from dativo.connectors.registry import built_in_registry, load_registry


@pytest.fixture
def program(tmp_path):
    """tap-csv as the executable of an environment."""
    executable = tmp_path / "bin/tap-csv"
    executable.parent.mkdir()
    executable.write_text("#!/usr/bin/env python3\n")
    return Program(load_registry([built_in_registry()]).look_up("tap-csv", "tap").connector, executable)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_locked_goes_by_its_lock(program):
    assert fingerprint_of(replace(program, fingerprint="lock:ab")) == "lock:ab"


def test_what_an_installer_has_put_there_goes_by_its_list_of_files(program, tmp_path):
    for name in ("dativo_tap_csv-0.1.0", "dativo_tap_csv_more-9"):
        record = tmp_path / f"lib/python3.11/site-packages/{name}.dist-info/RECORD"
        record.parent.mkdir(parents=True)
        record.write_text(f"tap_csv/of/{name}.py,sha256=x,1\n")
    expected = tmp_path / "lib/python3.11/site-packages/dativo_tap_csv-0.1.0.dist-info/RECORD"
    assert fingerprint_of(program) == f"record:{sha256(expected)}"


def test_anything_else_goes_by_its_executable(program):
    assert fingerprint_of(program) == f"file:{sha256(program.executable)}"


def test_what_cannot_be_read_has_none(program):
    program.executable.unlink()
    assert fingerprint_of(program) is None
