"""What the S3 tests share: a store in SeaweedFS, one prefix a test, and a proxy that breaks requests."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from dativo_protocol.config import load_settings
from pyarrow import fs
from target_parquet.s3_bucket import Bucket
from target_parquet.s3_client import connect
from target_parquet.s3_settings import S3Settings
from target_parquet.s3_store import S3Store
from target_parquet.storage import Publication

from tests.services.proxy import FaultyProxy
from tests.services.seaweedfs import ACCESS_KEY, BUCKET, SECRET_KEY, SeaweedFS, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dativo_protocol.testing import Outcome

_numbers = itertools.count(1)
RUN = "20260102T030405Z-aaaaaaaaaaaa"


@pytest.fixture(scope="session")
def seaweedfs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SeaweedFS:
    return running(request.config, tmp_path_factory.mktemp("seaweedfs"))


@pytest.fixture
def prefix() -> str:
    """Of keys that are this test's own."""
    return f"test-{next(_numbers)}/lake"


@pytest.fixture
def proxy(seaweedfs: SeaweedFS) -> Iterator[FaultyProxy]:
    with FaultyProxy(seaweedfs.endpoint) as opened:
        yield opened


@pytest.fixture
def s3_settings(seaweedfs: SeaweedFS) -> Callable[..., S3Settings]:
    """Makes settings for the server, or for what is in front of it."""
    return lambda **more: load_settings(S3Settings, seaweedfs.settings(**more))


@pytest.fixture
def bucket(s3_settings: Callable[..., S3Settings], prefix: str) -> Bucket:
    return Bucket(connect(s3_settings()), BUCKET, prefix)


@pytest.fixture
def faulty_bucket(
    s3_settings: Callable[..., S3Settings], proxy: FaultyProxy, prefix: str
) -> Callable[..., Bucket]:
    """Opens the same prefix through the proxy."""
    return lambda **more: Bucket(connect(s3_settings(endpoint_url=proxy.url, **more)), BUCKET, prefix)


@pytest.fixture
def new_store(bucket: Bucket, s3_settings: Callable[..., S3Settings]) -> Callable[..., S3Store]:
    """Makes a store of this test's prefix, as another process would."""

    def make(over: Bucket = bucket, **more: Any) -> S3Store:
        return S3Store(over, s3_settings(**more))

    return make


@pytest.fixture
def store(new_store: Callable[..., S3Store]) -> Iterator[S3Store]:
    """A store with a run open."""
    opened = new_store()
    opened.open_run(RUN)
    yield opened
    opened.close_run()


@pytest.fixture
def put(store: S3Store) -> Callable[..., Publication]:
    """Stages a file and makes it durable."""

    def make(name: str, content: bytes = b"rows", into: S3Store = store) -> Publication:
        staged = into.stage(name)
        staged.sink.write(content)
        staged.sink.close()
        into.make_durable([staged])
        return Publication(staged.token, staged.name)

    return make


@pytest.fixture
def visible(bucket: Bucket) -> Callable[[], dict[str, bytes | None]]:
    """What readers find, with its content."""
    return lambda: {
        name: bucket.get(name)
        for name in sorted(each.name for each in bucket.objects(""))
        if not name.startswith(".dativo/")
    }


@pytest.fixture
def destination_url(prefix: str) -> str:
    return f"s3://{BUCKET}/{prefix}"


@pytest.fixture
def load_s3(
    load: Callable[..., Outcome], seaweedfs: SeaweedFS, destination_url: str
) -> Callable[..., Outcome]:
    """Runs the executable on this test's prefix; `s3` adds to the settings that reach it."""

    def run(*messages: Any, s3: dict[str, Any] | None = None, **raw: Any) -> Outcome:
        return load(*messages, destination_path=destination_url, s3=seaweedfs.settings(**(s3 or {})), **raw)

    return run


@pytest.fixture
def file_system(seaweedfs: SeaweedFS) -> fs.S3FileSystem:
    """A reader that shares nothing with the store but the server."""
    address = seaweedfs.endpoint.removeprefix("http://")
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    return fs.S3FileSystem(**keys, endpoint_override=address, scheme="http", region="us-east-1")


@pytest.fixture
def read_s3(file_system: fs.S3FileSystem, prefix: str) -> Callable[..., list[dict[str, Any]]]:
    """Reads a stream back, by `order`."""

    def rows(stream: str, order: str = "id", partitioning: str | None = None) -> list[dict[str, Any]]:
        directory = f"{BUCKET}/{prefix}/{stream}"
        found = ds.dataset(directory, filesystem=file_system, format="parquet", partitioning=partitioning)
        schemas = [pq.read_schema(name, filesystem=file_system) for name in found.files]
        united = pa.unify_schemas([*schemas, found.schema.remove_metadata()], promote_options="permissive")
        return found.replace_schema(united).to_table().sort_by(order).to_pylist()

    return rows
