"""Logs: the SDK's text by default, Meltano's structured lines where it asks for them (L1..L5)."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
import yaml
from dativo_protocol.log import redact
from dativo_protocol.testing import run

TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \| (\w+) +\| [\w.]+ +\| .+")


def meltano_config(formatter: dict[str, str], level: str = "INFO") -> dict[str, object]:
    """What `meltano/core/plugin/singer/base.py` of Meltano 4.4.1 writes, key by key."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"singer_formatter": formatter},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "singer_formatter",
                "stream": "ext://sys.stderr",
            },
        },
        "root": {"handlers": ["console"], "level": level},
    }


STRUCTURED = meltano_config({"()": "singer_sdk.logging.StructuredFormatter"})


@pytest.fixture
def fails(tap):
    """A tap that logs a line at WARNING and one at CRITICAL."""
    return [*tap, "--config", '{"rows": -1, "unheard_of": 1}']


def structured(outcome):
    lines = outcome.stderr.splitlines()
    assert all(line.startswith("{") and line.endswith("}") for line in lines), outcome.stderr
    return [json.loads(line) for line in lines]


def test_text_is_in_the_format_of_the_sdk(fails):  # L1
    outcome = run(fails)
    lines = outcome.stderr.splitlines()
    assert [TEXT_LINE.fullmatch(line)[1] for line in lines] == ["WARNING", "CRITICAL"]
    assert outcome.stdout == b""


@pytest.mark.parametrize(
    ("env", "levels"),
    [
        ({"LOGLEVEL": "critical"}, ["CRITICAL"]),
        ({"LOGLEVEL": "CRITICAL", "TAP_NUMBERS_LOGLEVEL": "WARNING"}, ["WARNING", "CRITICAL"]),
        ({"LOGLEVEL": "DEBUG"}, ["WARNING", "CRITICAL", "DEBUG"]),
        ({"LOGLEVEL": "LOUD"}, ["WARNING", "WARNING", "CRITICAL"]),
    ],
)
def test_the_level_comes_from_the_environment(fails, env, levels):  # L1
    found = [
        match[1] for line in run(fails, env=env).stderr.splitlines() if (match := TEXT_LINE.fullmatch(line))
    ]
    assert found == levels


@pytest.mark.parametrize(("name", "dump"), [("log.json", json.dumps), ("log.yaml", yaml.safe_dump)])
def test_the_config_meltano_generates_gives_structured_lines(fails, tmp_path, name, dump):  # L2 L3
    (tmp_path / name).write_text(dump(STRUCTURED))
    lines = structured(run(fails, env={"SINGER_SDK_LOG_CONFIG": str(tmp_path / name)}))
    assert [line["level"] for line in lines] == ["warning", "critical"]
    for line in lines:
        required = {"level", "pid", "logger_name", "ts", "thread_name", "app_name", "stream_name", "message"}
        assert required <= set(line)
        assert line["app_name"] == "tap-numbers"
        assert line["stream_name"] is None
    assert [line["extra"] for line in lines] == [{}, {"error": "ConfigError", "retryable": False}]
    assert "unheard_of" in lines[0]["message"]


def test_the_level_of_the_config_file_counts(fails, tmp_path):  # L2
    path = tmp_path / "log.json"
    path.write_text(json.dumps(STRUCTURED | {"root": {"handlers": ["console"], "level": "ERROR"}}))
    lines = structured(run(fails, env={"SINGER_SDK_LOG_CONFIG": str(path)}))
    assert [line["level"] for line in lines] == ["critical"]


def test_without_the_capability_meltano_asks_for_bare_messages(fails, tmp_path):  # L2
    path = tmp_path / "log.json"
    path.write_text(json.dumps(meltano_config({"format": "%(message)s"})))
    stderr = run(fails, env={"SINGER_SDK_LOG_CONFIG": str(path)}).stderr
    assert stderr.startswith(
        "settings that tap-numbers does not have are ignored: unheard_of\nconfiguration has 1"
    )


@pytest.mark.parametrize("key", ["()", "class"])
def test_the_console_formatter_of_the_sdk_is_known_too(fails, tmp_path, key):
    path = tmp_path / "log.yaml"
    path.write_text(yaml.safe_dump(meltano_config({key: "singer_sdk.logging.ConsoleFormatter"})))
    lines = run(fails, env={"SINGER_SDK_LOG_CONFIG": str(path)}).stderr.splitlines()
    assert all(TEXT_LINE.fullmatch(line) for line in lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Logging config file not found"),
        ("{]", "neither JSON nor YAML"),
        ("[]", "expected a mapping"),
        ('{"version": 1, "formatters": {"a": {"()": "nowhere.Formatter"}}}', "is not used"),
        ('{"version": 2}', "is not used"),
    ],
)
def test_a_config_file_that_cannot_be_used_is_a_warning(tap, tmp_path, content, message):  # L2
    path = tmp_path / "log.yaml"
    if content is not None:
        path.write_text(content)
    outcome = run([*tap, "-d"], env={"SINGER_SDK_LOG_CONFIG": str(path)})
    assert outcome.code == 0
    assert message in outcome.stderr
    assert json.loads(outcome.stdout)["streams"]


def test_the_config_file_of_singer_python_is_left_alone(tap, tmp_path):  # L2
    outcome = run([*tap, "-d"], env={"LOGGING_CONF_FILE": str(tmp_path / "none.conf")})
    assert (outcome.code, outcome.stderr) == (0, "")


def test_an_unexpected_failure_is_reported_with_its_traceback_but_without_secrets(tap, tmp_path):  # L3 S2
    config = {"leak": True, "token": 'top"secret', "nested": {"password": "hunter2\n"}}
    path = tmp_path / "log.json"
    path.write_text(json.dumps(STRUCTURED))
    command = [*tap, "--config", json.dumps(config)]
    outcome = run(command, env={"SINGER_SDK_LOG_CONFIG": str(path)})
    last = structured(outcome)[-1]
    assert (outcome.code, last["level"]) == (1, "critical")
    exception = last["exception"]
    assert (exception["type"], exception["module"]) == ("ValueError", "builtins")
    assert exception["message"].startswith("cannot log in with '***' and ***")
    assert {"filename", "function", "lineno", "line"} == set(exception["traceback"][-1])
    assert exception["traceback"][-1]["function"] == "_maybe_fail"
    for text in (outcome.stderr, run(command).stderr):
        assert "hunter2" not in text
        assert "secret" not in text


def test_success_is_reported_without_alarming_words(tap):  # L5
    outcome = run([*tap, "--test=schema"])
    assert outcome.code == 0
    assert not re.search("error|exception", outcome.stderr, re.IGNORECASE)


def test_secrets_may_become_known_one_after_the_other(monkeypatch):
    lines = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(lines)])
    for number in range(2000):  # as deep as this, formatters within formatters would overflow the stack
        redact([f"secret-{number}-of-many"])
    logging.getLogger("test").warning("first secret-0-of-many, last secret-1999-of-many")
    assert lines.getvalue() == "first ***, last ***\n"
