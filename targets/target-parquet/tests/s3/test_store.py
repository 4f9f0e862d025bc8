"""S3Store keeps to `storage.Store`, held against a real SeaweedFS."""

import json
import os
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from target_parquet.errors import StoreError, UnfinishedError
from target_parquet.s3_upload import PART_BYTES
from target_parquet.storage import Publication

OTHER_RUN = "20260102T030406Z-bbbbbbbbbbbb"


def test_nothing_is_seen_before_it_is_published(store, put, visible, bucket):
    file = put("users/1.parquet", b"rows")
    assert visible() == {}
    assert [each.name for each in bucket.open_uploads()] == ["users/1.parquet"]
    store.publish([file])
    assert visible() == {"users/1.parquet": b"rows"}
    assert list(bucket.open_uploads()) == []


def test_names_are_kept_to_the_letter(store, put, visible):
    names = ["users/c=a%20b/1.parquet", "us+ers/é=1/2.parquet", "a b/3.parquet"]
    store.publish([put(name, name.encode()) for name in names])
    assert visible() == {name: name.encode() for name in names}


def test_a_large_file_goes_in_parts_of_equal_size(store, visible):
    content = os.urandom(2 * PART_BYTES + 5)
    staged = store.stage("users/1.parquet")
    for at in range(0, len(content), 1_000_003):
        staged.sink.write(content[at : at + 1_000_003])
    assert staged.sink.tell() == len(content)
    staged.sink.close()
    store.make_durable([staged])
    assert [number for number, _ in staged.token["parts"]] == [1, 2, 3]
    assert staged.token["bytes"] == len(content)
    store.publish([Publication(staged.token, staged.name)])
    assert visible() == {"users/1.parquet": content}


def test_a_file_that_is_exactly_some_parts_has_no_empty_part(put):
    assert len(put("users/1.parquet", bytes(PART_BYTES)).token["parts"]) == 1


def test_an_empty_file_can_be_published(store, put, visible):
    store.publish([put("users/1.parquet", b"")])
    assert visible() == {"users/1.parquet": b""}


def test_another_process_publishes_from_the_token_alone(store, put, new_store, visible):
    file = put("users/1.parquet")
    store.close_run(keep_staged=True)
    token = json.loads(json.dumps(file.token))
    other = new_store()
    assert other.whereabouts(Publication(token, file.name)) == "staged"
    other.publish([Publication(token, file.name)])
    assert visible() == {"users/1.parquet": b"rows"}


def test_publishing_again_changes_nothing(store, put, new_store, visible):
    files = [put(f"users/{n}.parquet", b"%d" % n) for n in range(3)]
    store.publish(files[:2])
    store.publish(files)
    new_store().publish(files)
    assert visible() == {f"users/{n}.parquet": b"%d" % n for n in range(3)}


def test_a_file_that_has_been_removed_since_cannot_be_published_again(store, put, bucket):
    file = put("users/1.parquet")
    store.publish([file])
    bucket.remove("users/1.parquet")
    with pytest.raises(UnfinishedError, match=r"cannot publish s3://.*/users/1\.parquet: its upload is gone"):
        store.publish([file])


def test_a_name_that_another_file_has_is_not_taken_from_it(store, put, visible):
    store.publish([put("users/1.parquet", b"first")])
    second = put("users/1.parquet", b"another")
    with pytest.raises(UnfinishedError, match="exists already and is another file"):
        store.publish([second])
    assert visible() == {"users/1.parquet": b"first"}


def test_whereabouts(store, put, bucket):
    file = put("users/1.parquet")
    assert store.whereabouts(file) == "staged"
    store.publish([file])
    assert store.whereabouts(file) == "published"
    gone = put("users/2.parquet")
    bucket.abort_upload(gone.name, gone.token["upload_id"])
    assert store.whereabouts(gone) == "gone"


def test_closing_the_run_gives_up_what_was_not_published(store, put, bucket, visible):
    store.publish([put("users/1.parquet")])
    put("users/2.parquet")
    store.stage("users/3.parquet").sink.write(b"begun")
    store.close_run()
    assert list(bucket.open_uploads()) == []
    assert visible() == {"users/1.parquet": b"rows"}
    store.close_run()


def test_closing_the_run_can_keep_what_is_staged(store, put, bucket):
    file = put("users/1.parquet")
    store.close_run(keep_staged=True)
    assert [each.upload_id for each in bucket.open_uploads()] == [file.token["upload_id"]]


def test_staging_needs_an_open_run(new_store):
    with pytest.raises(StoreError, match="no run is open"):
        new_store().stage("users/1.parquet")


def name_of(run, number):
    return f"users/{run}-00001-{number:05d}.parquet"


