"""Where settings come from: files, inline JSON, the environment, `.env` (C2)."""

# ruff: noqa: RUF009 -- setting() makes a dataclass field
from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from dativo_protocol.config import Connector, setting
from dativo_protocol.config_sources import dotenv, environment_settings, read_settings
from dativo_protocol.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    name: str = setting(description="Text.", default="")
    count: int | None = setting(description="Integer.", default=None)
    ratio: float = setting(description="Number.", default=0.0)
    on: bool = setting(description="Flag.", default=False)
    tags: list[str] = setting(description="Texts.", default_factory=list)
    ids: list[int] = setting(description="Integers.", default_factory=list)
    options: dict[str, int] = setting(description="Object.", default_factory=dict)
    either: str | list[str] = setting(description="Text or texts.", default="")


CONNECTOR = Connector("tap-my-source", "tap", "dativo-protocol", "A tap.", Settings, ())


def from_environment(**variables: str) -> dict[str, object]:
    return environment_settings(
        CONNECTOR, {f"TAP_MY_SOURCE_{name}": text for name, text in variables.items()}
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "5", "5"),
        ("name", '{"a": 1}', '{"a": 1}'),
        ("count", "5", 5),
        ("ratio", "0.25", 0.25),
        ("on", "true", True),
        ("on", "YES", True),
        ("on", "1", True),
        ("on", "on", True),
        ("on", "false", False),
        ("on", "0", False),
        ("tags", '["a,b", "c"]', ["a,b", "c"]),
        ("tags", "a, b,c", ["a", "b", "c"]),
        ("ids", "[1, 2]", [1, 2]),
        ("options", '{"a": 1}', {"a": 1}),
        ("either", "plain", "plain"),
        ("either", '["a"]', ["a"]),
    ],
)
def test_variables_are_cast_by_the_type_of_their_setting(name, text, value):
    assert from_environment(**{name.upper(): text}) == {name: value}


def test_a_variable_of_the_wrong_form_is_named_without_its_value():
    with pytest.raises(ConfigError) as caught:
        from_environment(COUNT="s3cret", ON="maybe", OPTIONS="[", NAME="fine")
    assert caught.value.problems == (
        "TAP_MY_SOURCE_COUNT: expected integer for count",
        "TAP_MY_SOURCE_ON: expected boolean for on",
        "TAP_MY_SOURCE_OPTIONS: expected object for options",
    )
    assert "s3cret" not in str(caught.value)


def test_later_files_override_key_by_key_and_the_environment_wins_wherever_env_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"name": "a", "count": 1, "options": {"x": 1, "y": 1}}))
    (tmp_path / "b.json").write_text(json.dumps({"name": "b", "options": {"x": 2}}), encoding="utf-8-sig")
    monkeypatch.setenv("TAP_MY_SOURCE_COUNT", "9")
    merged = read_settings(CONNECTOR, ["a.json", "b.json", '{"ratio": 1}'])
    assert merged == {"name": "b", "count": 1, "options": {"x": 2}, "ratio": 1}
    assert read_settings(CONNECTOR, ["ENV", "a.json", "b.json"])["count"] == 9


def test_the_environment_counts_only_when_asked_for(monkeypatch):
    monkeypatch.setenv("TAP_MY_SOURCE_COUNT", "9")
    assert read_settings(CONNECTOR, ["{}"]) == {}
    assert read_settings(CONNECTOR, []) == {}


def test_dotenv_is_found_above_and_real_variables_beat_it(tmp_path, monkeypatch):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / ".env").write_text("TAP_MY_SOURCE_NAME=file\nTAP_MY_SOURCE_COUNT=1\n")
    monkeypatch.chdir(below)
    monkeypatch.setenv("TAP_MY_SOURCE_NAME", "real")
    assert read_settings(CONNECTOR, ["ENV"]) == {"name": "real", "count": 1}


def test_forms_of_dotenv(tmp_path):
    lines = ["# comment", "", "A=1", "export B = two words # note", "C='single # kept'"]
    lines += ['D="line\\nbreak \\"q\\""', "E=", "broken"]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert dotenv(tmp_path) == {
        "A": "1",
        "B": "two words",
        "C": "single # kept",
        "D": 'line\nbreak "q"',
        "E": "",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"name": "s3cret"', "is not JSON at line 1 column"),
        (b'["s3cret"]', "holds no JSON object"),
        (b'{"name": "\xff"}', "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_json_object_is_named_without_its_content(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_settings(CONNECTOR, [str(path)])
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_missing_file_and_broken_inline_json(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings(CONNECTOR, [str(tmp_path / "none.json")])
    with pytest.raises(ConfigError, match="--config is not JSON at line 1 column 9"):
        read_settings(CONNECTOR, ['{"name":s3cret}'])
