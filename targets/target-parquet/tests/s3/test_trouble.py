"""An S3 store that refuses, breaks off, hangs or forgets to answer: a real proxy does it to real requests."""

import os
import time

import pytest
from target_parquet.errors import StoreError, UnfinishedError
from target_parquet.s3_upload import PART_BYTES
from target_parquet.storage import Publication

RUN = "20260102T030405Z-cccccccccccc"
PUT_PART = (r"PUT", r"partNumber=")
COMPLETE = (r"POST", r"uploadId=")


@pytest.fixture
def faulty(faulty_bucket, new_store):
    """A store with an open run behind the proxy, and how to stage a file of it."""
    opened = []

    def make(**more):
        store = new_store(faulty_bucket(**more), **more)
        store.open_run(RUN)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close_run()


def stage(store, name="users/1.parquet", content=b"rows"):
    staged = store.stage(name)
    for at in range(0, len(content), 1 << 20):
        staged.sink.write(content[at : at + (1 << 20)])
    staged.sink.close()
    return staged


def write_parts(staged, count):
    part = bytes(PART_BYTES)
    for _ in range(count):
        staged.sink.write(part)


def publish(store, *files):
    store.make_durable(files)
    store.publish([Publication(file.token, file.name) for file in files])


@pytest.mark.parametrize("action", ["500", "503", "reset", "lost"])
def test_a_part_that_fails_is_sent_again(faulty, proxy, visible, action):
    content = os.urandom(2 * PART_BYTES + 1)
    store = faulty()
    proxy.inject(*PUT_PART, action, times=2)
    publish(store, stage(store, content=content))
    assert visible() == {"users/1.parquet": content}
    assert proxy.broken() == [action, action]


def test_a_part_that_is_never_answered_is_sent_again(faulty, proxy, visible):
    store = faulty(timeout_seconds=0.5)
    proxy.inject(*PUT_PART, "hang")
    publish(store, stage(store, content=b"x" * PART_BYTES))
    assert visible() == {"users/1.parquet": b"x" * PART_BYTES}


@pytest.mark.parametrize("action", ["500", "reset", "lost", "cut"])
def test_completing_that_fails_or_seems_to_is_repeated(faulty, proxy, visible, action):
    """When the answer is lost the upload is gone at the second attempt, because the first one did it."""
    store = faulty()
    file = stage(store)
    proxy.inject(*COMPLETE, action)
    publish(store, file)
    assert visible() == {"users/1.parquet": b"rows"}


@pytest.mark.parametrize("action", ["500", "reset", "lost"])
def test_an_object_put_by_an_attempt_whose_answer_was_lost_is_ours(faulty, proxy, action):
    store = faulty()
    proxy.inject("PUT", r"ledger", action)
    assert store.put_if_absent(".dativo/ledger/1.json", b"mine")
    assert not store.put_if_absent(".dativo/ledger/1.json", b"yours")


def test_reading_goes_on_where_an_answer_broke_off(faulty, proxy):
    store = faulty()
    store.put_if_absent("x", b"some bytes")
    proxy.inject("GET", r"/x$", "cut", times=2)
    assert store.get("x") == b"some bytes"
    assert proxy.broken() == ["cut", "cut"]


def test_a_store_that_stays_broken_ends_the_run_with_a_clear_error(faulty, proxy):
    store = faulty(max_attempts=2)
    proxy.inject(*PUT_PART, "500", times=99)
    with pytest.raises(StoreError) as caught:
        store.make_durable([stage(store)])
    assert caught.value.retryable
    assert "users/1.parquet, part 1: the store says InternalError (HTTP 500)" in caught.value.message
    assert proxy.broken() == ["500", "500"]


def test_writing_stops_soon_after_a_part_has_failed(faulty, proxy):
    store = faulty(max_attempts=1)
    proxy.inject(*PUT_PART, "500", times=99)
    staged = store.stage("users/1.parquet")
    with pytest.raises(StoreError, match="InternalError"):
        write_parts(staged, 40)
    assert staged.upload.bytes < 20 * PART_BYTES
    staged.abandon()


