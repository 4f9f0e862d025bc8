"""Files as they come, through the executable: dialects, encodings, compression, many files."""

from __future__ import annotations

import gzip
import lzma
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dativo_protocol.testing import run

if TYPE_CHECKING:
    from conftest import Workbench

ROWS = [{"id": 1, "name": "Zoë"}, {"id": 2, "name": "Ürs"}]
TEXT = "id,name\n1,Zoë\n2,Ürs\n"


def test_a_file_becomes_schema_records_and_state(bench: Workbench) -> None:
    bench.write(TEXT)
    outcome = bench.run(keys=["id"])
    schema, first, second, state = outcome.lines
    assert schema == {
        "type": "SCHEMA",
        "stream": "rows",
        "schema": {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}},
            "required": ["id"],
        },
        "key_properties": ["id"],
    }
    assert [first["record"], second["record"]] == ROWS
    assert list(first) == ["type", "stream", "record", "time_extracted"]
    assert datetime.fromisoformat(first["time_extracted"]).tzinfo
    assert state == {"type": "STATE", "value": {"bookmarks": {"rows": {}}}}
    assert outcome.code == 0


FORMS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "crlf": (TEXT.replace("\n", "\r\n").encode(), {}),
    "bom": (b"\xef\xbb\xbf" + TEXT.encode(), {}),
    "latin-1": (TEXT.encode("latin-1"), {"encoding": "latin-1"}),
    "cp1252": (TEXT.encode("cp1252"), {"encoding": "windows-1252"}),
    "utf-16": (TEXT.encode("utf-16"), {"encoding": "utf-16"}),
    "semicolons": (TEXT.replace(",", ";").encode(), {"delimiter": ";"}),
    "tabs": (TEXT.replace(",", "\t").encode(), {"delimiter": "\t"}),
    "quoted": (b"id,name\n'1','Zo\xc3\xab'\n2,'\xc3\x9crs'\n", {"quotechar": "'"}),
    "spaces": (b"id, name\n1, Zo\xc3\xab\n2, \xc3\x9crs\n", {"skipinitialspace": True}),
    "preamble": (b"# made by hand\n\n" + TEXT.encode(), {"skip_header_lines": 2}),
    "headerless": (TEXT.encode().split(b"\n", 1)[1], {"columns": ["id", "name"]}),
    "gzip": (gzip.compress(TEXT.encode()), {"compression": "gzip"}),
    "xz": (lzma.compress(TEXT.encode()), {"compression": "xz"}),
    "zstd": (pa.compress(TEXT.encode(), codec="zstd", asbytes=True), {"compression": "zstd"}),
}


def test_the_same_rows_in_every_form(bench: Workbench) -> None:
    files = []
    for name, (content, raw) in FORMS.items():
        bench.write(content, f"{name}.csv")
        files.append({"entity": name, "path": f"{name}.csv", **raw})
    bench.config = lambda **_: {"files": files}  # type: ignore[method-assign]
    outcome = bench.run()
    assert outcome.code == 0, outcome.stderr
    found: dict[str, list[Any]] = {name: [] for name in FORMS}
    for message in outcome.messages("RECORD"):
        found[message["stream"]].append(message["record"])
    assert found == dict.fromkeys(FORMS, ROWS)


def test_quoted_line_ends_quotes_and_delimiters_are_data(bench: Workbench) -> None:
    bench.write('id,text\n1,"a\nb, ""c"""\n2,"\r\n"\n')
    assert bench.records() == [{"id": 1, "text": 'a\nb, "c"'}, {"id": 2, "text": "\r\n"}]


def test_escapes_in_place_of_doubled_quotes(bench: Workbench) -> None:
    bench.write('id,text\n1,"a\\"b"\n2,c\\,d\n')
    records = bench.records(escapechar="\\", doublequote=False)
    assert records == [{"id": 1, "text": 'a"b'}, {"id": 2, "text": "c,d"}]


def test_no_quotes_at_all(bench: Workbench) -> None:
    bench.write('id,text\n1,"a\n2,b"\n')
    assert bench.records(quotechar="") == [{"id": 1, "text": '"a'}, {"id": 2, "text": 'b"'}]


