"""The store of each kind of destination; a new kind is a place in `destination` and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_parquet.destination import LocalPlace, S3Place, parse_place

if TYPE_CHECKING:
    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_settings import S3Settings
    from target_parquet.shared_settings import SharedSettings
    from target_parquet.storage import Store


def open_store(settings: SharedSettings) -> Store:
    """Open the store that the destination is in.

    Raises:
        ConfigError, StoreError: the library or the keys for it are missing.
    """
    place = parse_place(settings.destination)
    if isinstance(place, LocalPlace):
        from target_parquet.local_store import LocalStore

        return LocalStore(place.path)
    from target_parquet.s3_store import S3Store

    bucket = open_bucket(settings.s3, place.bucket, place.key)
    aside = parse_place(settings.aside) if settings.aside else None
    if isinstance(aside, S3Place):
        from target_parquet.s3_split_bucket import SplitBucket

        bucket = SplitBucket(bucket, open_bucket(settings.s3, aside.bucket, aside.key))
    return S3Store(bucket, settings.s3)


def open_bucket(settings: S3Settings, bucket: str, prefix: str = "") -> Bucket:
    """Open a bucket, or what is below a prefix of it."""
    from target_parquet.s3_bucket import Bucket
    from target_parquet.s3_client import connect

    return Bucket(connect(settings), bucket, prefix)
