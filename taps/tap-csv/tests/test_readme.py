"""The README says what the settings say, and its configuration works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
from dativo_protocol.about import settings_markdown
from dativo_protocol.config import load_settings
from tap_csv.__main__ import CONNECTOR
from tap_csv.definitions import resolve
from tap_csv.inference import ColumnGuess
from tap_csv.settings import TapCsvSettings
from tap_csv.typenames import type_name

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    assert settings_markdown(CONNECTOR) in README


def test_the_examples_are_configurations() -> None:
    files, batches = (
        load_settings(TapCsvSettings, json.loads(example))
        for example in re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    )
    assert [definition.entity for definition in resolve(files)] == ["flights", "events", "prices"]
    assert files.batch_config is None
    assert batches.batch_config is not None
    assert batches.batch_config.encoding.format == "arrow"


def test_the_table_of_types_is_what_is_inferred() -> None:
    rows = re.findall(
        r"^\| (`.*?) \| ([\w-]+)[^|]*\|$", README.split("## Types")[1].split("##")[0], re.MULTILINE
    )
    assert len(rows) == 6
    for texts, expected in rows:
        guess = ColumnGuess()
        guess.look(pa.array([text.encode() for text in re.findall(r"`(.*?)`", texts)], pa.binary()))
        assert type_name(guess.type) == expected, texts
