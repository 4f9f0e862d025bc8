"""Files in S3: staged as open multipart uploads, published by completing them.

```
<prefix>/<stream>/...             what readers see
<prefix>/.dativo/ledger/...       what each epoch published or is about to (`ledger`)
<prefix>/.dativo/conditional      shows that the store keeps to If-None-Match
<prefix>/.dativo/replaced/...     marks of the streams that were overwritten to the end
```

The token of a staged file is its key, the id of its upload, the ETags of its parts and its size. Nobody sees
an upload before it is completed, and everybody who has the token can complete it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from target_parquet import faults
from target_parquet.errors import StoreError, UnfinishedError
from target_parquet.s3_reader import ObjectReader
from target_parquet.s3_upload import MultipartUpload, S3StagedFile, Senders, stage
from target_parquet.storage import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_settings import S3Settings
    from target_parquet.storage import Publication, StagedFile, Token, Whereabouts

logger = logging.getLogger(__name__)

_CONDITIONAL = f"{INTERNAL}/conditional"
_REPLACED = f"{INTERNAL}/replaced"
_REQUESTS = 16
_OURS = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")


class S3Store:
    """A prefix of a bucket (`storage.Store`).

    Args:
        bucket: the prefix.
        settings: how to use it.
    """

    def __init__(self, bucket: Bucket, settings: S3Settings) -> None:
        self._bucket = bucket
        self._abandoned_after = timedelta(hours=settings.abandoned_after_hours)
        self._senders = Senders(settings.upload_threads)
        self._run = ""
        self._uploads: dict[str, MultipartUpload] = {}

    @property
    def case_sensitive(self) -> bool:
        """Keys always are."""
        return True

    def open_run(self, run: str) -> None:
        """Make sure that objects can be written, and that two runs could not both write one."""
        mine = run.encode()
        if self._bucket.put_if_absent(_CONDITIONAL, mine) and self._bucket.put_if_absent(
            _CONDITIONAL, mine + b", again"
        ):
            raise StoreError(
                f"the store of {self._bucket.url()} ignores If-None-Match: two runs could write the same",
                instruction="Use a store that has conditional writes.",
            )
        self._run = run

    def close_run(self, *, keep_staged: bool = False) -> None:
        """Give up what was not published, unless it is to be kept."""
        uploads, self._uploads, self._run = list(self._uploads.values()), {}, ""
        if keep_staged or not uploads:
            return
        with ThreadPoolExecutor(_REQUESTS) as threads:
            list(threads.map(_abandon, uploads))

    def clean_up(self, live: Callable[[], Collection[Token]]) -> None:
        """Give up old uploads of dead runs; S3 does not tell the dead from the living but by their age."""
        try:
            eldest = datetime.now(UTC) - self._abandoned_after
            old = [
                each for each in self._bucket.open_uploads() if each.begun < eldest and _is_ours(each.name)
            ]
            needed = {token["upload_id"] for token in live()} if old else set()
            for upload in old:
                if upload.upload_id not in needed:
                    self._bucket.abort_upload(upload.name, upload.upload_id)
                    logger.info("removed the unfinished %s of an ended run", self._bucket.url(upload.name))
            for mark in self._bucket.objects(_REPLACED):
                if mark.written < eldest:
                    self._bucket.remove(mark.name)
        except StoreError as problem:
            logger.warning("cannot remove what ended runs left behind: %s", problem)

    def stage(self, name: str) -> S3StagedFile:
        """Open a new upload; nothing is sent before it has bytes for a part."""
        if not self._run:
            raise StoreError(f"no run is open in {self._bucket.url()}")
        upload = self._uploads[name] = MultipartUpload(self._bucket, name, self._senders)
        return stage(upload)

    def make_durable(self, files: Iterable[StagedFile]) -> None:
        """Wait until all parts are stored; S3 says so only when they are safe."""
        for file in files:
            assert isinstance(file, S3StagedFile)
            file.upload.finish()

    def publish(self, files: Sequence[Publication]) -> None:
        """Complete uploads, several at once; each is seen whole."""
        with ThreadPoolExecutor(_REQUESTS) as threads:
            try:
                for file in threads.map(self._complete, files):
                    self._uploads.pop(file.name, None)
                    faults.passing("commit.file")
            except StoreError as error:
                threads.shutdown(cancel_futures=True)
                raise _unfinished(error) from error

    def replace(self, directories: Mapping[str, Sequence[Publication]]) -> None:
        """Complete the new files, then remove all others.

        S3 has no instant for both: until the last old file is gone, readers see old and new ones. A process
        that is killed in between leaves both, until the next run calls this again.
        """
        self.publish([file for files in directories.values() for file in files])
        try:
            for directory, files in directories.items():
                self._remove_others(directory, files)
                faults.passing("commit.file")
        except StoreError as error:
            raise _unfinished(error) from error

    def whereabouts(self, file: Publication) -> Whereabouts:
        """Look for the object, then for the upload, then again: it may have been completed in between."""
        if self._is_published(file):
            return "published"
        if self._bucket.is_open(file.name, file.token["upload_id"]):
            return "staged"
        return "published" if self._is_published(file) else "gone"

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write a small object."""
        return self._bucket.put_if_absent(name, data)

    def get(self, name: str) -> bytes | None:
        """Read a small object."""
        return self._bucket.get(name)

    def names(self, prefix: str) -> list[str]:
        """List the objects below a directory."""
        return sorted(each.name for each in self._bucket.objects(prefix))

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, one after the other."""
        for name in names:
            self._bucket.remove(name)

    def newest(self, directory: str, limit: int) -> list[str]:
        """List the last written Parquet files below a directory, newest first."""
        files = [each for each in self._bucket.objects(directory) if each.name.endswith(".parquet")]
        newest = sorted(files, key=lambda each: (each.written, each.name), reverse=True)
        return [each.name for each in newest[:limit]]

    def open_input(self, name: str) -> pa.NativeFile:
        """Open a published file for reading."""
        import pyarrow as pa

        return pa.PythonFile(ObjectReader(self._bucket, name), mode="r")

    def _complete(self, file: Publication) -> Publication:
        parts = [(number, etag) for number, etag in file.token["parts"]]
        completed = self._bucket.complete_upload(file.name, file.token["upload_id"], parts)
        if not completed and not self._is_published(file):
            raise StoreError(f"cannot publish {self._bucket.url(file.name)}: its upload is gone")
        return file

    def _is_published(self, file: Publication) -> bool:
        """Whether the object of that name is this file; names are never given twice, so its size is proof."""
        size = self._bucket.size(file.name)
        if size not in (None, file.token["bytes"]):
            raise StoreError(f"{self._bucket.url(file.name)} exists already and is another file")
        return size is not None

    def _remove_others(self, directory: str, files: Sequence[Publication]) -> None:
        """Remove all but the new files, once in all: they are marked as complete by an object of their own.

        A process may sleep anywhere in here while another does the same and goes on to later epochs. So the
        mark is looked for after listing: without it no later epoch has begun when the list was made.
        """
        kept = {file.name for file in files}
        others = [each.name for each in self._bucket.objects(directory) if each.name not in kept]
        mark = _mark(kept)
        if mark and self._bucket.get(mark) is not None:
            return
        with ThreadPoolExecutor(_REQUESTS) as threads:
            list(threads.map(self._bucket.remove, others))
        if mark:
            self._bucket.put_if_absent(mark, directory.encode())


def _abandon(upload: MultipartUpload) -> None:
    try:
        upload.abandon()
    except StoreError as problem:
        logger.warning("%s", problem)


def _is_ours(name: str) -> bool:
    return _OURS.search(name.rpartition("/")[2]) is not None


def _mark(names: Collection[str]) -> str:
    """Name the mark of a replacement by its files; without any it has none, and may be repeated."""
    if not names:
        return ""
    return f"{_REPLACED}/{hashlib.sha256(min(names).encode()).hexdigest()[:32]}"


def _unfinished(error: StoreError) -> UnfinishedError:
    return UnfinishedError(
        f"{error.message}; part of it may be published",
        instruction=error.instruction,
        retryable=error.retryable,
    )
