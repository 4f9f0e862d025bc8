"""tap-postgres into targets of others, and in the place of the taps that others wrote."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.interop.conftest import Config, Shell
from tests.interop.postgres_orders import MORE_COLUMNS, ROWS, SCHEMA, STREAM, Database, database
from tests.interop.venvs import tool_bin
from tests.services import postgres


def of_meltanolabs(source: Database) -> dict[str, Any]:
    """All that its own documentation lists for a connection without TLS."""
    return source.settings | {
        "filter_schemas": [SCHEMA],
        "default_replication_method": "FULL_TABLE",
        "dates_as_string": False,
        "json_as_object": False,
        "ssl_enable": False,
        "ssl_mode": "verify-full",
        "ssl_storage_directory": ".secrets",
        "ssl_client_certificate_enable": False,
        "ssh_tunnel": {"enable": False, "host": "bastion", "port": 22, "username": "me", "private_key": ""},
        "replication_slot_name": "tappostgres",
        "stream_options": {},
        "stream_maps": {},
        "flattening_enabled": False,
    }


def of_pipelinewise(source: Database) -> dict[str, Any]:
    """All that its own documentation lists; flags are texts there."""
    settings = source.settings
    return settings | {
        "dbname": settings.pop("database"),
        "port": str(settings["port"]),
        "filter_schemas": SCHEMA,
        "ssl": "false",
        "itersize": 20000,
        "max_run_seconds": 43200,
        "logical_poll_total_seconds": 10,
        "break_at_end_lsn": True,
        "default_replication_method": "FULL_TABLE",
        "debug_lsn": "false",
        "use_secondary": False,
    }


SETTINGS = {"meltanolabs": of_meltanolabs, "pipelinewise": of_pipelinewise}
NEWER = (10, "newer", 1.0, True, None, datetime(2024, 3, 1, tzinfo=UTC), None, None, None, None)


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Database]:
    """The orders, for tests that only read them."""
    with database(postgres.running(request.config), "interop_shop") as made:
        made.fill()
        yield made


@pytest.fixture
def empty(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database(postgres.running(request.config), "interop_copy") as made:
        yield made


def test_target_jsonl_receives_every_value(
    tmp_path: Path, shell: Shell, config: Config, shop: Database
) -> None:
    tap, target = config("tap", **shop.settings), config("target", do_timestamp_file=False)
    done = shell(f"tap-postgres --config {tap} | target-jsonl --config {target}", "target-jsonl")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / f"{STREAM}.jsonl").read_text().splitlines()
    assert [parsed(json.loads(line, parse_float=Decimal)) for line in lines] == ROWS
    assert STREAM in json.loads(done.stdout.splitlines()[-1])["bookmarks"]


def test_a_copy_by_meltanolabs_target_postgres_equals_the_table(
    shell: Shell, config: Config, shop: Database, empty: Database
) -> None:
    """That target knows two types less: its numbers are `numeric`, its times are in UTC without a zone."""
    tap = config("tap", **shop.settings)
    target = config(
        "target",
        **empty.settings,
        default_target_schema="copy",
        add_record_metadata=False,
        activate_version=False,
    )
    done = shell(f"tap-postgres --config {tap} | target-postgres --config {target}", "target-postgres")
    assert done.returncode == 0, done.stderr
    copy = empty.rows_of("copy.orders", total="total::float8", changed_at="changed_at AT TIME ZONE 'UTC'")
    assert copy == shop.rows_of(f"{SCHEMA}.orders") == ROWS


def test_changes_follow_into_meltanolabs_target_postgres(
    request: pytest.FixtureRequest, shell: Shell, config: Config, empty: Database
) -> None:
    """By its keys; rows that were deleted have `_sdc_deleted_at` there."""
    with database(postgres.running_logical(request.config), "interop_changes") as shop:
        shop.fill()
        tap = config("tap", **shop.settings, default_replication_method="LOG_BASED")
        config("state")
        target = config("target", **empty.settings, default_target_schema="copy", activate_version=False)
        pipeline = f"tap-postgres --config {tap} --state state.json | target-postgres --config {target}"
        first = shell(pipeline, "target-postgres")
        assert first.returncode == 0, first.stderr
        config("state", **json.loads(first.stdout.splitlines()[-1]))
        with shop.connect() as owner:
            owner.execute("UPDATE shop.orders SET note = 'changed', price = 0.01 WHERE id = 1")
            owner.execute("UPDATE shop.orders SET id = 5 WHERE id = 2")
            owner.execute("DELETE FROM shop.orders WHERE id = 3")
        shop.insert([NEWER])
        second = shell(pipeline, "target-postgres")
        assert second.returncode == 0, second.stderr
        casts = {"total": "total::float8", "changed_at": "changed_at AT TIME ZONE 'UTC'"}
        there = "(SELECT * FROM copy.orders WHERE _sdc_deleted_at IS NULL) AS there"
        assert empty.rows_of(there, **casts) == shop.rows_of(f"{SCHEMA}.orders")
        with empty.connect() as copy:
            gone = copy.execute("SELECT id FROM copy.orders WHERE _sdc_deleted_at IS NOT NULL ORDER BY id")
            assert gone.fetchall() == [(2,), (3,)]


def test_singer_check_tap_finds_the_output_valid(shell: Shell, config: Config, shop: Database) -> None:
    done = shell(f"tap-postgres --config {config('tap', **shop.settings)} | singer-check-tap", "singer-tools")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The output is valid." in done.stdout
    assert f"{len(ROWS)} record messages" in done.stdout


@pytest.mark.parametrize("predecessor", ["meltanolabs", "pipelinewise"])
def test_a_switch_from_another_tap_goes_on_where_it_stopped(
    tmp_path: Path, shell: Shell, config: Config, empty: Database, predecessor: str
) -> None:
    """With their configuration, the catalog they discovered and the STATE they left, unchanged."""
    empty.fill()
    theirs = tool_bin(f"tap-postgres-{predecessor}") / "tap-postgres"
    arguments = f"--config {config('tap', **SETTINGS[predecessor](empty))}"
    discovered = shell(f"{theirs} {arguments} --discover")
    assert discovered.returncode == 0, discovered.stderr
    config("catalog", **by_changed_at(json.loads(discovered.stdout)))
    arguments += " --catalog catalog.json"

    before, ours = shell(f"{theirs} {arguments}"), shell(f"tap-postgres {arguments}")
    assert (before.returncode, ours.returncode) == (0, 0), before.stderr + ours.stderr
    assert comparable(ours.stdout) == comparable(before.stdout) == comparable_rows(ROWS)

    config("state", **json.loads(lines_of("STATE", before.stdout)[-1])["value"])
    empty.insert([NEWER])
    after = shell(f"tap-postgres {arguments} --state state.json")
    assert after.returncode == 0, after.stderr
    latest = max((row for row in ROWS if row[5]), key=lambda row: row[5])
    assert comparable(after.stdout) == comparable_rows([latest, NEWER])


def by_changed_at(catalog: dict[str, Any]) -> dict[str, Any]:
    """The orders selected, incremental."""
    (orders,) = [stream for stream in catalog["streams"] if stream["tap_stream_id"] == STREAM]
    (table,) = [entry["metadata"] for entry in orders["metadata"] if not entry["breadcrumb"]]
    table |= {"selected": True, "replication-method": "INCREMENTAL", "replication-key": "changed_at"}
    return {"streams": [orders | {"replication_method": "INCREMENTAL", "replication_key": "changed_at"}]}


def lines_of(kind: str, output: str) -> list[str]:
    return [line for line in output.splitlines() if json.loads(line)["type"] == kind]


def comparable(output: str) -> list[tuple[Any, ...]]:
    """Records by what taps agree on; dates, decimals and documents are where they do not."""
    records = [json.loads(line)["record"] for line in lines_of("RECORD", output)]
    return sorted(
        (
            record["id"],
            record["note"],
            record["total"],
            record["paid"],
            record["changed_at"] and datetime.fromisoformat(record["changed_at"]),
        )
        for record in records
    )


def comparable_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted((*row[:4], row[5]) for row in rows)


def parsed(record: dict[str, Any]) -> tuple[Any, ...]:
    """A record as the values that were put into the table."""
    kinds = {"day": date.fromisoformat, "changed_at": datetime.fromisoformat, "code": UUID, "total": float}
    assert tuple(record) == MORE_COLUMNS
    return tuple(
        kinds[name](value) if name in kinds and value is not None else value for name, value in record.items()
    )
