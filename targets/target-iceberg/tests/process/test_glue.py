"""Tables in Glue with their files in S3: moto and SeaweedFS, and `target-iceberg` as users start it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.testing import run
from target_iceberg.catalogs import open_catalog
from target_parquet.s3_settings import S3Settings

from tests.services import glue, seaweedfs
from tests.singer_messages import record, schema, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo_protocol.testing import Outcome

NAMESPACE = "shop"
SCHEMA = schema(n="integer")


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A warehouse in S3 whose catalog is Glue."""
    store = seaweedfs.running(request.config, tmp_path_factory.mktemp("seaweedfs"))
    server = glue.running(request.config, tmp_path_factory.mktemp("glue"))
    return {
        "warehouse": f"s3://{seaweedfs.BUCKET}/glue",
        "catalog": server.catalog(),
        "s3": store.settings(),
        "namespace": NAMESPACE,
    }


def rows(settings: dict[str, Any], branch: str = "main") -> list[tuple[int, int]]:
    """What pyiceberg finds in the table."""
    s3 = load_settings(S3Settings, settings["s3"])
    with closing(open_catalog(settings["catalog"], settings["warehouse"], s3)) as catalog:
        found = catalog.load_table((NAMESPACE, "users")).scan().use_ref(branch).to_arrow()
    return sorted((row["id"], row["n"]) for row in found.to_pylist())


def test_a_table_in_glue_is_loaded_changed_verified_and_tended(
    loaded: Callable[..., Outcome], command: Callable[..., list[str]], settings: dict[str, Any]
) -> None:
    """It begins with a branch, which nobody sees on `main` before it has been checked."""
    audited = {"branch": "audit", "publish": "after_checks"}
    first = loaded(SCHEMA, *(record(id=each, n=0) for each in range(4)), state(1), **settings, **audited)
    assert first.lines == [1]
    loaded(SCHEMA, *(record(id=each, n=0) for each in range(4, 8)), state(2), **settings)
    assert rows(settings) == [(each, 0) for each in range(8)]
    upsert = {**settings, "load_method": "upsert"}
    loaded(SCHEMA, record(id=3, n=1), record(id=9, n=1), state(3), **upsert)
    expected = [*((each, int(each == 3)) for each in range(8)), (9, 1)]
    assert rows(settings) == expected
    assert run(command("verify", **upsert)).code == 0
    tending = {"snapshot_days": 0, "small_files": 2}
    tended = run([*command("maintain", **settings, maintenance=tending), "--format", "json"])
    assert tended.code == 0, tended.stderr
    (report,) = json.loads(tended.stdout)["tables"]
    assert report["compaction"]["files_after"] == 1
    assert report["expiry"]["snapshots"] > 1
    assert rows(settings) == expected
