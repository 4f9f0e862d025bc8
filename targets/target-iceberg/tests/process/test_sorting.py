"""Sort order: declared, kept to within files, and claimed by files that are sorted as a whole."""

from pyarrow import parquet
from pyiceberg.table.sorting import NullOrder, SortDirection

from tests.singer_messages import record, schema, state

AT = {"type": ["string", "null"], "format": "date-time"}
SHAPE = schema(name="string", at=AT, score="number", day={"type": ["string", "null"], "format": "date"})


def messages(count=40):
    """Rows in no order, with nulls in all columns but the key."""
    found = [SHAPE]
    for number in range(count):
        at = number * 17 % count
        values = {
            "name": "abcd"[at % 4] * (at % 7),
            "at": f"20{10 + at % 9}-0{1 + at % 9}-03T00:00:{at % 60:02}Z",
            "score": (at - 20) / 4,
            "day": f"2024-0{1 + at % 3}-01",
        }
        found.append(record(id=at, **(values if at % 5 else {})))
    return found


def files_of(table, stream="users"):
    return [task.file for task in table(stream).scan().plan_files()]


def written(table, stream="users"):
    """Rows of the files as they stand there."""
    paths = [file.file_path.removeprefix("file://") for file in files_of(table, stream)]
    return [parquet.ParquetFile(path).read().to_pylist() for path in paths]


def in_place(values, *, descending=False, nulls_first):
    present = sorted((each for each in values if each is not None), reverse=descending)
    nulls = [None] * (len(values) - len(present))
    return nulls + present if nulls_first else present + nulls


ORDERS = {
    "name": ("name", False, True),
    "name DESC": ("name", True, False),
    "score asc nulls last": ("score", False, False),
    "at desc Nulls First": ("at", True, True),
    "identity(day)": ("day", False, True),
}


def test_rows_of_a_file_are_in_order(loaded, table):
    streams = {f"s{number}": field for number, field in enumerate(ORDERS)}
    sent = [{**each, "stream": stream} for stream in streams for each in messages()]
    loaded(*sent, sort_by={stream: [field] for stream, field in streams.items()})
    for stream, field in streams.items():
        column, descending, nulls_first = ORDERS[field]
        (found,) = written(table, stream)
        values = [row[column] for row in found]
        assert values == in_place(values, descending=descending, nulls_first=nulls_first)
        assert len(set(values)) > 2
        assert len(values) == 40
        order = table(stream).sort_order()
        (declared,) = order.fields
        assert declared.source_id == table(stream).schema().find_field(column).field_id
        assert declared.direction == (SortDirection.DESC if descending else SortDirection.ASC)
        assert declared.null_order == (NullOrder.NULLS_FIRST if nulls_first else NullOrder.NULLS_LAST)
        assert [file.sort_order_id for file in files_of(table, stream)] == [order.order_id] == [1]


def test_each_partition_is_sorted_by_transforms_and_by_several_fields(loaded, rows, table):
    wanted = ["year(at) desc", "bucket[4](id)", "truncate[1](name)", "id desc"]
    loaded(*messages(), sort_by={"users": wanted}, partition_by=["day"])
    assert len(rows("users")) == 40
    fields = table("users").sort_order().fields
    assert [str(field.transform) for field in fields] == ["year", "bucket[4]", "truncate[1]", "identity"]
    bucket = fields[1].transform.transform(table("users").schema().find_field("id").field_type)
    assert len(written(table)) == 4
    for found in written(table):
        keys = [
            (
                row["at"] is None,
                -row["at"].year if row["at"] else 0,
                bucket(row["id"]),
                row["name"] is not None,
                (row["name"] or "")[:1],
                -row["id"],
            )
            for row in found
        ]
        assert keys == sorted(keys)
    assert [file.sort_order_id for file in files_of(table)] == [1] * 4


def test_the_order_may_change_for_the_rows_to_come(loaded, rows, table):
    extra = schema(**SHAPE["schema"]["properties"] | {"extra": {"type": ["string", "null"]}})
    loaded(*messages())
    assert table("users").sort_order().is_unsorted
    loaded(*messages(), sort_by=["name"])
    assert table("users").sort_order().order_id == 1
    # The column that is sorted by comes with the order.
    loaded(extra, *(record(id=number, extra="cab"[number]) for number in range(3)), sort_by=["extra"])
    assert table("users").sort_order().order_id == 2
    assert ["a", "b", "c"] in [[row.get("extra") for row in found] for found in written(table)]
    loaded(*messages(), sort_by=["name"])
    assert table("users").sort_order().order_id == 1
    loaded(*messages())  # the table's own stays, but nobody has asked for it
    assert table("users").sort_order().order_id == 1
    assert sorted(str(file.sort_order_id) for file in files_of(table)) == ["1", "1", "2", "None", "None"]
    assert len(rows("users")) == 163
    assert [each.order_id for each in table("users").metadata.sort_orders] == [0, 1, 2]


def test_rows_that_replace_others_are_sorted_too(loaded, rows, table):
    settings = {"load_method": "upsert", "sort_by": ["name desc"]}
    again = [record(id=number, name=f"z{number:02}") for number in (3, 11, 7)]
    loaded(*messages(), *again, record(id=7, name="last"), state(1), **settings)
    loaded(schema(name="string"), record(id=11, name="a"), record(id=5, name="b"), state(2), **settings)
    names = {row["id"]: row["name"] for row in rows("users")}
    assert len(names) == 40
    assert (names[3], names[5], names[7], names[11]) == ("z03", "b", "last", "a")
    for found in written(table):
        values = [row["name"] for row in found]
        assert values == in_place(values, descending=True, nulls_first=False)
    assert {file.sort_order_id for file in files_of(table)} == {1}


def test_what_cannot_be_sorted_by_is_said(load):
    outcome = load(SHAPE, record(id=1), sort_by=["hour(name)"])
    assert outcome.code == 1
    assert "sort_by: column 'name' of stream 'users' is string and cannot be sorted by hour" in outcome.stderr
