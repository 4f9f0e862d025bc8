"""What is measured: groups of cases that do the same work with different tools."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.case import WORK, Case, Group, Scale, config_file, dataset
from tests.bench.measure import Command
from tests.bench.postgres_cases import postgres, postgres_parquet
from tests.bench.runner_cases import runner, runner_alone, runner_medium, runner_small
from tests.bench.streams import STREAMS
from tests.interop.venvs import tool_bin
from tests.paths import BIN, ROOT

CORE_PASSES = 5
FOREIGN_RECORDS = 20_000
SMALL_RUN_RECORDS = 1_000
QUICK_DIVISOR = 5


def lineitem(scale: Scale) -> Group:
    plain = stream_group("lineitem", scale)
    singer, ndjson = _input("lineitem", "singer", scale), _input("lineitem", "ndjson", scale)
    records = scale.records("lineitem")
    size = singer.stat().st_size
    extra = (
        _target(
            "target-parquet, validated, with _sdc columns",
            singer,
            records,
            {"add_record_metadata": True, "validate_records": True},
        ),
        _peer(
            "DuckDB, records without envelopes", ["duckdb_json", "lineitem", "ndjson"], ndjson, records, size
        ),
        _peer(
            "polars, records without envelopes", ["polars_json", "lineitem", "ndjson"], ndjson, records, size
        ),
    )
    return Group(plain.name, plain.title, plain.baseline, plain.cases + extra)


def events(scale: Scale) -> Group:
    return stream_group("events", scale)


def wide(scale: Scale) -> Group:
    return stream_group("wide", scale)


def stream_group(stream: str, scale: Scale) -> Group:
    source = _input(stream, "singer", scale)
    records = scale.records(stream)
    size = source.stat().st_size
    cases = (
        _target("target-parquet", source, records, {}),
        _peer("DuckDB", ["duckdb_json", stream, "singer"], source, records, size),
        _peer("polars", ["polars_json", stream, "singer"], source, records, size),
        _peer("orjson loop", ["orjson_loop", stream], source, records, size),
    )
    return Group(stream, f"`{stream}` Singer lines to Parquet, {records:,} records", "DuckDB", cases)


def targets(scale: Scale) -> Group:
    """Other Singer targets, on as many records as they get through."""
    few = dataset("lineitem", "singer", FOREIGN_RECORDS)
    cases = (
        _target("target-parquet", _input("lineitem", "singer", scale), scale.records("lineitem"), {}),
        _foreign("target-jsonl", "destination_path", few),
        _foreign("target-csv", "output_path", few),
    )
    return Group("targets", "Singer targets, `lineitem`, records a second", "target-jsonl", cases)


def core(scale: Scale) -> Group:
    """Decoder, encoder and digest, each on one core."""
    cases = []
    for stream in STREAMS:
        lines = _input(stream, "singer", scale)
        script = (*_script("decode"), str(lines), str(scale.records(stream)))
        cases.append(_core(f"decode {stream}", script, _size(lines), scale.records(stream)))
    script = (*_script("encode"), "lineitem", str(_input("lineitem", "arrow", scale)))
    cases.append(_core("encode lineitem", script, _printed(script), scale.records("lineitem")))
    rows = _input("lineitem", "arrow", scale)
    cases.append(
        _core("digest lineitem", (*_script("digest"), str(rows)), _size(rows), scale.records("lineitem"))
    )
    return Group("core", f"The core alone, one thread, {CORE_PASSES} passes", None, tuple(cases))


def iceberg(scale: Scale) -> Group:
    """What a table costs beside the same files without one."""
    source, records = _input("lineitem", "singer", scale), scale.records("lineitem")
    cases = (
        _target("target-parquet", source, records, {}),
        _iceberg("target-iceberg", source, records, {}),
        _iceberg("target-iceberg, upsert into an empty table", source, records, {"load_method": "upsert"}),
    )
    title = f"`lineitem` Singer lines to an Iceberg table, {records:,} records"
    return Group("iceberg", title, "target-parquet", cases)


def csv(scale: Scale) -> Group:
    source = _input("lineitem", "csv", scale)
    records = scale.records("lineitem")
    size = source.stat().st_size
    cases = (
        _csv_pipeline("tap-csv | target-parquet", source, records, {}),
        *(
            _csv_pipeline(f"tap-csv | target-parquet, BATCH {form}", source, records, _batches(form))
            for form in ("arrow", "parquet")
        ),
        _peer("DuckDB", ["duckdb_csv"], source, records, size),
    )
    return Group("csv", f"`lineitem` CSV to Parquet, {records:,} records", "DuckDB", cases)


def start(scale: Scale) -> Group:
    """What a user waits for before anything happens; a scale makes no difference."""
    versions = [
        Case(f"{name} --version", ((str(BIN / name), "--version"),), 0, 0)
        for name in ("target-parquet", "target-iceberg", "tap-csv", "dativo")
    ]
    small = _target("1,000 records", dataset("lineitem", "singer", SMALL_RUN_RECORDS), SMALL_RUN_RECORDS, {})
    return Group("start", "Start-up, whole processes", None, (*versions, small))


GROUPS: dict[str, Callable[[Scale], Group]] = {
    "lineitem": lineitem,
    "events": events,
    "wide": wide,
    "targets": targets,
    "core": core,
    "csv": csv,
    "iceberg": iceberg,
    "runner": runner,
    "runner-100k": runner_medium,
    "runner-1k": runner_small,
    "runner-alone": runner_alone,
    "start": start,
    "postgres": postgres,
    "postgres-parquet": postgres_parquet,
}


def _input(stream: str, form: str, scale: Scale) -> Path:
    return dataset(stream, form, scale.records(stream))


def _script(peer: str) -> Command:
    return (sys.executable, "-m", f"tests.bench.peers.{peer}")


def _peer(name: str, script: list[str], source: Path, records: int, size: int) -> Case:
    output = WORK / "out"
    command = (*_script(script[0]), *script[1:], str(source), str(output / "out.parquet"))
    return Case(name, (command,), records, size, output=output)


def _target(name: str, source: Path, records: int, settings: dict[str, object]) -> Case:
    command = (str(BIN / "target-parquet"), "--config", _target_config(settings))
    return Case(name, (command,), records, source.stat().st_size, stdin=source, output=WORK / "out")


def _iceberg(name: str, source: Path, records: int, settings: dict[str, object]) -> Case:
    plain: dict[str, object] = {"warehouse": str(WORK / "out"), "validate_records": False}
    config = config_file("target-iceberg" + "".join(f"-{each}" for each in settings), plain | settings)
    command = (str(BIN / "target-iceberg"), "--config", config)
    return Case(name, (command,), records, source.stat().st_size, stdin=source, output=WORK / "out")


def _target_config(settings: dict[str, object]) -> str:
    """Without metadata columns and validation unless asked for: the peers do neither."""
    plain = {"destination_path": str(WORK / "out"), "add_record_metadata": False, "validate_records": False}
    return config_file("target-parquet" + "".join(f"-{name}" for name in settings), plain | settings)


def _csv_pipeline(name: str, source: Path, records: int, settings: dict[str, object]) -> Case:
    files = [{"entity": "lineitem", "path": str(source), "keys": ["l_orderkey"]}]
    tap = config_file(name.replace(" ", "-").replace("|", "to"), {"files": files} | settings)
    pipeline = (
        (str(BIN / "tap-csv"), "--config", tap),
        (str(BIN / "target-parquet"), "--config", _target_config({})),
    )
    size = source.stat().st_size
    return Case(name, pipeline, records, size, output=WORK / "out", spool=WORK / "spool")


def _batches(form: str) -> dict[str, object]:
    storage = {"root": (WORK / "spool").as_uri()}
    return {"batch_config": {"encoding": {"format": form}, "storage": storage}}


def _foreign(name: str, output_setting: str, source: Path) -> Case:
    config = config_file(name, {output_setting: str(WORK / "out")})
    command = (str(tool_bin(name) / name), "--config", config)
    return Case(name, (command,), FOREIGN_RECORDS, source.stat().st_size, stdin=source, output=WORK / "out")


def _core(name: str, script: Command, size: int, records: int) -> Case:
    """Bytes are those of the lines read or written, or of the Arrow file."""
    return Case(name, ((*script, str(CORE_PASSES)),), CORE_PASSES * records, CORE_PASSES * size)


def _size(path: Path) -> int:
    return path.stat().st_size


def _printed(script: Command) -> int:
    """What one pass of a script says it has written."""
    done = subprocess.run((*script, "1"), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)
