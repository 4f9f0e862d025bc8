"""The connection to an S3 store."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from dativo_protocol.errors import ConfigError

from target_parquet.s3_errors import explained

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from target_parquet.s3_settings import S3Settings

CONNECTIONS = 64


@cache
def connect(settings: S3Settings) -> S3Client:
    """Open a client, one for the whole process; threads may share it.

    Requests are repeated by botocore's standard mode: bounded attempts, growing waits with jitter, and an end
    to them when too many fail. Checksums of the newer kind are sent only where a request demands one, since
    not every store knows them; `Content-MD5` guards the bytes instead.

    Raises:
        ConfigError: the library for S3 is not installed.
        StoreError: the keys or the profile cannot be found.
    """
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError as error:
        raise ConfigError(
            "s3:// needs a library that is not installed",
            instruction="Install it with: pip install 'dativo-target-parquet[s3]'",
        ) from error

    config = Config(
        connect_timeout=min(settings.timeout_seconds, 10.0),
        read_timeout=settings.timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": settings.max_attempts},
        s3={"addressing_style": "path" if settings.uses_path_style else "virtual"},
        max_pool_connections=CONNECTIONS,
        request_checksum_calculation="when_required",
        user_agent_extra="dativo-target-parquet",
    )
    with explained("connect to S3"):
        client = Session().create_client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            aws_session_token=settings.session_token,
            config=config,
        )
    return cast("S3Client", client)