def test_odd_names_stay_and_others_are_made_unique_and_said(bench: Workbench) -> None:
    bench.write('e-mail,größe €,,e-mail,"a\nb"\nx,1,2,y,3\n')
    outcome = bench.run()
    (record,) = outcome.messages("RECORD")
    assert record["record"] == {"e-mail": "x", "größe €": 1, "column_3": 2, "e-mail_2": "y", "a\nb": 3}
    assert "the name 'e-mail' is taken, a further column of it is called 'e-mail_2'" in outcome.stderr
    assert "a column without a name is called 'column_3'" in outcome.stderr


def test_files_of_a_directory_are_one_stream_in_order(bench: Workbench) -> None:
    bench.write("id,name\n2,b\n", "in/2.csv")
    bench.write(gzip.compress(b"id,name\n1,a\n"), "in/1.csv.gz")
    bench.write("id,name\n3,c\n", "in/more/3.csv")
    bench.write("no data", "in/readme.txt")
    outcome = bench.run(path="in")
    assert [message["record"]["id"] for message in outcome.messages("RECORD")] == [1, 2, 3]
    assert len(outcome.messages("SCHEMA")) == 1


def test_columns_of_all_files_are_united_and_missing_ones_are_null(bench: Workbench) -> None:
    bench.write("id,a\n1,x\n", "in/1.csv")
    bench.write("b,id\ny,2\n", "in/2.csv")
    outcome = bench.run(path="in/*.csv")
    assert [message["record"] for message in outcome.messages("RECORD")] == [
        {"id": 1, "a": "x", "b": None},
        {"id": 2, "a": None, "b": "y"},
    ]
    assert "column 'b' is null where files lack it (first: in/1.csv)" in outcome.stderr


def test_a_type_must_fit_every_file(bench: Workbench) -> None:
    bench.write("id\n1\n", "in/1.csv")
    bench.write("id\nx\n", "in/2.csv")
    assert bench.records(path="in") == [{"id": "1"}, {"id": "x"}]


def test_an_empty_file_among_others_is_said_and_adds_nothing(bench: Workbench) -> None:
    bench.write("id\n1\n", "in/1.csv")
    bench.write("", "in/2.csv")
    outcome = bench.run(path="in", keys=["id"])
    assert [message["record"] for message in outcome.messages("RECORD")] == [{"id": 1}]
    assert "in/2.csv is empty" in outcome.stderr


def test_a_header_without_rows_is_a_stream_without_records(bench: Workbench) -> None:
    bench.write("id,name\n")
    outcome = bench.run(keys=["id"])
    assert [message["type"] for message in outcome.lines] == ["SCHEMA", "STATE"]
    assert outcome.code == 0


def test_metadata_columns_tell_where_a_row_comes_from(bench: Workbench) -> None:
    path = bench.write('id\n"1"\n\n2\n', "in/rows.csv")
    bench.settings["add_metadata_columns"] = True
    outcome = bench.run(path="in")
    properties = outcome.messages("SCHEMA")[0]["schema"]["properties"]
    assert properties["_sdc_source_file"] == {"type": ["string", "null"]}
    assert properties["_sdc_source_file_mtime"] == {"type": ["string", "null"], "format": "date-time"}
    assert properties["_sdc_source_lineno"] == {"type": ["integer", "null"]}
    first, second = (message["record"] for message in outcome.messages("RECORD"))
    assert (first["_sdc_source_file"], first["_sdc_source_lineno"]) == ("in/rows.csv", 1)
    assert second["_sdc_source_lineno"] == 2
    modified = datetime.fromisoformat(first["_sdc_source_file_mtime"]).timestamp()
    assert modified == pytest.approx(path.stat().st_mtime, abs=1e-5)


def test_a_community_configuration_with_a_definition_file_works(bench: Workbench) -> None:
    bench.write("Id;Name\n1;a\n", "leads.csv")
    bench.write('[{"entity": "leads", "path": "leads.csv", "keys": ["Id"], "delimiter": ";"}]', "defs.json")
    bench.settings = {"csv_files_definition": "defs.json", "some_key_of_meltano": 1}
    assert bench.records() == [{"Id": 1, "Name": "a"}]


def test_settings_come_from_the_environment_too(bench: Workbench) -> None:
    bench.write(TEXT)
    command = [*bench.command()[:1], "--config", "ENV"]
    files = '[{"entity": "rows", "path": "rows.csv"}]'
    outcome = run(command, cwd=bench.directory, env={"TAP_CSV_FILES": files, "TAP_CSV_INFER_TYPES": "false"})
    assert outcome.messages("RECORD")[0]["record"] == {"id": "1", "name": "Zoë"}
