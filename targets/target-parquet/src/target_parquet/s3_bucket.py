"""The requests that are made of an S3 store, one method each, with failures in words of ours."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_parquet.errors import StoreError
from target_parquet.s3_errors import code, explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from io import BufferedRandom

    from types_boto3_s3 import S3Client

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"412", "PreconditionFailed"})
_AT_THE_SAME_TIME = frozenset({"409", "ConditionalRequestConflict"})
_TRIES = 5


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that readers see, by its name below the prefix."""

    name: str
    written: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that is neither completed nor aborted."""

    name: str
    upload_id: str
    begun: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of an object, the version it is of, and the size of the whole."""

    content: bytes
    version: str
    total: int


class Bucket:
    """The objects of a bucket below a prefix.

    Args:
        client: the connection.
        bucket: its name.
        prefix: common beginning of all keys, without slashes at its ends; "" for the whole bucket.

    Every method raises `StoreError` when the store refuses or cannot be reached, after the client has tried
    often enough.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def url(self, name: str = "") -> str:
        """Spell the place of a name for people."""
        return f"s3://{self._bucket}/{self._prefix}{name}".rstrip("/")

    def begin_upload(self, name: str) -> str:
        """Open a multipart upload; returns its id."""
        with explained(f"begin {self.url(name)}"):
            answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key(name))
        return answer["UploadId"]

    def send_part(self, name: str, upload_id: str, number: int, part: BufferedRandom) -> str:
        """Send one part from the beginning of a file; returns its ETag."""
        part.seek(0)
        digest = base64.b64encode(hashlib.file_digest(part, _md5).digest()).decode()
        part.seek(0)
        with explained(f"write {self.url(name)}, part {number}"):
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key(name),
                UploadId=upload_id,
                PartNumber=number,
                Body=part,
                ContentMD5=digest,
            )
        return answer["ETag"]

    def complete_upload(self, name: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> bool:
        """Make an object of an upload; False if there is no such upload or the name is taken."""
        from botocore.exceptions import ClientError

        listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        with explained(f"publish {self.url(name)}"):
            try:
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=self._key(name),
                    UploadId=upload_id,
                    MultipartUpload={"Parts": listed},  # type: ignore[typeddict-item]
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if code(error) in _TAKEN or code(error) == "NoSuchUpload":
                    return False
                raise
        return True

    def abort_upload(self, name: str, upload_id: str) -> None:
        """Give an upload up, with its parts; one that is gone counts as given up."""
        from botocore.exceptions import ClientError

        with explained(f"remove the unfinished {self.url(name)}"):
            try:
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=self._key(name), UploadId=upload_id
                )
            except ClientError as error:
                if code(error) != "NoSuchUpload":
                    raise

    def is_open(self, name: str, upload_id: str) -> bool:
        """Whether an upload is neither completed nor aborted."""
        from botocore.exceptions import ClientError

        with explained(f"look for the unfinished {self.url(name)}"):
            try:
                self._client.list_parts(
                    Bucket=self._bucket, Key=self._key(name), UploadId=upload_id, MaxParts=1
                )
            except ClientError as error:
                if code(error) == "NoSuchUpload" or code(error) in _MISSING:
                    return False
                raise
        return True

    def open_uploads(self) -> Iterator[OpenUpload]:
        """List the uploads that are neither completed nor aborted."""
        pages = self._client.get_paginator("list_multipart_uploads")
        with explained(f"list unfinished files of {self.url()}"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for upload in page.get("Uploads", ()):
                    name = upload["Key"].removeprefix(self._prefix)
                    yield OpenUpload(name, upload["UploadId"], upload["Initiated"])

    def size(self, name: str) -> int | None:
        """Bytes of an object; None if there is none."""
        from botocore.exceptions import ClientError

        with explained(f"look for {self.url(name)}"):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=self._key(name))
            except ClientError as error:
                if code(error) in _MISSING:
                    return None
                raise
        return answer["ContentLength"]

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write an object at one instant, unless there is one of that name.

        The data have to be of this writer alone: when an answer is lost and the request is repeated, they
        are how its own object is told from another's.
        """
        with explained(f"write {self.url(name)}"):
            for attempt in range(_TRIES):
                if self._put_if_absent(name, data):
                    return True
                found = self.get(name)
                if found is not None:
                    return found == data
                wait(attempt)  # another is just writing it, or has just removed it
        raise StoreError(f"cannot write {self.url(name)}: others write it as well", retryable=True)

    def _put_if_absent(self, name: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(name),
                Body=data,
                ContentMD5=base64.b64encode(_md5(data).digest()).decode(),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code(error) not in _TAKEN | _AT_THE_SAME_TIME:
                raise
            return False
        return True

    def get(self, name: str) -> bytes | None:
        """Read a whole small object; None if there is none."""
        piece = self._read(name, "", "")
        return None if piece is None else piece.content

    def read(self, name: str, range_: str, version: str = "") -> Piece:
        """Read some bytes of an object.

        Args:
            name: of the object.
            range_: which, as in HTTP: `bytes=0-99`, `bytes=-100`.
            version: that of an earlier piece; if the object is another one now it is refused.
        """
        piece = self._read(name, range_, version)
        if piece is None:
            raise StoreError(f"cannot read {self.url(name)}: there is no such object")
        return piece

    def _read(self, name: str, range_: str, version: str) -> Piece | None:
        """Read, again when the connection breaks in the middle of the body, which the client leaves to us."""
        from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

        with explained(f"read {self.url(name)}"):
            for attempt in range(_TRIES):
                try:
                    return self._read_once(name, range_, version)
                except (HTTPClientError, IncompleteReadError):
                    if attempt == _TRIES - 1:
                        raise
                    wait(attempt)
                except ClientError as error:
                    if code(error) in _MISSING:
                        return None
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _read_once(self, name: str, range_: str, version: str) -> Piece:
        more: dict[str, Any] = {"IfMatch": version} if version else {}
        if range_:
            more["Range"] = range_
        answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name), **more)
        content = answer["Body"].read()
        place = answer.get("ContentRange", "")  # bytes 0-99/1000, absent when the whole object came
        return Piece(content, answer["ETag"], int(place.rpartition("/")[2]) if place else len(content))

    def objects(self, directory: str) -> Iterator[StoredObject]:
        """List the objects below a directory, at any depth, in the order of their names."""
        pages = self._client.get_paginator("list_objects_v2")
        with explained(f"list {self.url(directory)}"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._key(f"{directory}/")):
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self._prefix)
                    yield StoredObject(name, found["LastModified"], found["Size"])

    def remove(self, name: str) -> None:
        """Remove an object; one that is missing counts as removed."""
        with explained(f"remove {self.url(name)}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"


def wait(attempt: int) -> None:
    """Pause after a failed attempt, counted from 0: longer each time, and not in step with others."""
    time.sleep(random.random() * min(0.2 * 2**attempt, 5.0))  # noqa: S311 -- not for secrets


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)