def test_a_publication_that_broke_off_is_completed_by_calling_again(faulty, proxy, new_store, visible):
    store = faulty(max_attempts=1)
    files = [stage(store, f"users/{n}.parquet", b"%d" % n) for n in range(4)]
    store.make_durable(files)
    publications = [Publication(file.token, file.name) for file in files]
    proxy.inject("POST", r"users/2\.parquet\?uploadId=", "500")
    with pytest.raises(UnfinishedError, match="part of it may be published") as caught:
        store.publish(publications)
    assert caught.value.retryable
    assert "users/2.parquet" not in visible()
    new_store().publish(publications)
    assert visible() == {f"users/{n}.parquet": b"%d" % n for n in range(4)}


def test_a_replacement_that_broke_off_is_completed_by_calling_again(faulty, proxy, put, store, visible):
    store.publish([put(f"users/old{n}.parquet") for n in range(3)])
    broken = faulty(max_attempts=1)
    file = stage(broken, "users/new.parquet", b"new")
    broken.make_durable([file])
    new = {"users": [Publication(file.token, file.name)]}
    proxy.inject("DELETE", r"users/old1\.parquet", "500")
    with pytest.raises(UnfinishedError):
        broken.replace(new)
    assert {"users/new.parquet", "users/old1.parquet"} <= set(visible())
    store.replace(new)
    assert visible() == {"users/new.parquet": b"new"}


def test_closing_a_run_does_not_raise_when_the_store_refuses(faulty, proxy, bucket, caplog):
    store = faulty(max_attempts=1)
    store.make_durable([stage(store)])
    proxy.inject("DELETE", "uploadId=", "500")
    store.close_run()
    assert "cannot remove the unfinished s3://lake/" in caplog.text
    assert len(list(bucket.open_uploads())) == 1


def test_clean_up_that_is_refused_only_warns(faulty, proxy, caplog):
    store = faulty(max_attempts=1)
    proxy.inject("GET", r"\?uploads", "500")
    store.clean_up(list)
    assert "cannot remove what ended runs left behind" in caplog.text


def test_nobody_at_the_endpoint(s3_settings, new_store, prefix):
    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_client import connect

    settings = s3_settings(endpoint_url="http://127.0.0.1:9", max_attempts=1)
    store = new_store(Bucket(connect(settings), "lake", prefix))
    with pytest.raises(StoreError, match="nobody answers at the endpoint") as caught:
        store.open_run(RUN)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("raw", "bucket_name", "complaint", "advice"),
    [
        ({"secret_access_key": "wrong-and-secret"}, "lake", "SignatureDoesNotMatch", "Check the keys"),
        ({"access_key_id": "nobody"}, "lake", "InvalidAccessKeyId", "Check the keys"),
        ({}, "no-such-bucket", "NoSuchBucket", "Create the bucket"),
    ],
)
def test_refusals_say_what_to_do_and_never_the_keys(
    s3_settings, new_store, raw, bucket_name, complaint, advice
):
    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_client import connect

    store = new_store(Bucket(connect(s3_settings(**raw)), bucket_name, "x"))
    with pytest.raises(StoreError) as caught:
        store.open_run(RUN)
    text = f"{caught.value.message} {caught.value.instruction}"
    assert complaint in text
    assert advice in text
    assert not caught.value.retryable
    assert "wrong-and-secret" not in text
    assert "seaweed-secret" not in text


def test_a_store_that_ignores_conditions_is_refused(store, bucket, new_store, monkeypatch):
    """What a server does that knows nothing of If-None-Match: it writes."""
    plain = bucket._client.put_object
    monkeypatch.setattr(
        bucket._client,
        "put_object",
        lambda **arguments: plain(**{k: v for k, v in arguments.items() if k != "IfNoneMatch"}),
    )
    with pytest.raises(StoreError, match="ignores If-None-Match"):
        new_store().open_run(RUN)


def test_abandoning_does_not_wait_for_a_store_that_hangs(faulty, proxy):
    store = faulty(timeout_seconds=15, max_attempts=1, upload_threads=1)
    proxy.inject(*PUT_PART, "hang", times=99)
    staged = store.stage("users/1.parquet")
    staged.sink.write(b"x" * (PART_BYTES + 1))
    before = time.monotonic()
    staged.abandon()
    assert time.monotonic() - before < 10


def test_no_place_for_temporary_files(store, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(StoreError, match="cannot gather a part of a file in /nowhere"):
        store.stage("users/1.parquet").sink.write(b"x")
