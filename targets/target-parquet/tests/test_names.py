from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_parquet.errors import LayoutError
from target_parquet.layout import Directories, FileNames, new_run_id
from target_parquet.names import (
    MAX_ENTRY_BYTES,
    NULL_PARTITION,
    partition_directory,
    partition_key,
    stream_directory,
)

AWKWARD = [
    "users",
    "Users",
    "test:SpecialChars!in?attributes",
    "public-orders",
    "a/b",
    "a%2Fb",
    "../../etc",
    "..",
    ".",
    ".hidden",
    "_private",
    "%5Fprivate",
    "a b",
    "a=b",
    "naïve",
    "nai\u0308ve",
    "表",
    "line\nbreak",
    "nul\0",
    "*",
    "[a]",
    "a\\b",
    "CON",
    "x" * 200,
    "x" * 201,
    "表" * 100,
]

names = st.one_of(st.text(min_size=1), st.sampled_from(AWKWARD))


@pytest.mark.parametrize("stream", AWKWARD)
def test_a_stream_directory_is_one_plain_visible_entry(stream):
    """G10"""
    directory = stream_directory(stream)
    assert PurePosixPath(directory).name == directory
    assert len(directory.encode()) <= MAX_ENTRY_BYTES
    assert directory.isascii()
    assert directory.isprintable()
    assert directory[0] not in "._"
    assert not set(directory) & set('/\\*?[]=:<>|" \0')


def test_readable_names_stay_as_they_are():
    assert [stream_directory(name) for name in ("users", "public-orders", "v1.2_x~")] == [
        "users",
        "public-orders",
        "v1.2_x~",
    ]


@given(names, names)
def test_different_streams_have_different_directories(one, other):
    assert (stream_directory(one) == stream_directory(other)) == (one == other)


@given(st.text(min_size=1, max_size=13))
def test_short_names_can_be_decoded(stream):
    assert unquote(stream_directory(stream), errors="surrogatepass") == stream


def test_a_stream_must_have_a_name():
    with pytest.raises(LayoutError):
        stream_directory("")


@given(st.one_of(st.none(), st.text(max_size=20)), st.one_of(st.none(), st.text(max_size=20)))
def test_different_values_have_different_partition_directories(one, other):
    assert (partition_directory("c", one) == partition_directory("c", other)) == (one == other)


@given(st.text(min_size=1, max_size=10), st.text(max_size=10))
def test_partition_directories_are_decoded_by_readers(column, value):
    key, _, text = partition_directory(column, value).partition("=")
    assert (unquote(key), unquote(text)) == (column, value)
    assert "/" not in key + text


def test_null_is_what_hive_calls_it():
    assert partition_directory("c", None) == f"c={NULL_PARTITION}"
    assert partition_directory("c", NULL_PARTITION) != f"c={NULL_PARTITION}"


def test_a_partition_value_too_long_for_a_directory_is_named():
    with pytest.raises(LayoutError, match="partition column 'c'"):
        partition_directory("c", "x" * 300)


def test_partition_key_is_what_stands_before_the_sign():
    assert partition_directory("a b", "1").split("=")[0] == partition_key("a b") == "a%20b"


def test_run_ids_differ_and_sort_by_time():
    ids = {new_run_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(run) == len("20260102T030405Z-0123456789ab") for run in ids)


def test_file_names_follow_the_template():
    name = FileNames("{stream}.{run}.{epoch}.{part}.parquet", "R").name("a/b", 3, 12)
    assert name == "a%2Fb.R.00003.00012.parquet"
    assert FileNames("{run}-{part}.parquet", "R").name("a", 1, 100_000) == "R-100000.parquet"


def test_a_stream_name_is_not_a_template():
    assert (
        FileNames("{stream}-{run}-{part}.parquet", "R").name("{part}", 1, 2) == "%7Bpart%7D-R-00002.parquet"
    )


def test_a_file_name_too_long_is_refused():
    with pytest.raises(LayoutError, match="file_naming"):
        FileNames("{stream}{stream}-{run}-{part}.parquet", "R").name("x" * 150, 1, 1)


def test_streams_that_differ_in_case_collide_only_where_the_file_system_ignores_case():
    """G10"""
    sensitive = Directories(case_sensitive=True)
    assert (sensitive.of("Users"), sensitive.of("users")) == ("Users", "users")
    insensitive = Directories(case_sensitive=False)
    assert insensitive.of("Users") == insensitive.of("Users")
    with pytest.raises(LayoutError, match="'Users' and 'users'"):
        insensitive.of("users")
