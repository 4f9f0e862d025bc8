"""Settings: declared once as a dataclass, written as JSON Schema, validated, typed."""

# ruff: noqa: RUF009 -- setting() makes a dataclass field
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from dativo_protocol.config import load_settings, secret_values, setting, settings_schema, unknown_settings
from dativo_protocol.errors import ConfigError
from jsonschema import Draft202012Validator


@dataclass(frozen=True)
class File:
    path: str = setting(description="Where it is.", min_length=1)
    keys: tuple[str, ...] = setting(description="Key columns.", default=())
    password: str | None = setting(description="Of the archive.", default=None, secret=True)


@dataclass(frozen=True)
class Settings:
    files: list[File] = setting(description="Files to read.", min_items=1)
    mode: Literal["fast", "safe"] = setting(description="How.", default="safe", title="The mode")
    workers: int = setting(description="Threads.", default=2, minimum=1, maximum=64)
    ratio: float = setting(description="Share.", default=0.5)
    token: str = setting(description="To log in.", default="", secret=True, pattern="^[a-z]*$")
    headers: dict[str, str] = setting(description="HTTP headers.", default_factory=dict, secret=True)
    limits: dict[str, int] = setting(description="Per stream.", default_factory=dict)
    source: str | list[str] | None = setting(description="One or many.", default=None, examples=("a", ["b"]))
    level: Literal["low", "high"] | None = setting(description="Level.", default=None)
    anything: Any = setting(description="Any JSON.", default=None)
    proxy: File | None = setting(description="An optional one.", default=None)

    def __post_init__(self) -> None:
        if self.mode == "fast" and self.workers == 1:
            raise ValueError("mode: fast needs more than one worker")


MINIMAL = {"files": [{"path": "a.csv"}]}


def problems(raw: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(Settings, raw)
    return caught.value.problems


def test_the_schema_is_valid_json_schema_and_carries_what_was_declared():
    schema = settings_schema(Settings)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["files"]
    properties = schema["properties"]
    assert properties["mode"] == {
        "title": "The mode",
        "type": "string",
        "enum": ["fast", "safe"],
        "description": "How.",
        "default": "safe",
    }
    assert properties["workers"] | {"title": "Workers", "minimum": 1, "maximum": 64} == properties["workers"]
    assert properties["files"]["items"]["required"] == ["path"]
    assert properties["files"]["minItems"] == 1
    assert properties["limits"]["additionalProperties"] == {"type": "integer"}
    assert properties["source"]["anyOf"] == [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "null"},
    ]
    assert properties["source"]["examples"] == ["a", ["b"]]
    assert properties["level"]["enum"] == ["low", "high", None]
    assert properties["proxy"]["type"] == ["object", "null"]


def test_secrets_are_marked_for_meltano_and_for_json_schema():
    schema = settings_schema(Settings)
    for marked in (
        schema["properties"]["token"],
        schema["properties"]["files"]["items"]["properties"]["password"],
    ):
        assert marked["secret"] is True
        assert marked["writeOnly"] is True
    assert "secret" not in schema["properties"]["workers"]


def test_defaults_satisfy_the_schema():
    schema = settings_schema(Settings)
    for name, each in schema["properties"].items():
        if "default" in each:
            assert not list(Draft202012Validator(each).iter_errors(each["default"])), name


def test_raw_settings_become_typed_ones():
    settings = load_settings(
        Settings,
        {
            "files": [{"path": "a.csv", "keys": ["id"]}],
            "workers": 4.0,
            "ratio": 1,
            "source": ["x"],
            "proxy": {"path": "p"},
            "limits": {"users": 3.0},
        },
    )
    assert settings.files == [File(path="a.csv", keys=("id",))]
    assert (settings.workers, type(settings.workers)) == (4, int)
    assert (settings.ratio, type(settings.ratio)) == (1.0, float)
    assert settings.source == ["x"]
    assert settings.proxy == File(path="p")
    assert settings.limits == {"users": 3}
    assert settings.mode == "safe"


def test_null_counts_as_absent_at_every_depth():
    raw = {
        "files": [{"path": "a", "keys": None}],
        "workers": None,
        "mode": None,
        "proxy": None,
        "source": None,
    }
    assert load_settings(Settings, raw) == load_settings(Settings, {"files": [{"path": "a"}]})
    assert problems({"files": [{"path": None}]}) == ("files[0].path: is required",)


def test_unknown_keys_are_allowed_and_can_be_named():
    settings = load_settings(Settings, MINIMAL | {"load_schema": "x"})
    assert settings == load_settings(Settings, MINIMAL)
    assert unknown_settings(Settings, MINIMAL | {"load_schema": "x", "workers": 1}) == ("load_schema",)


def test_every_problem_is_listed_with_its_place():
    raw = {
        "files": [{"path": "a"}, {"keys": "id"}, {"path": ""}],
        "mode": "slow",
        "workers": 0,
        "ratio": True,
        "source": 5,
        "limits": {"users": "many"},
    }
    assert set(problems(raw)) == {
        "files[1].path: is required",
        "files[1].keys: expected array, got string",
        "files[2].path: must have at least 1 characters",
        "mode: expected one of 'fast', 'safe'",
        "workers: must be at least 1",
        "ratio: expected number, got boolean",
        "source: fits none of the forms allowed",
        "limits.users: expected integer, got string",
    }


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({}, "files: is required"),
        ({"files": []}, "files: must have at least 1 items"),
        (MINIMAL | {"workers": 65}, "workers: must be at most 64"),
        (MINIMAL | {"workers": 1.5}, "workers: expected integer, got number"),
        (MINIMAL | {"level": "mid"}, "level: expected one of 'low', 'high'"),
        (MINIMAL | {"workers": [1]}, "workers: expected integer, got array"),
        (MINIMAL | {"workers": {}}, "workers: expected integer, got object"),
    ],
)
def test_a_single_problem(raw, problem):
    assert problems(raw) == (problem,)


def test_a_rule_across_settings_is_a_problem_too():
    assert problems(MINIMAL | {"mode": "fast", "workers": 1}) == ("mode: fast needs more than one worker",)


def test_no_message_repeats_a_secret():
    raw = {
        "files": [{"path": 5, "password": ["hunter2"]}],
        "token": "Hunter2!",
        "headers": {"Authorization": ["hunter2"]},
    }
    with pytest.raises(ConfigError) as caught:
        load_settings(Settings, raw)
    assert len(caught.value.problems) == 4
    assert "unter2" not in str(caught.value)


def test_secret_values_are_found_wherever_they_are_even_if_invalid():
    raw = {
        "files": [{"path": "a", "password": "one"}, {"password": ["two"]}],
        "token": "three",
        "headers": {"Authorization": "four"},
        "proxy": {"password": "five", "path": "open"},
        "mode": "open",
    }
    assert secret_values(Settings, raw) == {"one", "two", "three", "four", "five"}


def test_types_that_cannot_be_told_apart_are_refused_at_once():
    @dataclass(frozen=True)
    class Ambiguous:
        either: list[str] | list[int] = setting(description="Either.", default_factory=list)

    @dataclass(frozen=True)
    class Unsupported:
        blob: bytes = setting(description="Bytes.", default=b"")

    with pytest.raises(TypeError, match="one branch a JSON type"):
        settings_schema(Ambiguous)
    with pytest.raises(TypeError, match="bytes"):
        settings_schema(Unsupported)
