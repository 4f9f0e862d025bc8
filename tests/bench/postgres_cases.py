"""Rows of a PostgreSQL table: as lines for nobody, and into Parquet."""

from collections.abc import Callable

from tests.bench.case import WORK, Case, Group, Scale, Share, config_file
from tests.bench.measure import Command
from tests.bench.postgres import Table, selecting_catalog, table
from tests.interop.venvs import tool_bin
from tests.paths import BIN

FEW, MORE = 50, 10
"""What slow taps read: one in so many rows, and one in fewer; the rest is worked out from the two."""
MELTANOLABS, PIPELINEWISE = "MeltanoLabs' tap-postgres", "PipelineWise's tap-postgres"
ADBC, ADBC_PARQUET, DLT = "ADBC, fetched to Arrow", "ADBC to pyarrow's Parquet", "dlt, connectorx to Parquet"


def postgres(scale: Scale) -> Group:
    """What reads a table, with nobody to take the rows."""
    rows = scale.records("lineitem")
    whole = table(rows)
    cases = (
        Case("tap-postgres", (_tap(whole, {}),), rows, 0),
        Case("tap-postgres, one connection", (_tap(whole, {"max_parallelism": 1}),), rows, 0),
        Case(ADBC, (_adbc(whole),), rows, 0),
        _meltanolabs(rows),
        _pipelinewise(rows),
    )
    title = f"`lineitem` of a PostgreSQL on the same machine, {rows:,} rows"
    return Group("postgres", title, MELTANOLABS, cases, second_baseline=ADBC)


def postgres_parquet(scale: Scale) -> Group:
    rows = scale.records("lineitem")
    whole = table(rows)
    out, spool = WORK / "out", WORK / "spool"
    cases = (
        _pipeline("tap-postgres | target-parquet", whole, {}),
        *(
            _pipeline(f"tap-postgres | target-parquet, BATCH {form}", whole, _batches(form))
            for form in ("arrow", "parquet")
        ),
        Case(ADBC_PARQUET, ((*_adbc(whole), str(out / "out.parquet")),), rows, 0, output=out),
        Case(DLT, (_dlt(whole),), rows, 0, output=spool / "lake" / "lineitem", spool=spool),
    )
    title = f"`lineitem` of a PostgreSQL on the same machine to Parquet, {rows:,} rows"
    return Group("postgres-parquet", title, DLT, cases, second_baseline=ADBC_PARQUET)


def _tap(source: Table, settings: dict[str, object]) -> Command:
    name = "-".join(["tap-postgres", source.schema, *settings])
    return (str(BIN / "tap-postgres"), "--config", config_file(name, source.settings | settings))


def _pipeline(name: str, source: Table, settings: dict[str, object]) -> Case:
    plain = {"destination_path": str(WORK / "out"), "add_record_metadata": False, "validate_records": False}
    target = (str(BIN / "target-parquet"), "--config", config_file("postgres-target", plain))
    return Case(
        name, (_tap(source, settings), target), source.rows, 0, output=WORK / "out", spool=WORK / "spool"
    )


def _batches(form: str) -> dict[str, object]:
    storage = {"root": (WORK / "spool").as_uri()}
    return {"batch_config": {"encoding": {"format": form}, "storage": storage}}


def _meltanolabs(rows: int) -> Case:
    return _foreign(MELTANOLABS, "tap-postgres-meltanolabs", rows, lambda source: source.settings)


def _pipelinewise(rows: int) -> Case:
    def settings(source: Table) -> dict[str, object]:
        return source.settings | {"dbname": "postgres", "filter_schemas": source.schema}

    return _foreign(PIPELINEWISE, "tap-postgres-pipelinewise", rows, settings)


def _foreign(name: str, tool: str, rows: int, settings: Callable[[Table], dict[str, object]]) -> Case:
    command = str(tool_bin(tool) / "tap-postgres")
    shares = []
    for divisor in (FEW, MORE):
        source = table(rows // divisor)
        config = config_file(f"{tool}-{source.schema}", settings(source))
        catalog = selecting_catalog(command, config)
        shares.append(Share(((command, "--config", config, "--catalog", catalog),), source.rows))
    return Case(name, (), rows, 0, shares=tuple(shares))


def _adbc(source: Table) -> Command:
    query = f"SELECT * FROM {source.schema}.lineitem"
    return (*_reader("adbc_postgres"), source.uri, query, str(source.rows))


def _dlt(source: Table) -> Command:
    return (*_reader("dlt_postgres"), source.uri, source.schema, str(WORK / "spool"))


def _reader(script: str) -> Command:
    """A script for the Python that has the readers of PostgreSQL."""
    return (str(tool_bin("postgres-readers") / "python"), "-m", f"tests.bench.peers.{script}")
