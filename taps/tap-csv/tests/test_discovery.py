"""What a stream looks like, found out from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.schema import columns_of
from tap_csv.discovery import discover_stream
from tap_csv.errors import CsvError, HeaderError, NoFilesError
from tap_csv.notices import Notices
from tap_csv.typenames import parse_type, type_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dativo_protocol.catalog import CatalogEntry
    from tap_csv.definitions import Definition


@pytest.fixture
def discover(tmp_path: Path, define: Callable[..., Definition]) -> Callable[..., CatalogEntry | None]:
    """Discovers the stream of files whose contents are given by name."""

    def make(files: dict[str, str | bytes], **raw: Any) -> CatalogEntry | None:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        path = str(tmp_path / "*.csv") if len(files) != 1 else str(tmp_path / next(iter(files)))
        return discover_stream(define(**{"path": path, **raw}), Notices())

    return make


def types(entry: CatalogEntry | None) -> dict[str, str]:
    assert entry is not None
    return {column.name: type_name(column.type) for column in columns_of(entry.schema, stream="rows")}


def test_columns_of_all_files_in_the_order_they_appear(discover: Any) -> None:
    entry = discover({"1.csv": "b,a\n1,x\n", "2.csv": "c,a\n1.5,y\n", "3.csv": "b,d\n2,\n"})
    assert types(entry) == {"b": "integer", "a": "string", "c": "number", "d": "string"}


def test_every_file_has_its_say_on_a_type(discover: Any) -> None:
    rows = "".join(f"{n}\n" for n in range(2000))
    files = {f"{n}.csv": f"a\n{rows}" for n in range(5)} | {"9.csv": "a\n1.5\n"}
    assert types(discover(files, infer_rows=1)) == {"a": "number"}


def test_the_sample_is_as_long_as_the_settings_say(discover: Any) -> None:
    rows = "".join(f"{n}\n" for n in range(999)) + "x\n"
    assert types(discover({"1.csv": f"a\n{rows}"}, infer_rows=999)) == {"a": "integer"}
    assert types(discover({"1.csv": f"a\n{rows}"}, infer_rows=1000)) == {"a": "string"}
    assert types(discover({"1.csv": f"a\n{rows}"}, infer_rows=0)) == {"a": "string"}


def test_chosen_types_need_no_sample(discover: Any) -> None:
    chosen = {"a": "decimal(5,1)", "b": "time"}
    assert types(discover({"1.csv": "a,b,c\nx,y,1\n"}, types=chosen)) == {**chosen, "c": "integer"}


def test_bad_rows_do_not_disturb_discovery(discover: Any) -> None:
    entry = discover({"1.csv": b"a,b\n1,2\n3\n4,\xff\n5,6\n"})
    assert types(entry) == {"a": "integer", "b": "string"}


def test_null_values_are_no_values(discover: Any) -> None:
    assert types(discover({"1.csv": "a\n1\nNA\n"})) == {"a": "string"}
    assert types(discover({"1.csv": "a\n1\nNA\n"}, null_values=["NA"])) == {"a": "integer"}


def test_keys_must_be_in_every_file(discover: Any) -> None:
    with pytest.raises(HeaderError, match=r"2\.csv: no key column 'id'"):
        discover({"1.csv": "id\n1\n", "2.csv": "ID\n1\n"}, keys=["id"])


def test_headerless_files_may_be_empty(discover: Any) -> None:
    assert types(discover({"1.csv": ""}, columns=["a", "b"])) == {"a": "string", "b": "string"}


def test_files_with_nothing_in_them_are_no_stream(discover: Any) -> None:
    with pytest.raises(HeaderError, match="the file is empty"):
        discover({"1.csv": "", "2.csv": "\n\n"})


def test_no_files(discover: Any) -> None:
    with pytest.raises(NoFilesError):
        discover({})
    assert discover({}, on_no_files="skip") is None


def test_a_broken_file_is_an_error_though_only_its_head_is_wanted(discover: Any) -> None:
    with pytest.raises(CsvError, match=r"1\.csv"):
        discover({"1.csv": "a\n1\n"}, compression="gzip")


@pytest.mark.parametrize(
    "name", ["string", "integer", "number", "boolean", "date", "time", "timestamp", "date-time"]
)
def test_type_names_are_read_as_they_are_written(name: str) -> None:
    assert type_name(parse_type(name)) == name
    assert parse_type(f" {name.upper()} ") == parse_type(name)


def test_a_type_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(
        ValueError, match=r"unknown type 'text': use one of string, integer, .*decimal\(p,s\)"
    ):
        parse_type("text")
