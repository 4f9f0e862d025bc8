"""The file of `--state` while the tap runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from dativo_protocol.state import State
from dativo_protocol.state_file import StateFile


def document(value: int) -> dict[str, Any]:
    return {"bookmarks": {"a": {"replication_key_value": value}}}


def replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(document(1)))
    return path


def test_what_was_there_is_known(path: Path) -> None:
    assert StateFile(path).newer() is None


def test_what_replaces_it_is_seen_once(path: Path) -> None:
    file = StateFile(path)
    replace(path, json.dumps(document(2)))
    assert file.newer() == State(document(2))
    assert file.newer() is None


def test_half_a_file_is_looked_at_again(path: Path) -> None:
    file = StateFile(path)
    path.write_text('{"bookmarks"')
    assert file.newer() is None
    path.write_text(json.dumps(document(3)))
    assert file.newer() == State(document(3))


def test_a_file_that_goes_and_comes(path: Path) -> None:
    file = StateFile(path)
    path.unlink()
    assert file.newer() is None
    replace(path, json.dumps(document(2)))
    assert file.newer() == State(document(2))
