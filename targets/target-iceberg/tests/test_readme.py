"""README.md: its examples run, its settings are those of the executable, its rules are the code's."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dativo_protocol.about import settings_markdown
from dativo_protocol.config import load_settings
from dativo_protocol.testing import run
from target_iceberg.catalogs import open_catalog
from target_iceberg.names import TableNames
from target_iceberg.partitioning import parse_partition_fields
from target_iceberg.settings import CONNECTOR, Settings

from tests.readers.duck import duckdb_with
from tests.services import postgres, seaweedfs

HERE = Path(__file__).parents[1]
README = (HERE / "README.md").read_text()
EXECUTABLE = Path(sys.executable).parent / "target-iceberg"
CONFIGURATIONS = re.findall(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def load(directory: Path, config: str, *rows: dict[str, object], stream: str = "users") -> None:
    properties = {name: {"type": ["integer", "null"]} for row in rows for name in row}
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": []}
    records = [{"type": "RECORD", "stream": stream, "record": row} for row in rows]
    lines = "".join(json.dumps(message) + "\n" for message in [schema, *records])
    done = run([str(EXECUTABLE), "--config", config], stdin=lines.encode(), cwd=directory)
    assert done.code == 0, done.stderr


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return found


def test_the_table_of_settings_is_the_generated_one():
    assert settings_markdown(CONNECTOR).strip() in README


def test_relative_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", re.sub(r"`[^`\n]*`", "", README))
    assert links
    for link in links:
        assert (HERE / link).exists(), link


def test_the_readers_find_what_the_pipe_has_loaded(tmp_path):
    """The Python and the SQL, on a table of two runs whose schemas differ."""
    [config] = re.findall(r"target-iceberg --config '(.*?)'", README)
    load(tmp_path, config, {"id": 1})
    load(tmp_path, config, {"id": 2, "new": 3})
    check = (
        f"{block('python')}\n"
        "rows = sorted(table.to_pylist(), key=lambda row: row['id'])\n"
        "assert rows == [{'id': 1, 'new': None}, {'id': 2, 'new': 3}], rows\n"
    )
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path, check=True)
    sql = block("sql").replace("'lake/", f"'{tmp_path}/lake/")
    with duckdb_with("avro", "iceberg") as connection:
        assert connection.sql(sql).fetchall() == [(1, None), (2, 3)]


def test_files_stand_where_the_readme_shows_them(tmp_path):
    shown = re.findall(r"^lake/.*$", README, re.MULTILINE)
    load(tmp_path, '{"warehouse": "lake"}', {"id": 1}, stream="orders")
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(shown) == 3
    for line in shown:
        assert [name for name in files if alike(name) == alike(line)], line


def alike(path: str) -> str:
    """A path without what no two runs have in common."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d{6}Z-[0-9a-f]{12}", "*", path)


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configurations_are_accepted(text):
    settings = load_settings(Settings, json.loads(text))
    assert settings.warehouse in {"lake", "s3://bucket/lake"}


def test_configurations_are_of_every_kind_of_catalog():
    kinds = [json.loads(text).get("catalog", {}).get("type") for text in CONFIGURATIONS]
    assert kinds == [None, "sql", "rest", "glue"]


def test_maintenance_works_as_shown(tmp_path):
    """The command of the README changes nothing; without its last word it does."""
    [shown] = re.findall(r"^target-iceberg (maintain .*)$", README, re.MULTILINE)
    (tmp_path / "target.json").write_text('{"warehouse": "lake"}')
    for row in range(6):
        load(tmp_path, "target.json", {"id": row})
    *maintain, dry = shown.split()
    assert dry == "--dry-run"
    before = live_files(tmp_path)
    for arguments, changes in (([*maintain, dry], False), (maintain, True)):
        done = run([str(EXECUTABLE), *arguments], cwd=tmp_path)
        assert done.code == 0, done.stderr
        assert (live_files(tmp_path) != before) is changes
    assert len(live_files(tmp_path)) == 1
    assert ids({"warehouse": str(tmp_path / "lake")}, "users") == list(range(6))


def live_files(directory):
    catalog = open_catalog({}, str(directory / "lake"), None)
    return {task.file.file_path for task in catalog.load_table(("default", "users")).scan().plan_files()}


def test_the_default_catalog_works_as_shown(tmp_path):
    load(tmp_path, CONFIGURATIONS[0], {"id": 1})
    assert (tmp_path / "lake" / "catalog.db").is_file()


def test_postgresql_works_as_shown(tmp_path, request):
    server = postgres.running(request.config)
    shown = json.loads(CONFIGURATIONS[1])
    assert shown["catalog"].keys() == {"type", "uri"}
    config = {"warehouse": str(tmp_path / "lake"), "catalog": shown["catalog"] | {"uri": server.uri()}}
    for row in ({"id": 1}, {"id": 2}):
        load(tmp_path, json.dumps(config), row, stream="shown_in_postgresql")
    assert ids(config, "shown_in_postgresql") == [1, 2]


def ids(config, stream):
    settings = load_settings(Settings, config)
    catalog = open_catalog(settings.catalog, settings.warehouse, settings.s3)
    return sorted(catalog.load_table(("default", stream)).scan().to_arrow()["id"].to_pylist())


def test_names_follow_the_rule():
    [(stream, table)] = re.findall(r"`([^`]+)` goes to `([^`]+)`", README)
    assert TableNames(load_settings(Settings, {"warehouse": "lake"})).of(stream) == ("default", table)


def test_partition_fields_are_such():
    section = README.partition("## Partitions")[2].partition("## ")[0]
    shown = re.findall(r"`([a-z]+(?:\[\d+\])?\([a-z]+\))`", section)
    assert len(shown) == 6
    assert [f"{each.transform}({each.source})" for each in parse_partition_fields(shown, "s")] == shown


def test_a_rest_catalog_works_as_shown(tmp_path, request, tmp_path_factory):
    server = seaweedfs.running(request.config, tmp_path_factory.mktemp("seaweedfs"))
    shown = json.loads(CONFIGURATIONS[2])
    there = server.catalog()
    assert shown["catalog"].keys() == there.keys() - {"oauth2-server-uri"}
    config = {"warehouse": there["warehouse"], "catalog": shown["catalog"] | there, "s3": server.settings()}
    config["ledger"] = f"s3://{seaweedfs.BUCKET}/ledger-of-the-readme"
    for row in ({"id": 1}, {"id": 2}):
        load(tmp_path, json.dumps(config), row, stream="shown_in_rest")
    assert ids(config, "shown_in_rest") == [1, 2]
