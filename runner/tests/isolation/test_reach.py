"""What is declared for a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from dativo.errors import PolicyError
from dativo.isolation.reach import declared, settings_at


def paths(texts, directory, hidden=()):
    return [str(path.relative_to(directory)) for path in declared("tap-x", texts, directory, hidden)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("data", "data"),
        ("data/../other", "other"),
        ("data/*.csv", "data"),
        ("data/year=*/x.csv", "data"),
        ("data/file[0-9].csv", "data"),
        ("*.csv", "."),
    ],
)
def test_a_pattern_stands_for_the_directory_it_begins_in(tmp_path, text, meant):
    assert paths([text], tmp_path) == [meant]


def test_a_url_is_no_path(tmp_path):
    assert paths(["s3://bucket/key", "data"], tmp_path) == ["data"]


@pytest.mark.parametrize(
    "text", ["/", "/proc/1", "/sys", "/dev/null", "/run/secrets", "home/state", "link/x", "../" * 50]
)
def test_where_no_connector_belongs(tmp_path, text):
    (tmp_path / "link").symlink_to("/proc")
    with pytest.raises(PolicyError, match=r"tap-x: .* leads to"):
        paths([text], tmp_path, [tmp_path / "home"])


def test_settings_are_found_through_lists_and_objects():
    config = {
        "files": [{"path": "a"}, {"path": "b"}, {"other": 1}],
        "out": {"dir": "c"},
        "n": 5,
        "many": ["d", "e"],
    }
    assert list(settings_at(config, ["files.path", "out.dir", "n", "missing.x", "many"])) == [
        "a",
        "b",
        "c",
        "d",
        "e",
    ]


def test_home_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(declared("tap-x", ["~/data"], Path("/elsewhere"), [])) == [tmp_path / "data"]