@pytest.fixture
def aged(new_store, monkeypatch):
    """A store to whose clean-up every upload is hours old."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=3)

    store = new_store(abandoned_after_hours=2)
    monkeypatch.setattr("target_parquet.s3_store.datetime", Later)
    return store


def test_clean_up_spares_what_the_ledger_needs_what_is_young_and_what_is_not_ours(store, put, aged, bucket):
    needed, dead = put(name_of(OTHER_RUN, 1)), put(name_of(OTHER_RUN, 2))
    foreign = bucket.begin_upload("users/somebody-elses.parquet")
    store.close_run(keep_staged=True)
    aged.clean_up(lambda: [needed.token])
    left = {each.upload_id for each in bucket.open_uploads()}
    assert left == {needed.token["upload_id"], foreign}
    assert aged.whereabouts(dead) == "gone"


def test_clean_up_leaves_young_uploads_without_asking_the_ledger(store, put, new_store, bucket):
    put(name_of(OTHER_RUN, 1))
    new_store(abandoned_after_hours=2).clean_up(lambda: pytest.fail("asked"))
    assert len(list(bucket.open_uploads())) == 1


def test_replacing_leaves_only_the_new_files(store, put, visible):
    store.publish([put(f"users/p={n}/old.parquet") for n in range(3)])
    store.publish([put("users2/1.parquet", b"other"), put("orders/1.parquet", b"other")])
    store.replace({"users": [put("users/p=9/new.parquet", b"new")]})
    assert visible() == {
        "users/p=9/new.parquet": b"new",
        "users2/1.parquet": b"other",
        "orders/1.parquet": b"other",
    }


def test_replacing_by_nothing_empties_the_directory(store, put, visible):
    store.publish([put("users/1.parquet"), put("orders/1.parquet")])
    store.replace({"users": []})
    assert list(visible()) == ["orders/1.parquet"]


def test_replacing_again_completes_what_another_process_began(store, put, new_store, visible):
    store.publish([put("users/old.parquet")])
    files = [put("users/a.parquet", b"a"), put("users/b.parquet", b"b")]
    store.publish(files[:1])  # as far as a process came that was killed
    new_store().replace({"users": files})
    assert visible() == {"users/a.parquet": b"a", "users/b.parquet": b"b"}


def test_a_late_replacement_spares_what_came_after_it(store, put, new_store, visible):
    """A process that slept in the middle must not undo what its successor has done meanwhile."""
    files = [put("users/new.parquet", b"new")]
    new_store().replace({"users": files})
    store.publish([put("users/appended.parquet", b"appended")])
    store.replace({"users": files})
    assert visible() == {"users/appended.parquet": b"appended", "users/new.parquet": b"new"}


def test_small_objects(store):
    assert store.put_if_absent(".dativo/ledger/p/1.json", b"one")
    assert not store.put_if_absent(".dativo/ledger/p/1.json", b"two")
    assert store.put_if_absent(".dativo/ledger/p/2.json", b"")
    assert store.put_if_absent(".dativo/ledger/pp/1.json", b"other")
    assert store.get(".dativo/ledger/p/1.json") == b"one"
    assert store.get(".dativo/ledger/p/2.json") == b""
    assert store.get(".dativo/ledger/p/3.json") is None
    assert store.names(".dativo/ledger/p") == [".dativo/ledger/p/1.json", ".dativo/ledger/p/2.json"]
    assert store.names(".dativo/nothing") == []
    store.remove([".dativo/ledger/p/1.json", ".dativo/ledger/p/9.json"])
    assert store.names(".dativo/ledger/p") == [".dativo/ledger/p/2.json"]


def test_of_many_writers_of_one_object_one_wins(store, new_store):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda n: store.put_if_absent(".dativo/x", b"%d" % n), range(8)))
    assert won.count(True) == 1
    assert store.get(".dativo/x") == b"%d" % won.index(True)


def test_newest_files_come_first_and_are_limited(store, put):
    for name in ("old", "new"):
        store.publish([put(f"users/p=1/{name}.parquet")])
    store.publish([put("users/p=1/note.txt"), put("users2/1.parquet")])
    assert store.newest("users", 9) == ["users/p=1/new.parquet", "users/p=1/old.parquet"] or store.newest(
        "users", 9
    ) == ["users/p=1/old.parquet", "users/p=1/new.parquet"]
    assert len(store.newest("users", 1)) == 1
    assert store.newest("nothing", 2) == []


def test_lists_of_more_than_one_page(store, bucket, monkeypatch):
    for n in range(5):
        store.put_if_absent(f".dativo/n/{n}", b"%d" % n)
    listing = bucket._client.list_objects_v2
    pages = []

    def small_pages(**arguments):
        pages.append(arguments)
        return listing(**arguments, MaxKeys=2)

    monkeypatch.setattr(bucket._client, "list_objects_v2", small_pages)
    assert store.names(".dativo/n") == [f".dativo/n/{n}" for n in range(5)]
    assert len(pages) == 3


def test_published_files_can_be_read_anywhere(store, put):
    table = pa.table({"n": range(100_000), "text": [f"text {n}" for n in range(100_000)]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", row_group_size=10_000)
    store.publish([put("users/1.parquet", sink.getvalue().to_pybytes())])
    with store.open_input("users/1.parquet") as file:
        assert pq.read_schema(file) == table.schema
    with store.open_input("users/1.parquet") as file:
        assert pq.ParquetFile(file).read_row_group(3) == table.slice(30_000, 10_000)
    with store.open_input("users/1.parquet") as file:
        assert file.read() == sink.getvalue().to_pybytes()
    with pytest.raises(StoreError, match=r"cannot read s3://.*users/2\.parquet: there is no such object"):
        store.open_input("users/2.parquet")


def test_keys_differ_in_case(store):
    assert store.case_sensitive


def test_the_whole_bucket_can_be_the_destination(s3_settings, prefix):
    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_client import connect

    bucket = Bucket(connect(s3_settings()), "lake")
    assert bucket.put_if_absent(f"{prefix}/x", b"1")
    assert [each.name for each in bucket.objects(prefix)] == [f"{prefix}/x"]
    assert bucket.url("a/b") == "s3://lake/a/b"
    assert bucket.url() == "s3://lake"


def test_objects_say_when_they_were_written(store, put, bucket):
    store.publish([put("users/1.parquet")])
    (found,) = bucket.objects("users")
    assert found.bytes == 4
    assert abs(found.written - datetime.now(UTC)) < timedelta(minutes=5)
