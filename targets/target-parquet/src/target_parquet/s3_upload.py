"""A staged file in S3: a multipart upload that stays open until it is published.

Bytes are gathered in a temporary file until they make a part; parts are sent by threads while the next ones
are written. So a staged file holds no memory to speak of, however many are open, and hardly any disk.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from queue import Queue
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Any, cast

from target_parquet.errors import StoreError, store_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedRandom

    import pyarrow as pa

    from target_parquet.s3_bucket import Bucket
    from target_parquet.storage import Token

PART_BYTES = 8 << 20
"""At least 5 MiB, S3 says; a file may then have 80 GB in the 10,000 parts that are allowed."""

_BUFFER_BYTES = 64 << 10


class Senders:
    """Threads that send parts; whoever has more to send than they can take has to wait.

    They do not keep the process alive: one that is told to stop need not wait for a store that hangs.
    """

    def __init__(self, threads: int) -> None:
        self._limit = threads
        self._threads: list[Thread] = []
        self._starting = Lock()
        self._jobs: Queue[Callable[[], None]] = Queue(threads)

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job done; it must not raise."""
        with self._starting:
            if len(self._threads) < self._limit:
                self._threads.append(Thread(target=self._run, name="s3-sender", daemon=True))
                self._threads[-1].start()
        self._jobs.put(job)

    def _run(self) -> None:
        while True:
            self._jobs.get()()


class MultipartUpload:
    """Takes bytes and sends them as parts of equal size, the last one smaller.

    Args:
        bucket: where to.
        name: that the object shall have once it is published.
        senders: that send the parts.
        part_bytes: size of a part.
    """

    def __init__(self, bucket: Bucket, name: str, senders: Senders, part_bytes: int = PART_BYTES) -> None:
        self.name = name
        self.bytes = 0
        self.closed = False
        self._bucket = bucket
        self._senders = senders
        self._part_bytes = part_bytes
        self._part: BufferedRandom | None = None
        self._numbered = 0
        self._sent: dict[int, str] = {}
        self._changed = Condition()
        self._failure: StoreError | None = None
        self._beginning = Lock()
        self._upload_id = ""

    def write(self, data: Any) -> int:
        """Take bytes.

        Raises:
            StoreError: a part could not be sent, or there is no place for temporary files.
        """
        with memoryview(data) as view:
            at = 0
            while at < view.nbytes:
                at += self._gather(view[at : at + self._part_bytes - self._gathered()])
            return view.nbytes

    def close(self) -> None:
        """Send what is left; more cannot be written."""
        if not self.closed:
            self.closed = True
            if self._failure is None and (self._part is not None or not self._numbered):
                self._hand_over()

    def finish(self) -> Token:
        """Wait until all parts are stored.

        Returns:
            What any process needs to publish the file.

        Raises:
            StoreError: a part could not be sent.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or len(self._sent) == self._numbered)
        self._check()
        return {
            "key": self.name,
            "upload_id": self._upload_id,
            "parts": [[number, self._sent[number]] for number in sorted(self._sent)],
            "bytes": self.bytes,
        }

    def abandon(self) -> None:
        """Send nothing more, and give up what is stored already.

        Raises:
            StoreError: the store does not let go of it.
        """
        self.drop()
        with self._beginning:
            if self._upload_id:
                self._bucket.abort_upload(self.name, self._upload_id)

    def drop(self) -> None:
        """Send nothing more; what is stored already stays."""
        self._fail(StoreError(f"{self._bucket.url(self.name)} was abandoned"))
        if self._part is not None:
            self._part.close()

    def _gathered(self) -> int:
        return self.bytes - self._numbered * self._part_bytes

    def _gather(self, data: memoryview) -> int:
        self._check()
        try:
            self._part = self._part or _new_part()
            self._part.write(data)
        except OSError as error:
            raise store_error(f"gather a part of a file in {tempfile.gettempdir()}", error) from error
        self.bytes += data.nbytes
        if self._gathered() == self._part_bytes:
            self._hand_over()
        return data.nbytes

    def _hand_over(self) -> None:
        part, self._part = self._part or _new_part(), None
        self._numbered += 1
        self._senders.submit(partial(self._send, self._numbered, part))

    def _send(self, number: int, part: BufferedRandom) -> None:
        try:
            with part:
                if self._failure is None:
                    etag = self._bucket.send_part(self.name, self._begun(), number, part)
                    with self._changed:
                        self._sent[number] = etag
                        self._changed.notify_all()
        except StoreError as error:
            self._fail(error)
        except OSError as error:
            self._fail(store_error(f"read a part of a file from {tempfile.gettempdir()}", error))

    def _begun(self) -> str:
        """Open the upload with its first part, so that a file that is never sent costs nothing."""
        with self._beginning:
            self._check()
            if not self._upload_id:
                self._upload_id = self._bucket.begin_upload(self.name)
            return self._upload_id

    def _fail(self, error: StoreError) -> None:
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure


def _new_part() -> BufferedRandom:
    return cast("BufferedRandom", tempfile.TemporaryFile(buffering=_BUFFER_BYTES))


@dataclass(slots=True)
class S3StagedFile:
    """A file that is being sent (`storage.StagedFile`)."""

    upload: MultipartUpload
    sink: pa.NativeFile

    def begin_flush(self) -> None:
        """Nothing to begin: parts are sent as they fill."""

    def abandon(self) -> None:
        """Drop what was not sent; the store gives up the rest when the run is closed."""
        self.upload.drop()
        self.sink.close()

    @property
    def name(self) -> str:
        """The name it was staged for."""
        return self.upload.name

    @property
    def token(self) -> Token:
        """What any process needs to publish it."""
        return self.upload.finish()


def stage(upload: MultipartUpload) -> S3StagedFile:
    """Give an upload the face that a Parquet writer wants."""
    import pyarrow as pa

    return S3StagedFile(upload, pa.PythonFile(upload, mode="w"))  # type: ignore[arg-type] # has what is called
