"""A store over two places of a real SeaweedFS: tables in one, all that is beside them in the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from target_parquet.ledger import Ledger
from target_parquet.s3_bucket import Bucket
from target_parquet.s3_client import connect
from target_parquet.s3_split_bucket import SplitBucket

from tests.services.seaweedfs import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_parquet.s3_settings import S3Settings
    from target_parquet.s3_store import S3Store


@pytest.fixture
def aside(s3_settings: Callable[..., S3Settings], prefix: str) -> Bucket:
    return Bucket(connect(s3_settings()), BUCKET, f"{prefix}-aside")


def names(bucket: Bucket) -> list[str]:
    """Of everything in it."""
    found = [each for top in (".dativo", "shop", "_quarantine") for each in bucket.objects(top)]
    return [each.name for each in found]


def test_tables_are_in_one_place_and_all_else_is_in_the_other(
    new_store: Callable[..., S3Store], bucket: Bucket, aside: Bucket
) -> None:
    split = SplitBucket(bucket, aside)
    store = new_store(split)
    store.open_run("20260102T030405Z-aaaaaaaaaaaa")
    for name in ("shop/orders/data/1.parquet", "_quarantine/1.parquet", ".dativo/keys/1"):
        store.stage(name).sink.write(name.encode())
    assert {each.name for each in split.open_uploads()} == set()  # too little for a part
    assert store.put_if_absent(".dativo/ledger/default/0000000001.done", b"{}\n")
    assert not store.put_if_absent(".dativo/ledger/default/0000000001.done", b"other")
    assert list(Ledger(store, "default").numbers()) == [1]
    assert split.put_if_absent("shop/orders/data/2.parquet", b"rows")
    assert (names(bucket), split.size("shop/orders/data/2.parquet")) == (["shop/orders/data/2.parquet"], 4)
    assert ".dativo/ledger/default/0000000001.done" in names(aside)
    store.close_run()


def test_uploads_of_both_places_are_one_list(bucket: Bucket, aside: Bucket) -> None:
    split = SplitBucket(bucket, aside)
    begun = {name: split.begin_upload(name) for name in ("shop/a.parquet", ".dativo/keys/a")}
    assert {each.name: each.upload_id for each in split.open_uploads()} == begun
    assert [each.name for each in aside.open_uploads()] == [".dativo/keys/a"]
    for name, upload_id in begun.items():
        assert split.is_open(name, upload_id)
        split.abort_upload(name, upload_id)
        assert not split.is_open(name, upload_id)


def test_a_name_is_spelled_where_it_is(bucket: Bucket, aside: Bucket) -> None:
    split = SplitBucket(bucket, aside)
    assert split.url("shop/a") == bucket.url("shop/a")
    assert split.url(".dativo/ledger/a") == aside.url(".dativo/ledger/a")
    assert split.put_if_absent("_quarantine/b", b"bad")
    assert (split.get("_quarantine/b"), aside.get("_quarantine/b"), bucket.get("_quarantine/b")) == (
        b"bad",
        b"bad",
        None,
    )
    assert split.read("_quarantine/b", "bytes=0-1").content == b"ba"
    split.remove("_quarantine/b")
    assert split.get("_quarantine/b") is None
