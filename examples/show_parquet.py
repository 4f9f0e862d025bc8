"""Shows what lies in a directory of Parquet files: how much it is, its schema, its first five rows.

`python examples/show_parquet.py output/flights/flights`
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

ROWS = 5
WIDTH = 25


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: show_parquet.py DIRECTORY")
    directory = Path(sys.argv[1])
    if not directory.is_dir():
        sys.exit(f"{directory} is no directory: run `dativo run` first")
    for line in describe(directory):
        print(line)  # noqa: T201


def describe(directory: Path) -> list[str]:
    """The lines to show; a column a line, because tables are wider than terminals."""
    dataset = ds.dataset(directory, format="parquet", partitioning="hive")
    size = sum(Path(file).stat().st_size for file in dataset.files)
    head = f"{directory}: {dataset.count_rows():,} rows, {len(dataset.files)} file(s), {size / 1e6:,.1f} MB"
    return [head, *columns(dataset.schema, dataset.head(ROWS))]


def columns(schema: pa.Schema, rows: pa.Table) -> list[str]:
    table = [
        [field.name, str(field.type), *(shown(value) for value in rows.column(field.name).to_pylist())]
        for field in schema
    ]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def shown(value: object) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


if __name__ == "__main__":
    main()
